//! One entry: header, deadline, key and small value in a single block, reached by one pointer.
//!
//! Does no locking and knows no table; [`crate::table`] owns entries and hands them out.
//!
//! ```text
//!  0        4      6      8            (8)            (8)
//!  +--------+------+------+-------------+--------------+-----------+------------------+
//!  | meta   | klen | vlen | deadline i64| long klen u64| key bytes | payload          |
//!  | u32    | u16  | u16  | if DEADLINE | if klen=FFFF |           |                  |
//!  +--------+------+------+-------------+--------------+-----------+------------------+
//!  meta: 31..28 type | 27..26 payload kind | 25 DEADLINE | 24 PARITY | 23..0 LRU/LFU clock
//!  payload: Inline, Raw = vlen bytes; Int = i64; Large = the raw pointer of a box of the type's large value (both unaligned)
//! ```
//! A small collection is the block that `value` describes for its type, as Inline, or as Raw where the type has a second form (a set's
//! integers, a hash with deadlines of fields). A stream is Large however short it is.
//!
//! A 16-byte key with a 16-byte value is 8 + 16 + 16 = 40 bytes, and 48 with a deadline.
//!
//! Invariants
//! - E1: an [`EntryPtr`] points to a live block laid out as above, of `size_class(size())` bytes, owned by exactly one table slot.
//! - E2: whoever reads an entry holds its stripe's lock or the gate exclusively; whoever changes it does so through `&mut`
//!   access to its table, which only the same holders have.
//! - E3: `klen`, `vlen`, the DEADLINE flag and the payload kind change only together with the block's layout.

use std::ptr::NonNull;

use value::fields::{FieldsForm, FieldsRef, LargeFields};
use value::list::{LargeList, ListRef};
use value::member_leaf::NO_DEADLINE;
use value::packed::BLOCK_MAX;
use value::set::{LargeSet, SetForm, SetRef};
use value::stream::Stream;
use value::string::{Shared, StrRef};
use value::zset::{LargeZset, ZsetRef};
use value::{Large, LargeMut, LargeRef};

use crate::alloc;

/// The longest string, in bytes, that is kept inside its entry. Longer ones are a [`Shared`] of their own, so that a
/// pre-image under the stripe's lock copies at most this much; of a small collection at most a packed block.
pub const INLINE_MAX: usize = 4096;

/// The longest block, in bytes, that a collection may have inside its entry: a packed block's bound, and room for what is being added
/// to it before it is judged.
const COLLECTION_MAX: usize = u16::MAX as usize;

const _: () = assert!(BLOCK_MAX < COLLECTION_MAX / 2);

const HEADER: usize = 8;
const KLEN_LONG: u16 = u16::MAX;
const CLOCK_MASK: u32 = 0x00FF_FFFF;
const PARITY: u32 = 1 << 24;
const DEADLINE: u32 = 1 << 25;
const PAYLOAD_SHIFT: u32 = 26;
const TYPE_SHIFT: u32 = 28;

/// What a value is, as TYPE reports it. The numbers, which are Redis's, are kept in entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ValueType {
    /// A string.
    String = 0,
    /// A list.
    List = 1,
    /// A set.
    Set = 2,
    /// A sorted set.
    Zset = 3,
    /// A hash.
    Hash = 4,
    /// A stream.
    Stream = 6,
}

impl ValueType {
    /// The name that TYPE and SCAN's TYPE option use.
    pub fn name(self) -> &'static str {
        match self {
            ValueType::String => "string",
            ValueType::List => "list",
            ValueType::Set => "set",
            ValueType::Zset => "zset",
            ValueType::Hash => "hash",
            ValueType::Stream => "stream",
        }
    }
}

/// The form of a small collection's block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A packed block.
    Packed,
    /// The type's other form: a set's integers, a hash with deadlines of fields.
    Other,
}

impl From<SetForm> for Form {
    fn from(form: SetForm) -> Form {
        match form {
            SetForm::Listpack => Form::Packed,
            SetForm::Intset => Form::Other,
        }
    }
}

impl From<Form> for SetForm {
    fn from(form: Form) -> SetForm {
        match form {
            Form::Packed => SetForm::Listpack,
            Form::Other => SetForm::Intset,
        }
    }
}

impl From<FieldsForm> for Form {
    fn from(form: FieldsForm) -> Form {
        match form {
            FieldsForm::Listpack => Form::Packed,
            FieldsForm::ListpackEx => Form::Other,
        }
    }
}

