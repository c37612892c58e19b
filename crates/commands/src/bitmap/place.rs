//! Changing bytes of a string where it lies: inside its entry, or in one block of a large value.

use engine::{Data, Error};
use keyspace::{Entry, INLINE_MAX, NewValue, Occupied};
use value::number::IntText;
use value::string::{Shared, StrRef};

/// The string at `key` for changing, made or extended with zeros to at least `len` bytes; true if it was. From here on it is shown as
/// `raw`, whether a byte of it changes or not.
pub(super) fn with_len<'b>(
    data: &'b mut Data<'_>,
    key: &'b [u8],
    len: u64,
) -> Result<(Occupied<'b>, bool), Error> {
    let fresh = data.clock.fresh();
    match data.write_string(key)? {
        Entry::Vacant(vacant) => {
            let value = extended(StrRef::Bytes(&[]), len);
            Ok((vacant.insert(new_value(&value), None, fresh), true))
        }
        Entry::Occupied(mut entry) => {
            let grown = match string(&entry) {
                value if value.len() >= len => {
                    make_raw(&mut entry);
                    return Ok((entry, false));
                }
                StrRef::Shared(_) => None,
                value => Some(extended(value, len)),
            };
            match grown {
                Some(value) => entry.set_value(new_value(&value)),
                None => _ = entry.shared_mut(|shared| shared.resize_zero(len)),
            }
            Ok((entry, true))
        }
    }
}

/// A result as a value for the keyspace: inside the entry if it is small enough, and `raw` as everything that was put together.
pub(crate) fn new_value(shared: &Shared) -> NewValue<'_> {
    match shared.as_flat() {
        Some(bytes) if bytes.len() <= INLINE_MAX => NewValue::Raw(bytes),
        _ => NewValue::shared(shared.clone()),
    }
}

/// The entry's string; whoever asks has refused other types.
pub(crate) fn string<'e>(entry: &'e Occupied<'_>) -> StrRef<'e> {
    entry.value().string().unwrap_or(StrRef::Bytes(&[]))
}

/// A small value with zeros behind it, which take no memory if they are many.
fn extended(value: StrRef<'_>, len: u64) -> Shared {
    let mut shared = value.to_shared();
    shared.resize_zero(len);
    shared
}

/// Overwrites bytes of a string that [`with_len`] has returned, or that is a HyperLogLog; they lie within its length.
pub(crate) fn write_at(entry: &mut Occupied<'_>, offset: u64, bytes: &[u8]) {
    let place = offset as usize..offset as usize + bytes.len();
    if let Some(inline) = entry.inline_mut() {
        if let Some(target) = inline.get_mut(place) {
            target.copy_from_slice(bytes);
        }
        return;
    }
    entry.shared_mut(|shared| shared.write(offset, bytes));
}

/// Gives up an integer's or an embedded string's form, as a change in place does.
fn make_raw(entry: &mut Occupied<'_>) {
    match string(entry) {
        StrRef::Shared(_) => {}
        StrRef::Bytes(bytes) => {
            let len = bytes.len();
            entry.resize_inline(len);
        }
        StrRef::Int(number) => entry.set_value(NewValue::Raw(IntText::new(number).as_bytes())),
    }
}
