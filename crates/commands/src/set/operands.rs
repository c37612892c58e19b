//! The sets that a command computes with, frozen, and what can be computed of several: intersection, union, difference.
//!
//! ```text
//!   intersection   walks through the smallest set, asks the others, the smaller first
//!   union          merges all sets, each in the order of its members' hashes: no table of what has been shown
//!   difference     walks through the first set and asks the others, or takes a clone of it and removes their members:
//!                  whichever costs less, as Redis chooses
//! ```
//! Freezing is O(1) for a large set, and a copy of the block for a small one. Commands that only reply give their locks back then.
//! Those that store keep theirs, since what they store has to be in the log before anybody else sees the sources change.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;

use engine::{Args, Argument, ArgumentKind, Categories, Command, Data, Error, Flags, KeyFlags, KeySpec};
use keyspace::Keyspace;
use value::Large;
use value::member_hash::{fragment, member_hash};
use value::packed::Element;
use value::set::{LargeSet, Members, SetEncoding, SetForm, SetLimits, SetRef, by_size};

use crate::set::place::Gathered;

/// What the commands that answer what they have computed of several sets have in common.
pub const READS: Command = Command {
    arity: -2,
    flags: Flags::READONLY,
    categories: Categories::SET,
    keys: &[KeySpec::range(1, -1, 1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    arguments: &[Argument::key().multiple()],
    tips: &["nondeterministic_output_order"],
    ..Command::DEFAULT
};

/// What those have in common that store it.
pub const STORES: Command = Command {
    arity: -3,
    flags: Flags::WRITE.and(Flags::DENYOOM),
    categories: Categories::SET,
    keys: &[
        KeySpec::one(1, KeyFlags::OW.and(KeyFlags::UPDATE)),
        KeySpec::range(2, -1, 1, KeyFlags::RO.and(KeyFlags::ACCESS)),
    ],
    arguments: &[
        Argument { name: "destination", ..Argument::key() },
        Argument { key_spec: Some(1), ..Argument::new("key", ArgumentKind::Key) }.multiple(),
    ],
    ..Command::DEFAULT
};

/// A frozen set.
enum Operand {
    /// A block among the others.
    Small(SetForm, Range<usize>),
    /// A clone.
    Large(Box<LargeSet>),
}

/// Frozen sets, one for each key that exists.
pub struct Operands<'k> {
    keyspace: &'k Keyspace,
    blocks: Vec<u8>,
    sets: Vec<Option<Operand>>,
    /// Whether another key is the first one again.
    pub repeats_first: bool,
}

impl<'k> Operands<'k> {
    /// Reads and freezes the sets of `keys`; the first key with another type is the error.
    pub fn read(data: &mut Data<'k>, keys: Args<'_>) -> Result<Operands<'k>, Error> {
        let mut operands = Operands {
            keyspace: data.keyspace(),
            blocks: Vec::new(),
            sets: Vec::with_capacity(keys.len()),
            repeats_first: keys.iter().skip(1).any(|key| *key == keys[0]),
        };
        for key in keys {
            let operand = data.read_set(key)?.map(|set| operands.freeze(set));
            operands.sets.push(operand);
        }
        Ok(operands)
    }

    /// Freezes one set that has been read.
    pub fn of(keyspace: &'k Keyspace, set: SetRef<'_>) -> Operands<'k> {
        let mut operands =
            Operands { keyspace, blocks: Vec::new(), sets: Vec::with_capacity(1), repeats_first: false };
        let operand = operands.freeze(set);
        operands.sets.push(Some(operand));
        operands
    }

    fn freeze(&mut self, set: SetRef<'_>) -> Operand {
        let (form, block) = match set {
            SetRef::Large(set) => return Operand::Large(Box::new(set.clone())),
            SetRef::Ints(set) => (SetForm::Intset, set.bytes()),
            SetRef::Packed(set) => (SetForm::Listpack, set.bytes()),
        };
        let from = self.blocks.len();
        self.blocks.extend_from_slice(block);
        Operand::Small(form, from..self.blocks.len())
    }

    /// The set of a key.
    pub fn get(&self, index: usize) -> Option<SetRef<'_>> {
        Some(match self.sets.get(index)?.as_ref()? {
            Operand::Small(form, range) => {
                SetRef::small(self.blocks.get(range.clone()).unwrap_or_default(), *form)
            }
            Operand::Large(set) => SetRef::Large(set),
        })
    }

    /// The sets of all keys that exist, in the order of the keys.
    pub fn present(&self) -> Vec<SetRef<'_>> {
        (0..self.sets.len()).filter_map(|index| self.get(index)).collect()
    }

    /// The sets of all keys, the smallest first; None if one does not exist, so that the intersection is empty.
    pub fn smallest_first(&self) -> Option<Vec<SetRef<'_>>> {
        let mut sets = self.present();
        by_size(&mut sets);
        (sets.len() == self.sets.len()).then_some(sets)
    }
}

