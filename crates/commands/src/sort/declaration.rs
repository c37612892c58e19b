//! The declarations of SORT and SORT_RO, and what they do.

use engine::{
    Args, Argument, ArgumentKind, Begin, Categories, Command, Ctx, Deadline, Docs, Error, Find, Flags,
    KeyFlags, KeySpec, Scope,
};
use keyspace::{Form, NewValue, OwnedValue, ValueType};
use value::list::ListRef;
use value::packed::{self, Element};
use value::set::{SetForm, SetRef};
use value::zset::{Encoding, LargeZset, ZsetRef};
use value::{Large, LargeRef};

use super::options::{Options, scope, show_destination};
use super::order::{self, Collation, Item, Weight};
use super::pattern::{Found, Pattern};
use crate::list;

const SOURCE: KeySpec = KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS));

const PATTERNS: KeySpec = KeySpec {
    notes: Some(
        "For the optional BY/GET keyword. It is marked 'unknown' because the key names derive from the content of the key we sort",
    ),
    flags: KeyFlags::RO.and(KeyFlags::ACCESS),
    begin: Begin::Unknown,
    find: Find::Unknown,
};

const DESTINATION: KeySpec = KeySpec {
    notes: Some(
        "For the optional STORE keyword. It is marked 'unknown' because the keyword can appear anywhere in the argument array",
    ),
    flags: KeyFlags::OW.and(KeyFlags::UPDATE),
    begin: Begin::Unknown,
    find: Find::Asked(show_destination),
};

const BY: Argument = Argument {
    key_spec: Some(1),
    display: Some("pattern"),
    ..Argument::new("by-pattern", ArgumentKind::Pattern)
}
.after("BY")
.optional();
const LIMIT: Argument = Argument::block(
    "limit",
    &[Argument::new("offset", ArgumentKind::Integer), Argument::new("count", ArgumentKind::Integer)],
)
.after("LIMIT")
.optional();
const GET: Argument = Argument {
    key_spec: Some(1),
    display: Some("pattern"),
    multiple_token: true,
    ..Argument::new("get-pattern", ArgumentKind::Pattern).after("GET").optional().multiple()
};
const ORDER: Argument =
    Argument::one_of("order", &[Argument::token("asc", "ASC"), Argument::token("desc", "DESC")]).optional();
const SORTING: Argument = Argument::token("sorting", "ALPHA").optional();
const STORE: Argument = Argument { key_spec: Some(2), ..Argument::new("destination", ArgumentKind::Key) }
    .after("STORE")
    .optional();

const DOCS: Docs = Docs {
    complexity: "O(N+M*log(N)), N being the elements and M the returned ones; O(N) when they are not sorted",
    ..Docs::NONE
};

const CATEGORIES: Categories =
    Categories::SET.and(Categories::SORTEDSET).and(Categories::LIST).and(Categories::DANGEROUS);

/// `SORT key [BY pattern] [LIMIT offset count] [GET pattern [GET pattern ...]] [ASC | DESC] [ALPHA] [STORE destination]`
pub static SORT: Command = Command {
    name: "sort",
    arity: -2,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::MOVABLE_KEYS),
    categories: CATEGORIES,
    keys: &[SOURCE, PATTERNS, DESTINATION],
    scope: Scope::ByArguments(scope),
    docs: Docs {
        summary: "Sorts the elements of a list, a set or a sorted set, and may store them.",
        ..DOCS
    },
    arguments: &[Argument::key(), BY, LIMIT, GET, ORDER, SORTING, STORE],
    execute: |ctx, args| sort(ctx, args, true),
    ..Command::DEFAULT
};

/// `SORT_RO key [BY pattern] [LIMIT offset count] [GET pattern [GET pattern ...]] [ASC | DESC] [ALPHA]`
pub static SORT_RO: Command = Command {
    name: "sort_ro",
    arity: -2,
    flags: Flags::READONLY.and(Flags::MOVABLE_KEYS),
    categories: CATEGORIES,
    keys: &[SOURCE, PATTERNS],
    scope: Scope::ByArguments(scope),
    docs: Docs { summary: "Sorts the elements of a list, a set or a sorted set.", since: "7.0.0", ..DOCS },
    arguments: &[Argument::key(), BY, LIMIT, GET, ORDER, SORTING],
    execute: |ctx, args| sort(ctx, args, false),
    ..Command::DEFAULT
};

