//! Values against what is read of them: small and large, of every type, through payloads and through drained files.

mod stream;

use std::collections::{BTreeMap, BTreeSet};

use value::Large;
use value::fields::{FieldsEncoding, FieldsForm, FieldsRef, LargeFields};
use value::list::{self, LargeList, ListBuilder, ListRef};
use value::member_hash;
use value::member_leaf::NO_DEADLINE;
use value::packed::Element;
use value::set::{LargeSet, SetEncoding, SetForm, SetRef};
use value::zset::{self, LargeZset, ZsetRef};

use super::*;
use crate::dump;
use crate::error::Fault;
use crate::object::{Kind, ObjectSink};
use crate::read::{Event, Limits, Reader};
use crate::write::{self, EntryHead, ObjectWriter, Place, Usage};
use crate::{Compressor, Element as Spelled};

fn seeded() -> fastrand::Rng {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    fastrand::Rng::with_seed(seed)
}

/// A value with its content in the open.
#[derive(Clone, Debug, PartialEq)]
enum Model {
    List(Vec<Vec<u8>>),
    Set(BTreeSet<Vec<u8>>),
    Zset(BTreeMap<Vec<u8>, f64>),
    Hash(BTreeMap<Vec<u8>, (Vec<u8>, u64)>),
}

fn model_of(object: ObjectRef<'_>) -> Model {
    match object {
        ObjectRef::List(list) => {
            let mut texts = Vec::new();
            list.for_each_from(0, u64::MAX, |element| texts.push(element.to_vec()));
            Model::List(texts)
        }
        ObjectRef::Set(set) => Model::Set(set.iter().map(|member| member.to_vec()).collect()),
        ObjectRef::Zset(zset) => {
            Model::Zset(zset.iter_from(0).map(|(member, score)| (member.to_vec(), score)).collect())
        }
        ObjectRef::Hash(hash) => Model::Hash(
            hash.iter().map(|field| (field.field.to_vec(), (field.value.to_vec(), field.deadline))).collect(),
        ),
        ObjectRef::Stream(_) => panic!("streams have tests of their own"),
    }
}

/// Calls `with` with what was built, and with its encoding's name.
fn seen<R>(built: &Built<'_>, with: impl FnOnce(ObjectRef<'_>, &'static str) -> R) -> R {
    match built {
        Built::Small(Small::List(block)) => with(ObjectRef::List(ListRef::Small(block)), "listpack"),
        Built::Small(Small::Set(form, block)) => {
            let set = SetRef::small(block, *form);
            with(ObjectRef::Set(set), set.encoding().name())
        }
        Built::Small(Small::Zset(block)) => with(ObjectRef::Zset(ZsetRef::Small(block)), "listpack"),
        Built::Small(Small::Hash(form, block)) => {
            let hash = FieldsRef::small(block, *form);
            with(ObjectRef::Hash(hash), hash.encoding().name())
        }
        Built::Large(large) => with(object_of(large), name_of(large)),
    }
}

fn object_of(large: &Large) -> ObjectRef<'_> {
    match large {
        Large::List(list) => ObjectRef::List(ListRef::Large(list)),
        Large::Set(set) => ObjectRef::Set(SetRef::Large(set)),
        Large::Zset(zset) => ObjectRef::Zset(ZsetRef::Large(zset)),
        Large::Hash(hash) => ObjectRef::Hash(FieldsRef::Large(hash)),
        _ => panic!("a collection"),
    }
}

fn name_of(large: &Large) -> &'static str {
    match large {
        Large::List(list) => list.encoding().name(),
        Large::Set(set) => set.encoding().name(),
        Large::Zset(zset) => zset.encoding().name(),
        Large::Hash(hash) => hash.encoding().name(),
        _ => panic!("a collection"),
    }
}

fn check(large: &Large) {
    match large {
        Large::List(list) => list.check(),
        Large::Set(set) => set.check(),
        Large::Zset(zset) => zset.check(),
        Large::Hash(hash) => hash.check(),
        _ => {}
    }
}

/// What is read of a payload: content, encoding, whether it is small.
fn loaded(payload: &[u8], builder: &mut Builder) -> (Model, &'static str, bool) {
    dump::load_object(payload, Limits::default(), builder).expect("a good payload");
    let built = builder.take().expect("not empty");
    if let Built::Large(large) = &built {
        check(large);
    }
    let is_small = matches!(built, Built::Small(_));
    seen(&built, |object, name| (model_of(object), name, is_small))
}