impl From<Form> for FieldsForm {
    fn from(form: Form) -> FieldsForm {
        match form {
            Form::Packed => FieldsForm::Listpack,
            Form::Other => FieldsForm::ListpackEx,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
enum Payload {
    Int = 0,
    Inline = 1,
    Large = 2,
    /// Laid out as Inline; of a string OBJECT ENCODING calls it raw, as Redis does after a change in place.
    Raw = 3,
}

impl From<Form> for Payload {
    fn from(form: Form) -> Payload {
        match form {
            Form::Packed => Payload::Inline,
            Form::Other => Payload::Raw,
        }
    }
}

impl Payload {
    fn is_inline(self) -> bool {
        matches!(self, Payload::Inline | Payload::Raw)
    }
}

/// A value on its way into an entry.
#[derive(Debug)]
pub enum NewValue<'a> {
    /// An integer, kept in 8 bytes.
    Int(i64),
    /// Bytes, kept inside the entry up to [`INLINE_MAX`] and as a [`Shared`] above.
    Bytes(&'a [u8]),
    /// The same, shown as `raw` however short: what APPEND, SETRANGE and SETBIT leave behind.
    Raw(&'a [u8]),
    /// The block of a small collection.
    Block(ValueType, Form, &'a [u8]),
    /// A large value, handed over.
    Large(Large),
}

impl NewValue<'_> {
    /// A large string.
    pub fn shared(shared: Shared) -> NewValue<'static> {
        NewValue::Large(Large::String(Box::new(shared)))
    }

    /// The block of a small set.
    pub fn set(form: SetForm, block: &[u8]) -> NewValue<'_> {
        NewValue::Block(ValueType::Set, form.into(), block)
    }

    /// The block of a small hash.
    pub fn hash(form: FieldsForm, block: &[u8]) -> NewValue<'_> {
        NewValue::Block(ValueType::Hash, form.into(), block)
    }

    /// The block of a small list.
    pub fn list(block: &[u8]) -> NewValue<'_> {
        NewValue::Block(ValueType::List, Form::Packed, block)
    }

    /// The block of a small sorted set.
    pub fn zset(block: &[u8]) -> NewValue<'_> {
        NewValue::Block(ValueType::Zset, Form::Packed, block)
    }

    /// Type and layout, and the inline bytes if there are any.
    fn shape(&self) -> (ValueType, Payload, Option<&[u8]>) {
        match self {
            NewValue::Int(_) => (ValueType::String, Payload::Int, None),
            NewValue::Bytes(bytes) if bytes.len() <= INLINE_MAX => {
                (ValueType::String, Payload::Inline, Some(bytes))
            }
            NewValue::Raw(bytes) if bytes.len() <= INLINE_MAX => {
                (ValueType::String, Payload::Raw, Some(bytes))
            }
            NewValue::Bytes(_) | NewValue::Raw(_) => (ValueType::String, Payload::Large, None),
            NewValue::Block(value_type, form, bytes) => {
                assert!(bytes.len() <= COLLECTION_MAX, "a block has at most {COLLECTION_MAX} bytes");
                assert!(*value_type != ValueType::Stream, "a stream is a large value");
                (*value_type, (*form).into(), Some(bytes))
            }
            NewValue::Large(large) => (type_of(large), Payload::Large, None),
        }
    }
}

fn type_of(large: &Large) -> ValueType {
    match large {
        Large::String(_) => ValueType::String,
        Large::List(_) => ValueType::List,
        Large::Set(_) => ValueType::Set,
        Large::Zset(_) => ValueType::Zset,
        Large::Hash(_) => ValueType::Hash,
        Large::Stream(_) => ValueType::Stream,
    }
}

/// A value between two entries, moved or copied (RENAME, MOVE, COPY).
#[derive(Debug)]
pub enum OwnedValue {
    /// An integer.
    Int(i64),
    /// What lay inside an entry, [`INLINE_MAX`] bytes at most.
    Bytes(Vec<u8>),
    /// The same, put together by changes (see [`NewValue::Raw`]).
    Raw(Vec<u8>),
    /// The block of a small collection.
    Block(ValueType, Form, Vec<u8>),
    /// A large value.
    Large(Large),
}