/// An element, or what BY names for it, is no number.
const NOT_NUMBERS: Error = Error::fixed("ERR One or more scores can't be converted into double");

/// A small sorted set that is sorted is no listpack from then on, in Redis as here.
fn enlarge(ctx: &mut Ctx<'_>, key: &[u8], source: &OwnedValue) {
    if let OwnedValue::Block(ValueType::Zset, _, block) = source
        && let Some(mut entry) = ctx.data.occupied(key)
    {
        let large = LargeZset::from_small(block, Encoding::Skiplist);
        entry.set_value(NewValue::Large(Large::Zset(Box::new(large))));
    }
}

fn sort(ctx: &mut Ctx<'_>, args: Args<'_>, may_store: bool) -> Result<(), Error> {
    let mut options = Options::parse(args, may_store)?;
    let source = match ctx.data.read(args[1]) {
        None => OwnedValue::Block(ValueType::List, Form::Packed, packed::EMPTY.to_vec()),
        Some(view) => match view.value.value_type() {
            // A large one is frozen here.
            ValueType::List | ValueType::Set | ValueType::Zset => view.to_owned_value(),
            _ => return Err(Error::WRONG_TYPE),
        },
    };
    enlarge(ctx, args[1], &source);
    if options.store.is_none() && !options.looks_up() {
        ctx.data.release();
    }
    let elements = Elements::of(&source);
    if options.unsorted && matches!(elements, Elements::Set(_)) && options.store.is_some() {
        // What a replica stores must not depend on the order in which its set happens to be.
        (options.unsorted, options.alphabetic, options.by) = (false, true, None);
    }
    let range = options.range(elements.len());
    let mut arena = Vec::new();
    let wanted: Vec<Element<'_>> = if options.unsorted {
        elements.range(range, options.descending, &mut arena)
    } else {
        let all = elements.range(0..elements.len(), false, &mut arena);
        let mut items = weighed(ctx, &options, all)?;
        let collation = if options.store.is_some() { Collation::Bytes } else { Collation::CStrings };
        order::sort(&mut items, collation, options.descending);
        items[range].iter().map(|item| item.element).collect()
    };
    match options.store {
        Some(key) => store(ctx, key, &wanted, &options.get),
        None => reply(ctx, &wanted, &options.get),
    }
    if let OwnedValue::Large(large) = source {
        large.into_teardown().into_iter().for_each(|rest| ctx.data.keyspace().free_rest(rest));
    }
    Ok(())
}

/// The elements with what they are sorted by.
fn weighed<'e>(
    ctx: &mut Ctx<'_>,
    options: &Options<'_>,
    elements: Vec<Element<'e>>,
) -> Result<Vec<Item<'e>>, Error> {
    let mut weight = |element: Element<'_>| match (&options.by, options.alphabetic) {
        (Some(pattern), true) => {
            Ok(Weight::Text(pattern.find(&mut ctx.data, element, |found| found.to_vec())))
        }
        (None, true) => Ok(Weight::Itself),
        (by, false) => {
            let number = match by {
                Some(pattern) => pattern.find(&mut ctx.data, element, |found| number_of(&found)),
                None => number_of(&Found::Element(element)),
            };
            number.map(Weight::Number).ok_or(NOT_NUMBERS)
        }
    };
    // Every key is looked up even if the first weight is no number, as in Redis, which counts them.
    let weights: Vec<_> = elements.iter().map(|&element| weight(element)).collect();
    elements
        .into_iter()
        .zip(weights)
        .map(|(element, weight)| weight.map(|weight| Item { element, weight }))
        .collect()
}

/// What is found as a number; 0 if nothing is.
fn number_of(found: &Found<'_>) -> Option<f64> {
    match found {
        Found::Nothing => Some(0.0),
        Found::Element(Element::Int(number)) => Some(*number as f64),
        Found::Element(Element::Bytes(text)) => order::number(text),
        Found::String(_) => order::number(&found.to_vec()?),
    }
}