fn dumped(object: ObjectRef<'_>, version: u16, compress: bool) -> Vec<u8> {
    let mut compressor = compress.then(Compressor::new);
    let mut out = Vec::new();
    whole(&mut ObjectWriter::for_payload(version, compressor.as_mut()), &mut out, Place::Payload, object);
    dump::finish(&mut out, 0, version);
    out
}

/// Collects the pieces of a file.
#[derive(Default)]
struct Collect {
    file: Vec<u8>,
    done: u64,
    freed: u64,
    longest: usize,
    store: Shelf,
}

impl Pieces for Collect {
    type Error = ();

    fn write(&mut self, bytes: &[u8]) -> Result<(), ()> {
        self.longest = self.longest.max(bytes.len());
        self.file.extend_from_slice(bytes);
        Ok(())
    }

    fn recall(&mut self, place: u64, bytes: u32, out: &mut Vec<u8>) -> Result<(), ()> {
        let kept = &self.store.away[place as usize];
        assert_eq!(kept.len(), bytes as usize);
        self.store.recalled += 1;
        out.extend_from_slice(kept);
        Ok(())
    }

    fn drained(&mut self, done: u64, whole: u64, freed: u64) -> Result<(), ()> {
        assert!(done <= whole && done >= self.done || done == whole);
        self.done = done;
        self.freed += freed;
        Ok(())
    }
}

/// Drains a value. If nobody else holds it, some of its leaves are put away now and then.
fn drain(
    large: Large,
    head: &EntryHead<'_>,
    writer: &mut ObjectWriter<'_>,
    buffer: &mut Vec<u8>,
    collect: &mut Collect,
) {
    let mut draining = Draining::begin(large);
    if fastrand::bool() {
        collect.freed += draining.put_away(fastrand::u64(..1 << 20), writer, &mut collect.store);
    }
    draining.head(head, writer, buffer);
    while !draining.portion(writer, buffer, collect).expect("never refused") {
        if fastrand::bool() {
            collect.freed += draining.put_away(fastrand::u64(..1 << 19), writer, &mut collect.store);
        }
    }
    assert_eq!(collect.store.recalled, collect.store.away.len());
}

/// Keeps leaves in memory; now and then it takes none.
#[derive(Default)]
struct Shelf {
    away: Vec<Vec<u8>>,
    recalled: usize,
}

impl Store for Shelf {
    fn keep(&mut self, bytes: &[u8]) -> Option<u64> {
        if fastrand::u8(..10) == 0 {
            return None;
        }
        self.away.push(bytes.to_vec());
        Some(self.away.len() as u64 - 1)
    }
}

/// What is read of a file that a value was drained into.
fn drained(large: Large, version: u16, compress: bool) -> (Collect, Model, &'static str) {
    let mut compressor = compress.then(Compressor::new);
    let mut collect = Collect::default();
    let mut buffer = Vec::new();
    write::header(&mut buffer, version);
    let head = EntryHead { key: b"key", expire_at_ms: Some(5), usage: Usage::Unknown };
    let mut writer = ObjectWriter::for_file(version, compressor.as_mut());
    drain(large, &head, &mut writer, &mut buffer, &mut collect);
    assert!(buffer.is_empty());
    let mut file = collect.file.clone();
    write::end(&mut file, 0);
    let mut reader = Reader::new(&file[..], Limits::default()).expect("a header");
    let event = reader.next_part().expect("an entry");
    assert!(matches!(event, Some(Event::Object(head)) if head.key == b"key" && head.expire_at_ms == Some(5)));
    let mut builder = Builder::new(Thresholds::default(), None);
    assert!(reader.object(&mut builder).expect("a good object"));
    let built = builder.take().expect("not empty");
    let (model, name) = seen(&built, |object, name| (model_of(object), name));
    drop(built);
    assert!(matches!(reader.next_part(), Ok(Some(Event::End(_)))), "nothing is left over");
    (collect, model, name)
}

