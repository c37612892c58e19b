//! The checked value of an option: how it is read from words, printed by CONFIG GET, and written into a file.
//!
//! It does not know names or where a value is kept (`option`, `settings`). A value that exists is within its
//! option's bounds: [`read`] is the only maker.

use std::fmt::Write as _;

use crate::choices::Word;
use crate::number;
use crate::option::{Form, Kind, OptionSpec};

/// Most addresses that `bind` takes, as in redis-server.
const BIND_ADDRESSES_MAX: usize = 16;

/// A checked value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `yes` or `no`.
    Bool(bool),
    /// A number in the option's unit.
    Number(i128),
    /// A percentage, where [`Form::MemoryOrPercent`] allows one.
    Percent(u32),
    /// The number of the chosen word, or of all chosen words or-ed together.
    Choice(u32),
    /// Bytes; empty also means "not set" where the kind says so.
    Text(Vec<u8>),
    /// Several words: `bind`.
    Words(Vec<Vec<u8>>),
    /// Save points, in the order given.
    Save(Vec<SavePoint>),
    /// Limits for normal, replica and pub/sub clients.
    OutputLimits([OutputLimit; 3]),
    /// Classes of keyspace events.
    Events(Events),
    /// Scores for the server and (elsewhere) replicas and children.
    OomValues([i32; 3]),
    /// Percentiles from 0 to 100.
    Percentiles(Vec<f64>),
    /// The server to replicate, if any.
    ReplicaOf(Option<(Vec<u8>, u16)>),
}

/// "Save when at least this many changes have been made in this many seconds."
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SavePoint {
    /// At least 1.
    pub seconds: u64,
    /// May be 0: save every `seconds`, changed or not.
    pub changes: u64,
}

/// When a client that does not read is disconnected. 0 means no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutputLimit {
    /// Disconnected as soon as this much waits.
    pub hard_bytes: u64,
    /// Disconnected when more than this waits for `soft_seconds` on end.
    pub soft_bytes: u64,
    /// See above.
    pub soft_seconds: u64,
}

/// The classes of clients that `client-output-buffer-limit` tells apart, in the order of [`Value::OutputLimits`].
const OUTPUT_CLASSES: [(&str, &str); 3] = [("normal", "normal"), ("slave", "replica"), ("pubsub", "pubsub")];

/// Which keyspace events are published: the letters of `notify-keyspace-events`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Events(pub u32);

/// Letter and bit of each class of events, in the order in which CONFIG GET prints them.
const EVENT_LETTERS: [(u8, u32); 14] = [
    (b'g', Events::GENERIC),
    (b'$', Events::STRING),
    (b'l', Events::LIST),
    (b's', Events::SET),
    (b'h', Events::HASH),
    (b'z', Events::ZSET),
    (b'x', Events::EXPIRED),
    (b'e', Events::EVICTED),
    (b't', Events::STREAM),
    (b'd', Events::MODULE),
    (b'n', Events::NEW),
    (b'K', Events::KEYSPACE),
    (b'E', Events::KEYEVENT),
    (b'm', Events::KEY_MISS),
];

impl Events {
    /// `K`: publish to `__keyspace@<db>__`.
    pub const KEYSPACE: u32 = 1 << 0;
    /// `E`: publish to `__keyevent@<db>__`.
    pub const KEYEVENT: u32 = 1 << 1;
    /// `g`: commands that are not about one type (DEL, EXPIRE, RENAME, ...).
    pub const GENERIC: u32 = 1 << 2;
    /// `$`: strings.
    pub const STRING: u32 = 1 << 3;
    /// `l`: lists.
    pub const LIST: u32 = 1 << 4;
    /// `s`: sets.
    pub const SET: u32 = 1 << 5;
    /// `h`: hashes.
    pub const HASH: u32 = 1 << 6;
    /// `z`: sorted sets.
    pub const ZSET: u32 = 1 << 7;
    /// `x`: a key has expired.
    pub const EXPIRED: u32 = 1 << 8;
    /// `e`: a key was evicted.
    pub const EVICTED: u32 = 1 << 9;
    /// `t`: streams.
    pub const STREAM: u32 = 1 << 10;
    /// `m`: a key was looked for and not found; not part of `A`.
    pub const KEY_MISS: u32 = 1 << 11;
    /// `d`: module types.
    pub const MODULE: u32 = 1 << 13;
    /// `n`: a key was created; not part of `A`.
    pub const NEW: u32 = 1 << 14;
    /// `A`: the classes `g$lshzxetd`.
    pub const ALL: u32 = Self::GENERIC
        | Self::STRING
        | Self::LIST
        | Self::SET
        | Self::HASH
        | Self::ZSET
        | Self::EXPIRED
        | Self::EVICTED
        | Self::STREAM
        | Self::MODULE;

