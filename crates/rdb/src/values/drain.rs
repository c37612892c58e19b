//! Writing a frozen value in pieces of about 64 KiB, and letting go of each of its leaves as soon as it is written.
//!
//! It does not know who else holds the value: what became free by letting go is told, so that it can be given back to a budget.
//!
//! ```text
//!   begin ── head ── portion ── portion ── ... ── end            leaf by leaf, each let go when it is written
//!      └── put_away: leaves ahead that nobody else holds any more ──> Store ──(when the reader comes there)──> the file
//! ```
//! What others change, they copy; from then on the frozen value alone holds the former leaf. Where memory is short such leaves are put
//! away as they will stand in the file, which is why a value may be put away before it is begun: elements are written without regard to where they stand.
//!
//! Bounds: the buffer holds a piece, a list's leaf, a stream's node, or an element of up to [`COMPRESS_MAX`] bytes; longer elements are passed on from
//! where they lie.

use value::directory::Leaf as _;
use value::fields::FieldsLeaf;
use value::gaps::{Gap, Part, Verdict};
use value::list::ListLeaf;
use value::member_leaf::NO_DEADLINE;
use value::ordered::{Drained, Leaf};
use value::set::SetLeaf;
use value::stream::{GroupDrain, StreamDrain, StreamNode};
use value::zset::ZsetLeaf;
use value::{Large, Shared, StrRef, block_tree, directory, ordered};

use super::encode::{info_of, long_element, one_node, pending_of, spelled, whole_node};
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

    /// Appends `bytes` bytes that a [`Store`] has kept at a place.
    fn recall(&mut self, place: u64, bytes: u32, out: &mut Vec<u8>) -> Result<(), Self::Error>;

    /// So much of the value is written, as a part of a whole; and so many heap bytes were freed since the last call that only the
    /// value had held. Called about every 256 KiB, and at the end.
    fn drained(&mut self, done: u64, whole: u64, freed: u64) -> Result<(), Self::Error>;
}

/// Where leaves are put away.
pub trait Store {
    /// Keeps the bytes and tells where; `None` when no more are kept.
    fn keep(&mut self, bytes: &[u8]) -> Option<u64>;
}

/// A frozen value on its way into a file.
pub struct Draining {
    form: Form,
    /// How much is done, and of how much: elements, or bytes of a string.
    done: u64,
    whole: u64,
    /// The rank from which on leaves are put away next.
    put_away_from: u64,
}

enum Form {
    Flat(Shared),
    Tree(block_tree::Drain),
    List {
        leaves: ordered::Drain<ListLeaf>,
        nodes: u64,
        /// All of it as one node, if clients know it as a listpack.
        together: Option<Vec<u8>>,
    },
    Set(directory::Drain<SetLeaf>),
    Zset(ordered::Drain<ZsetLeaf>),
    Hash {
        leaves: directory::Drain<FieldsLeaf>,
        expires: bool,
    },
    Stream(Box<StreamDrain>),
}

impl Draining {
    /// Begins with a value, which nothing is written of yet.
    pub fn begin(value: Large) -> Draining {
        let (whole, form) = match value {
            Large::String(value) => match *value {
                Shared::Tree(tree) => (tree.len(), Form::Tree(tree.into_drain())),
                flat => (1, Form::Flat(flat)),
            },
            Large::List(list) => {
                let (together, nodes) = (one_node(&list), list.leaf_count());
                (list.len(), Form::List { leaves: list.into_drain(), nodes, together })
            }
            Large::Set(set) => (set.len(), Form::Set(set.into_drain())),
            Large::Zset(zset) => (zset.len(), Form::Zset(zset.into_drain())),
            Large::Hash(hash) => {
                let expires = hash.earliest() != NO_DEADLINE;
                (hash.len(), Form::Hash { leaves: hash.into_drain(), expires })
            }
            Large::Stream(stream) => {
                let drain = stream.into_drain();
                (drain.len, Form::Stream(Box::new(drain)))
            }
        };
        Draining { form, done: 0, whole: whole.max(1), put_away_from: 0 }
    }

    /// Appends the entry's start: everything before the first element.
    pub fn head(&self, head: &EntryHead<'_>, writer: &mut ObjectWriter<'_>, out: &mut Vec<u8>) {
        let place = Place::Entry(head);
        match &self.form {
            Form::Flat(flat) => write::string_entry(out, head, StrRef::Shared(flat), writer.compressor()),
            Form::Tree(_) => write::large_string_entry(out, head, self.whole),
            Form::List { together: Some(body), .. } => {
                writer.list(out, place, 1);
                writer.list_node(out, body, self.whole);
            }
            Form::List { nodes, .. } => writer.list(out, place, *nodes),
            Form::Set(_) => writer.set(out, place, self.whole),
            Form::Zset(_) => writer.zset(out, place, self.whole),
            Form::Hash { expires: true, .. } => writer.expiring_hash(out, place, self.whole),
            Form::Hash { .. } => writer.hash(out, place, self.whole),
            Form::Stream(drain) => writer.stream(out, place, drain.node_count),
        }
    }

