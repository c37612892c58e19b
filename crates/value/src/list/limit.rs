//! When a list is called `listpack` and when `quicklist`: the rules of Redis 7.2 for `list-max-listpack-size`.
//!
//! The name is sticky: a list that became a quicklist is one until it has shrunk to half of the limit. Redis measures
//! that on the one node that is left of the quicklist; since leaves here are not its nodes, the whole list is measured instead. So a
//! list whose rest Redis still has in two nodes changes its name a little earlier here.

use crate::packed::{Element, LISTPACK_OVERHEAD};

use super::ListRef;

/// A list's name in `OBJECT ENCODING`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// One listpack.
    #[default]
    Listpack,
    /// A quicklist of listpacks.
    Quicklist,
}

impl Encoding {
    /// The name in the reply of OBJECT ENCODING.
    pub fn name(self) -> &'static str {
        match self {
            Self::Listpack => "listpack",
            Self::Quicklist => "quicklist",
        }
    }
}

/// Size that a listpack must not exceed even where only the number of elements is limited.
const BYTES_SAFE: usize = 8192;

/// The setting `list-max-listpack-size`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    bytes_max: usize,
    count_max: u64,
    /// Whether the number of elements is what is limited.
    counted: bool,
}

impl Limit {
    /// From the setting: a number of elements, or -1 to -5 for 4, 8, 16, 32 or 64 KiB.
    pub fn new(setting: i64) -> Self {
        if setting >= 0 {
            // 0 counts as 1.
            return Self { bytes_max: usize::MAX, count_max: (setting as u64).max(1), counted: true };
        }
        let class = setting.max(-5).unsigned_abs() - 1;
        Self { bytes_max: 4096 << class, count_max: u64::from(u32::MAX), counted: false }
    }

    /// Whether a listpack of `bytes` with `count` elements has to become a quicklist.
    pub fn exceeded(&self, bytes: usize, count: u64) -> bool {
        if self.counted { bytes > BYTES_SAFE || count > self.count_max } else { bytes > self.bytes_max }
    }

    /// Whether adding `elements` makes a quicklist of a listpack. Redis adds up the texts' bytes without their encoding.
    pub fn exceeded_by(&self, list: ListRef, texts_bytes: usize, texts: u64) -> bool {
        let max = if self.counted { BYTES_SAFE } else { self.bytes_max };
        list.listpack_len(max).is_none_or(|bytes| self.exceeded(bytes + texts_bytes, list.len() + texts))
    }

    /// Whether a quicklist that has shrunk becomes a listpack again.
    pub fn shrunk(&self, list: ListRef) -> bool {
        let count_max = self.count_max / 2;
        // No listpack of a counted limit is larger than the safe size; a single large element stays what Redis calls a plain node.
        let bytes_max = if self.counted { BYTES_SAFE } else { self.bytes_max / 2 };
        list.len() <= count_max && list.listpack_len(bytes_max).is_some()
    }

    /// Whether a quicklist that gets these texts at its tail, one by one, has them in one node and no plain one. Redis estimates that an
    /// element needs 8 bytes beyond its text.
    pub fn is_one_node<'t>(&self, texts: impl Iterator<Item = &'t [u8]>) -> bool {
        let (mut bytes, mut count) = (LISTPACK_OVERHEAD, 0);
        for text in texts {
            if self.is_plain(text.len()) || count > 0 && self.exceeded(bytes + text.len() + 8, count + 1) {
                return false;
            }
            bytes += Element::of(text).encoded_len();
            count += 1;
        }
        !self.exceeded(if self.counted { 0 } else { bytes }, count)
    }

    /// Whether Redis gives an element of so many bytes a node without a listpack.
    fn is_plain(&self, text_bytes: usize) -> bool {
        text_bytes > if self.counted { BYTES_SAFE } else { self.bytes_max }
    }

    /// Whether a list of these elements alone would be a listpack.
    pub fn allows(&self, element: Element) -> bool {
        !self.exceeded(element.encoded_len() + LISTPACK_OVERHEAD, 1)
    }
}
