//! Writing lists that are not packed already: elements are grouped into nodes on the way.

use super::objects::{ObjectWriter, Place};
use crate::element::Element;
use crate::listpack::{self, Body};

/// Most bytes of a packed node, header and end included.
const NODE_MAX: usize = 8 * 1024;

/// Longest element, in bytes, that is packed: with its lengths it fits in a node.
const PACKED_MAX: usize = NODE_MAX - listpack::FRAME - 5 - 2;

/// Groups elements into packed nodes of up to 8 KiB; longer elements become nodes of their own. Holds one node.
#[derive(Debug, Default)]
pub struct ListPacker {
    body: Body,
}

impl ListPacker {
    /// For one list.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many nodes these elements will make, which is to be announced before the first of them.
    pub fn nodes<'a>(elements: impl IntoIterator<Item = Element<'a>>) -> u64 {
        let (mut nodes, mut size) = (0, 0);
        for element in elements {
            if is_long(element) {
                nodes += 1 + u64::from(size > 0);
                size = 0;
                continue;
            }
            let more = listpack::encoded_size(element);
            if size > 0 && size + more > NODE_MAX - listpack::FRAME {
                nodes += 1;
                size = 0;
            }
            size += more;
        }
        nodes + u64::from(size > 0)
    }

    /// Appends an element, or keeps it for the next node.
    pub fn push(&mut self, writer: &mut ObjectWriter<'_>, out: &mut Vec<u8>, element: Element<'_>) {
        if let (true, Element::Bytes(bytes)) = (is_long(element), element) {
            self.finish(writer, out);
            return writer.list_plain(out, bytes);
        }
        let size = listpack::encoded_size(element);
        if self.body.bytes().len() + size > NODE_MAX - listpack::FRAME {
            self.finish(writer, out);
        }
        self.body.push(element);
    }

    /// Appends what has been kept.
    pub fn finish(&mut self, writer: &mut ObjectWriter<'_>, out: &mut Vec<u8>) {
        if self.body.count() > 0 {
            writer.list_node(out, self.body.bytes(), self.body.count());
            self.body.clear();
        }
    }
}

/// Whether an element makes a node of its own.
pub(crate) fn is_long(element: Element<'_>) -> bool {
    matches!(element, Element::Bytes(bytes) if bytes.len() > PACKED_MAX)
}

impl ObjectWriter<'_> {
    /// A whole list, which must not be empty; for lists that are small enough to be written in one piece.
    pub fn whole_list<'a>(
        &mut self,
        out: &mut Vec<u8>,
        place: Place<'_>,
        elements: impl Iterator<Item = Element<'a>> + Clone,
    ) {
        self.list(out, place, ListPacker::nodes(elements.clone()));
        let mut packer = ListPacker::new();
        elements.for_each(|element| packer.push(self, out, element));
        packer.finish(self, out);
    }
}