impl Drop for Operands<'_> {
    fn drop(&mut self) {
        for operand in self.sets.drain(..) {
            // A set that was removed or overwritten meanwhile is ours alone now, and freeing it may take long.
            if let Some(Operand::Large(set)) = operand
                && set.shared_bytes_estimate() < set.heap_bytes() / 2
            {
                self.keyspace.free_large(Large::Set(set));
            }
        }
    }
}

/// Whether a member, whose hash is known, is in a set.
fn has(set: SetRef<'_>, hash: u64, member: Element<'_>) -> bool {
    match set {
        SetRef::Large(_) => set.contains_hashed(hash, member.text(&mut None)),
        _ => set.contains_element(member),
    }
}

/// Shows the members that all of these sets have, which come the smallest first, until `show` answers false.
pub fn intersection<'a>(sets: &[SetRef<'a>], mut show: impl FnMut(Element<'a>) -> bool) {
    let Some((smallest, others)) = sets.split_first() else { return };
    for (hash, member) in smallest.iter_hashed() {
        if others.iter().all(|set| has(*set, hash, member)) && !show(member) {
            return;
        }
    }
}

/// Shows every member of any of these sets once.
pub fn union<'a>(sets: &[SetRef<'a>], mut show: impl FnMut(Element<'a>)) {
    if let [only] = sets {
        return only.iter().for_each(show);
    }
    let mut few: Vec<(u32, Element<'a>)> = Vec::new();
    let mut sources: Vec<Source<'a>> = Vec::new();
    for set in sets {
        match set.iter() {
            Members::Large(members) => {
                sources.push(Box::new(members.map(|(hash, member)| (fragment(hash), Element::Bytes(member)))))
            }
            members => few.extend(members.map(|member| (fragment_of(member), member))),
        }
    }
    few.sort_unstable_by_key(|(position, _)| *position);
    sources.push(Box::new(few.into_iter()));

    let mut heads: Vec<Option<Element<'a>>> = vec![None; sources.len()];
    let mut next = BinaryHeap::with_capacity(sources.len());
    let mut advance = |source: usize, heads: &mut Vec<Option<Element<'a>>>| {
        let (position, member) = sources[source].next()?;
        heads[source] = Some(member);
        Some(Reverse((position, source)))
    };
    next.extend((0..heads.len()).filter_map(|source| advance(source, &mut heads)));
    // Those of one position: a few at most, unless all sets have the same members.
    let mut shown: Vec<Element<'a>> = Vec::new();
    let mut at = None;
    while let Some(Reverse((position, source))) = next.pop() {
        if at != Some(position) {
            at = Some(position);
            shown.clear();
        }
        if let Some(member) = heads[source].take()
            && !shown.iter().any(|other| is_same(*other, member))
        {
            shown.push(member);
            show(member);
        }
        next.extend(advance(source, &mut heads));
    }
}

/// Members with their positions, ascending.
type Source<'a> = Box<dyn Iterator<Item = (u32, Element<'a>)> + 'a>;

fn fragment_of(member: Element<'_>) -> u32 {
    fragment(member_hash(member.text(&mut None)))
}

