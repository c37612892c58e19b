//! Limits and scores that the kernel keeps for the process: open files, out-of-memory score.

use std::sync::{Mutex, PoisonError};

use config::{Config, OomScoreAdj};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Files that are open for other things than clients: listeners, log, snapshot, rings.
const RESERVED_FILES: u64 = 32;

const OOM_SCORE: &str = "/proc/self/oom_score_adj";

/// Raises the limit of open files so that `clients_max` clients fit. Returns how many do fit.
pub(crate) fn fit_open_files(clients_max: u32) -> u32 {
    let wanted = u64::from(clients_max) + RESERVED_FILES;
    let limit = getrlimit(Resource::Nofile);
    let soft = limit.current.unwrap_or(u64::MAX);
    if soft >= wanted {
        return clients_max;
    }
    // As far as it goes: first all, which takes privileges above the hard limit, then up to the hard limit.
    let hard = limit.maximum.unwrap_or(u64::MAX);
    let raise = |current: u64, maximum: u64| {
        let new = Rlimit { current: Some(current), maximum: Some(maximum) };
        setrlimit(Resource::Nofile, new).map(|()| current)
    };
    let reached = raise(wanted, hard.max(wanted)).or_else(|error| {
        journal::verbose!("Cannot raise open files to {wanted}: {error}");
        raise(hard.min(wanted), hard)
    });
    let reached = reached.unwrap_or(soft);
    if reached >= wanted {
        journal::notice!(
            "Increased maximum number of open files to {wanted} (it was originally set to {soft})."
        );
        return clients_max;
    }
    u32::try_from(reached.saturating_sub(RESERVED_FILES)).unwrap_or(clients_max).clamp(1, clients_max)
}

/// Says at start that fewer clients fit than were asked for.
pub(crate) fn warn_of_fewer_clients(asked: u32, fit: u32) {
    journal::warning!(
        "You requested maxclients of {asked} requiring at least {} max file descriptors.",
        u64::from(asked) + RESERVED_FILES
    );
    journal::warning!(
        "Current maximum open files is {}. maxclients has been reduced to {fit} to compensate for low ulimit. \
         If you need higher maxclients increase 'ulimit -n'.",
        u64::from(fit) + RESERVED_FILES
    );
}

/// The out-of-memory score, which knows what it was before it was changed here.
#[derive(Debug, Default)]
pub(crate) struct OomScore {
    /// Set while the score is ours: what it was before, and goes back to.
    before: Mutex<Option<i32>>,
}

impl OomScore {
    /// Sets what `oom-score-adj` asks for, for a master. With `no`, a score that was changed here goes back to what it was, and one
    /// that was not is left alone: somebody else may have set it.
    ///
    /// # Errors
    /// The kernel does not allow it: lowering the score takes privileges.
    pub(crate) fn set(&self, config: &Config) -> Result<(), String> {
        let [master, ..] = config.process.oom_values;
        let mut before = self.before.lock().unwrap_or_else(PoisonError::into_inner);
        let score = match config.process.oom_score_adj {
            OomScoreAdj::No => match before.take() {
                Some(score) => score,
                None => return Ok(()),
            },
            OomScoreAdj::Relative => *before.get_or_insert_with(present_score) + master,
            OomScoreAdj::Absolute => {
                before.get_or_insert_with(present_score);
                master
            }
        };
        std::fs::write(OOM_SCORE, format!("{}\n", score.clamp(-1000, 1000)))
            .map_err(|error| format!("Unable to write oom_score_adj: {error}"))
    }
}

fn present_score() -> i32 {
    let text = std::fs::read_to_string(OOM_SCORE).unwrap_or_default();
    text.trim().parse().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_files_are_raised_as_far_as_they_go() {
        let soft = || getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        assert_eq!(fit_open_files(1), 1);
        let fit = fit_open_files(2000);
        assert!(fit == 2000 || u64::from(fit) + RESERVED_FILES == soft(), "{fit} of {}", soft());
        let lowered = Rlimit { current: Some(100), maximum: Some(100) };
        setrlimit(Resource::Nofile, lowered).expect("lowering is allowed");
        let fit = fit_open_files(500);
        // With privileges even the hard limit goes up.
        assert!(fit == 500 || fit == 68, "{fit}");
    }

    #[test]
    fn scores() {
        let score = OomScore::default();
        let before = present_score();
        let set = |lines: &str| {
            let loaded = config::Loader::load(None, None, lines.as_bytes()).expect("fine lines");
            score.set(&Config::from(&loaded.settings)).expect("raising is allowed, and so is going back");
            present_score()
        };
        assert_eq!(set("oom-score-adj-values 7 8 9"), before);
        assert_eq!(set("oom-score-adj yes\noom-score-adj-values 7 8 9"), (before + 7).min(1000));
        assert_eq!(set("oom-score-adj absolute\noom-score-adj-values 900 8 9"), 900);
        assert_eq!(set("oom-score-adj yes\noom-score-adj-values 9 8 9"), (before + 9).min(1000));
        // Going back may take privileges that a test does not have.
        if rustix::process::geteuid().is_root() {
            assert_eq!(set("oom-score-adj no"), before);
            std::fs::write(OOM_SCORE, (before + 3).to_string()).expect("raising is allowed");
            assert_eq!(set("oom-score-adj-values 1 1 1"), before + 3);
            assert_eq!(set("oom-score-adj yes\noom-score-adj-values 9 8 9"), before + 12);
        }
    }
}
