//! Collections for the tests: random ones, random changes of every kind, and their content as bytes that can be compared.

use keyspace::{Occupied, OwnedValue, ValueType};
use rdb::values::{Built, Small};
use value::fields::{FieldsEncoding, FieldsForm, FieldsLimits, FieldsRef, LargeFields, SmallFields};
use value::list::{self, LargeList, ListBuilder, ListRef};
use value::member_hash;
use value::packed::{BLOCK_MAX, Block, Element, Packed};
use value::set::{LargeSet, SetEncoding, SetForm, SetLimits, SetRef};
use value::stream::{Keep, NodeLimits, Stream, StreamId, Trim};
use value::zset::{self, LargeZset, ZsetRef};
use value::{Large, LargeMut};

use super::*;

pub(super) const SET: SetLimits =
    SetLimits { intset_entries_max: 60, listpack_entries_max: 60, listpack_value_max: 64 };
pub(super) const HASH: FieldsLimits = FieldsLimits { entries_max: 60, value_max: 64 };

/// Whatever a change answers.
pub(super) fn done<T>(_: T) {}

fn push(out: &mut Vec<u8>, part: &[u8]) {
    out.extend_from_slice(&(part.len() as u32).to_le_bytes());
    out.extend_from_slice(part);
}

/// A value's content; what has no order is sorted.
pub(super) fn spelled(value: ValueRef<'_>) -> Vec<u8> {
    let mut out = vec![value.value_type() as u8];
    match value {
        ValueRef::String(string) => out.extend_from_slice(&string.to_cow()),
        ValueRef::List(list) => list.for_each_from(0, u64::MAX, |element| push(&mut out, &element.to_vec())),
        ValueRef::Set(set) => {
            let mut members: Vec<_> = set.iter().map(Element::to_vec).collect();
            members.sort();
            members.iter().for_each(|member| push(&mut out, member));
        }
        ValueRef::Zset(zset) => zset.iter_from(0).for_each(|(member, score)| {
            push(&mut out, &member.to_vec());
            push(&mut out, &(score + 0.0).to_le_bytes());
        }),
        ValueRef::Hash(hash) => {
            let mut fields: Vec<_> = hash
                .iter()
                .map(|field| (field.field.to_vec(), field.value.to_vec(), field.deadline))
                .collect();
            fields.sort();
            for (field, value, deadline) in fields {
                push(&mut out, &field);
                push(&mut out, &value);
                push(&mut out, &deadline.to_le_bytes());
            }
        }
        ValueRef::Stream(stream) => spell_stream(&mut out, stream),
    }
    out
}

fn spell_stream(out: &mut Vec<u8>, stream: &Stream) {
    let log = stream.log();
    push(out, format!("{} {:?}", log.len(), log.info()).as_bytes());
    for entry in log.range(StreamId::MIN, StreamId::MAX) {
        push(out, &entry.id.to_bytes());
        for (field, value) in entry.fields {
            push(out, &field.to_vec());
            push(out, &value.to_vec());
        }
    }
    for group in stream.groups() {
        push(out, group.name());
        push(out, format!("{} {:?}", group.last_id, group.entries_read).as_bytes());
        for pending in group.pending_from(StreamId::MIN) {
            // The number of a consumer may change when it is read.
            push(out, group.consumer(pending.consumer).map_or(b"", |consumer| consumer.name()));
            let (at, times) = (pending.delivered_at_ms, pending.deliveries);
            push(out, format!("{} {at} {times}", pending.id).as_bytes());
        }
        for consumer in group.consumers() {
            push(out, consumer.name());
            push(out, format!("{} {}", consumer.seen_at_ms, consumer.active_at_ms).as_bytes());
            consumer.pending_from(StreamId::MIN).for_each(|id| push(out, &id.to_bytes()));
        }
    }
}

/// Adds an entry behind the last one.
pub(super) fn append(stream: &mut Stream, value: &[u8]) {
    let Some(id) = stream.log().info().last_id.next() else { return };
    let id = StreamId::new(id.ms + 1, 0);
    let names: [&[u8]; 2] = if id.ms.is_multiple_of(7) { [b"other", b"names"] } else { [b"a", b"b"] };
    let pairs = names.into_iter().zip([value, b"5"]);
    let limits = NodeLimits { bytes_max: 1000, entries_max: 50 };
    stream.log_mut().append(id, pairs, limits).expect("it is behind the last one");
}

/// Hands some entries to a consumer.
pub(super) fn deliver(stream: &mut Stream, from: u64, count: usize, consumer: &[u8]) {
    stream.create_group(b"group", StreamId::MIN, Some(0));
    stream.edit_group(b"group", |log, group| {
        if let Some(new) = group.create_consumer(consumer, from as i64) {
            // Version 10 of the file takes it for active when it was seen.
            group.touch_consumer(new, from as i64, Some(from as i64));
        }
        let Some(number) = group.consumer_named(consumer).map(|consumer| consumer.number()) else { return };
        for entry in log.range(StreamId::new(from, 0), StreamId::MAX).take(count) {
            group.deliver(entry.id, number, from);
            group.advance(log, entry.id);
        }
    });
}

