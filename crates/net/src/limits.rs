//! The process's limit of open files, raised to fit `maxclients`.
//!
//! Source of the rule: Redis keeps 32 descriptors for itself and takes what it can get below the wanted
//! number.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors that the server needs beside those of its clients.
pub const RESERVED_FILES: u64 = 32;

/// What [`raise_file_limit`] found and reached, in descriptors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileLimit {
    /// Needed for the clients asked for: their number and [`RESERVED_FILES`].
    pub wanted: u64,
    /// The soft limit before the call.
    pub before: u64,
    /// The soft limit now.
    pub now: u64,
}

impl FileLimit {
    /// How many clients the limit allows, at most as many as were asked for.
    pub fn clients(&self) -> u64 {
        self.wanted.min(self.now).saturating_sub(RESERVED_FILES)
    }

    /// Whether there are enough descriptors for the clients asked for.
    pub fn is_enough(&self) -> bool {
        self.now >= self.wanted
    }
}

/// Raises RLIMIT_NOFILE so that `clients` connections fit, as far as the system allows. Never lowers it.
pub fn raise_file_limit(clients: u64) -> FileLimit {
    let wanted = clients.saturating_add(RESERVED_FILES);
    let limit = getrlimit(Resource::Nofile);
    let before = limit.current.unwrap_or(u64::MAX);
    let mut now = before;
    if before < wanted {
        // A privileged process may raise the hard limit as well; else the hard limit is the most there is.
        let hard = limit.maximum.unwrap_or(u64::MAX);
        let tries = [Some((wanted, hard.max(wanted))), (hard > before).then_some((hard.min(wanted), hard))];
        for (soft, hard) in tries.into_iter().flatten() {
            if setrlimit(Resource::Nofile, Rlimit { current: Some(soft), maximum: Some(hard) }).is_ok() {
                now = soft;
                break;
            }
        }
    }
    FileLimit { wanted, before, now }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raises_never_lowers_and_tells_what_it_reached() {
        let first = raise_file_limit(1);
        assert_eq!(first.now, first.before);
        assert!(first.is_enough());
        assert_eq!(first.clients(), 1);
        let absurd = raise_file_limit(1 << 60);
        assert!(!absurd.is_enough());
        assert!(absurd.now >= first.now);
        assert_eq!(absurd.clients(), absurd.now - RESERVED_FILES);
    }
}
