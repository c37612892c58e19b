//! Reading a block: walking it both ways, finding elements, checking bytes from outside, and the listpack around it.

use super::element::{back_len, decode, skip, skip_back};
use super::{Block, COUNT_MAX, Element, HEADER, LISTPACK_OVERHEAD, push_back};

/// A block to read.
#[derive(Clone, Copy, Debug)]
pub struct Packed<'a> {
    bytes: &'a [u8],
}

/// What is wrong with bytes that should be a block or a listpack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// The header is missing, or does not state the length that the bytes have.
    Header,
    /// An element is cut off, has an unknown encoding, or a back length that is not its own.
    Element {
        /// Offset of the element in the checked bytes.
        at: usize,
    },
    /// The number of elements is not the stated one.
    Count,
    /// More elements than a block may have.
    TooMany,
}

impl<'a> Packed<'a> {
    /// Views the bytes of a block.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// Number of elements.
    pub fn count(self) -> usize {
        match self.bytes {
            [low, high, ..] => usize::from(u16::from_le_bytes([*low, *high])),
            _ => 0,
        }
    }

    /// Whether there is no element.
    pub fn is_empty(self) -> bool {
        self.count() == 0
    }

    /// Position of the first element (the end if there is none).
    pub fn start(self) -> usize {
        HEADER.min(self.bytes.len())
    }

    /// Position behind the last element.
    pub fn end(self) -> usize {
        self.bytes.len()
    }

    /// All bytes of the block.
    pub fn bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// The elements as they stand in a listpack, without its header and end.
    pub fn body(self) -> &'a [u8] {
        &self.bytes[self.start()..]
    }

    /// Size of the listpack with these elements.
    pub fn listpack_len(self) -> usize {
        self.body().len() + LISTPACK_OVERHEAD
    }

    /// Appends the listpack with these elements.
    pub fn append_listpack(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&(self.listpack_len() as u32).to_le_bytes());
        // 65535 means "not known" to a reader of a listpack, who then counts.
        out.extend_from_slice(&(self.count() as u16).to_le_bytes());
        out.extend_from_slice(self.body());
        out.push(0xFF);
    }

    /// The element at a position, `None` at the end.
    #[inline]
    pub fn get(self, at: usize) -> Option<Element<'a>> {
        decode(self.bytes, at).map(|(element, _)| element)
    }

    /// The position behind the element at `at`.
    #[inline]
    pub fn after(self, at: usize) -> Option<usize> {
        skip(self.bytes, at)
    }

    /// The position of the element before `at`, `None` at the start.
    #[inline]
    pub fn before(self, at: usize) -> Option<usize> {
        if at <= HEADER { None } else { skip_back(self.bytes, at).filter(|&before| before >= HEADER) }
    }

    /// The position of the element with an index, walking from the nearer end. An index of the count is the end.
    pub fn position(self, index: usize) -> Option<usize> {
        let count = self.count();
        if index > count {
            return None;
        }
        if index <= count / 2 {
            let mut at = self.start();
            for _ in 0..index {
                at = skip(self.bytes, at)?;
            }
            Some(at)
        } else {
            let mut at = self.end();
            for _ in index..count {
                at = self.before(at)?;
            }
            Some(at)
        }
    }

    /// The element with an index.
    pub fn element(self, index: usize) -> Option<Element<'a>> {
        self.get(self.position(index)?)
    }

    /// The elements with their positions, from both ends.
    pub fn iter(self) -> Iter<'a> {
        self.iter_between(self.start(), self.end())
    }

    /// The elements from one position up to another, with their positions, from both ends.
    pub fn iter_between(self, from: usize, to: usize) -> Iter<'a> {
        Iter { bytes: self.bytes, from, to }
    }

    /// The position of the first element at or behind `from` that has the text of `wanted`, looking at every `stride`th. `wanted` is
    /// made by [`Element::of`]; a stride of 2 from the start looks at a hash's fields only.
    pub fn find(self, wanted: Element, from: usize, stride: usize) -> Option<usize> {
        let bytes = self.bytes;
        let mut at = from;
        while at < bytes.len() {
            let next = match wanted {
                Element::Bytes(text) if text.len() < 64 => {
                    // The common case compares one byte of encoding and length first, and the text only if that is equal.
                    if bytes[at] == 0x80 | text.len() as u8
                        && bytes.get(at + 1..at + 1 + text.len()) == Some(text)
                    {
                        return Some(at);
                    }
                    skip(bytes, at)?
                }
                _ => {
                    let (element, back) = decode(bytes, at)?;
                    if element == wanted {
                        return Some(at);
                    }
                    back + back_len(back - at)
                }
            };
            at = next;
            for _ in 1..stride {
                at = skip(bytes, at)?;
            }
        }
        None
    }
}