impl OwnedValue {
    /// Hands the value to whoever puts it into an entry.
    pub fn put<R>(self, into: impl FnOnce(NewValue<'_>) -> R) -> R {
        match self {
            OwnedValue::Int(number) => into(NewValue::Int(number)),
            OwnedValue::Bytes(bytes) => into(NewValue::Bytes(&bytes)),
            OwnedValue::Raw(bytes) => into(NewValue::Raw(&bytes)),
            OwnedValue::Block(value_type, form, bytes) => into(NewValue::Block(value_type, form, &bytes)),
            OwnedValue::Large(large) => into(NewValue::Large(large)),
        }
    }
}

/// A value seen in place.
#[derive(Clone, Copy, Debug)]
pub enum ValueRef<'a> {
    /// A string in any representation.
    String(StrRef<'a>),
    /// A list, small or large.
    List(ListRef<'a>),
    /// A set, small or large.
    Set(SetRef<'a>),
    /// A sorted set, small or large.
    Zset(ZsetRef<'a>),
    /// A hash, small or large.
    Hash(FieldsRef<'a>),
    /// A stream, which is always a large value.
    Stream(&'a Stream),
}

impl<'a> ValueRef<'a> {
    /// The value if it is a string.
    #[inline]
    pub fn string(self) -> Option<StrRef<'a>> {
        if let ValueRef::String(string) = self { Some(string) } else { None }
    }

    /// The value if it is a list.
    #[inline]
    pub fn list(self) -> Option<ListRef<'a>> {
        if let ValueRef::List(list) = self { Some(list) } else { None }
    }

    /// The value if it is a set.
    #[inline]
    pub fn set(self) -> Option<SetRef<'a>> {
        if let ValueRef::Set(set) = self { Some(set) } else { None }
    }

    /// The value if it is a sorted set.
    #[inline]
    pub fn zset(self) -> Option<ZsetRef<'a>> {
        if let ValueRef::Zset(zset) = self { Some(zset) } else { None }
    }

    /// The value if it is a hash.
    #[inline]
    pub fn hash(self) -> Option<FieldsRef<'a>> {
        if let ValueRef::Hash(hash) = self { Some(hash) } else { None }
    }

    /// The value if it is a stream.
    #[inline]
    pub fn stream(self) -> Option<&'a Stream> {
        if let ValueRef::Stream(stream) = self { Some(stream) } else { None }
    }

    /// The value's type.
    pub fn value_type(&self) -> ValueType {
        match self {
            ValueRef::String(_) => ValueType::String,
            ValueRef::List(_) => ValueType::List,
            ValueRef::Set(_) => ValueType::Set,
            ValueRef::Zset(_) => ValueType::Zset,
            ValueRef::Hash(_) => ValueType::Hash,
            ValueRef::Stream(_) => ValueType::Stream,
        }
    }

    /// The value if it is a large one.
    pub fn large(self) -> Option<LargeRef<'a>> {
        match self {
            ValueRef::String(StrRef::Shared(value)) => Some(LargeRef::String(value)),
            ValueRef::List(ListRef::Large(value)) => Some(LargeRef::List(value)),
            ValueRef::Set(SetRef::Large(value)) => Some(LargeRef::Set(value)),
            ValueRef::Zset(ZsetRef::Large(value)) => Some(LargeRef::Zset(value)),
            ValueRef::Hash(FieldsRef::Large(value)) => Some(LargeRef::Hash(value)),
            ValueRef::Stream(value) => Some(LargeRef::Stream(value)),
            _ => None,
        }
    }
}

/// An owned pointer to an entry's block (E1). Copied freely inside this crate; never leaves it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct EntryPtr(NonNull<u8>);

// SAFETY: an entry is plain memory without thread affinity; access is ordered by E2.
unsafe impl Send for EntryPtr {}

impl EntryPtr {
    /// The slot's 48 bits.
    pub(crate) fn to_bits(self) -> u64 {
        self.0.as_ptr().expose_provenance() as u64
    }

    /// From a slot's 48 bits.
    ///
    /// # Safety
    /// `bits` came from [`to_bits`](Self::to_bits) of an entry that is still alive (E1).
    pub(crate) unsafe fn from_bits(bits: u64) -> EntryPtr {
        // SAFETY: the bits of a live block are not zero.
        EntryPtr(unsafe { NonNull::new_unchecked(std::ptr::with_exposed_provenance_mut(bits as usize)) })
    }