fn change_stream(stream: &mut Stream, name: &[u8], rng: &mut fastrand::Rng) {
    let last = stream.log().info().last_id.ms;
    let id = StreamId::new(rng.u64(..=last), 0);
    match rng.u8(..10) {
        0 | 1 => append(stream, name),
        2 => done(stream.log_mut().delete(id)),
        3 => {
            let keep = if rng.bool() { Keep::Length(rng.u64(..200)) } else { Keep::From(id) };
            done(stream.log_mut().trim(Trim { keep, is_approximate: rng.bool(), limit: 0 }));
        }
        4 => done(stream.create_group(format!("group{}", rng.u8(..4)).as_bytes(), id, None)),
        5 => done(stream.destroy_group(format!("group{}", rng.u8(..4)).as_bytes())),
        6 => deliver(stream, id.ms, 20, &[b'a' + rng.u8(..4)]),
        7 => done(stream.edit_group(b"group", |_, group| group.acknowledge(id))),
        8 => done(stream.edit_group(b"group", |_, group| group.delete_consumer(&[b'a' + rng.u8(..4)]))),
        _ => done(stream.edit_group(b"group", |_, group| group.redeliver(id, 77))),
    }
}

/// The same of a value that was read.
pub(super) fn spelled_built(built: &Built<'_>) -> Vec<u8> {
    spelled(match built {
        Built::Small(Small::List(block)) => ValueRef::List(ListRef::Small(block)),
        Built::Small(Small::Set(form, block)) => ValueRef::Set(SetRef::small(block, *form)),
        Built::Small(Small::Zset(block)) => ValueRef::Zset(ZsetRef::Small(block)),
        Built::Small(Small::Hash(form, block)) => ValueRef::Hash(FieldsRef::small(block, *form)),
        Built::Large(Large::List(list)) => ValueRef::List(ListRef::Large(list)),
        Built::Large(Large::Set(set)) => ValueRef::Set(SetRef::Large(set)),
        Built::Large(Large::Zset(zset)) => ValueRef::Zset(ZsetRef::Large(zset)),
        Built::Large(Large::Hash(hash)) => ValueRef::Hash(FieldsRef::Large(hash)),
        Built::Large(Large::Stream(stream)) => ValueRef::Stream(stream),
        Built::Large(_) => panic!("a collection"),
    })
}

fn name(rng: &mut fastrand::Rng) -> Vec<u8> {
    match rng.u8(..20) {
        0 => vec![rng.u8(..); rng.usize(..6000)],
        1..=8 => rng.u32(..500).to_string().into_bytes(),
        _ => format!("name:{}", rng.u32(..500)).into_bytes(),
    }
}

/// A large collection of a type with `count` elements.
pub(super) fn large(value_type: ValueType, count: usize) -> Large {
    let names = (0..count).map(|n| format!("element:{n}").into_bytes());
    match value_type {
        ValueType::Set => {
            let mut set = LargeSet::new(SetEncoding::Hashtable);
            names.for_each(|name| done(set.insert(member_hash(&name), &name)));
            Large::Set(Box::new(set))
        }
        ValueType::Zset => {
            let mut zset = LargeZset::new(zset::Encoding::Skiplist);
            names.enumerate().for_each(|(n, name)| done(zset.insert(&name, (n % 100) as f64)));
            Large::Zset(Box::new(zset))
        }
        ValueType::Hash => {
            let mut hash = LargeFields::new(FieldsEncoding::Hashtable);
            for (n, name) in names.enumerate() {
                hash.insert(member_hash(&name), &name, n.to_string().as_bytes(), false);
                if n % 50 == 7 {
                    hash.set_deadline(member_hash(&name), &name, 5_000_000_000_000 + n as u64);
                }
            }
            Large::Hash(Box::new(hash))
        }
        ValueType::Stream => {
            let mut stream = Stream::new();
            names.for_each(|name| append(&mut stream, &name));
            deliver(&mut stream, 10, count / 2, b"a");
            deliver(&mut stream, 20, count / 4, b"b");
            Large::Stream(Box::new(stream))
        }
        _ => {
            let mut list = ListBuilder::new();
            names.for_each(|name| list.push(Element::of(&name)));
            Large::List(Box::new(list.finish(list::Encoding::Quicklist)))
        }
    }
}

