//! A sorted set being changed, whatever its form: a block inside its entry or a large value, and the way from one to the other.
//!
//! A small one becomes large, and is called `skiplist`, when a new member breaks a threshold of the configuration; and it becomes large under
//! its old name when its block would be too long. Nothing makes a large one small again. Knows no flag and no reply.

use config::Config;
use engine::{Ctx, Data, Error};
use keyspace::{Entry, EntryView, NewValue, Occupied, ValueType};
use value::large::{Large, LargeMut};
use value::packed::{BLOCK_MAX, EMPTY, Element};
use value::zset::{Encoding, End, LargeZset, ZsetBuilder, ZsetRef, small};

/// The thresholds of the configuration.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    entries_max: u64,
    value_bytes_max: u64,
}

impl Limits {
    /// Those in force.
    pub(crate) fn of(config: &Config) -> Limits {
        let encoding = &config.encoding;
        Limits { entries_max: encoding.zset_entries_max, value_bytes_max: encoding.zset_value_bytes_max }
    }

    /// Whether so many members, the longest of so many bytes, are a listpack.
    pub(crate) fn allow(self, count: u64, longest: usize) -> bool {
        count <= self.entries_max && longest as u64 <= self.value_bytes_max
    }
}

/// What is to become of a member.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Outcome {
    /// It stays as it is, there or not.
    Keep,
    /// It gets this score.
    Set(f64),
    /// The score would not be a number.
    NotANumber,
}

/// A sorted set at its key, for changing. Between [`open`] and [`Place::close`] it may be empty.
pub(crate) struct Place<'d> {
    entry: Occupied<'d>,
    limits: Limits,
}

/// The sorted set at `key`, if there is one.
pub(crate) fn existing<'d>(
    data: &'d mut Data<'_>,
    key: &'d [u8],
    limits: Limits,
) -> Result<Option<Place<'d>>, Error> {
    Ok(match data.write_as(key, ValueType::Zset)? {
        Entry::Occupied(entry) => Some(Place { entry, limits }),
        Entry::Vacant(_) => None,
    })
}

/// The sorted set at `key`, made if there is none, and ready for `count` more members of which the first is `first` bytes long.
pub(crate) fn open<'d>(
    data: &'d mut Data<'_>,
    key: &'d [u8],
    limits: Limits,
    count: usize,
    first: usize,
) -> Result<Place<'d>, Error> {
    let fresh = data.clock.fresh();
    match data.write_as(key, ValueType::Zset)? {
        Entry::Occupied(entry) => {
            let mut place = Place { entry, limits };
            place.expect(count);
            Ok(place)
        }
        Entry::Vacant(vacant) => {
            let value = if limits.allow(count as u64, first) {
                NewValue::zset(&EMPTY)
            } else {
                NewValue::Large(Large::Zset(Box::new(LargeZset::new(Encoding::Skiplist))))
            };
            Ok(Place { entry: vacant.insert(value, None, fresh), limits })
        }
    }
}