fn text(rng: &mut fastrand::Rng, longest: usize) -> Vec<u8> {
    match rng.u8(..4) {
        0 => (rng.i64(..) >> rng.u32(..64)).to_string().into_bytes(),
        1 => vec![b'a' + rng.u8(..26); rng.usize(..=longest)],
        _ => (0..rng.usize(..=longest)).map(|_| rng.u8(..)).collect(),
    }
}

/// A random collection as its parts, in the order in which they are handed over.
fn random_model(rng: &mut fastrand::Rng, kind: Kind, count: usize, longest: usize, timed: bool) -> Model {
    match kind {
        Kind::List => Model::List((0..count).map(|_| text(rng, longest)).collect()),
        Kind::Set if rng.u8(..3) == 0 => {
            let bits = rng.u32(..60);
            Model::Set((0..count).map(|_| (rng.i64(..) >> bits).to_string().into_bytes()).collect())
        }
        Kind::Set => Model::Set((0..count).map(|_| text(rng, longest)).collect()),
        Kind::Zset => Model::Zset(
            (0..count)
                .map(|_| {
                    let score = match rng.u8(..5) {
                        0 => f64::from(rng.i32(-5..5)),
                        1 => f64::INFINITY,
                        2 => rng.f64() * 1e300,
                        _ => rng.f64() - 0.5,
                    };
                    (text(rng, longest), score)
                })
                .collect(),
        ),
        _ => Model::Hash(
            (0..count)
                .map(|_| {
                    let deadline = if timed && rng.bool() { 1 + rng.u64(..1 << 45) } else { NO_DEADLINE };
                    (text(rng, longest), (text(rng, longest), deadline))
                })
                .collect(),
        ),
    }
}

/// Hands a model to a builder as plain elements, in random order where there is none.
fn feed(model: &Model, builder: &mut Builder, rng: &mut fastrand::Rng) -> Result<(), Fault> {
    fn element(text: &[u8]) -> Spelled<'_> {
        Spelled::Bytes(text)
    }
    match model {
        Model::List(list) => {
            builder.begin(Kind::List, Some(list.len() as u64))?;
            list.iter().try_for_each(|text| builder.list_element(element(text)))?;
        }
        Model::Set(set) => {
            builder.begin(Kind::Set, Some(set.len() as u64))?;
            let mut members: Vec<_> = set.iter().collect();
            rng.shuffle(&mut members);
            members.iter().try_for_each(|text| builder.set_member(element(text)))?;
        }
        Model::Zset(zset) => {
            builder.begin(Kind::Zset, Some(zset.len() as u64))?;
            let mut members: Vec<_> = zset.iter().collect();
            let order = |a: &(&Vec<u8>, &f64), b: &(&Vec<u8>, &f64)| a.1.total_cmp(b.1).then(a.0.cmp(b.0));
            match rng.u8(..4) {
                0 => members.sort_by(order),
                1 => members.sort_by(|a, b| order(b, a)),
                2 => {
                    // A run down, then something else.
                    members.sort_by(|a, b| order(b, a));
                    let at = rng.usize(..members.len());
                    rng.shuffle(&mut members[at..]);
                }
                _ => rng.shuffle(&mut members),
            }
            members.iter().try_for_each(|(text, score)| builder.zset_member(element(text), **score))?;
        }
        Model::Hash(hash) => {
            builder.begin(Kind::Hash, Some(hash.len() as u64))?;
            let mut fields: Vec<_> = hash.iter().collect();
            rng.shuffle(&mut fields);
            for (field, (value, deadline)) in fields {
                let deadline = (*deadline != NO_DEADLINE).then_some(*deadline);
                builder.hash_field(element(field), element(value), deadline)?;
            }
        }
    }
    builder.end()
}

