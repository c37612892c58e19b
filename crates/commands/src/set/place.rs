//! A set in its entry, or on its way there: whether it is a block or a large set is decided here and seen nowhere else.
//!
//! Changes follow Redis's rules of conversion. Counting changes and saying effects is left to the commands.

use engine::{Args, Ctx, Deadline};
use keyspace::{NewValue, Occupied};
use value::member_hash::member_hash;
use value::set::{LargeSet, SetEncoding, SetForm, SetLimits, SetRef, small};
use value::{Large, LargeMut};

/// The configured limits.
pub fn limits(config: &config::Config) -> SetLimits {
    SetLimits {
        intset_entries_max: config.encoding.set_intset_entries_max,
        listpack_entries_max: config.encoding.set_entries_max,
        listpack_value_max: usize::try_from(config.encoding.set_value_bytes_max).unwrap_or(usize::MAX),
    }
}

/// A set that is no key's value yet.
pub enum Gathered {
    /// A block.
    Small {
        /// Of what.
        form: SetForm,
        /// The block.
        block: Vec<u8>,
    },
    /// A large set.
    Large(Box<LargeSet>),
}

impl Gathered {
    /// An empty set whose block has this form.
    pub fn small(form: SetForm) -> Gathered {
        Gathered::Small { form, block: form.empty() }
    }

    /// An empty set to which `count` members will come, this one first.
    pub fn expecting(first: &[u8], count: usize, limits: &SetLimits) -> Gathered {
        match small::form_for(first, count as u64, limits) {
            Some(form) => Gathered::small(form),
            None => Gathered::Large(Box::new(LargeSet::new(SetEncoding::Hashtable))),
        }
    }

    /// Adds a member; false if it is there.
    pub fn add(&mut self, member: &[u8], limits: &SetLimits) -> bool {
        match self {
            Gathered::Small { form, block } => match small::add(block, form, member, limits) {
                small::Added::Present => return false,
                small::Added::New => {}
                small::Added::Outgrown(large) => *self = Gathered::Large(large),
            },
            Gathered::Large(set) => return set.add(member_hash(member), member, limits),
        }
        true
    }

    /// Removes a member; false if it is not there.
    pub fn remove(&mut self, member: &[u8]) -> bool {
        match self {
            Gathered::Small { form, block } => small::remove(block, *form, member),
            Gathered::Large(set) => set.remove(member_hash(member), member),
        }
    }

    /// The set, to read.
    pub fn view(&self) -> SetRef<'_> {
        match self {
            Gathered::Small { form, block } => SetRef::small(block, *form),
            Gathered::Large(set) => SetRef::Large(set),
        }
    }

    /// The same as an intset if it has integers only, and not too many.
    pub fn narrowed(self, limits: &SetLimits) -> Gathered {
        match small::as_intset(self.view(), limits) {
            Some(block) => Gathered::Small { form: SetForm::Intset, block },
            None => self,
        }
    }

    /// Hands the set to whoever makes it a value.
    pub fn put<R>(self, into: impl FnOnce(NewValue<'_>) -> R) -> R {
        match self {
            Gathered::Small { form, block } => into(NewValue::set(form, &block)),
            Gathered::Large(set) => into(NewValue::Large(Large::Set(set))),
        }
    }
}

/// Gives a key this set in place of what it had, or no value at all if there is no member; replies with the number of members.
pub fn store(ctx: &mut Ctx<'_>, key: &[u8], set: Gathered) {
    let len = set.view().len();
    if len == 0 {
        ctx.data.remove(key);
    } else {
        set.put(|value| ctx.data.set(key, value, Deadline::None));
    }
    ctx.reply.integer(len as i64);
}

/// Adds members to the set of a key; returns how many were new.
pub fn add(entry: &mut Occupied<'_>, members: Args<'_>, limits: &SetLimits) -> u64 {
    let count = members.len() as u64;
    if let Some(large) = entry.value().set().and_then(|set| small::prepare(set, count, limits)) {
        entry.set_value(NewValue::Large(Large::Set(large)));
    }
    let (mut added, mut outgrown) = (0, None);
    let mut rest = members.iter();
    if let Some(mut block) = entry.block() {
        let mut form = SetForm::from(block.form());
        for member in rest.by_ref() {
            match small::add(&mut block, &mut form, member, limits) {
                small::Added::Present => {}
                small::Added::New => added += 1,
                small::Added::Outgrown(large) => {
                    added += 1;
                    outgrown = Some(large);
                    break;
                }
            }
        }
        block.set_form(form.into());
    }
    if let Some(large) = outgrown {
        entry.set_value(NewValue::Large(Large::Set(large)));
    }
    if rest.len() > 0 {
        added += change_large(entry, |set| {
            if is_outgrown(set.encoding(), count, limits) {
                set.set_encoding(SetEncoding::Hashtable);
            }
            rest.filter(|member| set.add(member_hash(member), member, limits)).count() as u64
        });
    }
    added
}

/// Whether so many members to come make a hash table of a large set that shows a small one's encoding.
fn is_outgrown(encoding: SetEncoding, count: u64, limits: &SetLimits) -> bool {
    match encoding {
        SetEncoding::Intset => count > limits.intset_entries_max,
        SetEncoding::Listpack => count > limits.listpack_entries_max,
        SetEncoding::Hashtable => false,
    }
}

/// Removes members from the set of a key, and the key with the last one; returns how many were there.
pub fn remove(mut entry: Occupied<'_>, members: Args<'_>) -> u64 {
    let removed = if let Some(mut block) = entry.block() {
        let form = SetForm::from(block.form());
        members.iter().filter(|member| small::remove(&mut block, form, member)).count() as u64
    } else {
        change_large(&mut entry, |set| {
            members.iter().filter(|member| set.remove(member_hash(member), member)).count() as u64
        })
    };
    remove_if_empty(entry);
    removed
}

/// Removes the members with these ranks, ascending, and the key with the last one. Shows each, as soon as it is removed.
pub fn take_ranks(mut entry: Occupied<'_>, ranks: &[u64], mut show: impl FnMut(&[u8])) {
    let mut member = Vec::new();
    // From the last one on, so that the ranks of the others stay what they are.
    let ranks = ranks.iter().rev();
    if let Some(mut block) = entry.block() {
        let form = SetForm::from(block.form());
        for &rank in ranks {
            member.clear();
            if small::take_rank(&mut block, form, rank, &mut member) {
                show(&member);
            }
        }
    } else {
        change_large(&mut entry, |set| {
            for &rank in ranks {
                member.clear();
                if set.take_rank(rank, &mut member) {
                    show(&member);
                }
            }
            0
        });
    }
    remove_if_empty(entry);
}

fn change_large(entry: &mut Occupied<'_>, change: impl FnOnce(&mut LargeSet) -> u64) -> u64 {
    let changed = entry.large_mut(|large| match large {
        LargeMut::Set(set) => change(set),
        _ => 0,
    });
    changed.unwrap_or(0)
}

fn remove_if_empty(entry: Occupied<'_>) {
    if entry.value().set().is_some_and(SetRef::is_empty) {
        entry.remove();
    }
}
