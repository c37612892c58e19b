//! Scores and members as replies, in the layouts that Redis uses for them.

use resp::{Protocol, Writer};
use value::number::append_f64;
use value::packed::Element;

/// Writes a score: a double in RESP3, its text in RESP2.
pub(crate) fn score(writer: &mut Writer<'_>, score: f64) {
    let mut text = Vec::with_capacity(32);
    score_by(writer, score, &mut text);
}

/// The same with room that is used again and again.
fn score_by(writer: &mut Writer<'_>, score: f64, text: &mut Vec<u8>) {
    text.clear();
    append_f64(text, score);
    match writer.protocol {
        Protocol::Resp2 => writer.bulk(text),
        Protocol::Resp3 => {
            writer.out.push(b',');
            writer.out.extend_from_slice(text);
            writer.out.extend_from_slice(b"\r\n");
        }
    }
}

/// Writes a member.
pub(crate) fn member(writer: &mut Writer<'_>, member: Element<'_>) {
    match member {
        Element::Bytes(bytes) => writer.bulk(bytes),
        Element::Int(number) => writer.bulk_integer(number),
    }
}

/// How members stand in a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// Members alone.
    Members,
    /// Member, score, member, score.
    Flat,
    /// A pair for each member.
    Pairs,
}

impl Layout {
    /// What WITHSCORES means: pairs in RESP3, where a score is told from a member, flat in RESP2.
    pub(crate) fn with_scores(with_scores: bool, protocol: Protocol) -> Layout {
        match (with_scores, protocol) {
            (false, _) => Layout::Members,
            (true, Protocol::Resp2) => Layout::Flat,
            (true, Protocol::Resp3) => Layout::Pairs,
        }
    }
}

/// A list of members being written.
pub(crate) struct List<'w> {
    writer: Writer<'w>,
    layout: Layout,
    text: Vec<u8>,
}

impl<'w> List<'w> {
    /// Begins one with the header for so many members.
    pub(crate) fn begin(mut writer: Writer<'w>, layout: Layout, len: usize) -> List<'w> {
        writer.array(if layout == Layout::Flat { len.saturating_mul(2) } else { len });
        List::go_on(writer, layout)
    }

    /// Goes on behind a header that stands already.
    pub(crate) fn go_on(writer: Writer<'w>, layout: Layout) -> List<'w> {
        List { writer, layout, text: Vec::new() }
    }

    /// Adds a member.
    pub(crate) fn push(&mut self, element: Element<'_>, score: f64) {
        if self.layout == Layout::Pairs {
            self.writer.array(2);
        }
        member(&mut self.writer, element);
        if self.layout != Layout::Members {
            score_by(&mut self.writer, score, &mut self.text);
        }
    }
}
