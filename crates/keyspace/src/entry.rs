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
//!  payload: Inline, Raw = vlen bytes; Int = i64; Shared = a Box<Shared> as a raw pointer (both unaligned)
//! ```
//! A 16-byte key with a 16-byte value is 8 + 16 + 16 = 40 bytes, and 48 with a deadline.
//!
//! Invariants
//! - E1: an [`EntryPtr`] points to a live block laid out as above, of `size_class(size())` bytes, owned by exactly one table slot.
//! - E2: whoever reads an entry holds its stripe's lock or the gate exclusively; whoever changes it does so through `&mut`
//!   access to its table, which only the same holders have.
//! - E3: `klen`, `vlen`, the DEADLINE flag and the payload kind change only together with the block's layout.

use std::ptr::NonNull;

use value::string::{Shared, StrRef};

use crate::alloc;

/// The longest value, in bytes, that is kept inside its entry. Longer ones are a [`Shared`] of their own, so that a
/// pre-image under the stripe's lock copies at most this much.
pub const INLINE_MAX: usize = 4096;

const HEADER: usize = 8;
const KLEN_LONG: u16 = u16::MAX;
const CLOCK_MASK: u32 = 0x00FF_FFFF;
const PARITY: u32 = 1 << 24;
const DEADLINE: u32 = 1 << 25;
const PAYLOAD_SHIFT: u32 = 26;

/// What a value is, as TYPE reports it. The numbers are RDB's and stay stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ValueType {
    /// A string.
    String = 0,
}