    /// True if every bit of `class` is on.
    #[must_use]
    pub fn has(self, class: u32) -> bool {
        self.0 & class == class
    }

    fn read(letters: &[u8]) -> Option<Events> {
        letters.iter().try_fold(Events(0), |events, letter| {
            if *letter == b'A' {
                return Some(Events(events.0 | Self::ALL));
            }
            let (_, bit) = EVENT_LETTERS.iter().find(|(known, _)| known == letter)?;
            Some(Events(events.0 | bit))
        })
    }

    /// The letters. As redis-server prints them: beside `A` the `n` is left out.
    fn text(self) -> String {
        let all = self.has(Self::ALL);
        let mut text = String::from(if all { "A" } else { "" });
        for (letter, bit) in EVENT_LETTERS {
            let covered = all && (bit & Self::ALL != 0 || bit == Self::NEW);
            if self.has(bit) && !covered {
                text.push(char::from(letter));
            }
        }
        text
    }
}

/// Reads the value of option `spec` from the words after its name. `before` is the value so far (only options
/// that are set part by part look at it). Errors are Redis's texts.
pub(crate) fn read(spec: &OptionSpec, words: &[&[u8]], before: Option<&Value>) -> Result<Value, String> {
    let single = || match words {
        [word] => Ok(*word),
        _ => Err(String::from("wrong number of arguments")),
    };
    let value = match spec.kind {
        Kind::Bool => match single()?.to_ascii_lowercase().as_slice() {
            b"yes" => Value::Bool(true),
            b"no" => Value::Bool(false),
            _ => return Err("argument must be 'yes' or 'no'".into()),
        },
        Kind::Number { min, max, form } => read_number(single()?, (min, max), form)?,
        Kind::Choice(known) => Value::Choice(word_value(known, single()?)?),
        Kind::Flags(known) => {
            if words.is_empty() {
                return Err(one_of(known));
            }
            let bits = words.iter().map(|word| word_value(known, word));
            Value::Choice(bits.reduce(|all, one| Ok(all? | one?)).unwrap_or(Ok(0))?)
        }
        Kind::Text { .. } => Value::Text(single()?.to_vec()),
        Kind::Directory => Value::Text(single()?.to_vec()),
        Kind::Save => read_save(words)?,
        Kind::OutputLimits => read_output_limits(words, before)?,
        Kind::Events => match Events::read(single()?) {
            Some(events) => Value::Events(events),
            None => return Err("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.".into()),
        },
        Kind::Bind => match words {
            [[]] => Value::Words(Vec::new()),
            _ if words.len() > BIND_ADDRESSES_MAX => return Err("Too many bind addresses specified.".into()),
            _ => Value::Words(words.iter().map(|word| word.to_vec()).collect()),
        },
        Kind::OomValues => read_oom_values(words)?,
        Kind::Percentiles => read_percentiles(words)?,
        Kind::ReplicaOf => read_replica_of(words)?,
    };
    match spec.rule {
        Some(rule) => rule(value),
        None => Ok(value),
    }
}

fn read_number(word: &[u8], (min, max): (i128, i128), form: Form) -> Result<Value, String> {
    let parsed = match form {
        Form::Plain => number::integer(word).ok_or("argument couldn't be parsed into an integer"),
        Form::Octal => number::octal(word).ok_or("argument couldn't be parsed as an octal number"),
        Form::Memory => number::memory(word).ok_or("argument must be a memory value"),
        Form::MemoryOrPercent => match number::percent(word) {
            Some(percent) if percent <= 100 => return Ok(Value::Percent(percent as u32)),
            Some(_) => return Err("percentage argument must be less or equal to 100".into()),
            None => number::memory(word).ok_or("argument must be a memory or percent value"),
        },
    };
    let value = parsed?;
    if (min..=max).contains(&value) {
        Ok(Value::Number(value))
    } else if form == Form::Octal {
        Err(format!("argument must be between {min:o} and {max:o} inclusive"))
    } else {
        Err(format!("argument must be between {min} and {max} inclusive"))
    }
}

fn word_value(known: &[Word], word: &[u8]) -> Result<u32, String> {
    known
        .iter()
        .find(|candidate| candidate.text.as_bytes().eq_ignore_ascii_case(word))
        .map(|found| found.value)
        .ok_or_else(|| one_of(known))
}

fn one_of(known: &[Word]) -> String {
    let words: Vec<_> = known.iter().map(|word| word.text).collect();
    format!("argument(s) must be one of the following: {}", words.join(", "))
}

