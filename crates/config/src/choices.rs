//! The words of options that take one of several, and the enums they stand for.
//!
//! It does not parse (`value` does). Order matters: error texts list the words in table order, and of two words for
//! one meaning the first is the one that CONFIG GET prints.

/// One word of a choice and the number it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word {
    /// What is written in a file.
    pub text: &'static str,
    /// What it means; words with equal numbers are synonyms.
    pub value: u32,
}

/// Declares an enum whose variants are the words of an option, each variant with its words.
macro_rules! choice {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $($word:literal)|+,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($(#[$doc])* $variant,)+ }

        impl $name {
            /// All words in the order in which error texts list them.
            pub const WORDS: &'static [Word] =
                &[$($(Word { text: $word, value: $name::$variant as u32 },)+)+];

            /// The variant that a word's number stands for; the first one for a number that no word has.
            pub(crate) fn from_value(value: u32) -> Self {
                match value {
                    $(value if value == $name::$variant as u32 => $name::$variant,)+
                    _ => [$($name::$variant,)+][0],
                }
            }

            /// The word that CONFIG GET and INFO print.
            #[must_use]
            pub fn text(self) -> &'static str {
                match self { $($name::$variant => [$($word,)+][0],)+ }
            }
        }
    };
}

choice! {
    /// How much is logged: everything from this level upwards.
    LogLevel {
        /// A lot, for development.
        Debug = "debug",
        /// Many rarely useful lines.
        Verbose = "verbose",
        /// What one wants in production.
        Notice = "notice",
        /// Only what is critical.
        Warning = "warning",
        /// Nothing at all.
        Nothing = "nothing",
    }
}

choice! {
    /// How a log line is laid out.
    LogFormat {
        /// `pid:role date level text`.
        Legacy = "legacy",
        /// `key=value` pairs.
        Logfmt = "logfmt",
        /// One JSON object per line.
        Json = "json",
    }
}

choice! {
    /// How the time of a log line is written.
    LogTimestamp {
        /// `20 Nov 2026 19:21:32.123`.
        Legacy = "legacy",
        /// `2026-11-20T19:21:32.123+00:00`.
        Iso8601 = "iso8601",
        /// Milliseconds since 1970.
        Milliseconds = "milliseconds",
    }
}

choice! {
    /// The syslog facility.
    SyslogFacility {
        /// user
        User = "user",
        /// local0
        Local0 = "local0",
        /// local1
        Local1 = "local1",
        /// local2
        Local2 = "local2",
        /// local3
        Local3 = "local3",
        /// local4
        Local4 = "local4",
        /// local5
        Local5 = "local5",
        /// local6
        Local6 = "local6",
        /// local7
        Local7 = "local7",
    }
}

choice! {
    /// Who started the server and wants to hear about it.
    Supervision {
        /// Upstart: the process stops itself once when ready.
        Upstart = "upstart",
        /// systemd: a datagram to the socket named by NOTIFY_SOCKET.
        Systemd = "systemd",
        /// Whichever of the two the environment shows.
        Auto = "auto",
        /// Nobody.
        No = "no",
    }
}

choice! {
    /// Whether and how `/proc/self/oom_score_adj` is set.
    OomScoreAdj {
        /// Left alone.
        No = "no",
        /// Added to the value at start.
        Relative = "yes" | "relative",
        /// Written as it is.
        Absolute = "absolute",
    }
}

choice! {
    /// Who may use a dangerous command or setting.
    Access {
        /// Nobody.
        No = "no",
        /// Everybody.
        Yes = "yes",
        /// Connections from this machine.
        Local = "local",
    }
}

choice! {
    /// What goes when memory is full.
    EvictionPolicy {
        /// Keys with a TTL, least recently used first.
        VolatileLru = "volatile-lru",
        /// Keys with a TTL, least frequently used first.
        VolatileLfu = "volatile-lfu",
        /// Keys with a TTL, at random.
        VolatileRandom = "volatile-random",
        /// Keys with a TTL, nearest deadline first.
        VolatileTtl = "volatile-ttl",
        /// Any key, least recently used first.
        AllkeysLru = "allkeys-lru",
        /// Any key, least frequently used first.
        AllkeysLfu = "allkeys-lfu",
        /// Any key, at random.
        AllkeysRandom = "allkeys-random",
        /// Nothing: writes are refused.
        NoEviction = "noeviction",
    }
}