    /// From a slot's 48 bits that may be of an entry which is no more, or of none: to be followed only when it is known to be alive (E1).
    #[inline]
    pub(crate) fn unproven(bits: u64) -> Option<EntryPtr> {
        NonNull::new(std::ptr::with_exposed_provenance_mut(bits as usize)).map(EntryPtr)
    }

    /// [`prefetch`](Self::prefetch) for such bits.
    #[inline]
    pub(crate) fn prefetch_bits(bits: u64) {
        if let Some(entry) = Self::unproven(bits) {
            entry.prefetch();
        }
    }

    #[inline]
    fn meta(self) -> u32 {
        // SAFETY: E1, E2; the header is 8 bytes, aligned to 8.
        unsafe { self.0.as_ptr().cast::<u32>().read() }
    }

    fn set_meta(self, meta: u32) {
        // SAFETY: E1, E2.
        unsafe { self.0.as_ptr().cast::<u32>().write(meta) }
    }

    #[inline]
    fn half(self, at: usize) -> u16 {
        // SAFETY: E1; `at` is 4 or 6, inside the header and aligned to 2.
        unsafe { self.0.as_ptr().add(at).cast::<u16>().read() }
    }

    #[inline]
    fn payload(self) -> Payload {
        match (self.meta() >> PAYLOAD_SHIFT) & 3 {
            0 => Payload::Int,
            1 => Payload::Inline,
            2 => Payload::Large,
            _ => Payload::Raw,
        }
    }

    /// Offset and length of the key.
    #[inline]
    fn key_span(self) -> (usize, usize) {
        let mut at = HEADER + if self.meta() & DEADLINE != 0 { 8 } else { 0 };
        let klen = self.half(4);
        if klen != KLEN_LONG {
            return (at, klen as usize);
        }
        // SAFETY: E1 and E3: a long key has its length in these 8 bytes.
        let len = unsafe { self.0.as_ptr().add(at).cast::<u64>().read() } as usize;
        at += 8;
        (at, len)
    }

    #[inline]
    fn payload_span(self) -> (usize, usize) {
        let (at, len) = self.key_span();
        let bytes = if self.payload().is_inline() { self.half(6) as usize } else { 8 };
        (at + len, bytes)
    }

    /// The block's size before rounding to a class.
    fn size(self) -> usize {
        let (at, len) = self.payload_span();
        at + len
    }

    /// The bytes that the block occupies.
    pub(crate) fn footprint(self) -> usize {
        alloc::size_class(self.size())
    }

    /// Asks the processor to bring the entry's first two cache lines: header, key and the beginning of the value.
    #[inline]
    pub(crate) fn prefetch(self) {
        prefetch(self.0.as_ptr());
        prefetch(self.0.as_ptr().wrapping_add(64));
    }

    /// Asks for the entry's first cache line.
    #[inline]
    pub(crate) fn prefetch_head(self) {
        prefetch(self.0.as_ptr());
    }

    /// Asks for what follows up to 256 bytes, key and most small values, if the entry is owed to the snapshot of this parity.
    #[inline]
    pub(crate) fn prefetch_rest_if_owed(self, parity: bool) {
        if self.parity() == parity {
            return;
        }
        for line in 1..4 {
            // Beyond a short block this names a neighbour's line, or none: a prefetch never faults.
            prefetch(self.0.as_ptr().wrapping_add(64 * line));
        }
    }

    /// The key.
    #[inline]
    pub(crate) fn key<'a>(self) -> &'a [u8] {
        let (at, len) = self.key_span();
        // SAFETY: E1 and E3; the caller bounds 'a by its access to the table (E2).
        unsafe { std::slice::from_raw_parts(self.0.as_ptr().add(at), len) }
    }

    /// The value.
    #[inline]
    pub(crate) fn value<'a>(self) -> ValueRef<'a> {
        if self.meta() >> TYPE_SHIFT != ValueType::String as u32 {
            return self.collection();
        }
        let (at, len) = self.payload_span();
        // SAFETY: E1 and E3: the payload lies at `at`; the caller bounds 'a by its access to the table (E2).
        ValueRef::String(unsafe {
            let payload = self.0.as_ptr().add(at);
            match self.payload() {
                Payload::Int => StrRef::Int(payload.cast::<i64>().read_unaligned()),
                Payload::Inline | Payload::Raw => StrRef::Bytes(std::slice::from_raw_parts(payload, len)),
                Payload::Large => StrRef::Shared(&*payload.cast::<*const Shared>().read_unaligned()),
            }
        })
    }