    /// Writes about the next 256 KiB behind what is in `buffer`. True at the end, where `buffer` comes back empty.
    pub fn portion<P: Pieces>(
        &mut self,
        writer: &mut ObjectWriter<'_>,
        buffer: &mut Vec<u8>,
        pieces: &mut P,
    ) -> Result<bool, P::Error> {
        let mut out = Out { writer, buffer, pieces, passed: 0, freed: 0, done: self.done, whole: self.whole };
        let is_over = match &mut self.form {
            Form::Flat(_) => true,
            Form::Tree(drain) => string(drain, &mut out)?,
            Form::List { leaves, together: Some(_), .. } => rest(leaves, &mut out, |_, _| Ok(()))?,
            Form::List { leaves, .. } => rest(leaves, &mut out, |leaf, out| list_leaf(leaf, out))?,
            Form::Set(leaves) => rest(leaves, &mut out, |leaf, out| members(leaf, out))?,
            Form::Zset(leaves) => rest(leaves, &mut out, |leaf, out| scored(leaf, out))?,
            Form::Hash { leaves, expires } => {
                rest(leaves, &mut out, |leaf, out| fields(leaf, *expires, out))?
            }
            Form::Stream(drain) => stream(drain, &mut out)?,
        };
        if is_over {
            out.flush()?;
            out.pieces.drained(out.whole, out.whole, out.freed)?;
        }
        self.done = out.done;
        Ok(is_over)
    }

    /// Puts leaves away that nobody else holds, until so many heap bytes are freed, about 2000 leaves were looked at, or there are no more.
    /// Returns the bytes freed.
    pub fn put_away(&mut self, bytes: u64, writer: &mut ObjectWriter<'_>, store: &mut dyn Store) -> u64 {
        let mut away = Away { writer, store, scratch: Vec::new(), freed: 0, wanted: bytes };
        let from = self.put_away_from;
        let next = match &mut self.form {
            // Strings change rarely and by whole blocks; one node is written whole.
            Form::Flat(_) | Form::Tree(_) | Form::List { together: Some(_), .. } => None,
            Form::List { leaves, .. } => leaves.take_out(from, &mut |leaf| {
                away.judge(leaf.heap_bytes() as u64, |whole| list_leaf(leaf, whole))
            }),
            Form::Set(leaves) => {
                leaves.take_out(from, &mut |leaf| away.judge(leaf.heap_bytes(), |whole| members(leaf, whole)))
            }
            Form::Zset(leaves) => leaves.take_out(from, &mut |leaf| {
                away.judge(leaf.heap_bytes() as u64, |whole| scored(leaf, whole))
            }),
            Form::Hash { leaves, expires } => leaves.take_out(from, &mut |leaf| {
                away.judge(leaf.heap_bytes(), |whole| fields(leaf, *expires, whole))
            }),
            Form::Stream(drain) => drain.take_out(from, &mut |node| {
                away.judge(node.heap_bytes() as u64, |whole| stream_node(node, whole))
            }),
        };
        self.put_away_from = next.unwrap_or(0);
        away.freed
    }

    /// Whether the next [`put_away`](Self::put_away) begins at the front.
    pub fn is_around(&self) -> bool {
        self.put_away_from == 0
    }
}

/// Leaves being put away.
struct Away<'a, 'c> {
    writer: &'a mut ObjectWriter<'c>,
    store: &'a mut dyn Store,
    scratch: Vec<u8>,
    freed: u64,
    wanted: u64,
}

impl Away<'_, '_> {
    /// Puts a leaf of `heap` bytes away, as `spell` spells it; one that is too long for that stays.
    fn judge(&mut self, heap: u64, spell: impl FnOnce(&mut Whole<'_, '_>) -> Result<(), TooLong>) -> Verdict {
        if self.freed >= self.wanted {
            return Verdict::Stop;
        }
        self.scratch.clear();
        if spell(&mut Whole { writer: self.writer, out: &mut self.scratch }).is_err() {
            return Verdict::Stay;
        }
        let Ok(bytes) = u32::try_from(self.scratch.len()) else { return Verdict::Stay };
        let Some(place) = self.store.keep(&self.scratch) else { return Verdict::Stop };
        self.freed += heap;
        Verdict::Go { place, bytes }
    }
}

/// Where leaves are spelled: into the file piece by piece, or one as a whole.
trait Spelling {
    type Error;

