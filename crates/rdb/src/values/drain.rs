//! Writing a frozen value in pieces of about 64 KiB, and letting go of each of its leaves as soon as it is written.
//!
//! It does not know who else holds the value: what became free by letting go is told, so that it can be given back to a budget.
//!
//! Bounds: the buffer holds a piece, a list's leaf, a stream's node, or an element of up to [`COMPRESS_MAX`] bytes; longer elements are passed on from
//! where they lie.

use value::fields::LargeFields;
use value::list::LargeList;
use value::member_leaf::NO_DEADLINE;
use value::set::LargeSet;
use value::stream::{GroupDrain, Stream};
use value::zset::LargeZset;
use value::{Large, Shared, StrRef};

use super::encode::{info_of, long_element, one_node, pending_of, spelled};
use crate::element::Element;
use crate::object::{StreamConsumer, StreamGroup};
use crate::write::{self, COMPRESS_MAX, EntryHead, ObjectWriter, Place};

/// Bytes after which what has been written is passed on.
const PIECE: usize = 64 * 1024;

/// Bytes after which it is told what became free.
const PORTION: u64 = 256 * 1024;

/// A run of zeros to write holes of strings with.
static ZEROS: [u8; PIECE] = [0; PIECE];

/// Where the pieces go.
pub trait Pieces {
    /// Why it cannot go on.
    type Error;

    /// Takes the next bytes.
    fn write(&mut self, bytes: &[u8]) -> Result<(), Self::Error>;

    /// So much of the value is written, as a part of a whole; and so many heap bytes were freed since the last call that only the
    /// value had held. Called about every 256 KiB, and at the end.
    fn drained(&mut self, done: u64, whole: u64, freed: u64) -> Result<(), Self::Error>;
}

/// Writes an entry with a large value behind what is in `buffer`, which comes back empty.
pub fn drain<P: Pieces>(
    value: Large,
    head: &EntryHead<'_>,
    writer: &mut ObjectWriter<'_>,
    buffer: &mut Vec<u8>,
    pieces: &mut P,
) -> Result<(), P::Error> {
    let mut out = Out { writer, buffer, pieces, passed: 0, freed: 0, done: 0, whole: 1 };
    match value {
        Large::String(value) => string(*value, head, &mut out)?,
        Large::List(value) => list(*value, head, &mut out)?,
        Large::Set(value) => set(*value, head, &mut out)?,
        Large::Zset(value) => zset(*value, head, &mut out)?,
        Large::Hash(value) => hash(*value, head, &mut out)?,
        Large::Stream(value) => stream(*value, head, &mut out)?,
    }
    out.flush()?;
    out.pieces.drained(out.whole, out.whole, out.freed)
}

struct Out<'a, 'c, P> {
    writer: &'a mut ObjectWriter<'c>,
    buffer: &'a mut Vec<u8>,
    pieces: &'a mut P,
    /// Bytes written since it was last told what became free.
    passed: u64,
    freed: u64,
    /// How much is done, and of how much: elements, or bytes of a string.
    done: u64,
    whole: u64,
}

impl<P: Pieces> Out<'_, '_, P> {
    fn flush(&mut self) -> Result<(), P::Error> {
        if !self.buffer.is_empty() {
            self.passed += self.buffer.len() as u64;
            self.pieces.write(self.buffer)?;
            self.buffer.clear();
        }
        Ok(())
    }

    /// Passes bytes on from where they lie.
    fn direct(&mut self, bytes: &[u8]) -> Result<(), P::Error> {
        self.flush()?;
        self.passed += bytes.len() as u64;
        self.pieces.write(bytes)
    }

    /// Writes a member, field or value.
    fn element(&mut self, bytes: &[u8]) -> Result<(), P::Error> {
        if bytes.len() > COMPRESS_MAX {
            self.writer.large_element(self.buffer, bytes.len() as u64);
            return self.direct(bytes);
        }
        self.writer.element(self.buffer, Element::Bytes(bytes));
        if self.buffer.len() >= PIECE { self.flush() } else { Ok(()) }
    }