    fn collection<'a>(self) -> ValueRef<'a> {
        if let Some(large) = self.large_mut() {
            return match large {
                LargeMut::String(value) => ValueRef::String(StrRef::Shared(value)),
                LargeMut::List(value) => ValueRef::List(ListRef::Large(value)),
                LargeMut::Set(value) => ValueRef::Set(SetRef::Large(value)),
                LargeMut::Zset(value) => ValueRef::Zset(ZsetRef::Large(value)),
                LargeMut::Hash(value) => ValueRef::Hash(FieldsRef::Large(value)),
                LargeMut::Stream(value) => ValueRef::Stream(value),
            };
        }
        let bytes = self.inline_mut().map_or(&[][..], |bytes| &*bytes);
        match self.value_type() {
            ValueType::String => ValueRef::String(StrRef::Bytes(bytes)),
            ValueType::List => ValueRef::List(ListRef::Small(bytes)),
            ValueType::Set => ValueRef::Set(SetRef::small(bytes, self.form().into())),
            ValueType::Zset => ValueRef::Zset(ZsetRef::Small(bytes)),
            ValueType::Hash => ValueRef::Hash(FieldsRef::small(bytes, self.form().into())),
            ValueType::Stream => unreachable!("E3: a stream is a large value"),
        }
    }

    #[inline]
    pub(crate) fn value_type(self) -> ValueType {
        match self.meta() >> TYPE_SHIFT {
            0 => ValueType::String,
            1 => ValueType::List,
            2 => ValueType::Set,
            3 => ValueType::Zset,
            4 => ValueType::Hash,
            _ => ValueType::Stream,
        }
    }

    /// The form of a small collection's block.
    pub(crate) fn form(self) -> Form {
        if self.payload() == Payload::Raw { Form::Other } else { Form::Packed }
    }

    /// Says that a small collection's block has another form now.
    pub(crate) fn set_form(self, form: Form) {
        debug_assert!(self.payload().is_inline());
        self.set_kind(form.into());
    }

    /// Whether it is a hash that may have fields with deadlines. A small one that lost them may still say so.
    #[inline]
    pub(crate) fn has_field_deadlines(self) -> bool {
        if self.value_type() != ValueType::Hash {
            return false;
        }
        match self.value() {
            ValueRef::Hash(FieldsRef::Large(hash)) => hash.earliest() != NO_DEADLINE,
            _ => self.form() == Form::Other,
        }
    }

    /// Whether a string is shown as `raw` whatever its length.
    pub(crate) fn is_raw(self) -> bool {
        matches!(self.payload(), Payload::Raw | Payload::Large)
    }

    /// The deadline in milliseconds since the epoch, if the entry has one.
    #[inline]
    pub(crate) fn deadline(self) -> Option<i64> {
        // SAFETY: E1 and E3: with the flag set the deadline follows the header.
        (self.meta() & DEADLINE != 0).then(|| unsafe { self.0.as_ptr().add(HEADER).cast::<i64>().read() })
    }

    /// Overwrites the deadline of an entry that has one.
    pub(crate) fn set_deadline_in_place(self, deadline_ms: i64) {
        assert!(self.meta() & DEADLINE != 0);
        // SAFETY: E1, E2, and the flag was just checked.
        unsafe { self.0.as_ptr().add(HEADER).cast::<i64>().write(deadline_ms) }
    }

    /// The 24-bit LRU or LFU field.
    #[inline]
    pub(crate) fn clock(self) -> u32 {
        self.meta() & CLOCK_MASK
    }

    #[inline]
    pub(crate) fn set_clock(self, clock: u32) {
        self.set_meta(self.meta() & !CLOCK_MASK | clock & CLOCK_MASK);
    }

    /// The snapshot mark: true for parity 1.
    #[inline]
    pub(crate) fn parity(self) -> bool {
        self.meta() & PARITY != 0
    }

    pub(crate) fn set_parity(self, parity: bool) {
        self.set_meta(self.meta() & !PARITY | if parity { PARITY } else { 0 });
    }