impl Place<'_> {
    /// To look at.
    pub(crate) fn view(&self) -> ZsetRef<'_> {
        // Whoever made this has refused other types.
        self.entry.value().zset().unwrap_or(ZsetRef::Small(&EMPTY))
    }

    fn is_small(&self) -> bool {
        matches!(self.view(), ZsetRef::Small(_))
    }

    fn large<R>(&mut self, change: impl FnOnce(&mut LargeZset) -> R) -> Option<R> {
        self.entry.large_mut(|large| match large {
            LargeMut::Zset(zset) => Some(change(zset)),
            _ => None,
        })?
    }

    /// Makes it large, or gives a large one this name.
    fn enlarge(&mut self, encoding: Encoding) {
        let grown = match self.view() {
            ZsetRef::Small(block) => LargeZset::from_small(block, encoding),
            ZsetRef::Large(zset) if zset.encoding() == encoding => return,
            ZsetRef::Large(_) => {
                self.large(|zset| zset.set_encoding(encoding));
                return;
            }
        };
        self.entry.set_value(NewValue::Large(Large::Zset(Box::new(grown))));
    }

    /// Takes so many members at once for a sign that it will be large, whether they are new or not.
    pub(crate) fn expect(&mut self, count: usize) {
        if count as u64 > self.limits.entries_max {
            self.enlarge(Encoding::Skiplist);
        }
    }

    /// Gives a member the score that `decide` makes of its present one (`None`: it is not there). Returns the present one and what was
    /// decided; `decide` may be asked several times, also about scores of others.
    pub(crate) fn change(
        &mut self,
        member: &[u8],
        decide: impl Fn(Option<f64>) -> Outcome,
    ) -> (Option<f64>, Outcome) {
        if self.is_small() {
            return self.change_small(member, decide);
        }
        let different = |old| match decide(Some(old)) {
            // Equal zeros of different sign are not a change.
            Outcome::Set(score) if score != old => Some(score),
            _ => None,
        };
        let old = self.large(|zset| zset.modify(member, different)).flatten();
        let outcome = decide(old);
        if let (None, Outcome::Set(score)) = (old, outcome) {
            self.insert(member, score);
        }
        (old, outcome)
    }

    fn change_small(
        &mut self,
        member: &[u8],
        decide: impl Fn(Option<f64>) -> Outcome,
    ) -> (Option<f64>, Outcome) {
        let old = self.view().score(member);
        let outcome = decide(old);
        match (old, outcome) {
            (None, Outcome::Set(score)) => self.insert(member, score),
            (Some(old), Outcome::Set(score)) if score != old => {
                self.make_room(member, score);
                match self.entry.block() {
                    Some(mut block) => _ = small::set(&mut block, member, score),
                    None => _ = self.large(|zset| zset.set(member, score)),
                }
            }
            _ => {}
        }
        (old, outcome)
    }

    /// Adds a member that is not there.
    fn insert(&mut self, member: &[u8], score: f64) {
        let is_listpack = match self.view() {
            ZsetRef::Small(_) => true,
            ZsetRef::Large(zset) => zset.encoding() == Encoding::Listpack,
        };
        if is_listpack && !self.limits.allow(self.view().len() + 1, member.len()) {
            self.enlarge(Encoding::Skiplist);
        }
        self.make_room(member, score);
        match self.entry.block() {
            Some(mut block) => _ = small::insert(&mut block, member, score),
            None => _ = self.large(|zset| zset.insert(member, score)),
        }
    }

    /// Makes a small one large if its block would become too long with this pair.
    fn make_room(&mut self, member: &[u8], score: f64) {
        if let ZsetRef::Small(block) = self.view()
            && block.len() + small::pair_len(member, score) > BLOCK_MAX
        {
            self.enlarge(Encoding::Listpack);
        }
    }

    /// Removes a member; false if it is not there.
    pub(crate) fn remove(&mut self, member: &[u8]) -> bool {
        match self.view() {
            // Nothing is touched, and shown to a snapshot, for nothing.
            ZsetRef::Small(block) if small::find(block, member).is_none() => false,
            ZsetRef::Small(_) => {
                self.entry.block().and_then(|mut block| small::remove(&mut block, member)).is_some()
            }
            ZsetRef::Large(_) => self.large(|zset| zset.remove(member)).flatten().is_some(),
        }
    }

    /// Removes the member at an end after showing it to `show`; false if there is none.
    pub(crate) fn pop(&mut self, end: End, mut show: impl FnMut(Element<'_>, f64)) -> bool {
        if let Some(mut block) = self.entry.block() {
            return small::pop(&mut block, end, show).is_some();
        }
        self.large(|zset| zset.pop(end, |member, score| show(Element::Bytes(member), score)))
            .flatten()
            .is_some()
    }

    /// Removes the members with ranks `from` up to `to`.
    pub(crate) fn remove_range(&mut self, from: u64, to: u64) {
        if let Some(mut block) = self.entry.block() {
            small::remove_range(&mut block, from, to);
            return;
        }
        self.large(|zset| drop(zset.remove_range(from, to)));
    }

    /// Removes the key; a large value is freed in the background.
    pub(crate) fn remove_key(self) {
        self.entry.remove();
    }

    /// Ends the change: a sorted set without members is no longer a key.
    pub(crate) fn close(self) {
        if self.view().is_empty() {
            self.entry.remove();
        }
    }
}