#[test]
fn whatever_is_built_is_written_and_read_again() {
    let mut rng = seeded();
    let mut builder = Builder::new(Thresholds::default(), None);
    let mut small = [0; 2];
    for round in 0..600 {
        let kind = [Kind::List, Kind::Set, Kind::Zset, Kind::Hash][round % 4];
        let most = [8, 120, 140, 3000][rng.usize(..4)];
        let count = 1 + rng.usize(..most);
        let longest = [6, 60, 70, 300][rng.usize(..4)];
        let timed = rng.bool();
        let model = random_model(&mut rng, kind, count, longest, timed);
        feed(&model, &mut builder, &mut rng).expect("distinct");
        let built = builder.take().expect("not empty");
        if let Built::Large(large) = &built {
            check(large);
        }
        let expected = expected_name(&model, &Thresholds::default());
        let version = [10, 11, 80][rng.usize(..3)];
        let compress = rng.bool();
        let payload = seen(&built, |object, name| {
            assert_eq!(model_of(object), model);
            assert_eq!(name, expected, "{kind:?} of {count}, {longest}");
            let is_timed =
                matches!(&model, Model::Hash(hash) if hash.values().any(|value| value.1 != NO_DEADLINE));
            assert_eq!(has_deadlines(object), is_timed);
            dumped(object, if is_timed { 80 } else { version }, compress)
        });
        if let Built::Large(large) = built {
            let frozen = large.clone();
            let (_, again, name) = drained(frozen, if timed { 80 } else { version }, compress);
            assert_eq!((again, name), (model.clone(), expected));
        }
        let (again, name, is_small) = loaded(&payload, &mut builder);
        assert_eq!(again, model);
        assert_eq!(name, expected);
        small[usize::from(is_small)] += 1;
    }
    assert!(small.iter().all(|&count| count > 50), "{small:?}");
}

/// By Redis's rules for loading plain collections.
fn expected_name(model: &Model, thresholds: &Thresholds) -> &'static str {
    fn short<'a>(mut texts: impl Iterator<Item = &'a Vec<u8>>, max: usize) -> bool {
        texts.all(|text| text.len() <= max)
    }
    match model {
        Model::List(list) => {
            let bytes: usize = list.iter().map(|text| Element::of(text).encoded_len()).sum();
            if thresholds.list.exceeded(bytes + 7, list.len() as u64) { "quicklist" } else { "listpack" }
        }
        Model::Set(set) => {
            let limits = &thresholds.set;
            let is_int = |text: &Vec<u8>| value::number::parse_i64(text).is_some();
            if set.iter().all(is_int) && set.len() as u64 <= limits.intset_entries_max {
                "intset"
            } else if set.len() as u64 <= limits.listpack_entries_max
                && short(set.iter(), limits.listpack_value_max)
            {
                "listpack"
            } else {
                "hashtable"
            }
        }
        Model::Zset(zset) => {
            let is_short = short(zset.keys(), thresholds.zset_value_max);
            if zset.len() as u64 <= thresholds.zset_entries_max && is_short { "listpack" } else { "skiplist" }
        }
        Model::Hash(hash) => {
            let limits = &thresholds.hash;
            let texts = hash.iter().flat_map(|(field, (value, _))| [field, value]);
            if hash.len() as u64 > limits.entries_max || !short(texts, limits.value_max) {
                "hashtable"
            } else if hash.values().any(|value| value.1 != NO_DEADLINE) {
                "listpackex"
            } else {
                "listpack"
            }
        }
    }
}

#[test]
fn what_outgrows_a_block_goes_on_under_its_name() {
    let mut rng = seeded();
    let thresholds = Thresholds {
        list: list::Limit::new(-5),
        set: value::set::SetLimits {
            intset_entries_max: 100_000,
            listpack_entries_max: 100_000,
            listpack_value_max: 64,
        },
        hash: value::fields::FieldsLimits { entries_max: 100_000, value_max: 64 },
        zset_entries_max: 100_000,
        zset_value_max: 64,
    };
    let mut builder = Builder::new(thresholds, None);
    for round in 0..80 {
        let kind = [Kind::List, Kind::Set, Kind::Zset, Kind::Hash][round % 4];
        let count = [900, 1800][rng.usize(..2)];
        let timed = rng.bool();
        let model = random_model(&mut rng, kind, count, 24, timed);
        feed(&model, &mut builder, &mut rng).expect("distinct");
        let built = builder.take().expect("not empty");
        let expected = expected_name(&model, &thresholds);
        assert_ne!(expected, "hashtable");
        let payload = seen(&built, |object, name| {
            assert_eq!(name, expected);
            dumped(object, if has_deadlines(object) { 80 } else { 11 }, true)
        });
        drop(built);
        let (again, name, _) = loaded(&payload, &mut builder);
        assert_eq!((again, name), (model, expected));
    }
}