    /// Builds an entry.
    pub(crate) fn new(
        key: &[u8],
        value: NewValue<'_>,
        deadline_ms: Option<i64>,
        clock: u32,
        parity: bool,
    ) -> EntryPtr {
        let (value_type, kind, inline) = value.shape();
        let payload_len = inline.map_or(8, <[u8]>::len);
        let entry = EntryPtr::blank(key, (value_type, kind), payload_len, deadline_ms, clock, parity);
        let (at, _) = entry.payload_span();
        // SAFETY: E1: `blank` sized the block for a payload of this kind and length at `at`.
        unsafe {
            let payload = entry.0.as_ptr().add(at);
            if let Some(bytes) = inline {
                std::ptr::copy_nonoverlapping(bytes.as_ptr(), payload, bytes.len());
                return entry;
            }
            match value {
                NewValue::Int(int) => payload.cast::<i64>().write_unaligned(int),
                NewValue::Bytes(bytes) | NewValue::Raw(bytes) => {
                    write_large(payload, Large::String(Box::new(Shared::from_slice(bytes))));
                }
                NewValue::Large(large) => write_large(payload, large),
                NewValue::Block(..) => unreachable!("inline"),
            }
        }
        entry
    }

    /// An entry whose payload bytes are still to be written.
    fn blank(
        key: &[u8],
        (value_type, kind): (ValueType, Payload),
        payload_len: usize,
        deadline_ms: Option<i64>,
        clock: u32,
        parity: bool,
    ) -> EntryPtr {
        let long = key.len() >= KLEN_LONG as usize;
        let size = HEADER
            + if deadline_ms.is_some() { 8 } else { 0 }
            + if long { 8 } else { 0 }
            + key.len()
            + payload_len;
        let block = alloc::entry_block(alloc::size_class(size));
        let entry = EntryPtr(block);
        let mut meta =
            (value_type as u32) << TYPE_SHIFT | (kind as u32) << PAYLOAD_SHIFT | clock & CLOCK_MASK;
        meta |= if parity { PARITY } else { 0 };
        meta |= if deadline_ms.is_some() { DEADLINE } else { 0 };
        let mut at = HEADER;
        // SAFETY: the block has `size` bytes, which is the sum of the parts written here and the payload; it is
        // aligned to 8, and so are the deadline and the long length.
        unsafe {
            let base = block.as_ptr();
            base.cast::<u32>().write(meta);
            base.add(4).cast::<u16>().write(if long { KLEN_LONG } else { key.len() as u16 });
            base.add(6).cast::<u16>().write(if kind.is_inline() { payload_len as u16 } else { 0 });
            if let Some(deadline) = deadline_ms {
                base.add(at).cast::<i64>().write(deadline);
                at += 8;
            }
            if long {
                base.add(at).cast::<u64>().write(key.len() as u64);
                at += 8;
            }
            std::ptr::copy_nonoverlapping(key.as_ptr(), base.add(at), key.len());
        }
        entry
    }

    /// The same key and value in a new block with another deadline; the old block is freed. The value moves.
    pub(crate) fn with_deadline(self, deadline_ms: Option<i64>) -> EntryPtr {
        let (at, len) = self.payload_span();
        let shape = (self.value_type(), self.payload());
        let moved = EntryPtr::blank(self.key(), shape, len, deadline_ms, self.clock(), self.parity());
        let (to, _) = moved.payload_span();
        // SAFETY: both payloads have `len` bytes (E1); a large value's pointer moves with them, so the old block is freed
        // without dropping it.
        unsafe {
            std::ptr::copy_nonoverlapping(self.0.as_ptr().add(at), moved.0.as_ptr().add(to), len);
            alloc::free_entry_block(self.0, self.footprint());
        }
        moved
    }

    /// Overwrites the value inside the same block when the new one is inline or an integer and the block's size class stays.
    /// Returns false, having changed nothing, when it does not fit.
    pub(crate) fn overwrite(self, value: &NewValue<'_>) -> bool {
        let (value_type, kind, inline) = value.shape();
        let len = inline.map_or(8, <[u8]>::len);
        let (at, _) = self.payload_span();
        if kind == Payload::Large
            || self.payload() == Payload::Large
            || alloc::size_class(at + len) != self.footprint()
        {
            return false;
        }
        self.set_meta(self.meta() & !(15 << TYPE_SHIFT) | (value_type as u32) << TYPE_SHIFT);
        self.set_kind(kind);
        // SAFETY: E1, E2: the block has at least `at + len` bytes since its class stays; vlen is set with the kind (E3).
        unsafe {
            let base = self.0.as_ptr();
            base.add(6).cast::<u16>().write(if kind.is_inline() { len as u16 } else { 0 });
            match (value, inline) {
                (_, Some(bytes)) => std::ptr::copy_nonoverlapping(bytes.as_ptr(), base.add(at), len),
                (NewValue::Int(int), None) => base.add(at).cast::<i64>().write_unaligned(*int),
                (_, None) => unreachable!("refused above"),
            }
        }
        true
    }

