//! Changes of small sets in their blocks, with the conversions that Redis makes.
//!
//! Where a set becomes large it is handed back as a whole with the change in it; the block is then to be replaced.

use super::{LargeSet, SetEncoding, SetForm, SetLimits, SetRef, intset};
use crate::member_hash::member_hash;
use crate::number::{IntText, parse_i64};
use crate::packed::{self, BLOCK_MAX, Block, Element, Packed};

/// What SADD of one member did to a small set.
pub enum Added {
    /// It was there.
    Present,
    /// It is there now; the form may have changed.
    New,
    /// It was added to this set, which is to be put in the place of the block.
    Outgrown(Box<LargeSet>),
}

/// The form of a new set, as Redis chooses it from the first member and the number of members to come. `None`: a large one.
pub fn form_for(first: &[u8], count: u64, limits: &SetLimits) -> Option<SetForm> {
    if parse_i64(first).is_some() && count <= limits.intset_entries_max {
        Some(SetForm::Intset)
    } else if count <= limits.listpack_entries_max {
        Some(SetForm::Listpack)
    } else {
        None
    }
}

/// Makes a set large before `count` members come to it, if a hash table would be made of it in Redis.
pub fn prepare(set: SetRef, count: u64, limits: &SetLimits) -> Option<Box<LargeSet>> {
    let most = match set {
        SetRef::Ints(_) => limits.intset_entries_max,
        SetRef::Packed(_) => limits.listpack_entries_max,
        SetRef::Large(_) => return None,
    };
    (count > most).then(|| enlarge(set, SetEncoding::Hashtable))
}

/// A large set with the members of `set`.
pub fn enlarge(set: SetRef, encoding: SetEncoding) -> Box<LargeSet> {
    let mut large = LargeSet::new(encoding);
    let mut digits = None;
    for member in set.iter() {
        let member = member.text(&mut digits);
        large.insert(member_hash(member), member);
    }
    Box::new(large)
}

/// Adds a member.
pub fn add<B: Block + ?Sized>(block: &mut B, form: &mut SetForm, member: &[u8], limits: &SetLimits) -> Added {
    match form {
        SetForm::Intset => add_to_intset(block, form, member, limits),
        SetForm::Listpack => {
            let set = Packed::new(block.bytes());
            let element = Element::of(member);
            if set.find(element, set.start(), 1).is_some() {
                return Added::Present;
            }
            let encoding = limits.listpack_or_hashtable(set.count() as u64, member.len());
            if encoding == SetEncoding::Hashtable || set.bytes().len() + element.encoded_len() > BLOCK_MAX {
                return outgrow(SetRef::Packed(set), encoding, member);
            }
            packed::push_back(block, element);
            Added::New
        }
    }
}

fn add_to_intset<B: Block + ?Sized>(
    block: &mut B,
    form: &mut SetForm,
    member: &[u8],
    limits: &SetLimits,
) -> Added {
    let set = intset::Intset::new(block.bytes());
    if let Some(value) = parse_i64(member) {
        if !intset::add(block, value) {
            return Added::Present;
        }
        let set = intset::Intset::new(block.bytes());
        let encoding = if set.len() as u64 > limits.intset_entries_max {
            SetEncoding::Hashtable
        } else {
            SetEncoding::Intset
        };
        if encoding == SetEncoding::Hashtable || block.bytes().len() > BLOCK_MAX {
            return Added::Outgrown(enlarge(SetRef::Ints(set), encoding));
        }
        return Added::New;
    }
    let digits = |index| set.get(index).map_or(0, |value| IntText::new(value).as_bytes().len());
    let longest = member.len().max(digits(0)).max(digits(set.len().saturating_sub(1)));
    let encoding = limits.listpack_or_hashtable(set.len() as u64, longest);
    let mut elements: Vec<Element> = set.iter().map(Element::Int).collect();
    elements.push(Element::of(member));
    let bytes = packed::HEADER + elements.iter().map(|element| element.encoded_len()).sum::<usize>();
    if encoding == SetEncoding::Hashtable || bytes > BLOCK_MAX {
        return outgrow(SetRef::Ints(set), encoding, member);
    }
    let mut listpack = packed::EMPTY.to_vec();
    packed::extend(&mut listpack, &elements);
    let len = block.bytes().len();
    block.splice(0, len, &listpack);
    *form = SetForm::Listpack;
    Added::New
}

fn outgrow(set: SetRef, encoding: SetEncoding, member: &[u8]) -> Added {
    let mut large = enlarge(set, encoding);
    large.insert(member_hash(member), member);
    Added::Outgrown(large)
}

/// Removes a member; false if it is not there. A small set never changes its form for that.
pub fn remove<B: Block + ?Sized>(block: &mut B, form: SetForm, member: &[u8]) -> bool {
    match form {
        SetForm::Intset => parse_i64(member).is_some_and(|value| intset::remove(block, value)),
        SetForm::Listpack => {
            let set = Packed::new(block.bytes());
            let Some(at) = set.find(Element::of(member), set.start(), 1) else { return false };
            packed::remove(block, at, 1);
            true
        }
    }
}

/// Removes the member with an index and appends it to `out`; false beyond the end.
pub fn take_rank<B: Block + ?Sized>(block: &mut B, form: SetForm, rank: u64, out: &mut Vec<u8>) -> bool {
    let set = SetRef::small(block.bytes(), form);
    let Some(member) = set.at_rank(rank) else { return false };
    member.append_to(out);
    match (member, form) {
        (Element::Int(value), SetForm::Intset) => {
            intset::remove(block, value);
        }
        _ => {
            let at = usize::try_from(rank).ok().and_then(|rank| Packed::new(block.bytes()).position(rank));
            if let Some(at) = at {
                packed::remove(block, at, 1);
            }
        }
    }
    true
}

/// The intset of a set that has integers only, and not too many: what SINTERSTORE makes of its result.
pub fn as_intset(set: SetRef, limits: &SetLimits) -> Option<Vec<u8>> {
    if set.len() > limits.intset_entries_max {
        return None;
    }
    let mut block = intset::EMPTY.to_vec();
    let mut digits = None;
    for member in set.iter() {
        intset::add(&mut block, parse_i64(member.text(&mut digits))?);
    }
    (block.len() <= BLOCK_MAX).then_some(block)
}