fn read_save(words: &[&[u8]]) -> Result<Value, String> {
    if let [only] = words
        && only.is_empty()
    {
        return Ok(Value::Save(Vec::new()));
    }
    let invalid = || String::from("Invalid save parameters");
    // `--save "3600 1 300 100"`: all in one word, as a shell quotes it.
    let split: Vec<&[u8]> = match words {
        [only] => only.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).collect(),
        _ => words.to_vec(),
    };
    let (pairs, []) = split.as_chunks::<2>() else { return Err(invalid()) };
    let mut points = Vec::with_capacity(pairs.len());
    for [seconds, changes] in pairs {
        let seconds = number::loose_integer(seconds).filter(|value| *value >= 1);
        let changes = number::loose_integer(changes).filter(|value| *value >= 0);
        let (Some(seconds), Some(changes)) = (seconds, changes) else { return Err(invalid()) };
        points.push(SavePoint { seconds: seconds.unsigned_abs(), changes: changes.unsigned_abs() });
    }
    Ok(Value::Save(points))
}

fn read_output_limits(words: &[&[u8]], before: Option<&Value>) -> Result<Value, String> {
    let (groups, []) = words.as_chunks::<4>() else {
        return Err("Wrong number of arguments in buffer limit configuration.".into());
    };
    let mut limits = match before {
        Some(Value::OutputLimits(limits)) => *limits,
        _ => [OutputLimit::default(); 3],
    };
    for [class, hard, soft, seconds] in groups {
        let class = class.to_ascii_lowercase();
        let slot = OUTPUT_CLASSES
            .iter()
            .zip(&mut limits)
            .find(|((old, new), _)| class == old.as_bytes() || class == new.as_bytes());
        let Some((_, slot)) = slot else {
            return Err("Invalid client class specified in buffer limit configuration.".into());
        };
        let bytes = |word: &[u8]| number::memory(word).and_then(|value| u64::try_from(value).ok());
        let seconds = number::loose_integer(seconds).and_then(|value| u64::try_from(value).ok());
        let (Some(hard_bytes), Some(soft_bytes), Some(soft_seconds)) = (bytes(hard), bytes(soft), seconds)
        else {
            return Err("Error in hard, soft or soft_seconds setting in buffer limit configuration.".into());
        };
        *slot = OutputLimit { hard_bytes, soft_bytes, soft_seconds };
    }
    Ok(Value::OutputLimits(limits))
}

fn read_oom_values(words: &[&[u8]]) -> Result<Value, String> {
    let [server, replica, child] = words else { return Err("wrong number of arguments".into()) };
    let mut values = [0; 3];
    for (slot, word) in values.iter_mut().zip([server, replica, child]) {
        match number::loose_integer(word) {
            Some(score @ -2000..=2000) => *slot = score as i32,
            _ => {
                return Err("Invalid oom-score-adj-values, elements must be between -2000 and 2000.".into());
            }
        }
    }
    Ok(Value::OomValues(values))
}

fn read_percentiles(words: &[&[u8]]) -> Result<Value, String> {
    if let [only] = words
        && only.is_empty()
    {
        return Ok(Value::Percentiles(Vec::new()));
    }
    let mut percentiles = Vec::with_capacity(words.len());
    for word in words {
        match number::float(word) {
            Some(value) if (0.0..=100.0).contains(&value) => percentiles.push(value),
            Some(_) => {
                return Err(
                    "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]".into()
                );
            }
            None => return Err("Invalid latency-tracking-info-percentiles parameters".into()),
        }
    }
    Ok(Value::Percentiles(percentiles))
}

fn read_replica_of(words: &[&[u8]]) -> Result<Value, String> {
    match words {
        [[]] => Ok(Value::ReplicaOf(None)),
        [host, port] if host.eq_ignore_ascii_case(b"no") && port.eq_ignore_ascii_case(b"one") => {
            Ok(Value::ReplicaOf(None))
        }
        [host, port] => match number::loose_integer(port).and_then(|port| u16::try_from(port).ok()) {
            Some(port) => Ok(Value::ReplicaOf(Some((host.to_vec(), port)))),
            None => Err("Invalid master port".into()),
        },
        _ => Err("wrong number of arguments".into()),
    }
}

