//! A hash of any size: fields with their values, and deadlines where they have one, in a hash-ordered directory.
//!
//! Callers bring the hash of each field ([`crate::member_hash()`]). A field past its deadline is a field like any other here: whoever
//! reads compares [`LargeFields::earliest`] with the clock first.

use super::{FieldsEncoding, FieldsLimits};
use crate::directory::{Cursor, Directory, Drain, Leaf, Teardown};
use crate::member_hash::fragment;
use crate::member_leaf::{Elements, Item, MemberLeaf, NO_DEADLINE};
use crate::near::Sought;

/// The leaf of a large hash: two parts, field and value.
pub type FieldsLeaf = MemberLeaf<2>;

/// A large hash. `Clone` is O(1) and is how it is frozen.
#[derive(Clone)]
pub struct LargeFields {
    directory: Directory<FieldsLeaf>,
    encoding: FieldsEncoding,
}

impl LargeFields {
    /// An empty hash that reports an encoding.
    pub fn new(encoding: FieldsEncoding) -> Self {
        Self { directory: Directory::new(), encoding }
    }

    /// Number of fields.
    pub fn len(&self) -> u64 {
        self.directory.len()
    }

    /// Whether there is no field.
    pub fn is_empty(&self) -> bool {
        self.directory.is_empty()
    }

    /// Names the cache lines that a search for a field looks at next; see [`crate::near`].
    #[inline]
    pub fn lines_near(&self, sought: &mut Sought, line: &mut impl FnMut(*const u8)) {
        self.directory.lines_near(sought, line);
    }

    /// The encoding that clients are told.
    pub fn encoding(&self) -> FieldsEncoding {
        self.encoding
    }

    /// Declares another encoding, as after loading.
    pub fn set_encoding(&mut self, encoding: FieldsEncoding) {
        self.encoding = encoding;
    }

    fn find(&self, hash: u64, field: &[u8]) -> Option<(&FieldsLeaf, usize)> {
        let position = fragment(hash);
        let (leaf, guess) = self.directory.locate(position);
        leaf.find(position, guess, field).ok().map(|index| (leaf, index))
    }

    /// The value of a field.
    #[inline]
    pub fn get(&self, hash: u64, field: &[u8]) -> Option<&[u8]> {
        let position = fragment(hash);
        let (leaf, guess) = self.directory.locate(position);
        leaf.find_last(position, guess, field)
    }

    /// The deadline of a field in milliseconds since 1970, [`NO_DEADLINE`] if it has none. `None` if there is no such field.
    pub fn deadline(&self, hash: u64, field: &[u8]) -> Option<u64> {
        self.find(hash, field).map(|(leaf, index)| leaf.deadline(index))
    }

    /// Earliest deadline of a field, [`NO_DEADLINE`] if none has one. O(1).
    pub fn earliest(&self) -> u64 {
        self.directory.earliest()
    }

    /// Sets a field's value, whatever encoding that means. A deadline stays if `keep_deadline`, else it is gone. True if the field
    /// is new.
    pub fn insert(&mut self, hash: u64, field: &[u8], value: &[u8], keep_deadline: bool) -> bool {
        let position = fragment(hash);
        let (leaf, guess) = self.directory.locate(position);
        leaf.fetch_counts();
        match leaf.find(position, guess, field) {
            Ok(index) => {
                self.directory.change(position, |leaf| {
                    leaf.set_part(index, 1, value);
                    if !keep_deadline {
                        leaf.set_deadline(index, NO_DEADLINE);
                    }
                });
                false
            }
            Err(index) => {
                self.directory.change(position, |leaf| leaf.insert(index, position, [field, value]));
                true
            }
        }
    }

