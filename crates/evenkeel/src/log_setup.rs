//! Turns settings of the log into a set-up of the journal.

use config::{Config, LogFormat, LogLevel, LogTimestamp, SyslogFacility};
use journal::{Facility, Format, Level, Setup, Timestamp};

/// Sets the journal up. A daemon without a log file writes nowhere, as its standard output leads nowhere.
pub(crate) fn apply(config: &Config, background: bool) {
    let logging = &config.logging;
    journal::set_level(match logging.level {
        LogLevel::Debug => Level::Debug,
        LogLevel::Verbose => Level::Verbose,
        LogLevel::Notice => Level::Notice,
        LogLevel::Warning => Level::Warning,
        LogLevel::Nothing => Level::Nothing,
    });
    journal::configure(Setup {
        // Absolute, so that a later change of `dir` does not move the log.
        file: logging.file.as_ref().map(|file| config.snapshot.dir.join(file)),
        silent: background && logging.file.is_none(),
        format: match logging.format {
            LogFormat::Legacy => Format::Legacy,
            LogFormat::Logfmt => Format::Logfmt,
            LogFormat::Json => Format::Json,
        },
        timestamp: match logging.timestamp {
            LogTimestamp::Legacy => Timestamp::Legacy,
            LogTimestamp::Iso8601 => Timestamp::Iso8601,
            LogTimestamp::Milliseconds => Timestamp::Milliseconds,
        },
        system_log: logging.syslog.then(|| (logging.syslog_ident.clone(), facility(logging.syslog_facility))),
    });
}

fn facility(facility: SyslogFacility) -> Facility {
    match facility {
        SyslogFacility::User => Facility::User,
        SyslogFacility::Local0 => Facility::Local(0),
        SyslogFacility::Local1 => Facility::Local(1),
        SyslogFacility::Local2 => Facility::Local(2),
        SyslogFacility::Local3 => Facility::Local(3),
        SyslogFacility::Local4 => Facility::Local(4),
        SyslogFacility::Local5 => Facility::Local(5),
        SyslogFacility::Local6 => Facility::Local(6),
        SyslogFacility::Local7 => Facility::Local(7),
    }
}
