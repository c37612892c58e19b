//! How the program was called: under which name, and what it says about itself when asked.
//!
//! It reads no configuration (`config` does) and starts nothing.

use std::ffi::OsStr;
use std::path::Path;

/// Our own version.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The Redis version whose commands and replies we follow; clients choose features by it.
pub(crate) const REDIS_VERSION: &str = "7.2.4";

/// Our name and version in one.
pub(crate) const PROGRAM: &str = concat!("Evenkeel ", env!("CARGO_PKG_VERSION"));

/// The commit that was built, if the build knew (`EVENKEEL_COMMIT`).
pub(crate) const COMMIT: &str = match option_env!("EVENKEEL_COMMIT") {
    Some(commit) => commit,
    None => "00000000",
};

/// The allocator, as INFO and `--version` name it.
const ALLOCATOR: &str = "libc";

/// The name under which the program was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    /// Our own, or one we do not know.
    Evenkeel,
    /// `redis-server`.
    Redis,
    /// `valkey-server`.
    Valkey,
}

impl Name {
    /// The name that argument zero stands for; its folder and what follows the name (`redis-server8`) do not matter.
    pub(crate) fn of(argument_zero: &OsStr) -> Name {
        let file = Path::new(argument_zero).file_name().unwrap_or_default().to_string_lossy();
        if file.starts_with("redis-server") {
            Name::Redis
        } else if file.starts_with("valkey-server") {
            Name::Valkey
        } else {
            Name::Evenkeel
        }
    }

    fn word(self) -> &'static str {
        match self {
            Name::Evenkeel => "Evenkeel",
            Name::Redis => "Redis",
            Name::Valkey => "Valkey",
        }
    }

    /// The file that the process id goes to if it runs in the background and none is set.
    pub(crate) fn default_pidfile(self) -> &'static str {
        match self {
            Name::Evenkeel => "/var/run/evenkeel.pid",
            Name::Redis => "/var/run/redis.pid",
            Name::Valkey => "/var/run/valkey.pid",
        }
    }

    /// The answer to `--version`, in the shape of redis-server's. Under another server's name it gives the version whose behaviour
    /// to expect, and says behind it who really answers.
    pub(crate) fn version(self) -> String {
        let (version, behind) = match self {
            Name::Evenkeel => (VERSION, String::new()),
            Name::Redis | Name::Valkey => (REDIS_VERSION, format!(" ({PROGRAM})")),
        };
        format!(
            "{} server v={version} sha={COMMIT}:0 malloc={ALLOCATOR} bits={} build={:x}{behind}",
            self.word(),
            usize::BITS,
            build_id(),
        )
    }
}

/// A number that differs between builds of different versions or commits (FNV-1a, 64 bits).
fn build_id() -> u64 {
    PROGRAM
        .bytes()
        .chain(COMMIT.bytes())
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The answer to `--help`, for a program called as `argument_zero`.
pub(crate) fn help(argument_zero: &str) -> String {
    format!(
        "\
Usage: {argument_zero} [/path/to/evenkeel.conf] [options] [-]
       {argument_zero} - (more configuration from standard input)
       {argument_zero} -v or --version
       {argument_zero} -h or --help
       {argument_zero} --check-system

Every line of a configuration file may be given as an option: its name after two
dashes, then its values. Options win over the file. redis.conf files are read as
they are. All options with their defaults: evenkeel.conf beside the source.

Examples:
       {argument_zero} (run with the default configuration)
       echo 'maxmemory 128mb' | {argument_zero} -
       {argument_zero} /etc/evenkeel/evenkeel.conf
       {argument_zero} --port 7777 --save \"\"
       {argument_zero} /etc/evenkeel/evenkeel.conf --loglevel verbose
       {argument_zero} --io-threads 4 --snapshot-memory-budget 128mb
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (argument, name) in [
            ("evenkeel", Name::Evenkeel),
            ("/usr/bin/redis-server", Name::Redis),
            ("./valkey-server", Name::Valkey),
            ("redis-server8", Name::Redis),
            ("", Name::Evenkeel),
            ("/", Name::Evenkeel),
        ] {
            assert_eq!(Name::of(OsStr::new(argument)), name, "{argument}");
        }
    }

    #[test]
    fn versions_have_redis_servers_shape() {
        let own = Name::Evenkeel.version();
        assert!(own.starts_with(&format!("Evenkeel server v={VERSION} sha=")), "{own}");
        let other = Name::Redis.version();
        assert!(other.starts_with("Redis server v=7.2.4 sha="), "{other}");
        assert!(other.ends_with(&format!(" (Evenkeel {VERSION})")), "{other}");
        let fields: Vec<_> = own.split(' ').skip(2).map(|field| field.split('=').next()).collect();
        assert_eq!(fields, [Some("v"), Some("sha"), Some("malloc"), Some("bits"), Some("build")]);
    }
}