    /// Sets a field's value as HSET does, which may change the declared encoding. True if the field is new.
    pub fn set(
        &mut self,
        hash: u64,
        field: &[u8],
        value: &[u8],
        keep_deadline: bool,
        limits: &FieldsLimits,
    ) -> bool {
        let new = self.insert(hash, field, value, keep_deadline);
        if self.encoding != FieldsEncoding::Hashtable
            && (self.len() > limits.entries_max || !limits.allows(field) || !limits.allows(value))
        {
            self.encoding = FieldsEncoding::Hashtable;
        }
        new
    }

    /// Sets, or with [`NO_DEADLINE`] removes, the deadline of a field; false if there is no such field.
    pub fn set_deadline(&mut self, hash: u64, field: &[u8], deadline: u64) -> bool {
        let Some((leaf, index)) = self.find(hash, field) else { return false };
        if leaf.deadline(index) != deadline {
            self.directory.change(fragment(hash), |leaf| leaf.set_deadline(index, deadline));
            if self.encoding == FieldsEncoding::Listpack {
                self.encoding = FieldsEncoding::ListpackEx;
            }
        }
        true
    }

    /// Removes a field; false if it is not there.
    pub fn remove(&mut self, hash: u64, field: &[u8]) -> bool {
        let Some((_, index)) = self.find(hash, field) else { return false };
        self.directory.change(fragment(hash), |leaf| leaf.remove(index));
        true
    }

    /// Removes up to `count_max` fields whose deadlines are not after `now`, the earliest first, each shown before. Returns how many.
    pub fn take_due(&mut self, now: u64, count_max: usize, mut show: impl FnMut(&[u8], &[u8])) -> usize {
        let mut taken = 0;
        while taken < count_max && self.earliest() <= now {
            let Some(leaf) = self.directory.earliest_leaf() else { break };
            let earliest = leaf.earliest();
            let Some(index) = (0..leaf.len()).find(|&index| leaf.deadline(index) == earliest) else { break };
            let [field, value] = leaf.parts(index);
            show(field, value);
            let position = leaf.position(index);
            self.directory.change(position, |leaf| leaf.remove(index));
            taken += 1;
        }
        taken
    }

    /// The field with a rank in hash order and its value: with a rank drawn uniformly, a fair choice. `None` beyond the end.
    pub fn at_rank(&self, rank: u64) -> Option<Item<'_, 2>> {
        let (leaf, index) = self.directory.at_rank(rank)?;
        leaf.items(index..index + 1).next()
    }

    /// All fields in hash order.
    pub fn iter(&self) -> Elements<'_, 2> {
        Elements::new(&self.directory)
    }

    /// Shows at least `count_min` fields from `cursor` on; see [`Directory::scan`].
    pub fn scan<'a>(&'a self, cursor: Cursor, count_min: u64, mut show: impl FnMut(Item<'a, 2>)) -> Cursor {
        self.directory.scan(cursor, count_min, |leaf, range| leaf.items(range).for_each(&mut show))
    }

    /// Heap bytes reached from here, in O(1); what clones share is counted in each of them.
    pub fn heap_bytes(&self) -> u64 {
        self.directory.heap_bytes()
    }

    /// Bytes copied so far because a clone held what was to be changed.
    pub fn copied_bytes(&self) -> u64 {
        self.directory.copied_bytes()
    }

    /// Heap bytes that clones hold too, estimated in O(1).
    pub fn shared_bytes_estimate(&self) -> u64 {
        self.directory.shared_bytes_estimate()
    }

    /// The leaves in hash order, each let go when its reader is done with it.
    pub fn into_drain(self) -> Drain<FieldsLeaf> {
        self.directory.into_drain()
    }

    /// Hands everything over to be freed a bounded number of nodes at a time.
    pub fn into_teardown(self) -> Teardown<FieldsLeaf> {
        self.directory.into_teardown()
    }

    /// Verifies the invariants of directory and leaves.
    #[cfg(any(test, debug_assertions))]
    pub fn check(&self) {
        self.directory.check();
        self.directory.leaves_from(0).for_each(MemberLeaf::check);
    }
}