fn reply(ctx: &mut Ctx<'_>, wanted: &[Element<'_>], get: &[Pattern<'_>]) {
    ctx.reply.write().array(wanted.len() * get.len().max(1));
    let reply = &mut ctx.reply;
    for &element in wanted {
        if get.is_empty() {
            list::reply_element(reply, element);
        }
        for pattern in get {
            pattern.find(&mut ctx.data, element, |found| match found {
                Found::Nothing => reply.null(),
                Found::Element(element) => list::reply_element(reply, element),
                Found::String(string) => reply.string(string),
            });
        }
    }
}

/// Puts the result where STORE says, as a list; what is not found is stored as an empty text.
fn store(ctx: &mut Ctx<'_>, key: &[u8], wanted: &[Element<'_>], get: &[Pattern<'_>]) {
    let mut texts = Vec::with_capacity(wanted.len() * get.len().max(1));
    for &element in wanted {
        if get.is_empty() {
            texts.push(element.to_vec());
        }
        for pattern in get {
            texts.push(pattern.find(&mut ctx.data, element, |found| found.to_vec()).unwrap_or_default());
        }
    }
    if texts.is_empty() {
        ctx.data.remove(key);
    } else {
        let list = list::of_texts(list::limit(ctx), texts.iter().map(Vec::as_slice));
        list.put(|value| ctx.data.set(key, value, Deadline::None));
        // Setting the key counted as one.
        ctx.data.dirty += texts.len() as u64 - 1;
    }
    ctx.reply.integer(texts.len() as i64);
}

/// What is sorted.
#[derive(Clone, Copy)]
enum Elements<'a> {
    List(ListRef<'a>),
    Set(SetRef<'a>),
    Zset(ZsetRef<'a>),
}

impl<'a> Elements<'a> {
    fn of(source: &'a OwnedValue) -> Elements<'a> {
        match source {
            OwnedValue::Block(ValueType::Set, Form::Packed, block) => {
                Elements::Set(SetRef::small(block, SetForm::Listpack))
            }
            OwnedValue::Block(ValueType::Set, _, block) => {
                Elements::Set(SetRef::small(block, SetForm::Intset))
            }
            OwnedValue::Block(ValueType::Zset, _, block) => Elements::Zset(ZsetRef::Small(block)),
            OwnedValue::Block(_, _, block) => Elements::List(ListRef::Small(block)),
            OwnedValue::Large(large) => match large.as_ref() {
                LargeRef::List(list) => Elements::List(ListRef::Large(list)),
                LargeRef::Set(set) => Elements::Set(SetRef::Large(set)),
                LargeRef::Zset(zset) => Elements::Zset(ZsetRef::Large(zset)),
                LargeRef::String(_) | LargeRef::Hash(_) | LargeRef::Stream(_) => {
                    Elements::List(ListRef::Small(&packed::EMPTY))
                }
            },
            _ => Elements::List(ListRef::Small(&packed::EMPTY)),
        }
    }

    fn len(self) -> usize {
        match self {
            Elements::List(list) => list.len() as usize,
            Elements::Set(set) => set.len() as usize,
            Elements::Zset(zset) => zset.len() as usize,
        }
    }

    /// The elements of a range, in the order in which they come; only a sorted set can be walked from its other end. Texts that do not lie
    /// anywhere in one piece are put together in `arena`.
    fn range<'e>(
        self,
        range: std::ops::Range<usize>,
        descending: bool,
        arena: &'e mut Vec<u8>,
    ) -> Vec<Element<'e>>
    where
        'a: 'e,
    {
        let (start, count) = (range.start as u64, range.len());
        match self {
            Elements::List(list) => list.collect_from(start, count as u64, arena),
            Elements::Set(set) => set.iter().skip(range.start).take(count).collect(),
            Elements::Zset(zset) if descending => match zset.len().checked_sub(start + 1) {
                Some(rank) => zset.iter_back_from(rank).take(count).map(|(member, _)| member).collect(),
                None => Vec::new(),
            },
            Elements::Zset(zset) => zset.iter_from(start).take(count).map(|(member, _)| member).collect(),
        }
    }
}