#[test]
fn what_comes_twice_is_refused() {
    for count in [2usize, 100, 5000] {
        let names: Vec<Vec<u8>> = (0..count).map(|n| format!("m:{n}").into_bytes()).collect();
        for again in [0, count / 2, count - 1] {
            let mut builder = Builder::new(Thresholds::default(), None);
            let total = Some(count as u64 + 1);
            let twice = [Spelled::Bytes(&names[again])];
            let all = || names.iter().map(|name| Spelled::Bytes(name)).chain(twice);
            builder.begin(Kind::Set, total).unwrap();
            assert!(all().try_for_each(|member| builder.set_member(member)).is_err());
            builder.begin(Kind::Hash, total).unwrap();
            assert!(all().try_for_each(|field| builder.hash_field(field, Spelled::Int(1), None)).is_err());
            // Up, down, and to and fro, the second time with another score or the same.
            for (step, last) in [(1.0, 1e9), (-1.0, -1e9), (1.0, 0.5), (-1.0, 0.5), (1.0, again as f64)] {
                builder.begin(Kind::Zset, total).unwrap();
                let mut score = -step;
                let mut left = count;
                let added = all().try_for_each(|member| {
                    score = if left == 0 { last } else { score + step };
                    left = left.saturating_sub(1);
                    builder.zset_member(member, score)
                });
                assert!(added.and_then(|()| builder.end()).is_err(), "{count} {again} {step} {last}");
            }
        }
    }
}

#[test]
fn expired_fields_are_left_out() {
    for count in [10u64, 500] {
        let mut builder = Builder::new(Thresholds::default(), Some(1000));
        builder.begin(Kind::Hash, Some(count)).unwrap();
        for n in 0..count as i64 {
            let deadline = [None, Some(999), Some(1000)][n as usize % 3];
            builder.hash_field(Spelled::Int(n), Spelled::Int(-n), deadline).unwrap();
        }
        builder.end().unwrap();
        let Model::Hash(hash) = seen(&builder.take().unwrap(), |object, _| model_of(object)) else {
            panic!()
        };
        assert_eq!(hash.len() as u64, count - (count + 1) / 3);
        assert!(hash.values().all(|value| value.1 == 1000 || value.1 == NO_DEADLINE));
        builder.begin(Kind::Hash, Some(count)).unwrap();
        builder.hash_field(Spelled::Int(1), Spelled::Int(1), Some(5)).unwrap();
        builder.end().unwrap();
        assert!(builder.take().is_none(), "nothing is left of it");
    }
}

#[test]
fn blocks_are_taken_over_as_they_are() {
    let mut builder = Builder::new(Thresholds::default(), None);
    let mut block = value::packed::EMPTY.to_vec();
    for n in 0..50i64 {
        let name = format!("name:{}", 1000 - n);
        value::packed::extend(&mut block, &[Element::of(name.as_bytes()), Element::Int(n)]);
    }
    let objects = [
        (ObjectRef::List(ListRef::Small(&block)), 10),
        (ObjectRef::Zset(ZsetRef::Small(&block)), 10),
        (ObjectRef::Hash(FieldsRef::small(&block, FieldsForm::Listpack)), 10),
        (ObjectRef::Set(SetRef::small(&block, SetForm::Listpack)), 11),
    ];
    for (object, version) in objects {
        dump::load_object(&dumped(object, version, true), Limits::default(), &mut builder).unwrap();
        let bytes = match builder.take() {
            Some(Built::Small(Small::List(bytes) | Small::Zset(bytes))) => bytes,
            Some(Built::Small(Small::Hash(_, bytes) | Small::Set(_, bytes))) => bytes,
            other => panic!("{other:?}"),
        };
        assert_eq!(bytes, &block[..]);
    }
    let mut ints = value::set::intset::EMPTY.to_vec();
    for n in [5i64, -70_000, 9] {
        assert!(value::set::intset::add(&mut ints, n));
    }
    let set = ObjectRef::Set(SetRef::small(&ints, SetForm::Intset));
    dump::load_object(&dumped(set, 10, true), Limits::default(), &mut builder).unwrap();
    assert!(
        matches!(builder.take(), Some(Built::Small(Small::Set(SetForm::Intset, bytes))) if bytes == &ints[..])
    );
}