/// Whether two members read alike, wherever they lie.
fn is_same(one: Element<'_>, other: Element<'_>) -> bool {
    one == other || one.text(&mut None) == other.text(&mut None)
}

/// Shows the members of the first set that none of the others has.
pub fn difference(operands: &Operands<'_>, limits: &SetLimits, mut show: impl FnMut(Element<'_>)) {
    match Difference::of(operands) {
        Difference::Nothing => {}
        Difference::Asked { first, others } => asked(first, &others, show),
        Difference::Removed { first, others } => {
            removed(first, &others, limits).view().iter().for_each(&mut show);
        }
    }
}

/// The same as a set, put together as in Redis, whose encoding depends on how.
pub fn difference_set(operands: &Operands<'_>, limits: &SetLimits) -> Gathered {
    match Difference::of(operands) {
        Difference::Nothing => Gathered::small(SetForm::Intset),
        Difference::Asked { first, others } => {
            let mut set = Gathered::small(SetForm::Intset);
            asked(first, &others, |member| {
                set.add(member.text(&mut None), limits);
            });
            set
        }
        Difference::Removed { first, others } => removed(first, &others, limits),
    }
}

/// How a difference is computed.
enum Difference<'a> {
    /// It is empty.
    Nothing,
    /// Each member of the first set is looked up in the others.
    Asked { first: SetRef<'a>, others: Vec<SetRef<'a>> },
    /// The members of the others are removed from what was the first.
    Removed { first: SetRef<'a>, others: Vec<SetRef<'a>> },
}

impl<'a> Difference<'a> {
    /// Looking up stops at the first set that has the member, so it is given an advantage of two.
    fn of(operands: &'a Operands<'_>) -> Difference<'a> {
        let Some(first) = operands.get(0).filter(|_| !operands.repeats_first) else {
            return Difference::Nothing;
        };
        let mut others = operands.present();
        others.remove(0);
        let lookups = first.len() * (others.len() as u64 + 1);
        let removals = first.len() + others.iter().map(|set| set.len()).sum::<u64>();
        if lookups / 2 > removals {
            return Difference::Removed { first, others };
        }
        // The larger a set, the likelier it has the member.
        others.sort_by_key(|set| Reverse(set.len()));
        Difference::Asked { first, others }
    }
}

fn asked<'a>(first: SetRef<'a>, others: &[SetRef<'_>], mut show: impl FnMut(Element<'a>)) {
    for (hash, member) in first.iter_hashed() {
        if !others.iter().any(|set| has(*set, hash, member)) {
            show(member);
        }
    }
}

fn removed(first: SetRef<'_>, others: &[SetRef<'_>], limits: &SetLimits) -> Gathered {
    let mut set = gathered(&[first], limits);
    for other in others {
        let mut digits = None;
        for member in other.iter() {
            set.remove(member.text(&mut digits));
        }
        if set.view().is_empty() {
            break;
        }
    }
    set
}

/// The union of sets as a set of its own. A large one is not built up from nothing but begins as a clone of the largest, so
/// that it costs what the others cost.
pub fn gathered(sets: &[SetRef<'_>], limits: &SetLimits) -> Gathered {
    let largest = sets.iter().enumerate().max_by_key(|(_, set)| set.len());
    let certain = limits.intset_entries_max.max(limits.listpack_entries_max);
    let Some((index, &SetRef::Large(large))) = largest.filter(|(_, set)| set.len() > certain) else {
        let mut set = Gathered::small(SetForm::Intset);
        for member in sets.iter().flat_map(|set| set.iter()) {
            set.add(member.text(&mut None), limits);
        }
        return set;
    };
    let mut union = Box::new(large.clone());
    union.set_encoding(SetEncoding::Hashtable);
    for (_, set) in sets.iter().enumerate().filter(|(other, _)| *other != index) {
        for (hash, member) in set.iter_hashed() {
            union.insert(hash, member.text(&mut None));
        }
    }
    Gathered::Large(union)
}
