//! Writing RDB: functions that append a file's parts to a vector. No checksum is kept here: the caller digests the
//! finished blocks, in order or apart (see [`crate::crc64::combine`]), and hands the result to [`end`].
//!
//! A file is `header`, `aux`es, functions, then for each database `select_db`, `resize_db` and entries, then `end`.
//! Small values are appended whole by [`string_entry`]. A large one is begun with [`large_string_entry`] and
//! followed by its bytes, uncompressed, in pieces of the caller's choice, so that no copy of it ever exists.
//! Objects of other types are written by an [`ObjectWriter`].

mod list;
mod objects;
mod streams;

use value::StrRef;
use value::number::{IntText, parse_i64};
use value::string::FLAT_MAX;

use crate::format::{TYPE_STRING, VALKEY_VERSION_MIN, length, opcode};
use crate::lzf::Compressor;
pub use list::ListPacker;
pub(crate) use list::is_long;
pub use objects::{ObjectWriter, Place};

/// Longest string that is compressed, in bytes; longer ones are streamed as they are.
pub const COMPRESS_MAX: usize = FLAT_MAX;

/// Longest spelling of a 32-bit integer; longer strings are not examined for being one.
const INT_TEXT_MAX: usize = 11;

/// What is known about an entry's use, by eviction policy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Usage {
    /// Nothing.
    #[default]
    Unknown,
    /// Seconds since it was last used (LRU policies).
    IdleSeconds(u64),
    /// The logarithmic counter (LFU policies).
    Frequency(u8),
}

/// What stands before an entry's value.
#[derive(Clone, Copy, Debug)]
pub struct EntryHead<'a> {
    /// The key.
    pub key: &'a [u8],
    /// Unix time in milliseconds at which the entry expires.
    pub expire_at_ms: Option<i64>,
    /// LRU or LFU data.
    pub usage: Usage,
}

/// Appends the magic and the version, 9 bytes. The magic is Redis's for versions below 80.
pub fn header(out: &mut Vec<u8>, version: u16) {
    let header = if u32::from(version) < VALKEY_VERSION_MIN {
        format!("REDIS{version:04}")
    } else {
        format!("VALKEY{version:03}")
    };
    out.extend_from_slice(header.as_bytes());
}

/// Appends a fact about the file. Redis's own: `redis-ver`, `redis-bits`, `ctime`, `used-mem`, `repl-stream-db`,
/// `repl-id`, `repl-offset`, `aof-base`. Readers pass over names that they do not know.
pub fn aux(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    out.push(opcode::AUX);
    string(out, name, None);
    string(out, value, None);
}

/// Appends a fact about the file that is a number.
pub fn aux_int(out: &mut Vec<u8>, name: &[u8], value: i64) {
    aux(out, name, IntText::new(value).as_bytes());
}

/// Appends the source of a function library.
pub fn function(out: &mut Vec<u8>, source: &[u8], compressor: Option<&mut Compressor>) {
    out.push(opcode::FUNCTION);
    string(out, source, compressor);
}

/// Appends that the following entries belong to database `number`.
pub fn select_db(out: &mut Vec<u8>, number: u32) {
    out.push(opcode::SELECT_DB);
    length(out, u64::from(number));
}

/// Appends how many entries, and how many with an expiry, the database has; a hint for readers.
pub fn resize_db(out: &mut Vec<u8>, entries: u64, expiries: u64) {
    out.push(opcode::RESIZE_DB);
    length(out, entries);
    length(out, expiries);
}

/// Appends an entry with a string. Compresses values of 21 bytes to [`COMPRESS_MAX`] with the compressor's adaptive
/// policy; keys stay as they are, which readers accept, because they hardly ever shrink.
pub fn string_entry(
    out: &mut Vec<u8>,
    head: &EntryHead<'_>,
    value: StrRef<'_>,
    compressor: Option<&mut Compressor>,
) {
    head_of(out, head, TYPE_STRING);
    string_value(out, value, |data, out| match compressor {
        Some(compressor) => packed(out, compressor.compress_adaptive(data), data.len()),
        None => false,
    });
}

/// Appends the beginning of an entry with a string of `len` bytes, which the caller lets follow.
pub fn large_string_entry(out: &mut Vec<u8>, head: &EntryHead<'_>, len: u64) {
    head_of(out, head, TYPE_STRING);
    length(out, len);
}

