//! A hash as clients see it: fields whose deadlines have passed are not there, whether they have been removed yet or not.
//!
//! Reads only look: they remove nothing, so they have no effect to propagate. Writes take expired fields out ([`super::place`]), and so does
//! the wheel.
//!
//! Cost: one comparison as long as no field is due, which is almost always; else that of a walk where all fields count.

use engine::{Ctx, Data, Error};
use value::directory::Cursor;
use value::fields::{Field, FieldsIter, FieldsRef};
use value::packed::Element;

/// The living fields of a hash.
#[derive(Clone, Copy)]
pub(crate) struct Live<'a> {
    fields: FieldsRef<'a>,
    /// Fields with deadlines up to here are gone; 0 if none is.
    gone_until: u64,
}

impl<'a> Live<'a> {
    /// What is left of a hash at a time.
    pub(crate) fn new(fields: FieldsRef<'a>, now_ms: i64) -> Live<'a> {
        let now = now_ms.max(0) as u64;
        Live { fields, gone_until: if fields.earliest() <= now { now } else { 0 } }
    }

    /// Number of fields.
    pub(crate) fn len(self) -> u64 {
        if self.gone_until == 0 { self.fields.len() } else { self.iter().count() as u64 }
    }

    /// Whether no field is due, so that the stored fields are the living ones.
    pub(super) fn is_whole(self) -> bool {
        self.gone_until == 0
    }

    /// The stored fields, expired ones included.
    pub(super) fn stored(self) -> FieldsRef<'a> {
        self.fields
    }

    /// The value of a field.
    pub(crate) fn get(self, field: &[u8]) -> Option<Element<'a>> {
        if self.gone_until > 0 && self.fields.deadline(field)? <= self.gone_until {
            return None;
        }
        self.fields.get(field)
    }

    /// The deadline of a field, [`value::member_leaf::NO_DEADLINE`] if it has none. `None` if there is no such field.
    pub(super) fn deadline(self, field: &[u8]) -> Option<u64> {
        self.fields.deadline(field).filter(|&deadline| deadline > self.gone_until)
    }

    /// All fields in their order.
    pub(crate) fn iter(self) -> Alive<'a> {
        Alive { fields: self.fields.iter(), gone_until: self.gone_until }
    }

    /// Shows fields from `cursor` on: see [`FieldsRef::scan`].
    pub(super) fn scan(self, cursor: Cursor, count_min: u64, mut show: impl FnMut(Field<'a>)) -> Cursor {
        self.fields.scan(cursor, count_min, |field| {
            if field.deadline > self.gone_until {
                show(field);
            }
        })
    }
}

/// The living fields in their order.
pub(crate) struct Alive<'a> {
    fields: FieldsIter<'a>,
    gone_until: u64,
}

impl<'a> Iterator for Alive<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Field<'a>> {
        self.fields.by_ref().find(|field| field.deadline > self.gone_until)
    }
}

/// Reads a key that must be a hash or absent.
pub(super) fn read<'b>(data: &'b mut Data<'_>, key: &'b [u8]) -> Result<Option<Live<'b>>, Error> {
    let now_ms = data.now_ms;
    Ok(data.read_hash(key)?.map(|fields| Live::new(fields, now_ms)))
}

/// A large hash is shown from a frozen copy after the locks are given back; up to so many fields are shown under them.
const SHOWN_LOCKED_MAX: u64 = 1024;

/// Shows the hash at `key` (None if there is none) to `show`, which may take long: nobody waits for it.
pub(super) fn read_whole(
    ctx: &mut Ctx<'_>,
    key: &[u8],
    show: impl FnOnce(&mut engine::Reply<'_>, Option<Live<'_>>),
) -> Result<(), Error> {
    let now_ms = ctx.data.now_ms;
    let frozen = match read(&mut ctx.data, key)? {
        Some(Live { fields: FieldsRef::Large(large), .. }) if large.len() > SHOWN_LOCKED_MAX => large.clone(),
        live => {
            show(&mut ctx.reply, live);
            return Ok(());
        }
    };
    ctx.data.release();
    show(&mut ctx.reply, Some(Live::new(FieldsRef::Large(&frozen), now_ms)));
    // The last hold on its nodes, if the key is gone by now.
    ctx.data.keyspace().free_large(value::Large::Hash(Box::new(frozen)));
    Ok(())
}
