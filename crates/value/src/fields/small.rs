//! Changes of small hashes in their blocks, with the conversions that Redis makes.
//!
//! Where a hash becomes large it is handed back as a whole with the change in it; the block is then to be replaced.

use super::{FieldsEncoding, FieldsForm, FieldsLimits, LargeFields, SmallFields};
use crate::member_hash::member_hash;
use crate::member_leaf::NO_DEADLINE;
use crate::packed::{self, BLOCK_MAX, Block, Element, Packed};

/// What HSET of one field did to a small hash.
pub struct Stored {
    /// Whether the field is new.
    pub created: bool,
    /// The hash with the change in it, to be put in the place of the block.
    pub outgrown: Option<Box<LargeFields>>,
}

/// The stored form of a deadline: an integer, 0 for none.
fn stamp(deadline: u64) -> Element<'static> {
    Element::Int(if deadline == NO_DEADLINE { 0 } else { deadline.min(i64::MAX as u64) as i64 })
}

/// A large hash with the fields of `small`.
pub fn enlarge(small: SmallFields, encoding: FieldsEncoding) -> Box<LargeFields> {
    let mut large = LargeFields::new(encoding);
    let (mut field_digits, mut value_digits) = (None, None);
    for entry in small.iter() {
        let field = entry.field.text(&mut field_digits);
        let hash = member_hash(field);
        large.insert(hash, field, entry.value.text(&mut value_digits), true);
        if entry.deadline != NO_DEADLINE {
            large.set_deadline(hash, field, entry.deadline);
        }
    }
    Box::new(large)
}

/// Makes a hash large before the fields and values of an HSET come to it, if Redis would make a hash table of it.
pub fn prepare<'t>(
    small: SmallFields,
    texts: impl ExactSizeIterator<Item = &'t [u8]>,
    limits: &FieldsLimits,
) -> Option<Box<LargeFields>> {
    let fields = texts.len().div_ceil(2) as u64;
    let mut texts = texts;
    let outgrown = fields > limits.entries_max || texts.any(|text| !limits.allows(text));
    outgrown.then(|| enlarge(small, FieldsEncoding::Hashtable))
}

/// Sets a field's value. A deadline stays if `keep_deadline`, else it is gone.
pub fn set<B: Block + ?Sized>(
    block: &mut B,
    form: FieldsForm,
    field: &[u8],
    value: &[u8],
    keep_deadline: bool,
    limits: &FieldsLimits,
) -> Stored {
    let small = SmallFields::new(block.bytes(), form);
    let (key, new_value) = (Element::of(field), Element::of(value));
    let found = small.find(key);
    let created = found.is_none();
    let most = key.encoded_len() + new_value.encoded_len() + form.stamp_bytes_max();
    let count = small.len() + u64::from(created);
    let declared = if count > limits.entries_max || !limits.allows(field) || !limits.allows(value) {
        FieldsEncoding::Hashtable
    } else {
        form.encoding()
    };
    if declared == FieldsEncoding::Hashtable || block.bytes().len() + most > BLOCK_MAX {
        let mut large = enlarge(small, declared);
        large.insert(member_hash(field), field, value, keep_deadline);
        return Stored { created, outgrown: Some(large) };
    }
    match found {
        Some(at) => {
            let packed = small.packed;
            let timed = !keep_deadline && small.deadline_at(at) != NO_DEADLINE;
            let value_at = packed.after(at).unwrap_or(packed.end());
            if timed {
                // Fields without a deadline stand last.
                packed::remove(block, at, form.stride());
                packed::extend(block, &[key, new_value, stamp(NO_DEADLINE)]);
            } else {
                packed::replace(block, value_at, new_value);
            }
        }
        None => packed::extend(block, &[key, new_value, stamp(NO_DEADLINE)][..form.stride()]),
    }
    Stored { created, outgrown: None }
}

/// Removes a field; false if it is not there.
pub fn remove<B: Block + ?Sized>(block: &mut B, form: FieldsForm, field: &[u8]) -> bool {
    let found = SmallFields::new(block.bytes(), form).find(Element::of(field));
    found.map(|at| packed::remove(block, at, form.stride())).is_some()
}

/// What HEXPIRE of one field did to a small hash.
pub enum Timed {
    /// There is no such field.
    Absent,
    /// Done; the form may have changed.
    Done,
    /// The hash with the change in it, to be put in the place of the block.
    Outgrown(Box<LargeFields>),
}

/// Sets, or with [`NO_DEADLINE`] removes, the deadline of a field.
pub fn set_deadline<B: Block + ?Sized>(
    block: &mut B,
    form: &mut FieldsForm,
    field: &[u8],
    deadline: u64,
) -> Timed {
    let small = SmallFields::new(block.bytes(), *form);
    let key = Element::of(field);
    let Some(at) = small.find(key) else { return Timed::Absent };
    if small.deadline_at(at) == deadline {
        return Timed::Done;
    }
    // Bytes of a stamp for each field, should they all get one.
    let more = (small.len() as usize + 1) * FieldsForm::ListpackEx.stamp_bytes_max();
    if block.bytes().len() + more > BLOCK_MAX {
        let mut large = enlarge(small, FieldsEncoding::ListpackEx);
        large.set_deadline(member_hash(field), field, deadline);
        return Timed::Outgrown(large);
    }
    let at = if *form == FieldsForm::Listpack {
        let mut timed = packed::EMPTY.to_vec();
        for entry in small.iter() {
            packed::extend(&mut timed, &[entry.field, entry.value, stamp(NO_DEADLINE)]);
        }
        let len = block.bytes().len();
        block.splice(0, len, &timed);
        *form = FieldsForm::ListpackEx;
        let Some(at) = SmallFields::new(block.bytes(), *form).find(key) else { return Timed::Absent };
        at
    } else {
        at
    };
    // Out, and in again at its place in the order of deadlines.
    let small = SmallFields::new(block.bytes(), *form);
    let value = small.packed.after(at).and_then(|at| small.packed.get(at)).unwrap_or(Element::Bytes(b""));
    let mut digits = None;
    let value = value.text(&mut digits).to_vec();
    packed::remove(block, at, form.stride());
    let place = place_for(SmallFields::new(block.bytes(), *form), deadline);
    packed::insert_all(block, place, &[key, Element::of(&value), stamp(deadline)]);
    Timed::Done
}

/// Where a field with this deadline belongs: before the first with the same or a later one, as in Redis.
fn place_for(small: SmallFields, deadline: u64) -> usize {
    let end = small.packed.end();
    if deadline == NO_DEADLINE {
        return end;
    }
    let mut fields = small.positions();
    fields.find(|&at| small.deadline_at(at) >= deadline).unwrap_or(end)
}

/// Removes up to `count_max` fields whose deadlines are not after `now`, the earliest first, each shown before. Returns how many.
pub fn take_due<B: Block + ?Sized>(
    block: &mut B,
    form: FieldsForm,
    now: u64,
    count_max: usize,
    mut show: impl FnMut(Element, Element),
) -> usize {
    let small = SmallFields::new(block.bytes(), form);
    let due = small.iter().take(count_max).take_while(|entry| entry.deadline <= now);
    let taken = due.map(|entry| show(entry.field, entry.value)).count();
    let start = Packed::new(block.bytes()).start();
    packed::remove(block, start, taken * form.stride());
    taken
}