/// Appends the end: the opcode and the checksum over everything before (the opcode included, so digest it too:
/// see [`END`]). A checksum of 0 says that there is none.
pub fn end(out: &mut Vec<u8>, checksum: u64) {
    out.extend_from_slice(&END);
    out.extend_from_slice(&self::checksum(checksum));
}

/// The last bytes of a file, behind [`END`].
pub fn checksum(value: u64) -> [u8; 8] {
    value.to_le_bytes()
}

/// What [`end`] appends before the checksum.
pub const END: [u8; 1] = [opcode::END];

/// Appends expiry, usage, type and key.
fn head_of(out: &mut Vec<u8>, head: &EntryHead<'_>, kind: u8) {
    if let Some(at) = head.expire_at_ms {
        out.push(opcode::EXPIRE_MS);
        out.extend_from_slice(&at.to_le_bytes());
    }
    match head.usage {
        Usage::Unknown => {}
        Usage::IdleSeconds(seconds) => {
            out.push(opcode::IDLE);
            length(out, seconds);
        }
        Usage::Frequency(counter) => out.extend_from_slice(&[opcode::FREQ, counter]),
    }
    out.push(kind);
    string(out, head.key, None);
}

/// Appends a string object in the shortest spelling, without its type byte, as DUMP has it: always compressed if
/// that saves anything, whatever its length, like Redis.
pub(crate) fn dumped_string(out: &mut Vec<u8>, value: StrRef<'_>, compressor: Option<&mut Compressor>) {
    match value {
        StrRef::Int(value) => integer(out, value),
        value => string(out, &value.to_cow(), compressor),
    }
}

fn string_value(out: &mut Vec<u8>, value: StrRef<'_>, compress: impl FnOnce(&[u8], &mut Vec<u8>) -> bool) {
    let flat = match value {
        StrRef::Int(value) => return integer(out, value),
        StrRef::Bytes(bytes) => Some(bytes),
        StrRef::Shared(shared) => shared.as_flat(),
    };
    match flat {
        Some(bytes) if bytes.len() <= INT_TEXT_MAX && small_integer(out, bytes) => {}
        Some(bytes) if bytes.len() <= COMPRESS_MAX && compress(bytes, out) => {}
        _ => {
            length(out, value.len());
            value.copy_range_to(.., out);
        }
    }
}

/// Appends a string as Redis spells it: integer if it is one, else compressed if allowed and shorter, else raw.
fn string(out: &mut Vec<u8>, data: &[u8], compressor: Option<&mut Compressor>) {
    if data.len() <= INT_TEXT_MAX && small_integer(out, data) {
        return;
    }
    if let Some(compressor) = compressor
        && packed(out, compressor.compress(data), data.len())
    {
        return;
    }
    length(out, data.len() as u64);
    out.extend_from_slice(data);
}

fn packed(out: &mut Vec<u8>, packed: Option<&[u8]>, len: usize) -> bool {
    let Some(packed) = packed else { return false };
    out.push(length::ENCODED | length::LZF);
    length(out, packed.len() as u64);
    length(out, len as u64);
    out.extend_from_slice(packed);
    true
}

/// Appends an integer: in binary if 32 bits hold it, else its digits.
fn integer(out: &mut Vec<u8>, value: i64) {
    if !binary(out, value) {
        let digits = IntText::new(value);
        length(out, digits.as_bytes().len() as u64);
        out.extend_from_slice(digits.as_bytes());
    }
}

/// Appends `text` in binary if it is the spelling of a 32-bit integer.
fn small_integer(out: &mut Vec<u8>, text: &[u8]) -> bool {
    parse_i64(text).is_some_and(|value| binary(out, value))
}

fn binary(out: &mut Vec<u8>, value: i64) -> bool {
    if let Ok(value) = i8::try_from(value) {
        out.extend_from_slice(&[length::ENCODED | length::INT_8, value as u8]);
    } else if let Ok(value) = i16::try_from(value) {
        out.push(length::ENCODED | length::INT_16);
        out.extend_from_slice(&value.to_le_bytes());
    } else if let Ok(value) = i32::try_from(value) {
        out.push(length::ENCODED | length::INT_32);
        out.extend_from_slice(&value.to_le_bytes());
    } else {
        return false;
    }
    true
}

