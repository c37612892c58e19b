//! IDs and entries as replies.

use std::io::Write;

use resp::Writer;
use value::packed::Element;
use value::stream::{Entry, StreamId};

/// Longest text of an ID: two numbers of twenty digits and a dash.
const ID_TEXT_MAX: usize = 41;

/// Writes an ID.
pub(super) fn id(writer: &mut Writer<'_>, id: StreamId) {
    let mut text = [0; ID_TEXT_MAX];
    let mut rest = &mut text[..];
    // There is room for the longest.
    let _ = write!(rest, "{id}");
    let len = ID_TEXT_MAX - rest.len();
    writer.bulk(&text[..len]);
}

/// Writes a field or a value.
fn text(writer: &mut Writer<'_>, element: Element<'_>) {
    match element {
        Element::Bytes(bytes) => writer.bulk(bytes),
        Element::Int(number) => writer.bulk_integer(number),
    }
}

/// Writes an entry: its ID, and its fields and values in turn.
pub(super) fn entry(writer: &mut Writer<'_>, entry: &Entry<'_>) {
    writer.array(2);
    contents(writer, entry);
}

/// Writes an entry with what is known of its deliveries before this one: how long ago the last was, and how many there were.
pub(super) fn entry_with_deliveries(
    writer: &mut Writer<'_>,
    entry: &Entry<'_>,
    idle_ms: i64,
    deliveries: u64,
) {
    writer.array(4);
    contents(writer, entry);
    writer.integer(idle_ms);
    writer.integer(i64::try_from(deliveries).unwrap_or(i64::MAX));
}

fn contents(writer: &mut Writer<'_>, entry: &Entry<'_>) {
    id(writer, entry.id);
    let fields = entry.fields.clone();
    writer.array(fields.len() * 2);
    for (field, value) in fields {
        text(writer, field);
        text(writer, value);
    }
}

/// Writes entries as an array.
pub(super) fn entries<'e>(writer: &mut Writer<'_>, entries: impl Iterator<Item = Entry<'e>>) {
    counted(writer, |writer| entries.map(|it| entry(writer, &it)).count());
}

/// Writes an array of as many elements as `write` says afterwards that it has written.
pub(super) fn counted(writer: &mut Writer<'_>, write: impl FnOnce(&mut Writer<'_>) -> usize) {
    headed(writer, |writer| {
        let count = write(writer);
        move |writer: &mut Writer<'_>| writer.array(count)
    });
}

/// Writes what `write` writes, and in front of it the header that it returns.
pub(super) fn headed<H: FnOnce(&mut Writer<'_>)>(
    writer: &mut Writer<'_>,
    write: impl FnOnce(&mut Writer<'_>) -> H,
) {
    let start = writer.out.len();
    let header = write(writer);
    let end = writer.out.len();
    header(writer);
    let header = writer.out.len() - end;
    writer.out[start..].rotate_right(header);
}

#[cfg(test)]
mod tests {
    use resp::Protocol;

    use super::*;

    #[test]
    fn ids_of_every_length() {
        for (it, expected) in [
            (StreamId::MIN, "$3\r\n0-0\r\n"),
            (StreamId::MAX, "$41\r\n18446744073709551615-18446744073709551615\r\n"),
        ] {
            let mut out = Vec::new();
            id(&mut Writer { out: &mut out, protocol: Protocol::Resp2 }, it);
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }

    #[test]
    fn the_header_stands_in_front() {
        let mut out = b"before".to_vec();
        let mut writer = Writer { out: &mut out, protocol: Protocol::Resp2 };
        counted(&mut writer, |writer| {
            (0..12).for_each(|n| writer.integer(n % 10));
            12
        });
        assert!(out.starts_with(b"before*12\r\n:0\r\n:1\r\n"), "{}", out.escape_ascii());
        assert!(out.ends_with(b":9\r\n:0\r\n:1\r\n"));
    }
}