    fn set_kind(self, kind: Payload) {
        self.set_meta(self.meta() & !(3 << PAYLOAD_SHIFT) | (kind as u32) << PAYLOAD_SHIFT);
    }

    /// The entry with an inline value of `len` bytes, cut or with zeros behind what it was, and shown as raw. It stays where it is if its
    /// size class does; else it moves, and the old block is freed. None, with nothing changed, when the value is not inline
    /// or `len` is over [`INLINE_MAX`].
    pub(crate) fn resized(self, len: usize) -> Option<EntryPtr> {
        if len > INLINE_MAX || !self.payload().is_inline() || self.value_type() != ValueType::String {
            return None;
        }
        let (at, old_len) = self.payload_span();
        if alloc::size_class(at + len) == self.footprint() {
            self.set_kind(Payload::Raw);
            // SAFETY: E1, E2: the block has at least `at + len` bytes since its class stays; vlen is within 16 bits (E3).
            unsafe {
                let base = self.0.as_ptr();
                base.add(6).cast::<u16>().write(len as u16);
                std::ptr::write_bytes(base.add(at + old_len.min(len)), 0, len.saturating_sub(old_len));
            }
            return Some(self);
        }
        let (deadline, clock, parity) = (self.deadline(), self.clock(), self.parity());
        let shape = (ValueType::String, Payload::Raw);
        let moved = EntryPtr::blank(self.key(), shape, len, deadline, clock, parity);
        let kept = old_len.min(len);
        // SAFETY: E1: the old payload has `old_len` bytes at `at`, the new one `len` at the same offset, since key and deadline are
        // the same; inline bytes own nothing, so the old block is freed as it is, once.
        unsafe {
            let to = moved.0.as_ptr().add(at);
            std::ptr::copy_nonoverlapping(self.0.as_ptr().add(at), to, kept);
            std::ptr::write_bytes(to.add(kept), 0, len - kept);
            alloc::free_entry_block(self.0, self.footprint());
        }
        Some(moved)
    }

    /// The entry with `remove` of its inline bytes at `at` replaced by `insert`. It stays where it is if its size class does; else it
    /// moves, and the old block is freed.
    ///
    /// # Panics
    /// If the value is not inline, the range is not in it, or it would be longer than 16 bits can tell: all bugs of the caller.
    pub(crate) fn spliced(self, at: usize, remove: usize, insert: &[u8]) -> EntryPtr {
        let (start, len) = self.payload_span();
        let rest = len.checked_sub(at + remove).expect("inside the block");
        let new_len = len - remove + insert.len();
        assert!(
            self.payload().is_inline() && new_len <= COLLECTION_MAX,
            "an inline block of {new_len} bytes"
        );
        let stays = alloc::size_class(start + new_len) == self.footprint();
        let to = if stays {
            self
        } else {
            let shape = (self.value_type(), self.payload());
            EntryPtr::blank(self.key(), shape, new_len, self.deadline(), self.clock(), self.parity())
        };
        // SAFETY: E1: both blocks have their payloads at `start`, since key and deadline are the same. The old one has `len` bytes, the
        // new one room for `new_len`; the parts copied lie inside both. The rest is moved first: it may overlap what is written.
        // Inline bytes own nothing, so an old block that was left is freed as it is, once.
        unsafe {
            let (from, into) = (self.0.as_ptr().add(start), to.0.as_ptr().add(start));
            std::ptr::copy(from.add(at + remove), into.add(at + insert.len()), rest);
            std::ptr::copy_nonoverlapping(insert.as_ptr(), into.add(at), insert.len());
            if stays {
                self.0.as_ptr().add(6).cast::<u16>().write(new_len as u16);
            } else {
                std::ptr::copy_nonoverlapping(from, into, at);
                alloc::free_entry_block(self.0, self.footprint());
            }
        }
        to
    }

