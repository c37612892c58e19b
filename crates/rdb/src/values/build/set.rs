//! Building a set: as SADD would, which is how Redis loads one too.

use value::Large;
use value::member_hash;
use value::set::small::{Added, add};
use value::set::{LargeSet, SetEncoding, SetForm, intset};

use super::{Built, Small, TWICE, Thresholds, copy_body, fits};
use crate::error::Fault;
use crate::object::{Packed, Taken};

/// A set that is called a hash table is never loaded as anything else.
pub(super) enum SetBuild {
    Small(SetForm),
    Large(Box<LargeSet>),
}

fn large(encoding: SetEncoding) -> SetBuild {
    SetBuild::Large(Box::new(LargeSet::new(encoding)))
}

impl SetBuild {
    pub(super) fn begin(count: Option<u64>, thresholds: &Thresholds, block: &mut Vec<u8>) -> Self {
        if count.is_some_and(|count| count > thresholds.set.intset_entries_max) {
            return large(SetEncoding::Hashtable);
        }
        block.clear();
        block.extend_from_slice(&intset::EMPTY);
        Self::Small(SetForm::Intset)
    }

    pub(super) fn packed(&mut self, node: Packed<'_>, thresholds: &Thresholds, block: &mut Vec<u8>) -> Taken {
        if node.count > thresholds.set.listpack_entries_max {
            *self = large(SetEncoding::Hashtable);
        } else if !fits(node) {
            *self = large(SetEncoding::Listpack);
        } else {
            copy_body(node, block);
            *self = Self::Small(SetForm::Listpack);
            return Taken::Whole;
        }
        Taken::No
    }

    pub(super) fn add(
        &mut self,
        member: &[u8],
        thresholds: &Thresholds,
        block: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        match self {
            Self::Small(form) => match add(block, form, member, &thresholds.set) {
                Added::New => {}
                Added::Present => return Err(TWICE),
                Added::Outgrown(large) => *self = Self::Large(large),
            },
            Self::Large(large) => {
                if !large.add(member_hash(member), member, &thresholds.set) {
                    return Err(TWICE);
                }
            }
        }
        Ok(())
    }

    pub(super) fn finish(self, block: &[u8]) -> Built<'_> {
        match self {
            Self::Small(form) => Built::Small(Small::Set(form, block)),
            Self::Large(large) => Built::Large(Large::Set(large)),
        }
    }
}
