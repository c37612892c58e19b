//! Building a list: a block as long as it fits in one, then leaves, packed nodes being copied as they are.

use value::Large;
use value::list::{Encoding, LargeList, ListBuilder, ListRef};
use value::packed::{self, BLOCK_MAX, Element};

use super::{Built, Small, Thresholds, copy_body, fits};
use crate::object::{Packed, Taken};

pub(super) struct ListBuild {
    /// What has outgrown the block.
    large: Option<ListBuilder>,
    /// It came in several nodes, so Redis keeps it as a quicklist.
    has_nodes: bool,
}

impl ListBuild {
    pub(super) fn begin(block: &mut Vec<u8>) -> Self {
        block.clear();
        block.extend_from_slice(&packed::EMPTY);
        Self { large: None, has_nodes: false }
    }

    pub(super) fn packed(&mut self, node: Packed<'_>, block: &mut Vec<u8>) -> Taken {
        self.has_nodes |= !node.is_whole;
        if node.is_whole && fits(node) {
            copy_body(node, block);
            return Taken::Whole;
        }
        let Ok(count) = u16::try_from(node.count) else { return Taken::No };
        self.large(block).push_body(node.body, count);
        Taken::Whole
    }

    pub(super) fn push(&mut self, element: Element<'_>, block: &mut Vec<u8>) {
        if self.large.is_none() && block.len() + element.encoded_len() <= BLOCK_MAX {
            return packed::push_back(block, element);
        }
        self.large(block).push(element);
    }

    /// The large list, begun with what the block has.
    fn large(&mut self, block: &[u8]) -> &mut ListBuilder {
        self.large.get_or_insert_with(|| {
            let mut builder = ListBuilder::new();
            builder.extend(packed::Packed::new(block));
            builder
        })
    }

    pub(super) fn finish<'b>(self, block: &'b [u8], thresholds: &Thresholds) -> Built<'b> {
        let list = match self.large {
            Some(builder) => builder.finish(Encoding::Quicklist),
            None => {
                let small = ListRef::Small(block);
                let is_listpack = !self.has_nodes && !thresholds.list.exceeded_by(small, 0, 0);
                if is_listpack {
                    return Built::Small(Small::List(block));
                }
                LargeList::from_small(block, Encoding::Quicklist)
            }
        };
        let mut list = list;
        if !self.has_nodes && !thresholds.list.exceeded_by(ListRef::Large(&list), 0, 0) {
            list.set_encoding(Encoding::Listpack);
        }
        Built::Large(Large::List(Box::new(list)))
    }
}