    /// A leaf has been written and let go.
    fn step(&mut self, done: u64, freed: u64) -> Result<(), P::Error> {
        self.done += done;
        self.freed += freed;
        if self.buffer.len() >= PIECE {
            self.flush()?;
        }
        if self.passed < PORTION {
            return Ok(());
        }
        self.passed = 0;
        self.pieces.drained(self.done, self.whole, std::mem::take(&mut self.freed))
    }
}

fn string<P: Pieces>(value: Shared, head: &EntryHead<'_>, out: &mut Out<'_, '_, P>) -> Result<(), P::Error> {
    let tree = match value {
        Shared::Tree(tree) => tree,
        flat => {
            write::string_entry(out.buffer, head, StrRef::Shared(&flat), out.writer.compressor());
            return Ok(());
        }
    };
    write::large_string_entry(out.buffer, head, tree.len());
    out.whole = tree.len().max(1);
    let mut drain = tree.into_drain();
    while let Some(piece) = drain.next() {
        match piece.data() {
            Some(data) => out.direct(data)?,
            None => {
                let mut left = piece.len();
                while left > 0 {
                    let zeros = left.min(ZEROS.len() as u64);
                    out.direct(&ZEROS[..zeros as usize])?;
                    left -= zeros;
                }
            }
        }
        let len = piece.len();
        let freed = piece.release() + drain.take_freed();
        out.step(len, freed)?;
    }
    out.freed += drain.take_freed();
    Ok(())
}

fn list<P: Pieces>(value: LargeList, head: &EntryHead<'_>, out: &mut Out<'_, '_, P>) -> Result<(), P::Error> {
    out.whole = value.len().max(1);
    let together = one_node(&value);
    let is_written = together.is_some();
    if let Some(body) = together {
        out.writer.list(out.buffer, Place::Entry(head), 1);
        out.writer.list_node(out.buffer, &body, value.len());
    } else {
        out.writer.list(out.buffer, Place::Entry(head), value.leaves().count() as u64);
    }
    let mut drain = value.into_drain();
    while let Some(leaf) = drain.next() {
        let packed = leaf.packed();
        let count = packed.count() as u64;
        match long_element(packed) {
            _ if is_written => {}
            Some(bytes) if bytes.len() > COMPRESS_MAX => {
                out.writer.list_plain_large(out.buffer, bytes.len() as u64);
                out.direct(bytes)?;
            }
            Some(bytes) => out.writer.list_plain(out.buffer, bytes),
            None => out.writer.list_node(out.buffer, packed.body(), count),
        }
        let freed = leaf.release() + drain.take_freed();
        out.step(count, freed)?;
    }
    out.freed += drain.take_freed();
    Ok(())
}

fn set<P: Pieces>(value: LargeSet, head: &EntryHead<'_>, out: &mut Out<'_, '_, P>) -> Result<(), P::Error> {
    out.whole = value.len().max(1);
    out.writer.set(out.buffer, Place::Entry(head), value.len());
    let mut drain = value.into_drain();
    while let Some(leaf) = drain.next() {
        let items = leaf.items(0..usize::MAX);
        let count = items.len() as u64;
        for item in items {
            out.element(item.parts[0])?;
        }
        drain.release(leaf);
        let freed = drain.take_freed();
        out.step(count, freed)?;
    }
    out.freed += drain.take_freed();
    Ok(())
}

fn zset<P: Pieces>(value: LargeZset, head: &EntryHead<'_>, out: &mut Out<'_, '_, P>) -> Result<(), P::Error> {
    use value::zset::ZsetLeaf;
    fn len(leaf: &ZsetLeaf) -> usize {
        value::ordered::Leaf::len(leaf)
    }
    out.whole = value.len().max(1);
    out.writer.zset(out.buffer, Place::Entry(head), value.len());
    let mut drain = value.into_drain();
    while let Some(leaf) = drain.next() {
        let count = len(&leaf);
        for at in 0..count {
            out.element(leaf.member(at))?;
            out.buffer.extend_from_slice(&leaf.score(at).to_le_bytes());
        }
        let freed = leaf.release() + drain.take_freed();
        out.step(count as u64, freed)?;
    }
    out.freed += drain.take_freed();
    Ok(())
}