/// The block of a small collection with a few elements; a short stream.
pub(super) fn small(value_type: ValueType, count: usize) -> OwnedValue {
    if value_type == ValueType::Stream {
        return OwnedValue::Large(large(value_type, count));
    }
    let mut block = value::packed::EMPTY.to_vec();
    for n in 0..count {
        let name = format!("element:{n}").into_bytes();
        let parts = [Element::of(&name), Element::Int(n as i64)];
        let paired = matches!(value_type, ValueType::Zset | ValueType::Hash);
        value::packed::extend(&mut block, &parts[..1 + usize::from(paired)]);
    }
    OwnedValue::Block(value_type, keyspace::Form::Packed, block)
}

pub(super) const TYPES: [ValueType; 5] =
    [ValueType::List, ValueType::Set, ValueType::Zset, ValueType::Hash, ValueType::Stream];

pub(super) fn new_collection(rng: &mut fastrand::Rng) -> OwnedValue {
    let value_type = TYPES[rng.usize(..TYPES.len())];
    match rng.u8(..30) {
        0 => OwnedValue::Large(large(value_type, 2000)),
        1..=8 => OwnedValue::Large(large(value_type, rng.usize(1..150))),
        9 if value_type == ValueType::Set => {
            let mut block = value::set::intset::EMPTY.to_vec();
            (0..rng.i64(1..50)).for_each(|n| done(value::set::intset::add(&mut block, n * n)));
            OwnedValue::Block(ValueType::Set, SetForm::Intset.into(), block)
        }
        _ => small(value_type, rng.usize(1..60)),
    }
}

/// One random change, which may make the collection small or large, or empty it.
pub(super) fn change_collection(mut entry: Occupied<'_>, rng: &mut fastrand::Rng) {
    if entry.value().string().is_some() {
        return;
    }
    for _ in 0..1 + rng.usize(..6) {
        if entry.value().large().is_some() {
            if rng.u8(..6) == 0 && shrink(&mut entry) {
                continue;
            }
            entry.large_mut(|value| change_large(value, rng));
        } else if rng.u8(..6) == 0 {
            enlarge(&mut entry);
        } else {
            change_small(&mut entry, rng);
        }
        let is_empty = match entry.value() {
            ValueRef::String(_) => false,
            ValueRef::List(list) => list.is_empty(),
            ValueRef::Set(set) => set.is_empty(),
            ValueRef::Zset(zset) => zset.is_empty(),
            ValueRef::Hash(hash) => hash.is_empty(),
            ValueRef::Stream(_) => false,
        };
        if is_empty {
            return entry.remove();
        }
    }
}

fn change_large(value: LargeMut<'_>, rng: &mut fastrand::Rng) {
    let name = name(rng);
    let hash = member_hash(&name);
    match value {
        LargeMut::String(_) => {}
        LargeMut::List(list) => {
            let (at, end) = (rng.u64(..list.len()), [list::End::Head, list::End::Tail][rng.usize(..2)]);
            match rng.u8(..7) {
                0 => list.push(end, Element::of(&name)),
                1 => done(list.pop(end, |_| ())),
                2 => done(list.set(at, Element::of(&name))),
                3 => list.insert(at, Element::of(&name)),
                4 => done(list.remove_matching(end, Element::of(&name), 3)),
                5 => done(list.trim(at / 4, list.len() - at / 4)),
                _ => done(list.trim(1, list.len())),
            }
        }
        LargeMut::Set(set) => match rng.u8(..3) {
            0 => done(set.insert(hash, &name)),
            1 => done(set.remove(hash, &name)),
            _ => done(set.take_rank(rng.u64(..set.len()), &mut Vec::new())),
        },
        LargeMut::Zset(zset) => match rng.u8(..5) {
            0 => done(zset.set(&name, f64::from(rng.u8(..)) / 7.0)),
            1 => done(zset.remove(&name)),
            2 => done(zset.pop(zset::End::Min, |_, _| ())),
            3 => done(zset.pop(zset::End::Max, |_, _| ())),
            _ => {
                let from = rng.u64(..zset.len());
                done(zset.remove_range(from, from + rng.u64(..20)));
            }
        },
        LargeMut::Hash(fields) => match rng.u8(..4) {
            0 => done(fields.insert(hash, &name, b"changed", rng.bool())),
            1 => done(fields.remove(hash, &name)),
            2 => done(fields.set_deadline(hash, &name, rng.u64(1..1000))),
            _ => done(fields.take_due(rng.u64(..1000), 3, |_, _| ())),
        },
        LargeMut::Stream(stream) => change_stream(stream, &name, rng),
    }
}

