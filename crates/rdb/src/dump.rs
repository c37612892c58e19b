//! DUMP and RESTORE payloads: one value or object with a footer of version and checksum. Knows no key and no expiry.
//!
//! ```text
//!  type  value  version: u16, little-endian  crc64 of everything before: u64, little-endian
//! ```

use value::StrRef;

use crate::crc64::crc64;
use crate::error::{Error, Fault};
use crate::format::{Family, TYPE_STRING, VALKEY_VERSION_MIN};
use crate::lzf::Compressor;
use crate::object::{Kind, ObjectSink};
use crate::read::{Limits, Value, dumped_object, dumped_value, version_is_read};
use crate::wire::Wire;
use crate::write::dumped_string;

/// Bytes of version and checksum.
const FOOTER: usize = 10;

/// Appends the payload for a string; for version 10 with the same bytes as Redis 7.0's DUMP. Pass a compressor unless compression
/// is switched off (`rdbcompression no`).
pub fn string(out: &mut Vec<u8>, value: StrRef<'_>, version: u16, compressor: Option<&mut Compressor>) {
    let start = out.len();
    out.push(TYPE_STRING);
    dumped_string(out, value, compressor);
    finish(out, start, version);
}

/// Ends the payload that begins at `start` in `out`: appends version and checksum. What stands there is an object that an
/// [`ObjectWriter`](crate::ObjectWriter) wrote with [`Place::Payload`](crate::Place::Payload) for the same version.
pub fn finish(out: &mut Vec<u8>, start: usize, version: u16) {
    out.extend_from_slice(&version.to_le_bytes());
    let checksum = crc64(&out[start..]);
    out.extend_from_slice(&checksum.to_le_bytes());
}

/// Checks a payload's footer: [`Fault::Footer`] if it is too short, of an unknown version, or its checksum is wrong
/// (RESTORE answers "DUMP payload version or checksum are wrong"). Returns what stands before the footer.
pub fn verify(payload: &[u8]) -> Result<&[u8], Error> {
    split(payload, Limits::default()).map(|(body, ..)| body)
}

/// Verifies a payload and reads its value, using `scratch` for the bytes of a small one. Any fault but
/// [`Fault::Footer`] means that the value itself is wrong (RESTORE answers "Bad data format"). As in Redis, bytes
/// between value and footer are ignored.
pub fn load<'a>(payload: &[u8], limits: Limits, scratch: &'a mut Vec<u8>) -> Result<Value<'a>, Error> {
    let (body, family, _) = split(payload, limits)?;
    dumped_value(body, limits, family, scratch)
}

/// What kind of object a payload holds; `None` for a string and for what is not read. Looks at the footer's version only: the
/// checksum is verified where the object is loaded.
pub fn kind(payload: &[u8]) -> Result<Option<Kind>, Error> {
    let (body, family, version) =
        split(payload, Limits { skip_payload_checksum: true, ..Limits::default() })?;
    let wire = body.first().and_then(|&number| Wire::of(number, family, version));
    Ok(wire.map(Wire::kind))
}

/// Verifies a payload and hands its object, which is not a string, to the sink. Faults as in [`load`]; a collection
/// without elements is one too.
pub fn load_object<S: ObjectSink + ?Sized>(
    payload: &[u8],
    limits: Limits,
    sink: &mut S,
) -> Result<(), Error> {
    let (body, family, version) = split(payload, limits)?;
    dumped_object(body, limits, family, version, sink)
}

fn split(payload: &[u8], limits: Limits) -> Result<(&[u8], Family, u32), Error> {
    let wrong = || Error::new(payload.len().saturating_sub(FOOTER) as u64, Fault::Footer);
    let (signed, checksum) = payload.split_last_chunk::<8>().ok_or_else(wrong)?;
    let (body, version) = signed.split_last_chunk::<2>().ok_or_else(wrong)?;
    let version = u32::from(u16::from_le_bytes(*version));
    let family = if version < VALKEY_VERSION_MIN { Family::Redis } else { Family::Valkey };
    let is_intact = || limits.skip_payload_checksum || crc64(signed) == u64::from_le_bytes(*checksum);
    if !version_is_read(family, version) || !is_intact() {
        return Err(wrong());
    }
    Ok((body, family, version))
}

#[cfg(test)]
mod tests {
    use super::*;
    use value::Shared;

    fn dumped(value: StrRef<'_>) -> Vec<u8> {
        let mut out = b"kept".to_vec();
        string(&mut out, value, crate::VERSION, Some(&mut Compressor::new()));
        out.split_off(4)
    }