/// Appends a length in 1, 2, 5 or 9 bytes.
fn length(out: &mut Vec<u8>, len: u64) {
    if len < 1 << 6 {
        out.push(len as u8);
    } else if len < 1 << 14 {
        out.extend_from_slice(&((len as u16) | 1 << 14).to_be_bytes());
    } else if let Ok(len) = u32::try_from(len) {
        out.push(length::BITS_32);
        out.extend_from_slice(&len.to_be_bytes());
    } else {
        out.push(length::BITS_64);
        out.extend_from_slice(&len.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use value::Shared;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        let mut out = Vec::new();
        write(&mut out);
        out
    }

    #[test]
    fn lengths_take_the_fewest_bytes() {
        for (len, bytes) in [
            (0, &b"\x00"[..]),
            (63, b"\x3f"),
            (64, b"\x40\x40"),
            (16383, b"\x7f\xff"),
            (16384, b"\x80\x00\x00\x40\x00"),
            (u64::from(u32::MAX), b"\x80\xff\xff\xff\xff"),
            (1 << 32, b"\x81\x00\x00\x00\x01\x00\x00\x00\x00"),
        ] {
            assert_eq!(written(|out| length(out, len)), bytes, "{len}");
        }
    }

    #[test]
    fn strings_that_spell_integers_are_binary() {
        for (text, bytes) in [
            (&b"12"[..], &b"\xc0\x0c"[..]),
            (b"-128", b"\xc0\x80"),
            (b"128", b"\xc1\x80\x00"),
            (b"-1234", b"\xc1\x2e\xfb"),
            (b"123456789", b"\xc2\x15\xcd\x5b\x07"),
            (b"-2147483648", b"\xc2\x00\x00\x00\x80"),
            (b"2147483648", b"\x0a2147483648"),
            (b"012", b"\x03012"),
            (b"", b"\x00"),
        ] {
            assert_eq!(written(|out| string(out, text, None)), bytes);
            assert_eq!(written(|out| string_value(out, StrRef::Bytes(text), |_, _| false)), bytes);
            if let Some(value) = parse_i64(text) {
                assert_eq!(written(|out| string_value(out, StrRef::Int(value), |_, _| false)), bytes);
            }
        }
        assert_eq!(written(|out| integer(out, i64::MIN)), b"\x14-9223372036854775808");
    }

    #[test]
    fn an_entry_has_expiry_usage_type_key_value() {
        let head = EntryHead { key: b"t", expire_at_ms: Some(0x1a2_0077_4f21), usage: Usage::Frequency(7) };
        let entry = written(|out| string_entry(out, &head, StrRef::Bytes(b"v"), None));
        assert_eq!(entry, b"\xfc\x21\x4f\x77\x00\xa2\x01\0\0\xf9\x07\x00\x01t\x01v");
        let head = EntryHead { key: b"17", expire_at_ms: None, usage: Usage::IdleSeconds(70) };
        let entry = written(|out| string_entry(out, &head, StrRef::Int(1), None));
        assert_eq!(entry, b"\xf8\x40\x46\x00\xc0\x11\xc0\x01");
        let entry = written(|out| large_string_entry(out, &head, 100_000));
        assert_eq!(entry, b"\xf8\x40\x46\x00\xc0\x11\x80\x00\x01\x86\xa0");
    }

    #[test]
    fn values_are_compressed_up_to_the_limit() {
        let mut compressor = Compressor::new();
        let head = EntryHead { key: b"k", expire_at_ms: None, usage: Usage::Unknown };
        let mut size = |value: &Shared| {
            written(|out| string_entry(out, &head, StrRef::Shared(value), Some(&mut compressor))).len()
        };
        assert!(size(&Shared::from_slice(&[b'a'; COMPRESS_MAX])) < 1000);
        assert!(size(&Shared::from_slice(&[b'a'; COMPRESS_MAX + 1])) > COMPRESS_MAX);
        assert_eq!(size(&Shared::from_slice(&[b'a'; 20])), 3 + 1 + 20);
    }

    #[test]
    fn a_file_s_frame() {
        let frame = written(|out| {
            header(out, 10);
            aux(out, b"redis-ver", b"7.2.4");
            aux_int(out, b"redis-bits", 64);
            select_db(out, 3);
            resize_db(out, 1000, 0);
            function(out, b"#!lua name=x", None);
            end(out, 0x0102_0304_0506_0708);
        });
        assert_eq!(
            frame,
            b"REDIS0010\xfa\x09redis-ver\x057.2.4\xfa\x0aredis-bits\xc0\x40\xfe\x03\xfb\x43\xe8\x00\
              \xf5\x0c#!lua name=x\xff\x08\x07\x06\x05\x04\x03\x02\x01"
        );
    }
}