    /// Spells something short.
    fn short(&mut self, spell: impl FnOnce(&mut ObjectWriter<'_>, &mut Vec<u8>)) -> Result<(), Self::Error>;

    /// Spells what is longer than [`COMPRESS_MAX`]: its length, as `head` does, then the bytes from where they lie.
    fn long(
        &mut self,
        head: impl FnOnce(&mut ObjectWriter<'_>, &mut Vec<u8>),
        bytes: &[u8],
    ) -> Result<(), Self::Error>;

    /// Spells a stream's node whose listpack is that long in the same way.
    fn long_node(
        &mut self,
        head: impl FnOnce(&mut ObjectWriter<'_>, &mut Vec<u8>),
        node: &StreamNode,
    ) -> Result<(), Self::Error>;

    /// Spells a member, field or value.
    fn element(&mut self, bytes: &[u8]) -> Result<(), Self::Error> {
        match bytes.len() > COMPRESS_MAX {
            true => self.long(|writer, out| writer.large_element(out, bytes.len() as u64), bytes),
            false => self.short(|writer, out| writer.element(out, Element::Bytes(bytes))),
        }
    }
}

/// A leaf that is spelled as a whole.
struct Whole<'a, 'c> {
    writer: &'a mut ObjectWriter<'c>,
    out: &'a mut Vec<u8>,
}

/// Something in a leaf is too long to be spelled at once.
struct TooLong;

impl Spelling for Whole<'_, '_> {
    type Error = TooLong;

    fn short(&mut self, spell: impl FnOnce(&mut ObjectWriter<'_>, &mut Vec<u8>)) -> Result<(), TooLong> {
        spell(self.writer, self.out);
        Ok(())
    }

    fn long(&mut self, _: impl FnOnce(&mut ObjectWriter<'_>, &mut Vec<u8>), _: &[u8]) -> Result<(), TooLong> {
        Err(TooLong)
    }

    fn long_node(
        &mut self,
        _: impl FnOnce(&mut ObjectWriter<'_>, &mut Vec<u8>),
        _: &StreamNode,
    ) -> Result<(), TooLong> {
        Err(TooLong)
    }
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

    /// A leaf has been written and let go. True at the end of a portion.
    fn step(&mut self, done: u64, freed: u64) -> Result<bool, P::Error> {
        self.done += done;
        self.freed += freed;
        if self.buffer.len() >= PIECE {
            self.flush()?;
        }
        if self.passed < PORTION {
            return Ok(false);
        }
        self.passed = 0;
        self.pieces.drained(self.done, self.whole, std::mem::take(&mut self.freed))?;
        Ok(true)
    }

    /// Writes what was put away. True at the end of a portion.
    fn recall(&mut self, gap: Gap) -> Result<bool, P::Error> {
        self.pieces.recall(gap.place, gap.bytes, self.buffer)?;
        self.step(gap.len, 0)
    }
}

impl<P: Pieces> Spelling for Out<'_, '_, P> {
    type Error = P::Error;

    fn short(&mut self, spell: impl FnOnce(&mut ObjectWriter<'_>, &mut Vec<u8>)) -> Result<(), P::Error> {
        spell(self.writer, self.buffer);
        if self.buffer.len() >= PIECE { self.flush() } else { Ok(()) }
    }

    fn long(
        &mut self,
        head: impl FnOnce(&mut ObjectWriter<'_>, &mut Vec<u8>),
        bytes: &[u8],
    ) -> Result<(), P::Error> {
        head(self.writer, self.buffer);
        self.direct(bytes)
    }

    fn long_node(
        &mut self,
        head: impl FnOnce(&mut ObjectWriter<'_>, &mut Vec<u8>),
        node: &StreamNode,
    ) -> Result<(), P::Error> {
        head(self.writer, self.buffer);
        node.spell(&mut |bytes| {
            if bytes.len() >= PIECE {
                return self.direct(bytes);
            }
            self.buffer.extend_from_slice(bytes);
            if self.buffer.len() >= PIECE { self.flush() } else { Ok(()) }
        })
    }
}

/// A drain of whichever tree.
trait Leaves {
    type Leaf;

    fn next_part(&mut self) -> Option<Part<Self::Leaf>>;

    /// Lets go of a leaf. Returns how many elements it had, and the heap bytes freed since the last call.
    fn let_go(&mut self, leaf: Self::Leaf) -> (u64, u64);

    /// Heap bytes of inner nodes freed since the last call.
    fn take_freed(&mut self) -> u64;
}

impl<L: Leaf> Leaves for ordered::Drain<L> {
    type Leaf = Drained<L>;

    fn next_part(&mut self) -> Option<Part<Drained<L>>> {
        self.next_part()
    }

    fn let_go(&mut self, leaf: Drained<L>) -> (u64, u64) {
        let len = leaf.len() as u64;
        (len, leaf.release() + self.take_freed())
    }

    fn take_freed(&mut self) -> u64 {
        self.take_freed()
    }
}

impl<L: directory::Leaf> Leaves for directory::Drain<L> {
    type Leaf = L;

    fn next_part(&mut self) -> Option<Part<L>> {
        self.next_part()
    }

    fn let_go(&mut self, leaf: L) -> (u64, u64) {
        let len = leaf.len() as u64;
        self.release(leaf);
        (len, self.take_freed())
    }

    fn take_freed(&mut self) -> u64 {
        self.take_freed()
    }
}

impl Leaves for StreamDrain {
    type Leaf = Drained<StreamNode>;

    fn next_part(&mut self) -> Option<Part<Drained<StreamNode>>> {
        self.next_node()
    }

    fn let_go(&mut self, node: Drained<StreamNode>) -> (u64, u64) {
        let len = Leaf::len(&*node) as u64;
        (len, node.release() + self.take_freed())
    }

    fn take_freed(&mut self) -> u64 {
        self.take_freed()
    }
}

/// Writes the rest of a drain up to the end of a portion, each leaf as `spell` spells it. True when nothing is left.
fn rest<D: Leaves, P: Pieces>(
    drain: &mut D,
    out: &mut Out<'_, '_, P>,
    spell: impl Fn(&D::Leaf, &mut Out<'_, '_, P>) -> Result<(), P::Error>,
) -> Result<bool, P::Error> {
    while let Some(part) = drain.next_part() {
        let is_portion = match part {
            Part::Gap(gap) => out.recall(gap)?,
            Part::Leaf(leaf) => {
                spell(&leaf, out)?;
                let (len, freed) = drain.let_go(leaf);
                out.step(len, freed)?
            }
        };
        if is_portion {
            return Ok(false);
        }
    }
    out.freed += drain.take_freed();
    Ok(true)
}

/// The same for a string.
fn string<P: Pieces>(drain: &mut block_tree::Drain, out: &mut Out<'_, '_, P>) -> Result<bool, P::Error> {
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
        if out.step(len, freed)? {
            return Ok(false);
        }
    }
    out.freed += drain.take_freed();
    Ok(true)
}

/// Spells a leaf as a node.
fn list_leaf<S: Spelling>(leaf: &ListLeaf, to: &mut S) -> Result<(), S::Error> {
    // Of its own: one for each leaf costs a hundredth of the time to fill it.
    let mut scratch = Vec::new();
    let packed = leaf.packed(&mut scratch);
    match long_element(packed) {
        Some(bytes) if bytes.len() > COMPRESS_MAX => {
            to.long(|writer, out| writer.list_plain_large(out, bytes.len() as u64), bytes)
        }
        Some(bytes) => to.short(|writer, out| writer.list_plain(out, bytes)),
        None => to.short(|writer, out| writer.list_node(out, packed.body(), packed.count() as u64)),
    }
}

/// Spells a leaf's members.
fn members<S: Spelling>(leaf: &SetLeaf, to: &mut S) -> Result<(), S::Error> {
    leaf.items(0..usize::MAX).try_for_each(|item| to.element(item.parts[0]))
}

/// Spells a leaf's members and their scores.
fn scored<S: Spelling>(leaf: &ZsetLeaf, to: &mut S) -> Result<(), S::Error> {
    (0..Leaf::len(leaf)).try_for_each(|at| {
        to.element(leaf.member(at))?;
        to.short(|_, out| out.extend_from_slice(&leaf.score(at).to_le_bytes()))
    })
}

/// Spells a leaf's fields, each with its deadline if any field of the hash has one.
fn fields<S: Spelling>(leaf: &FieldsLeaf, expires: bool, to: &mut S) -> Result<(), S::Error> {
    leaf.items(0..usize::MAX).try_for_each(|item| {
        item.parts.iter().try_for_each(|part| to.element(part))?;
        if expires {
            let deadline = (item.deadline != NO_DEADLINE).then_some(item.deadline);
            to.short(|writer, out| writer.field_expiry(out, deadline))?;
        }
        Ok(())
    })
}

/// Spells a node.
fn stream_node<S: Spelling>(node: &StreamNode, to: &mut S) -> Result<(), S::Error> {
    let len = node.listpack_len();
    if len > COMPRESS_MAX {
        let master = spelled(node.master_id());
        return to.long_node(|writer, out| writer.stream_node_large(out, master, len as u64), node);
    }
    to.short(|writer, out| whole_node(writer, out, node))
}

fn stream<P: Pieces>(drain: &mut StreamDrain, out: &mut Out<'_, '_, P>) -> Result<bool, P::Error> {
    if !rest(drain, out, |node, out| stream_node(node, out))? {
        return Ok(false);
    }
    out.writer.stream_info(out.buffer, &info_of(drain.len, drain.info));
    out.writer.stream_groups(out.buffer, drain.groups_remaining());
    while let Some(group) = drain.next_group() {
        stream_group(group, out)?;
    }
    Ok(true)
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
