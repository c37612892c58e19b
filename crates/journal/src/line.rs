//! How a line looks: three formats, three spellings of the time. Pure text, no output.
//!
//! Formats as observed on redis-server 7.0 (`legacy`) and valkey-server 9.1 (the others).

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::{Level, MESSAGE_BYTES_MAX, Role};

/// Layout of a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// `pid:role time level message`.
    #[default]
    Legacy,
    /// `pid=.. role=.. timestamp=".." level=.. message=".."`.
    Logfmt,
    /// One JSON object.
    Json,
}

/// Layout of a line's time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Timestamp {
    /// `20 Nov 2026 19:21:32.123`, local time.
    #[default]
    Legacy,
    /// `2026-11-20T19:21:32.123+00:00`, local time.
    Iso8601,
    /// Milliseconds since 1970.
    Milliseconds,
}

/// The present time.
pub(crate) fn stamp(timestamp: Timestamp) -> String {
    format_time(&jiff::Zoned::now(), timestamp)
}

fn format_time(now: &jiff::Zoned, timestamp: Timestamp) -> String {
    match timestamp {
        Timestamp::Legacy => now.strftime("%d %b %Y %H:%M:%S.%3f").to_string(),
        Timestamp::Iso8601 => now.strftime("%Y-%m-%dT%H:%M:%S.%3f%:z").to_string(),
        Timestamp::Milliseconds => now.timestamp().as_millisecond().to_string(),
    }
}

/// A whole line with its end.
pub(crate) fn layout(
    format: Format,
    pid: u32,
    role: Role,
    stamp: &str,
    level: Level,
    message: &str,
) -> String {
    match format {
        Format::Legacy => format!("{pid}:{} {stamp} {} {message}\n", letter(role), mark(level)),
        Format::Logfmt => format!(
            "pid={pid} role={} timestamp=\"{stamp}\" level={} message=\"{}\"\n",
            word(role),
            level_word(level),
            // Quotes would end the value; the message's own backslashes stay as they are, as in valkey-server.
            message.replace('"', "'")
        ),
        Format::Json => format!(
            "{{\"pid\":{pid},\"role\":\"{}\",\"timestamp\":\"{stamp}\",\"level\":\"{}\",\"message\":\"{}\"}}\n",
            word(role),
            level_word(level),
            json(message)
        ),
    }
}

/// The message with control characters escaped and cut to its bound.
pub(crate) fn one_line(message: &str) -> Cow<'_, str> {
    let cut = message.floor_char_boundary(MESSAGE_BYTES_MAX);
    let message = &message[..cut];
    if !message.contains(char::is_control) {
        return Cow::Borrowed(message);
    }
    let mut line = String::with_capacity(message.len() + 8);
    for letter in message.chars() {
        match letter {
            '\n' => line.push_str("\\n"),
            '\r' => line.push_str("\\r"),
            '\t' => line.push('\t'),
            letter if letter.is_control() => {
                // Writing to a String cannot fail.
                let _ = write!(line, "\\x{:02x}", u32::from(letter));
            }
            letter => line.push(letter),
        }
    }
    Cow::Owned(line)
}

fn json(message: &str) -> String {
    let mut text = String::with_capacity(message.len());
    for letter in message.chars() {
        match letter {
            '"' | '\\' => text.extend(['\\', letter]),
            letter if letter.is_control() => {
                let _ = write!(text, "\\u{:04x}", u32::from(letter));
            }
            letter => text.push(letter),
        }
    }
    text
}

fn letter(role: Role) -> char {
    match role {
        Role::Master => 'M',
        Role::Replica => 'S',
        Role::Starter => 'C',
    }
}

fn word(role: Role) -> &'static str {
    match role {
        Role::Master => "primary",
        Role::Replica => "replica",
        Role::Starter => "starter",
    }
}

fn mark(level: Level) -> char {
    match level {
        Level::Debug => '.',
        Level::Verbose => '-',
        Level::Notice => '*',
        Level::Warning | Level::Nothing => '#',
    }
}

fn level_word(level: Level) -> &'static str {
    match level {
        Level::Debug => "debug",
        Level::Verbose => "info",
        Level::Notice => "notice",
        Level::Warning | Level::Nothing => "warning",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(zone: i32) -> jiff::Zoned {
        let moment = jiff::Timestamp::from_millisecond(1_795_202_492_123).expect("a moment in 2026");
        moment.to_zoned(jiff::tz::TimeZone::fixed(jiff::tz::offset(zone as i8)))
    }

    #[test]
    fn times() {
        assert_eq!(format_time(&at(0), Timestamp::Legacy), "20 Nov 2026 19:21:32.123");
        assert_eq!(format_time(&at(-5), Timestamp::Legacy), "20 Nov 2026 14:21:32.123");
        assert_eq!(format_time(&at(-5), Timestamp::Iso8601), "2026-11-20T14:21:32.123-05:00");
        assert_eq!(format_time(&at(0), Timestamp::Iso8601), "2026-11-20T19:21:32.123+00:00");
        assert_eq!(format_time(&at(3), Timestamp::Milliseconds), "1795202492123");
    }

    #[test]
    fn layouts() {
        let line = |format, level| layout(format, 7, Role::Master, "T", level, "say \"x\\y\"");
        assert_eq!(line(Format::Legacy, Level::Debug), "7:M T . say \"x\\y\"\n");
        assert_eq!(line(Format::Legacy, Level::Verbose), "7:M T - say \"x\\y\"\n");
        assert_eq!(line(Format::Legacy, Level::Notice), "7:M T * say \"x\\y\"\n");
        assert_eq!(line(Format::Legacy, Level::Warning), "7:M T # say \"x\\y\"\n");
        assert_eq!(
            line(Format::Logfmt, Level::Notice),
            "pid=7 role=primary timestamp=\"T\" level=notice message=\"say 'x\\y'\"\n"
        );
        assert_eq!(
            line(Format::Json, Level::Warning),
            "{\"pid\":7,\"role\":\"primary\",\"timestamp\":\"T\",\"level\":\"warning\",\
             \"message\":\"say \\\"x\\\\y\\\"\"}\n"
        );
    }

    #[test]
    fn one_event_is_one_line_of_bounded_length() {
        assert_eq!(one_line("a\nb\r\x1b[0m\tc"), "a\\nb\\r\\x1b[0m\tc");
        assert_eq!(one_line(&"é".repeat(MESSAGE_BYTES_MAX)).len(), MESSAGE_BYTES_MAX);
        assert!(matches!(one_line("plain"), Cow::Borrowed("plain")));
    }
}