choice! {
    /// Whether files of a newer RDB version than known are read.
    VersionCheck {
        /// Refused.
        Strict = "strict",
        /// Tried.
        Relaxed = "relaxed",
    }
}

choice! {
    /// Version of RDB files and DUMP payloads.
    RdbVersion {
        /// That of Redis 7.0.
        V10 = "10",
        /// That of Redis 7.2 and Valkey 7.2 and 8.
        V11 = "11",
        /// That of Valkey 9.
        V80 = "80",
    }
}

impl RdbVersion {
    /// As it stands in files.
    pub fn number(self) -> u16 {
        match self {
            Self::V10 => 10,
            Self::V11 => 11,
            Self::V80 => 80,
        }
    }
}

choice! {
    /// Which mechanism moves bytes between sockets and reactors.
    ReactorChoice {
        /// io_uring where the kernel permits it, else epoll.
        Auto = "auto",
        /// io_uring or no start.
        IoUring = "io_uring",
        /// epoll.
        Epoll = "epoll",
    }
}

/// What a termination signal does besides ending the server: any of the words of SHUTDOWN.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShutdownFlags(u32);

impl ShutdownFlags {
    /// The words, in the order in which they are printed.
    pub const WORDS: &'static [Word] = &[
        Word { text: "default", value: 0 },
        Word { text: "save", value: 1 },
        Word { text: "nosave", value: 2 },
        Word { text: "now", value: 4 },
        Word { text: "force", value: 8 },
        Word { text: "safe", value: 16 },
        Word { text: "failover", value: 32 },
    ];

    pub(crate) fn from_value(value: u32) -> Self {
        ShutdownFlags(value)
    }

    /// Save even if no save point is set.
    #[must_use]
    pub fn save(self) -> bool {
        self.0 & 1 != 0
    }

    /// Do not save even if save points are set.
    #[must_use]
    pub fn nosave(self) -> bool {
        self.0 & 2 != 0
    }

    /// Do not wait for lagging replicas.
    #[must_use]
    pub fn now(self) -> bool {
        self.0 & 4 != 0
    }

    /// Leave even if saving fails.
    #[must_use]
    pub fn force(self) -> bool {
        self.0 & 8 != 0
    }
}

// The words of options whose value is only kept in this version; no code reads them as an enum yet.

pub(crate) const REPL_DISKLESS_LOAD: &[Word] = &[
    Word { text: "disabled", value: 0 },
    Word { text: "on-empty-db", value: 1 },
    Word { text: "swapdb", value: 2 },
    Word { text: "flush-before-load", value: 3 },
];

pub(crate) const TLS_AUTH_CLIENTS: &[Word] =
    &[Word { text: "no", value: 0 }, Word { text: "yes", value: 1 }, Word { text: "optional", value: 2 }];

pub(crate) const TLS_AUTH_CLIENTS_USER: &[Word] =
    &[Word { text: "CN", value: 1 }, Word { text: "URI", value: 2 }, Word { text: "off", value: 0 }];

pub(crate) const ACL_PUBSUB_DEFAULT: &[Word] =
    &[Word { text: "allchannels", value: 1 }, Word { text: "resetchannels", value: 0 }];

pub(crate) const ENDPOINT_TYPE: &[Word] = &[
    Word { text: "ip", value: 0 },
    Word { text: "hostname", value: 1 },
    Word { text: "unknown-endpoint", value: 2 },
];

pub(crate) const PROPAGATION_ERROR: &[Word] = &[
    Word { text: "ignore", value: 0 },
    Word { text: "panic", value: 1 },
    Word { text: "panic-on-replicas", value: 2 },
];

pub(crate) const APPEND_FSYNC: &[Word] =
    &[Word { text: "everysec", value: 0 }, Word { text: "always", value: 1 }, Word { text: "no", value: 2 }];

pub(crate) const SANITIZE: &[Word] =
    &[Word { text: "no", value: 0 }, Word { text: "yes", value: 1 }, Word { text: "clients", value: 2 }];

pub(crate) const CLUSTER_CONFIG_SAVE: &[Word] =
    &[Word { text: "sync", value: 0 }, Word { text: "best-effort", value: 1 }];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_variants_agree() {
        for word in LogLevel::WORDS {
            assert_eq!(LogLevel::from_value(word.value).text(), word.text);
        }
        assert_eq!(OomScoreAdj::WORDS.len(), 4);
        assert_eq!(OomScoreAdj::from_value(1).text(), "yes");
        assert_eq!(LogLevel::from_value(99), LogLevel::Debug);
    }
}