/// Members and scores on their way to a key or a reply, one behind the other.
#[derive(Default)]
pub(crate) struct Gathered {
    bytes: Vec<u8>,
    items: Vec<Item>,
}

#[derive(Clone, Copy)]
struct Item {
    score: f64,
    start: usize,
    len: usize,
}

impl Gathered {
    /// Adds one behind the others.
    pub(crate) fn push(&mut self, member: Element<'_>, score: f64) {
        let start = self.bytes.len();
        member.append_to(&mut self.bytes);
        self.items.push(Item { score, start, len: self.bytes.len() - start });
    }

    /// Number of members.
    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }

    fn member(&self, item: Item) -> &[u8] {
        self.bytes.get(item.start..item.start + item.len).unwrap_or_default()
    }

    /// All in their order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], f64)> {
        self.items.iter().map(|&item| (self.member(item), item.score))
    }

    /// Brings together members that were added several times, each with a score that `fold` makes of theirs in the order of adding.
    pub(crate) fn unite(&mut self, fold: impl Fn(f64, f64) -> f64) {
        let mut items = std::mem::take(&mut self.items);
        // Stable, so that the scores of a member stay in the order of adding.
        items.sort_by(|&a, &b| self.member(a).cmp(self.member(b)));
        for item in items {
            match self.items.last().copied() {
                Some(last) if self.member(last) == self.member(item) => {
                    let score = fold(last.score, item.score);
                    if let Some(last) = self.items.last_mut() {
                        last.score = score;
                    }
                }
                _ => self.items.push(item),
            }
        }
    }

    /// Brings them into the order of sorted sets.
    pub(crate) fn sort(&mut self) {
        let mut items = std::mem::take(&mut self.items);
        // Adding zero makes both zeros one.
        items.sort_unstable_by(|&a, &b| {
            (a.score + 0.0).total_cmp(&(b.score + 0.0)).then_with(|| self.member(a).cmp(self.member(b)))
        });
        self.items = items;
    }

    /// Makes them, sorted and each only once, the value of a key; none of them remove it. Returns how many they are.
    pub(crate) fn store(&self, ctx: &mut Ctx<'_>, key: &[u8]) -> i64 {
        if self.items.is_empty() {
            ctx.data.remove(key);
            return 0;
        }
        let longest = self.items.iter().map(|item| item.len).max().unwrap_or(0);
        let is_listpack = Limits::of(ctx.config).allow(self.items.len() as u64, longest);
        let mut block = EMPTY.to_vec();
        if is_listpack {
            for (member, score) in self.iter() {
                if block.len() + small::pair_len(member, score) > BLOCK_MAX {
                    block.clear();
                    break;
                }
                small::insert(&mut block, member, score);
            }
        }
        let value = if is_listpack && !block.is_empty() {
            NewValue::zset(&block)
        } else {
            let mut builder = ZsetBuilder::new();
            self.iter().for_each(|(member, score)| builder.push(member, score));
            let encoding = if is_listpack { Encoding::Listpack } else { Encoding::Skiplist };
            NewValue::Large(Large::Zset(Box::new(builder.finish(encoding))))
        };
        ctx.data.set(key, value, engine::Deadline::None);
        self.items.len() as i64
    }
}

/// A key's entry, found by a `read` before, to look at beside others.
pub(crate) fn beside<'d>(data: &'d Data<'_>, key: &[u8]) -> Option<EntryView<'d>> {
    let key = data.keyspace().key(key);
    let view = data.access_ref().get(data.database(), key)?;
    // During a pause an expired key stays where it is.
    (!data.is_expired(view.deadline_ms)).then_some(view)
}
