//! Changing a hash wherever it lies: in its entry, in a box of its own, or nowhere yet. Command files see fields and values only.
//!
//! ```text
//!   no key     ─> a block of its own, inserted when the command is done
//!   in entry   ─> changed in place ─(outgrown)─> a large hash in the entry's place
//!   large      ─> changed in place
//! ```
//! Fields found expired are taken out before anything else is done, and said to be: at most [`TAKEN_MAX`] of those that are due, and
//! every one that the command names. A hash that is left without fields is removed with its key.

use config::Config;
use engine::{Ctx, Data, Error};
use keyspace::{Entry, Form, NewValue, Occupied, Vacant, ValueType};
use value::fields::small::{self, Stored, Timed};
use value::fields::{FieldsForm, FieldsLimits, FieldsRef, LargeFields};
use value::packed::{self, Block, Element};
use value::{Large, LargeMut, member_hash};

/// Due fields taken out by one write, those it names aside.
const TAKEN_MAX: usize = 256;

/// The configured limits of small hashes.
pub(super) fn limits(config: &Config) -> FieldsLimits {
    FieldsLimits {
        entries_max: config.encoding.hash_entries_max,
        value_max: usize::try_from(config.encoding.hash_value_bytes_max).unwrap_or(usize::MAX),
    }
}

/// A hash that has no entry yet.
enum Draft {
    Small(Vec<u8>, FieldsForm),
    Large(Box<LargeFields>),
}

enum Body<'b> {
    Entry(Occupied<'b>),
    Draft(Vacant<'b>, Draft),
}

/// The hash at a key, to be changed.
pub(super) struct Place<'b> {
    body: Body<'b>,
    limits: FieldsLimits,
    now: u64,
    /// Fields found expired and taken out.
    expired: Vec<Vec<u8>>,
}