/// Elements of many sizes, some beyond a piece, in values that nobody else holds: everything is given back.
#[test]
fn a_drained_value_lets_go_of_all_it_holds() {
    let mut rng = seeded();
    let long: Vec<Vec<u8>> =
        [9_000, 70_000, 1_000_000].map(|len| (0..len).map(|_| rng.u8(..)).collect()).into();
    let mut names: Vec<Vec<u8>> =
        (0..60_000).map(|n| format!("member:{n}:{}", rng.u64(..)).into_bytes()).collect();
    long.iter().for_each(|long| names.insert(rng.usize(..1000), long.clone()));
    let mut list = ListBuilder::new();
    let mut set = LargeSet::new(SetEncoding::Hashtable);
    let mut zset = LargeZset::new(zset::Encoding::Skiplist);
    let mut hash = LargeFields::new(FieldsEncoding::Hashtable);
    for (n, name) in names.iter().enumerate() {
        list.push(Element::of(name));
        set.insert(member_hash(name), name);
        zset.insert(name, (n % 1000) as f64);
        hash.insert(member_hash(name), name, &names[n / 2], false);
        if n % 100 == 0 {
            hash.set_deadline(member_hash(name), name, 5_000_000_000_000 + n as u64);
        }
    }
    let list: LargeList = list.finish(list::Encoding::Quicklist);
    for large in [
        Large::List(Box::new(list)),
        Large::Set(Box::new(set)),
        Large::Zset(Box::new(zset)),
        Large::Hash(Box::new(hash)),
    ] {
        let (model, name) = (model_of(object_of(&large)), name_of(&large));
        let image = large.as_ref().image();
        drop(large);
        let (large, heap) = (image.clone(), image.as_ref().heap_bytes());
        drop(image);
        // Held by somebody else, nothing becomes free.
        let held = large.clone();
        let (collect, again, again_name) = drained(held, 80, false);
        assert!(again == model && name == again_name);
        assert_eq!(collect.freed, 0);
        let (collect, again, _) = drained(large, 80, true);
        assert!(again == model);
        assert!(collect.longest <= 1_000_000, "a piece of {} bytes", collect.longest);
        assert!(
            collect.freed <= heap && collect.freed > heap * 9 / 10,
            "{name}: {} of {heap}",
            collect.freed
        );
    }
}

/// Payloads that were damaged and signed again: refused, or a sound value.
#[test]
fn damaged_payloads_make_sound_values_or_none() {
    let mut rng = seeded();
    let mut builder = Builder::new(Thresholds::default(), Some(1 << 40));
    let mut accepted = 0;
    for round in 0..4000 {
        let kind = [Kind::List, Kind::Set, Kind::Zset, Kind::Hash][round % 4];
        let most = [4, 20, 150][rng.usize(..3)];
        let count = 1 + rng.usize(..most);
        let timed = rng.bool();
        let model = random_model(&mut rng, kind, count, 20, timed);
        let mut whole = Builder::new(Thresholds::default(), None);
        feed(&model, &mut whole, &mut rng).expect("distinct");
        let Some(built) = whole.take() else { panic!("not empty") };
        let mut payload = seen(&built, |object, _| dumped(object, 80, false));
        payload.truncate(payload.len() - 10);
        for _ in 0..1 + rng.usize(..3) {
            let at = rng.usize(..payload.len());
            match rng.u8(..3) {
                0 => payload[at] = rng.u8(..),
                1 => payload[at] ^= 1 << rng.u8(..8),
                _ => payload[at] = payload[at].wrapping_add(1),
            }
        }
        dump::finish(&mut payload, 0, [11, 12, 80][rng.usize(..3)]);
        if dump::load_object(&payload, Limits::default(), &mut builder).is_ok() {
            accepted += 1;
            let Some(built) = builder.take() else { continue };
            if let Built::Large(large) = &built {
                check(large);
            }
            if let Built::Small(small) = &built {
                let (block, is_packed) = match small {
                    Small::List(block) | Small::Zset(block) | Small::Hash(_, block) => (block, true),
                    Small::Set(form, block) => (block, *form == SetForm::Listpack),
                };
                assert!(!is_packed || value::packed::validate(block).is_ok());
            }
            let again = seen(&built, |object, _| dumped(object, 80, true));
            assert_eq!(loaded(&again, &mut whole).0, seen(&built, |object, _| model_of(object)));
        }
    }
    assert!(accepted > 100, "{accepted}");
}