fn change_small(entry: &mut Occupied<'_>, rng: &mut fastrand::Rng) {
    let name = name(rng);
    let value_type = entry.value().value_type();
    if name.len() > 1000 || entry.view().block().is_some_and(|(_, block)| block.len() > BLOCK_MAX - 1100) {
        return enlarge(entry);
    }
    let Some(mut block) = entry.block() else { return };
    let form = block.form();
    let mut outgrown = None;
    match value_type {
        ValueType::String | ValueType::Stream => {}
        ValueType::List => match rng.u8(..4) {
            0 => list::small::push(&mut block, list::End::Head, Element::of(&name)),
            1 => done(list::small::pop(&mut block, list::End::Tail, |_| ())),
            2 => done(list::small::set(&mut block, 0, Element::of(&name))),
            _ => {
                let count = Packed::new(block.bytes()).count();
                list::small::trim(&mut block, count / 8, count - count / 8);
            }
        },
        ValueType::Set => {
            let mut set_form = SetForm::from(form);
            match rng.u8(..3) {
                0 => match value::set::small::add(&mut block, &mut set_form, &name, &SET) {
                    value::set::small::Added::Outgrown(set) => outgrown = Some(Large::Set(set)),
                    _ => block.set_form(set_form.into()),
                },
                1 => done(value::set::small::remove(&mut block, set_form, &name)),
                _ => done(value::set::small::take_rank(&mut block, set_form, 0, &mut Vec::new())),
            }
        }
        ValueType::Zset => match rng.u8(..3) {
            0 => done(zset::small::set(&mut block, &name, 2.5)),
            1 => done(zset::small::remove(&mut block, &name)),
            _ => done(zset::small::pop(&mut block, zset::End::Min, |_, _| ())),
        },
        ValueType::Hash => {
            let mut fields_form = FieldsForm::from(form);
            match rng.u8(..4) {
                0 => {
                    let keep = rng.bool();
                    let stored =
                        value::fields::small::set(&mut block, fields_form, &name, b"new", keep, &HASH);
                    outgrown = stored.outgrown.map(Large::Hash);
                }
                1 => done(value::fields::small::remove(&mut block, fields_form, &name)),
                2 => {
                    let at = rng.u64(1..1000);
                    match value::fields::small::set_deadline(&mut block, &mut fields_form, &name, at) {
                        value::fields::small::Timed::Outgrown(fields) => outgrown = Some(Large::Hash(fields)),
                        _ => block.set_form(fields_form.into()),
                    }
                }
                _ => done(value::fields::small::take_due(&mut block, fields_form, 400, 2, |_, _| ())),
            }
        }
    }
    if let Some(large) = outgrown {
        entry.set_value(NewValue::Large(large));
    }
}

/// Makes a small collection large.
pub(super) fn enlarge(entry: &mut Occupied<'_>) {
    let large = match entry.value() {
        ValueRef::List(ListRef::Small(block)) => {
            Large::List(Box::new(LargeList::from_small(block, list::Encoding::Quicklist)))
        }
        ValueRef::Set(set) => Large::Set(value::set::small::enlarge(set, SetEncoding::Hashtable)),
        ValueRef::Zset(ZsetRef::Small(block)) => {
            Large::Zset(Box::new(LargeZset::from_small(block, zset::Encoding::Skiplist)))
        }
        ValueRef::Hash(FieldsRef::Small(fields)) => {
            Large::Hash(value::fields::small::enlarge(fields, FieldsEncoding::Hashtable))
        }
        _ => return,
    };
    entry.set_value(NewValue::Large(large));
}

/// Makes a large collection small, if it is one that can be.
pub(super) fn shrink(entry: &mut Occupied<'_>) -> bool {
    let (value_type, form, block) = match entry.value() {
        ValueRef::List(ListRef::Large(list)) if list.len() < 400 => {
            let Some(block) = list.to_small() else { return false };
            (ValueType::List, keyspace::Form::Packed, block)
        }
        ValueRef::Zset(ZsetRef::Large(zset)) if zset.len() < 200 => {
            let Some(block) = zset.to_small() else { return false };
            (ValueType::Zset, keyspace::Form::Packed, block)
        }
        ValueRef::Hash(hash) if hash.len() < 100 => {
            let mut fields: Vec<_> = hash.iter().collect();
            fields.sort_by_key(|field| field.deadline);
            let mut block = value::packed::EMPTY.to_vec();
            for field in fields {
                let (name, value) = (field.field.to_vec(), field.value.to_vec());
                let stamp = i64::try_from(field.deadline).unwrap_or(0);
                value::packed::extend(
                    &mut block,
                    &[Element::of(&name), Element::of(&value), Element::Int(stamp)],
                );
            }
            assert!(value::fields::small::is_sound(SmallFields::new(&block, FieldsForm::ListpackEx)));
            (ValueType::Hash, FieldsForm::ListpackEx.into(), block)
        }
        _ => return false,
    };
    if block.len() > BLOCK_MAX {
        return false;
    }
    entry.set_value(NewValue::Block(value_type, form, &block));
    true
}