impl Value {
    /// What CONFIG GET answers.
    #[must_use]
    pub fn text(&self, kind: &Kind) -> Vec<u8> {
        let text = match self {
            Value::Bool(true) => "yes".into(),
            Value::Bool(false) => "no".into(),
            Value::Number(value) => match kind {
                Kind::Number { form: Form::Octal, .. } => format!("{value:o}"),
                _ => value.to_string(),
            },
            Value::Percent(value) => format!("{value}%"),
            Value::Choice(value) => choice_text(*value, kind),
            Value::Text(bytes) => return bytes.clone(),
            Value::Words(words) => return words.join(&b' '),
            Value::Save(points) => {
                let points: Vec<_> =
                    points.iter().map(|point| format!("{} {}", point.seconds, point.changes)).collect();
                points.join(" ")
            }
            Value::OutputLimits(limits) => {
                let classes: Vec<_> = OUTPUT_CLASSES
                    .iter()
                    .zip(limits)
                    .map(|((old, _), limit)| {
                        format!("{old} {} {} {}", limit.hard_bytes, limit.soft_bytes, limit.soft_seconds)
                    })
                    .collect();
                classes.join(" ")
            }
            Value::Events(events) => events.text(),
            Value::OomValues([server, replica, child]) => format!("{server} {replica} {child}"),
            Value::Percentiles(values) => percentiles_text(values),
            Value::ReplicaOf(None) => String::new(),
            Value::ReplicaOf(Some((host, port))) => {
                return [host.as_slice(), format!(" {port}").as_bytes()].concat();
            }
        };
        text.into_bytes()
    }

    /// The lines (without the option's name) that stand for this value in a rewritten file, each with whether it
    /// must be written even if the file has no such line yet. None for "not set".
    pub(crate) fn lines(&self, spec: &OptionSpec, default: &Value) -> Vec<(Vec<u8>, bool)> {
        let changed = self != default;
        match (self, &spec.kind) {
            (Value::Text(text), Kind::Text { nullable: true }) if text.is_empty() => Vec::new(),
            (Value::Text(text), Kind::Directory) => vec![(crate::words::quoted(text), true)],
            (Value::Text(text), _) => vec![(crate::words::quoted(text), changed)],
            (Value::Number(value), Kind::Number { form: Form::Memory | Form::MemoryOrPercent, .. }) => {
                vec![(number::memory_text(*value).into_bytes(), changed)]
            }
            (Value::Events(events), _) => vec![(crate::words::quoted(events.text().as_bytes()), changed)],
            (Value::Words(_), _) if !changed => Vec::new(),
            (Value::Words(words), _) if words.is_empty() => vec![(b"\"\"".to_vec(), true)],
            (Value::Words(words), _) => {
                let words: Vec<_> = words.iter().map(|word| quoted_if_needed(word)).collect();
                vec![(words.join(&b' '), true)]
            }
            (Value::Save(points), _) if points.is_empty() => vec![(b"\"\"".to_vec(), true)],
            (Value::Save(points), _) => points
                .iter()
                .map(|point| (format!("{} {}", point.seconds, point.changes).into_bytes(), true))
                .collect(),
            (Value::OutputLimits(limits), _) => output_limit_lines(limits, default),
            (Value::Percentiles(values), _) if values.is_empty() => vec![(b"\"\"".to_vec(), true)],
            (Value::Percentiles(_), _) => vec![(self.text(&spec.kind), true)],
            (Value::ReplicaOf(None), _) => Vec::new(),
            _ => vec![(self.text(&spec.kind), changed)],
        }
    }
}

/// A word as it may stand in a file: between quotes unless it is of plain letters. A line break in an address, for one, must
/// not begin a line of its own.
fn quoted_if_needed(word: &[u8]) -> Vec<u8> {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b".:*-_/%[]".contains(byte);
    if !word.is_empty() && word.iter().all(plain) { word.to_vec() } else { crate::words::quoted(word) }
}

fn output_limit_lines(limits: &[OutputLimit; 3], default: &Value) -> Vec<(Vec<u8>, bool)> {
    let defaults = match default {
        Value::OutputLimits(defaults) => *defaults,
        _ => [OutputLimit::default(); 3],
    };
    let size = |bytes: u64| number::memory_text(i128::from(bytes));
    OUTPUT_CLASSES
        .iter()
        .zip(limits.iter().zip(&defaults))
        .map(|((_, class), (limit, default))| {
            let line = format!(
                "{class} {} {} {}",
                size(limit.hard_bytes),
                size(limit.soft_bytes),
                limit.soft_seconds
            );
            (line.into_bytes(), limit != default)
        })
        .collect()
}

fn choice_text(value: u32, kind: &Kind) -> String {
    match kind {
        Kind::Choice(words) => {
            words.iter().find(|word| word.value == value).map_or("unknown", |word| word.text).into()
        }
        Kind::Flags(words) => {
            let set: Vec<_> = words
                .iter()
                .filter(|word| if value == 0 { word.value == 0 } else { word.value & value != 0 })
                .map(|word| word.text)
                .collect();
            set.join(" ")
        }
        _ => value.to_string(),
    }
}

fn percentiles_text(values: &[f64]) -> String {
    let mut text = String::new();
    for value in values {
        let gap = if text.is_empty() { "" } else { " " };
        // Writing to a String cannot fail.
        let _ = write!(text, "{gap}{}", number::float_text(*value));
    }
    text
}