/// The elements of a part of a block with their positions.
#[derive(Clone, Debug)]
pub struct Iter<'a> {
    bytes: &'a [u8],
    from: usize,
    to: usize,
}

impl<'a> Iter<'a> {
    /// Position of what [`Iterator::next`] returns next.
    pub fn at(&self) -> usize {
        self.from
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = (usize, Element<'a>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.from >= self.to {
            return None;
        }
        let at = self.from;
        let (element, back) = decode(self.bytes, at)?;
        self.from = back + back_len(back - at);
        Some((at, element))
    }
}

impl DoubleEndedIterator for Iter<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        if self.from >= self.to {
            return None;
        }
        let at = skip_back(self.bytes, self.to).filter(|&at| at >= self.from)?;
        self.to = at;
        Some((at, decode(self.bytes, at)?.0))
    }
}

/// Checks every byte of a block from outside (invariants 1 and 2).
pub fn validate(bytes: &[u8]) -> Result<(), Damage> {
    let Some(count) = bytes.first_chunk::<HEADER>() else { return Err(Damage::Header) };
    let counted = validate_elements(bytes, HEADER)?;
    if counted == usize::from(u16::from_le_bytes(*count)) { Ok(()) } else { Err(Damage::Count) }
}

/// Checks the elements from `start` to the end of `bytes` and counts them.
fn validate_elements(bytes: &[u8], start: usize) -> Result<usize, Damage> {
    let (mut at, mut count) = (start, 0);
    while at < bytes.len() {
        let damage = Damage::Element { at };
        let (_, back) = decode(bytes, at).ok_or(damage)?;
        let next = back + back_len(back - at);
        if next > bytes.len() || skip_back(bytes, next) != Some(at) || bytes[back] & 0x80 != 0 {
            return Err(damage);
        }
        count += 1;
        at = next;
    }
    Ok(count)
}

/// Checks every byte of a listpack from outside and counts its elements, which may be more than a block can have.
pub fn validate_listpack(listpack: &[u8]) -> Result<usize, Damage> {
    let (size, rest) = listpack.split_first_chunk::<4>().ok_or(Damage::Header)?;
    let (stated, rest) = rest.split_first_chunk::<2>().ok_or(Damage::Header)?;
    let (end, body) = rest.split_last().ok_or(Damage::Header)?;
    if u32::from_le_bytes(*size) as usize != listpack.len() || *end != 0xFF {
        return Err(Damage::Header);
    }
    let count = validate_elements(&listpack[..6 + body.len()], 6)?;
    let stated = usize::from(u16::from_le_bytes(*stated));
    if stated != count && stated != COUNT_MAX { Err(Damage::Count) } else { Ok(count) }
}

/// Makes a block of a listpack from outside, after a check of every byte. Texts that other writers left as strings although they
/// are integers become integers (invariant 3).
pub fn from_listpack(listpack: &[u8]) -> Result<Vec<u8>, Damage> {
    let count = validate_listpack(listpack)?;
    let body = &listpack[6..listpack.len() - 1];
    if count > COUNT_MAX {
        return Err(Damage::TooMany);
    }
    let mut block = Vec::with_capacity(HEADER + body.len());
    block.extend_from_slice(&(count as u16).to_le_bytes());
    block.extend_from_slice(body);
    let spelled = |(_, element)| matches!(element, Element::Bytes(text) if Element::of(text) != element);
    if Packed::new(&block).iter().any(spelled) {
        let mut clean = super::EMPTY.to_vec();
        for (_, element) in Packed::new(&block).iter() {
            push_back(&mut clean, Element::of(element.text(&mut None)));
        }
        return Ok(clean);
    }
    debug_assert_eq!(validate(block.bytes()), Ok(()));
    Ok(block)
}