    /// A payload with a right footer around any body.
    fn signed(body: &[u8], version: u16) -> Vec<u8> {
        let mut payload = body.to_vec();
        payload.extend(version.to_le_bytes());
        payload.extend(crc64(&payload).to_le_bytes());
        payload
    }

    fn fault(payload: &[u8]) -> Fault {
        match load(payload, Limits { string_max: 1000, ..Limits::default() }, &mut Vec::new()) {
            Ok(value) => panic!("accepted: {value:?}"),
            Err(error) => error.fault,
        }
    }

    #[test]
    fn known_payload() {
        // As Redis 7.0 answers DUMP for SET a hello.
        assert_eq!(dumped(StrRef::Bytes(b"hello")), b"\x00\x05hello\x0a\x00cr\xdfve4\x20\x0a");
    }

    #[test]
    fn round_trips() {
        let long = Shared::from_slice(&[b'l'; 300_000]);
        let noise: Vec<u8> = {
            let mut rng = fastrand::Rng::with_seed(3);
            (0..100_000).map(|_| rng.u8(..)).collect()
        };
        for value in [
            StrRef::Int(5),
            StrRef::Int(i64::MAX),
            StrRef::Bytes(b""),
            StrRef::Bytes(b"17"),
            StrRef::Bytes(&[b'x'; 500]),
            StrRef::Bytes(&noise),
            StrRef::Shared(&long),
        ] {
            let payload = dumped(value);
            let mut scratch = b"old content".to_vec();
            let loaded = load(&payload, Limits::default(), &mut scratch).unwrap();
            assert_eq!(loaded.as_str().to_cow(), value.to_cow());
        }
        assert!(dumped(StrRef::Shared(&long)).len() < 5000, "a dump is compressed at any length");
    }

    #[test]
    fn a_wrong_checksum_can_be_passed_over_but_not_a_wrong_version() {
        let limits = Limits { skip_payload_checksum: true, ..Limits::default() };
        let mut payload = dumped(StrRef::Bytes(b"hello"));
        let end = payload.len() - 1;
        payload[end] ^= 1;
        assert!(matches!(fault(&payload), Fault::Footer));
        assert_eq!(load(&payload, limits, &mut Vec::new()).unwrap().as_str().to_cow(), &b"hello"[..]);
        payload[end - 9] = 99;
        assert!(matches!(load(&payload, limits, &mut Vec::new()).unwrap_err().fault, Fault::Footer));
    }

    #[test]
    fn a_wrong_footer_is_refused() {
        let payload = dumped(StrRef::Bytes(b"hello"));
        for len in 0..payload.len() {
            assert!(matches!(fault(&payload[..len]), Fault::Footer));
        }
        for at in 0..payload.len() {
            let mut damaged = payload.clone();
            damaged[at] ^= 1;
            assert!(matches!(fault(&damaged), Fault::Footer));
        }
        for (version, read) in
            [(0, false), (1, true), (10, true), (15, true), (16, false), (80, true), (82, false)]
        {
            let payload = signed(b"\x00\x01x", version);
            assert_eq!(verify(&payload).is_ok(), read, "{version}");
        }
    }

    #[test]
    fn a_wrong_value_is_refused() {
        assert!(matches!(fault(&signed(b"", 10)), Fault::Cut { .. }));
        assert!(matches!(fault(&signed(b"\x00", 10)), Fault::Cut { .. }));
        assert!(matches!(fault(&signed(b"\x00\x05hell", 10)), Fault::Cut { .. }));
        assert!(matches!(fault(&signed(b"\x00\xc4", 10)), Fault::Encoding { found: 4, .. }));
        assert!(matches!(fault(&signed(b"\x00\x82", 10)), Fault::Length { found: 0x82, .. }));
        assert!(matches!(fault(&signed(b"\x00\x43\xe9", 10)), Fault::TooLong { length: 1001, limit: 1000 }));
        assert!(matches!(fault(&signed(b"\x00\xc3\x01\x43\xe9", 10)), Fault::TooLong { .. }));
        assert!(matches!(fault(&signed(b"\x00\xc3\x02\x05\x00a", 10)), Fault::Compressed(_)));
        assert!(matches!(fault(&signed(b"\x01\x01\x01x", 10)), Fault::Type { number: 1, name: "list", .. }));
        assert!(matches!(fault(&signed(b"\x63", 10)), Fault::Opcode { found: 0x63 }));
        let mut scratch = Vec::new();
        let trailing = signed(b"\x00\x01xyz", 10);
        let value = load(&trailing, Limits::default(), &mut scratch).unwrap();
        assert_eq!(value.as_str().to_cow(), &b"x"[..], "bytes behind the value are ignored, as in Redis");
    }
}