    /// The inline bytes, to be changed without changing their number.
    pub(crate) fn inline_mut<'a>(self) -> Option<&'a mut [u8]> {
        let (at, len) = self.payload_span();
        // SAFETY: E1; exclusive by E2, and the caller bounds 'a by its exclusive access to the table.
        self.payload()
            .is_inline()
            .then(|| unsafe { std::slice::from_raw_parts_mut(self.0.as_ptr().add(at), len) })
    }

    /// The raw pointer of a large value.
    fn large_pointer(self) -> Option<*mut ()> {
        let (at, _) = self.payload_span();
        // SAFETY: E1: a large payload is a pointer of 8 bytes at `at`.
        (self.payload() == Payload::Large)
            .then(|| unsafe { self.0.as_ptr().add(at).cast::<*mut ()>().read_unaligned() })
    }

    /// The large value.
    pub(crate) fn large_mut<'a>(self) -> Option<LargeMut<'a>> {
        let pointer = self.large_pointer()?;
        // SAFETY: E1 and E3: the pointer is that of a live box of the type's large value, written by `write_large`; exclusive by E2, and
        // the caller bounds 'a by its access to the table.
        Some(unsafe {
            match self.value_type() {
                ValueType::String => LargeMut::String(&mut *pointer.cast::<Shared>()),
                ValueType::List => LargeMut::List(&mut *pointer.cast::<LargeList>()),
                ValueType::Set => LargeMut::Set(&mut *pointer.cast::<LargeSet>()),
                ValueType::Zset => LargeMut::Zset(&mut *pointer.cast::<LargeZset>()),
                ValueType::Hash => LargeMut::Hash(&mut *pointer.cast::<LargeFields>()),
                ValueType::Stream => LargeMut::Stream(&mut *pointer.cast::<Stream>()),
            }
        })
    }

    /// Frees the entry and returns its large value, if it has one, for the caller to drop or to free elsewhere.
    pub(crate) fn free(self) -> Option<Large> {
        let large = self.large_pointer().map(|pointer| {
            // SAFETY: E1: the pointer came from Box::into_raw of this type in `write_large`; the block is freed right after, so it is
            // taken once. The caller removes the slot (E1: exactly one owner).
            unsafe {
                match self.value_type() {
                    ValueType::String => Large::String(Box::from_raw(pointer.cast())),
                    ValueType::List => Large::List(Box::from_raw(pointer.cast())),
                    ValueType::Set => Large::Set(Box::from_raw(pointer.cast())),
                    ValueType::Zset => Large::Zset(Box::from_raw(pointer.cast())),
                    ValueType::Hash => Large::Hash(Box::from_raw(pointer.cast())),
                    ValueType::Stream => Large::Stream(Box::from_raw(pointer.cast())),
                }
            }
        });
        // SAFETY: E1: the block has this footprint and is not used again.
        unsafe { alloc::free_entry_block(self.0, self.footprint()) };
        large
    }
}

/// # Safety
/// `payload` has 8 writable bytes, in an entry of the value's type (E3).
unsafe fn write_large(payload: *mut u8, large: Large) {
    let pointer: *mut () = match large {
        Large::String(value) => Box::into_raw(value).cast(),
        Large::List(value) => Box::into_raw(value).cast(),
        Large::Set(value) => Box::into_raw(value).cast(),
        Large::Zset(value) => Box::into_raw(value).cast(),
        Large::Hash(value) => Box::into_raw(value).cast(),
        Large::Stream(value) => Box::into_raw(value).cast(),
    };
    // SAFETY: by this function's contract.
    unsafe { payload.cast::<*mut ()>().write_unaligned(pointer) }
}

/// Asks the processor to bring the cache line of `address`; does nothing where there is no such instruction.
#[inline]
pub(crate) fn prefetch<T>(address: *const T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch reads nothing architecturally and may be given any address.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(address.cast())
    };
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}

/// The same for a line that will be written: no other core keeps it, so that the first write does not have to fetch it again.
#[inline]
pub(crate) fn prefetch_to_write<T>(address: *const T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: as above. Processors without the instruction take it for one that does nothing.
    unsafe {
        std::arch::asm!("prefetchw [{}]", in(reg) address, options(nostack, preserves_flags, readonly))
    };
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}

const _: () = assert!(INLINE_MAX < u16::MAX as usize, "vlen is 16 bits");
const _: () = assert!(size_of::<Option<EntryPtr>>() == 8);