fn hash<P: Pieces>(
    value: LargeFields,
    head: &EntryHead<'_>,
    out: &mut Out<'_, '_, P>,
) -> Result<(), P::Error> {
    let expires = value.earliest() != NO_DEADLINE;
    out.whole = value.len().max(1);
    if expires {
        out.writer.expiring_hash(out.buffer, Place::Entry(head), value.len());
    } else {
        out.writer.hash(out.buffer, Place::Entry(head), value.len());
    }
    let mut drain = value.into_drain();
    while let Some(leaf) = drain.next() {
        let items = leaf.items(0..usize::MAX);
        let count = items.len() as u64;
        for item in items {
            let [field, value] = item.parts;
            out.element(field)?;
            out.element(value)?;
            if expires {
                out.writer.field_expiry(out.buffer, (item.deadline != NO_DEADLINE).then_some(item.deadline));
            }
        }
        drain.release(leaf);
        let freed = drain.take_freed();
        out.step(count, freed)?;
    }
    out.freed += drain.take_freed();
    Ok(())
}

fn stream<P: Pieces>(value: Stream, head: &EntryHead<'_>, out: &mut Out<'_, '_, P>) -> Result<(), P::Error> {
    let mut drain = value.into_drain();
    out.whole = drain.len.max(1);
    out.writer.stream(out.buffer, Place::Entry(head), drain.node_count);
    while let Some(node) = drain.next_node() {
        let master = spelled(node.master_id());
        if node.listpack().len() > COMPRESS_MAX {
            out.writer.stream_node_large(out.buffer, master, node.listpack().len() as u64);
            out.direct(node.listpack())?;
        } else {
            out.writer.stream_node(out.buffer, master, node.body(), node.elements().into());
        }
        let count = value::ordered::Leaf::len(&*node) as u64;
        let freed = node.release() + drain.take_freed();
        out.step(count, freed)?;
    }
    out.freed += drain.take_freed();
    out.writer.stream_info(out.buffer, &info_of(drain.len, drain.info));
    out.writer.stream_groups(out.buffer, drain.groups_remaining());
    while let Some(group) = drain.next_group() {
        stream_group(group, out)?;
    }
    Ok(())
}

fn stream_group<P: Pieces>(mut group: GroupDrain, out: &mut Out<'_, '_, P>) -> Result<(), P::Error> {
    let (last_id, entries_read) = (spelled(group.last_id), group.entries_read);
    let head = StreamGroup { name: group.name(), last_id, entries_read };
    out.writer.stream_group(out.buffer, &head, group.pending_remaining());
    while let Some(leaf) = group.next_pending() {
        leaf.pending().for_each(|pending| out.writer.stream_pending(out.buffer, &pending_of(pending)));
        let freed = leaf.release() + group.take_freed();
        out.step(0, freed)?;
    }
    out.writer.stream_consumers(out.buffer, group.consumers_remaining());
    while let Some(mut consumer) = group.next_consumer() {
        let (seen_at_ms, active_at_ms) = (consumer.seen_at_ms, consumer.active_at_ms);
        let head = StreamConsumer { name: consumer.name(), seen_at_ms, active_at_ms };
        out.writer.stream_consumer(out.buffer, &head, consumer.pending_remaining());
        while let Some(leaf) = consumer.next_pending() {
            leaf.ids().for_each(|id| out.writer.stream_owned(out.buffer, spelled(id)));
            let freed = leaf.release() + consumer.take_freed();
            out.step(0, freed)?;
        }
        out.step(0, 0)?;
    }
    Ok(())
}
