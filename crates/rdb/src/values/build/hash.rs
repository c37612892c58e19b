//! Building a hash. Deadlines of fields are put in order at the end, since a small hash keeps its fields in that order.

use value::Large;
use value::fields::small::set;
use value::fields::{FieldsEncoding, FieldsForm, FieldsLimits, LargeFields, SmallFields};
use value::member_hash;
use value::member_leaf::NO_DEADLINE;
use value::packed::{self, BLOCK_MAX, Element};

use super::{Built, Small, TWICE, Thresholds, copy_body, fits};
use crate::error::Fault;
use crate::object::{Packed, Taken};

pub(super) struct HashBuild {
    large: Option<Box<LargeFields>>,
    /// The deadlines of the block's fields, while there is no large hash; shorter where none has one.
    deadlines: Vec<u64>,
    /// Whether the encoding is what it is called already, whatever comes.
    is_named: bool,
}

impl HashBuild {
    pub(super) fn begin(count: Option<u64>, thresholds: &Thresholds, block: &mut Vec<u8>) -> Self {
        block.clear();
        block.extend_from_slice(&packed::EMPTY);
        let mut build = Self { large: None, deadlines: Vec::new(), is_named: false };
        if count.is_some_and(|count| count > thresholds.hash.entries_max) {
            build.enlarge(FieldsEncoding::Hashtable);
        }
        build
    }

    fn enlarge(&mut self, encoding: FieldsEncoding) {
        self.large = Some(Box::new(LargeFields::new(encoding)));
        self.is_named = true;
    }

    pub(super) fn packed(&mut self, node: Packed<'_>, thresholds: &Thresholds, block: &mut Vec<u8>) -> Taken {
        if node.count / 2 > thresholds.hash.entries_max {
            self.enlarge(FieldsEncoding::Hashtable);
        } else if !fits(node) {
            self.enlarge(FieldsEncoding::Listpack);
        } else {
            copy_body(node, block);
            return Taken::Whole;
        }
        Taken::No
    }

    pub(super) fn add(
        &mut self,
        field: &[u8],
        value: &[u8],
        expire_at_ms: Option<u64>,
        limits: &FieldsLimits,
        block: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let deadline = expire_at_ms.unwrap_or(NO_DEADLINE);
        if let Some(large) = &mut self.large {
            let hash = member_hash(field);
            let is_new = match self.is_named {
                true => large.insert(hash, field, value, false),
                false => large.set(hash, field, value, false, limits),
            };
            if deadline != NO_DEADLINE {
                large.set_deadline(hash, field, deadline);
            }
            return if is_new { Ok(()) } else { Err(TWICE) };
        }
        let before = SmallFields::new(block, FieldsForm::Listpack).len() as usize;
        let stored = set(block, FieldsForm::Listpack, field, value, false, limits);
        if !stored.created {
            return Err(TWICE);
        }
        if deadline != NO_DEADLINE {
            self.deadlines.resize(before, NO_DEADLINE);
            self.deadlines.push(deadline);
        }
        if let Some(mut large) = stored.outgrown {
            // The block is still as it was before this field.
            self.time(&mut large, block);
            if deadline != NO_DEADLINE {
                large.set_deadline(member_hash(field), field, deadline);
            }
            self.large = Some(large);
        }
        Ok(())
    }

    /// Gives the fields of the block their deadlines in a large hash.
    fn time(&self, large: &mut LargeFields, block: &[u8]) {
        let fields = SmallFields::new(block, FieldsForm::Listpack);
        for (entry, &deadline) in fields.iter().zip(&self.deadlines) {
            if deadline != NO_DEADLINE {
                let mut digits = None;
                let field = entry.field.text(&mut digits);
                large.set_deadline(member_hash(field), field, deadline);
            }
        }
    }

    pub(super) fn finish(self, block: &mut Vec<u8>) -> Option<Built<'_>> {
        if let Some(large) = self.large {
            return (!large.is_empty()).then_some(Built::Large(Large::Hash(large)));
        }
        let small = SmallFields::new(block, FieldsForm::Listpack);
        if small.is_empty() {
            return None;
        }
        if self.deadlines.is_empty() {
            return Some(Built::Small(Small::Hash(FieldsForm::Listpack, block)));
        }
        let all = self.deadlines.iter().copied().chain(std::iter::repeat(NO_DEADLINE));
        let mut fields: Vec<_> = small.iter().zip(all).collect();
        // Stable: fields with one deadline stay in the order in which they came.
        fields.sort_by_key(|&(_, deadline)| deadline);
        let mut timed = packed::EMPTY.to_vec();
        for (entry, deadline) in fields {
            let stamp = if deadline == NO_DEADLINE { 0 } else { i64::try_from(deadline).unwrap_or(i64::MAX) };
            packed::extend(&mut timed, &[entry.field, entry.value, Element::Int(stamp)]);
        }
        if timed.len() <= BLOCK_MAX {
            *block = timed;
            return Some(Built::Small(Small::Hash(FieldsForm::ListpackEx, block)));
        }
        let timed = SmallFields::new(&timed, FieldsForm::ListpackEx);
        let large = value::fields::small::enlarge(timed, FieldsEncoding::ListpackEx);
        Some(Built::Large(Large::Hash(large)))
    }
}