impl ValueType {
    /// The name that TYPE and SCAN's TYPE option use.
    pub fn name(self) -> &'static str {
        match self {
            ValueType::String => "string",
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
enum Payload {
    Int = 0,
    Inline = 1,
    Shared = 2,
    /// Laid out as Inline; OBJECT ENCODING calls it raw, as Redis does after a change in place.
    Raw = 3,
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
    /// A large value, handed over.
    Shared(Shared),
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
    /// A large value.
    Shared(Box<Shared>),
}

impl OwnedValue {
    /// Hands the value to whoever puts it into an entry.
    pub fn put<R>(self, into: impl FnOnce(NewValue<'_>) -> R) -> R {
        match self {
            OwnedValue::Int(number) => into(NewValue::Int(number)),
            OwnedValue::Bytes(bytes) => into(NewValue::Bytes(&bytes)),
            OwnedValue::Raw(bytes) => into(NewValue::Raw(&bytes)),
            OwnedValue::Shared(shared) => into(NewValue::Shared(*shared)),
        }
    }
}

/// A value seen in place.
#[derive(Clone, Copy, Debug)]
pub enum ValueRef<'a> {
    /// A string in any representation.
    String(StrRef<'a>),
}

impl<'a> ValueRef<'a> {
    /// The value if it is a string.
    pub fn string(self) -> Option<StrRef<'a>> {
        match self {
            ValueRef::String(string) => Some(string),
        }
    }

    /// The value's type.
    pub fn value_type(&self) -> ValueType {
        match self {
            ValueRef::String(_) => ValueType::String,
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
            2 => Payload::Shared,
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

    /// Asks for the first 256 bytes of the entry: header, key and most small values.
    pub(crate) fn prefetch_whole(self) {
        for line in 0..4 {
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
        let (at, len) = self.payload_span();
        // SAFETY: E1 and E3: the payload lies at `at`; the caller bounds 'a by its access to the table (E2).
        ValueRef::String(unsafe {
            let payload = self.0.as_ptr().add(at);
            match self.payload() {
                Payload::Int => StrRef::Int(payload.cast::<i64>().read_unaligned()),
                Payload::Inline | Payload::Raw => StrRef::Bytes(std::slice::from_raw_parts(payload, len)),
                Payload::Shared => StrRef::Shared(&*payload.cast::<*const Shared>().read_unaligned()),
            }
        })
    }

    /// Whether a string is shown as `raw` whatever its length.
    pub(crate) fn is_raw(self) -> bool {
        matches!(self.payload(), Payload::Raw | Payload::Shared)
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
        let (kind, inline) = match &value {
            NewValue::Int(_) => (Payload::Int, None),
            NewValue::Bytes(bytes) if bytes.len() <= INLINE_MAX => (Payload::Inline, Some(*bytes)),
            NewValue::Raw(bytes) if bytes.len() <= INLINE_MAX => (Payload::Raw, Some(*bytes)),
            NewValue::Bytes(_) | NewValue::Raw(_) | NewValue::Shared(_) => (Payload::Shared, None),
        };
        let payload_len = inline.map_or(8, <[u8]>::len);
        let entry = EntryPtr::blank(key, kind, payload_len, deadline_ms, clock, parity);
        let (at, _) = entry.payload_span();
        // SAFETY: E1: `blank` sized the block for a payload of this kind and length at `at`.
        unsafe {
            let payload = entry.0.as_ptr().add(at);
            match (value, inline) {
                (NewValue::Int(int), _) => payload.cast::<i64>().write_unaligned(int),
                (_, Some(bytes)) => std::ptr::copy_nonoverlapping(bytes.as_ptr(), payload, bytes.len()),
                (NewValue::Bytes(bytes) | NewValue::Raw(bytes), None) => {
                    write_shared(payload, Shared::from_slice(bytes))
                }
                (NewValue::Shared(shared), _) => write_shared(payload, shared),
            }
        }
        entry
    }

    /// An entry whose payload bytes are still to be written.
    fn blank(
        key: &[u8],
        kind: Payload,
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
        let mut meta = (kind as u32) << PAYLOAD_SHIFT | clock & CLOCK_MASK;
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
        let moved =
            EntryPtr::blank(self.key(), self.payload(), len, deadline_ms, self.clock(), self.parity());
        let (to, _) = moved.payload_span();
        // SAFETY: both payloads have `len` bytes (E1); a Shared pointer moves with them, so the old block is freed
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
        let (kind, len) = match value {
            NewValue::Int(_) => (Payload::Int, 8),
            NewValue::Bytes(bytes) if bytes.len() <= INLINE_MAX => (Payload::Inline, bytes.len()),
            NewValue::Raw(bytes) if bytes.len() <= INLINE_MAX => (Payload::Raw, bytes.len()),
            _ => return false,
        };
        let (at, _) = self.payload_span();
        if self.payload() == Payload::Shared || alloc::size_class(at + len) != self.footprint() {
            return false;
        }
        self.set_kind(kind);
        // SAFETY: E1, E2: the block has at least `at + len` bytes since its class stays; vlen is set with the kind (E3).
        unsafe {
            let base = self.0.as_ptr();
            base.add(6).cast::<u16>().write(if kind.is_inline() { len as u16 } else { 0 });
            match value {
                NewValue::Int(int) => base.add(at).cast::<i64>().write_unaligned(*int),
                NewValue::Bytes(bytes) | NewValue::Raw(bytes) => {
                    std::ptr::copy_nonoverlapping(bytes.as_ptr(), base.add(at), len)
                }
                NewValue::Shared(_) => unreachable!("refused above"),
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
        if len > INLINE_MAX || !self.payload().is_inline() {
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
        let moved = EntryPtr::blank(self.key(), Payload::Raw, len, deadline, clock, parity);
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

    /// The inline bytes, to be changed without changing their number.
    pub(crate) fn inline_mut<'a>(self) -> Option<&'a mut [u8]> {
        let (at, len) = self.payload_span();
        // SAFETY: E1; exclusive by E2, and the caller bounds 'a by its exclusive access to the table.
        self.payload()
            .is_inline()
            .then(|| unsafe { std::slice::from_raw_parts_mut(self.0.as_ptr().add(at), len) })
    }

    /// The large value.
    pub(crate) fn shared_mut<'a>(self) -> Option<&'a mut Shared> {
        let (at, _) = self.payload_span();
        // SAFETY: E1: the payload is the pointer of a live box; exclusive by E2 as above.
        (self.payload() == Payload::Shared)
            .then(|| unsafe { &mut *self.0.as_ptr().add(at).cast::<*mut Shared>().read_unaligned() })
    }

    /// Frees the entry and returns its large value, if it has one, for the caller to drop or to free elsewhere.
    pub(crate) fn free(self) -> Option<Box<Shared>> {
        let (at, _) = self.payload_span();
        // SAFETY: E1: the pointer came from Box::into_raw in `write_shared`; the block is freed right after, so it is
        // taken once. The caller removes the slot (E1: exactly one owner).
        unsafe {
            let shared = (self.payload() == Payload::Shared)
                .then(|| Box::from_raw(self.0.as_ptr().add(at).cast::<*mut Shared>().read_unaligned()));
            alloc::free_entry_block(self.0, self.footprint());
            shared
        }
    }
}

/// # Safety
/// `payload` has 8 writable bytes.
unsafe fn write_shared(payload: *mut u8, shared: Shared) {
    // SAFETY: by this function's contract.
    unsafe { payload.cast::<*mut Shared>().write_unaligned(Box::into_raw(Box::new(shared))) }
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

const _: () = assert!(INLINE_MAX < u16::MAX as usize, "vlen is 16 bits");
const _: () = assert!(size_of::<Option<EntryPtr>>() == 8);
