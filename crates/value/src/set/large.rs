//! A set of any size: members in a hash-ordered directory.
//!
//! Callers bring the hash of each member ([`crate::member_hash()`]), so that one that is sought in several sets is hashed once.

use super::{SetEncoding, SetLimits};
use crate::directory::{Cursor, Directory, Drain, Leaf, Teardown};
use crate::member_hash::{fragment, hash_of_fragment};
use crate::member_leaf::{Elements, MemberLeaf};
use crate::near::Sought;
use crate::number::parse_i64;

/// The leaf of a large set: one part, the member.
pub type SetLeaf = MemberLeaf<1>;

/// A large set. `Clone` is O(1) and is how it is frozen.
#[derive(Clone)]
pub struct LargeSet {
    directory: Directory<SetLeaf>,
    encoding: SetEncoding,
}

impl LargeSet {
    /// An empty set that reports an encoding.
    pub fn new(encoding: SetEncoding) -> Self {
        Self { directory: Directory::new(), encoding }
    }

    /// Number of members.
    pub fn len(&self) -> u64 {
        self.directory.len()
    }

    /// Whether there is no member.
    pub fn is_empty(&self) -> bool {
        self.directory.is_empty()
    }

    /// Names the cache lines that a search for a member looks at next; see [`crate::near`].
    #[inline]
    pub fn lines_near(&self, sought: &mut Sought, line: &mut impl FnMut(*const u8)) {
        self.directory.lines_near(sought, line);
    }

    /// The encoding that clients are told.
    pub fn encoding(&self) -> SetEncoding {
        self.encoding
    }

    /// Declares another encoding, as after loading.
    pub fn set_encoding(&mut self, encoding: SetEncoding) {
        self.encoding = encoding;
    }

    /// Whether `member` is in the set.
    #[inline]
    pub fn contains(&self, hash: u64, member: &[u8]) -> bool {
        let position = fragment(hash);
        let (leaf, guess) = self.directory.locate(position);
        leaf.find(position, guess, member).is_ok()
    }

    /// Adds a member, whatever encoding that means; false if it is there.
    pub fn insert(&mut self, hash: u64, member: &[u8]) -> bool {
        let position = fragment(hash);
        let (leaf, guess) = self.directory.locate(position);
        leaf.fetch_counts();
        let Err(index) = leaf.find(position, guess, member) else { return false };
        self.directory.change(position, |leaf| leaf.insert(index, position, [member]));
        true
    }

    /// Adds a member as SADD does, which may change the declared encoding; false if it is there.
    pub fn add(&mut self, hash: u64, member: &[u8], limits: &SetLimits) -> bool {
        let before = self.len();
        if !self.insert(hash, member) {
            return false;
        }
        self.encoding = match self.encoding {
            SetEncoding::Hashtable => SetEncoding::Hashtable,
            SetEncoding::Intset if parse_i64(member).is_some() => {
                if self.len() > limits.intset_entries_max {
                    SetEncoding::Hashtable
                } else {
                    SetEncoding::Intset
                }
            }
            SetEncoding::Intset => {
                let longest = self.iter().map(<[u8]>::len).max().unwrap_or(0);
                limits.listpack_or_hashtable(before, longest)
            }
            SetEncoding::Listpack => limits.listpack_or_hashtable(before, member.len()),
        };
        true
    }

    /// Removes a member; false if it is not there.
    pub fn remove(&mut self, hash: u64, member: &[u8]) -> bool {
        let position = fragment(hash);
        let (leaf, guess) = self.directory.locate(position);
        let Ok(index) = leaf.find(position, guess, member) else { return false };
        self.directory.change(position, |leaf| leaf.remove(index));
        true
    }

    /// The member with a rank in hash order: with a rank drawn uniformly, a fair choice. `None` beyond the end.
    pub fn at_rank(&self, rank: u64) -> Option<&[u8]> {
        self.directory.at_rank(rank).map(|(leaf, index)| leaf.part(index, 0))
    }

    /// Removes the member with a rank and appends it to `out`; false beyond the end.
    pub fn take_rank(&mut self, rank: u64, out: &mut Vec<u8>) -> bool {
        let Some((leaf, index)) = self.directory.at_rank(rank) else { return false };
        out.extend_from_slice(leaf.part(index, 0));
        let position = leaf.position(index);
        self.directory.change(position, |leaf| leaf.remove(index));
        true
    }

    /// All members in hash order.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.iter_hashed().map(|(_, member)| member)
    }

    /// All members in hash order, each with a hash for lookups in other sets. Such lookups go through the other set in its order
    /// too, which costs a fraction of lookups at random.
    pub fn iter_hashed(&self) -> LargeMembers<'_> {
        LargeMembers(Elements::new(&self.directory))
    }

    /// Shows at least `count_min` members from `cursor` on; see [`Directory::scan`].
    pub fn scan<'a>(&'a self, cursor: Cursor, count_min: u64, mut show: impl FnMut(&'a [u8])) -> Cursor {
        self.directory.scan(cursor, count_min, |leaf, range| {
            leaf.items(range).for_each(|item| show(item.parts[0]));
        })
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
    pub fn into_drain(self) -> Drain<SetLeaf> {
        self.directory.into_drain()
    }

    /// Hands everything over to be freed a bounded number of nodes at a time.
    pub fn into_teardown(self) -> Teardown<SetLeaf> {
        self.directory.into_teardown()
    }

    /// Verifies the invariants of directory and leaves.
    #[cfg(any(test, debug_assertions))]
    pub fn check(&self) {
        self.directory.check();
        self.directory.leaves_from(0).for_each(MemberLeaf::check);
    }
}

/// The members of a large set in hash order.
pub struct LargeMembers<'a>(Elements<'a, 1>);

impl<'a> Iterator for LargeMembers<'a> {
    /// A hash of the member, for lookups in other sets, and the member.
    type Item = (u64, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|item| (hash_of_fragment(item.position), item.parts[0]))
    }
}