/// Opens the hash at `key`, lets `edit` change it, and puts everything in order: an empty hash is removed, one that was made is inserted,
/// expired fields are said to be gone, even if `edit` fails. Counts nothing as a change.
pub(super) fn change<R>(
    ctx: &mut Ctx<'_>,
    key: &[u8],
    edit: impl FnOnce(&mut Place<'_>) -> Result<R, Error>,
) -> Result<R, Error> {
    let limits = limits(ctx.config);
    let (fresh, now) = (ctx.data.clock.fresh(), ctx.data.now_ms.max(0) as u64);
    let mut place = Place::open(&mut ctx.data, key, limits, now)?;
    let result = edit(&mut place);
    let expired = place.close(fresh);
    ctx.data.note_expired_fields(key, &expired);
    result
}

impl<'b> Place<'b> {
    fn open(
        data: &'b mut Data<'_>,
        key: &'b [u8],
        limits: FieldsLimits,
        now: u64,
    ) -> Result<Place<'b>, Error> {
        let body = match data.write_as(key, ValueType::Hash)? {
            Entry::Occupied(entry) => Body::Entry(entry),
            Entry::Vacant(vacant) => {
                Body::Draft(vacant, Draft::Small(packed::EMPTY.to_vec(), FieldsForm::Listpack))
            }
        };
        let mut place = Place { body, limits, now, expired: Vec::new() };
        if place.fields().earliest() <= now {
            place.take_due();
        }
        Ok(place)
    }

    #[cold]
    fn take_due(&mut self) {
        let (now, expired) = (self.now, &mut self.expired);
        let Body::Entry(entry) = &mut self.body else { return };
        take_due(entry, now, TAKEN_MAX, |field| expired.push(field.to_vec()));
        if stored(entry).is_empty() {
            // What is put into it now is another hash.
            entry.set_value(NewValue::hash(FieldsForm::Listpack, &packed::EMPTY));
            entry.set_deadline_ms(None);
        }
    }

    /// Leaves everything in order; returns the fields that had expired.
    fn close(self, fresh: u32) -> Vec<Vec<u8>> {
        match self.body {
            Body::Entry(entry) if stored(&entry).is_empty() => entry.remove(),
            Body::Entry(_) => {}
            Body::Draft(vacant, Draft::Small(block, form)) => {
                if block.len() > packed::HEADER {
                    vacant.insert(NewValue::hash(form, &block), None, fresh);
                }
            }
            Body::Draft(vacant, Draft::Large(large)) => {
                if !large.is_empty() {
                    vacant.insert(NewValue::Large(Large::Hash(large)), None, fresh);
                }
            }
        }
        self.expired
    }

    fn fields(&self) -> FieldsRef<'_> {
        match &self.body {
            Body::Entry(entry) => stored(entry),
            Body::Draft(_, Draft::Small(block, form)) => FieldsRef::small(block, *form),
            Body::Draft(_, Draft::Large(large)) => FieldsRef::Large(large),
        }
    }

    /// Whether there is no field, expired ones that are still stored included.
    pub(super) fn is_empty(&self) -> bool {
        self.fields().is_empty()
    }

    /// Takes this field out if it has expired.
    #[inline]
    fn settle(&mut self, field: &[u8]) {
        if self.fields().earliest() <= self.now
            && self.fields().deadline(field).is_some_and(|deadline| deadline <= self.now)
        {
            self.drop_field(field);
            self.expired.push(field.to_vec());
        }
    }

    /// The value of a field.
    pub(super) fn get(&mut self, field: &[u8]) -> Option<Element<'_>> {
        self.settle(field);
        self.fields().get(field)
    }

    /// The deadline of a field, [`value::member_leaf::NO_DEADLINE`] if it has none. `None` if there is no such field.
    pub(super) fn deadline(&mut self, field: &[u8]) -> Option<u64> {
        self.settle(field);
        self.fields().deadline(field)
    }

    /// Makes the hash large if these fields and values, which are about to come, would make it so in Redis.
    pub(super) fn prepare(&mut self, texts: &[&[u8]]) {
        let FieldsRef::Small(small) = self.fields() else { return };
        if let Some(large) = small::prepare(small, texts.iter().copied(), &self.limits) {
            self.put(large);
        }
    }

    fn put(&mut self, large: Box<LargeFields>) {
        match &mut self.body {
            Body::Entry(entry) => entry.set_value(NewValue::Large(Large::Hash(large))),
            Body::Draft(_, draft) => *draft = Draft::Large(large),
        }
    }

    /// Does one of two things, depending on where the hash lies.
    fn edit<R>(
        &mut self,
        in_block: impl FnOnce(&mut dyn Block, &mut FieldsForm) -> R,
        in_large: impl FnOnce(&mut LargeFields) -> R,
    ) -> Option<R> {
        match &mut self.body {
            Body::Draft(_, Draft::Small(block, form)) => Some(in_block(block, form)),
            Body::Draft(_, Draft::Large(large)) => Some(in_large(large)),
            Body::Entry(entry) => edit_entry(entry, in_block, in_large),
        }
    }

    /// Sets a field's value. Its deadline stays if `keep_deadline`, else it is gone. True if the field is new.
    pub(super) fn set(&mut self, field: &[u8], value: &[u8], keep_deadline: bool) -> bool {
        self.settle(field);
        let limits = self.limits;
        let stored = self.edit(
            |block, form| small::set(block, *form, field, value, keep_deadline, &limits),
            |large| Stored {
                created: large.set(member_hash(field), field, value, keep_deadline, &limits),
                outgrown: None,
            },
        );
        let Some(Stored { created, outgrown }) = stored else { return false };
        outgrown.into_iter().for_each(|large| self.put(large));
        created
    }

    /// Removes a field; false if it is not there.
    pub(super) fn remove(&mut self, field: &[u8]) -> bool {
        self.settle(field);
        self.drop_field(field)
    }

    fn drop_field(&mut self, field: &[u8]) -> bool {
        self.edit(
            |block, form| small::remove(block, *form, field),
            |large| large.remove(member_hash(field), field),
        )
        .unwrap_or(false)
    }

    /// Sets, or with [`value::member_leaf::NO_DEADLINE`] removes, the deadline of a field that is there.
    pub(super) fn set_deadline(&mut self, field: &[u8], deadline: u64) {
        let outgrown = self.edit(
            |block, form| match small::set_deadline(block, form, field, deadline) {
                Timed::Outgrown(large) => Some(large),
                Timed::Absent | Timed::Done => None,
            },
            |large| {
                large.set_deadline(member_hash(field), field, deadline);
                None
            },
        );
        outgrown.flatten().into_iter().for_each(|large| self.put(large));
    }
}

/// The hash that an entry holds; whoever asks has refused other types.
fn stored<'e>(entry: &'e Occupied<'_>) -> FieldsRef<'e> {
    entry.value().hash().unwrap_or(FieldsRef::small(&packed::EMPTY, FieldsForm::Listpack))
}

fn edit_entry<R>(
    entry: &mut Occupied<'_>,
    in_block: impl FnOnce(&mut dyn Block, &mut FieldsForm) -> R,
    in_large: impl FnOnce(&mut LargeFields) -> R,
) -> Option<R> {
    if let Some(mut block) = entry.block() {
        let before = FieldsForm::from(block.form());
        let mut form = before;
        let result = in_block(&mut block, &mut form);
        if form != before {
            block.set_form(Form::from(form));
        }
        return Some(result);
    }
    entry.large_mut(|large| match large {
        LargeMut::Hash(hash) => Some(in_large(hash)),
        _ => None,
    })?
}

/// Takes up to `count_max` due fields out of the hash in an entry, the earliest first, and shows each.
fn take_due(entry: &mut Occupied<'_>, now: u64, count_max: usize, mut show: impl FnMut(&[u8])) {
    let show = std::cell::RefCell::new(&mut show);
    edit_entry(
        entry,
        |block, form| {
            small::take_due(block, *form, now, count_max, |field, _| {
                (show.borrow_mut())(field.text(&mut None));
            })
        },
        |large| large.take_due(now, count_max, |field, _| (show.borrow_mut())(field)),
    );
}
