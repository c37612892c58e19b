//! Hashes against `BTreeMap` as the model: small and large, with deadlines, through all conversions, with freezes.

use std::collections::BTreeMap;

use super::*;
use crate::packed::BLOCK_MAX;

type Model = BTreeMap<Vec<u8>, (Vec<u8>, u64)>;

const DEFAULTS: FieldsLimits = FieldsLimits { entries_max: 512, value_max: 64 };

/// A hash as the keyspace holds one.
#[derive(Clone)]
enum Held {
    Small(Vec<u8>, FieldsForm),
    Large(Box<LargeFields>),
}

impl Held {
    fn new() -> Self {
        Self::Small(packed::EMPTY.to_vec(), FieldsForm::Listpack)
    }

    fn view(&self) -> FieldsRef<'_> {
        match self {
            Self::Small(block, form) => FieldsRef::small(block, *form),
            Self::Large(large) => FieldsRef::Large(large),
        }
    }

    fn set(&mut self, field: &[u8], value: &[u8], keep: bool, limits: &FieldsLimits) -> bool {
        match self {
            Self::Small(block, form) => {
                let stored = small::set(block, *form, field, value, keep, limits);
                if let Some(large) = stored.outgrown {
                    *self = Self::Large(large);
                }
                stored.created
            }
            Self::Large(large) => large.set(member_hash(field), field, value, keep, limits),
        }
    }

    fn remove(&mut self, field: &[u8]) -> bool {
        match self {
            Self::Small(block, form) => small::remove(block, *form, field),
            Self::Large(large) => large.remove(member_hash(field), field),
        }
    }

    fn set_deadline(&mut self, field: &[u8], deadline: u64) -> bool {
        match self {
            Self::Small(block, form) => match small::set_deadline(block, form, field, deadline) {
                small::Timed::Absent => false,
                small::Timed::Done => true,
                small::Timed::Outgrown(large) => {
                    *self = Self::Large(large);
                    true
                }
            },
            Self::Large(large) => large.set_deadline(member_hash(field), field, deadline),
        }
    }

    fn take_due(&mut self, now: u64, max: usize) -> Vec<Vec<u8>> {
        let mut taken = Vec::new();
        let count = match self {
            Self::Small(block, form) => {
                small::take_due(block, *form, now, max, |field, _| taken.push(field.to_vec()))
            }
            Self::Large(large) => large.take_due(now, max, |field, _| taken.push(field.to_vec())),
        };
        assert_eq!(count, taken.len());
        taken
    }

    fn check(&self, model: &Model) {
        match self {
            Self::Small(block, _) => {
                packed::validate(block).unwrap();
                assert!(block.len() <= BLOCK_MAX);
            }
            Self::Large(large) => large.check(),
        }
        let mut fields: Vec<_> = self
            .view()
            .iter()
            .map(|field| (field.field.to_vec(), (field.value.to_vec(), field.deadline)))
            .collect();
        for (rank, field) in fields.iter().enumerate().step_by(17) {
            let found = self.view().at_rank(rank as u64).unwrap();
            assert_eq!((found.field.to_vec(), found.deadline), (field.0.clone(), field.1.1));
        }
        fields.sort();
        assert!(fields.iter().map(|(field, rest)| (field, rest)).eq(model.iter()), "fields differ");
        assert_eq!(self.view().len(), model.len() as u64);
        assert_eq!(self.view().earliest(), model.values().map(|(_, at)| *at).min().unwrap_or(NO_DEADLINE));
    }
}

fn text(rng: &mut fastrand::Rng, variety: u32) -> Vec<u8> {
    match rng.u32(..60) {
        0 => vec![b'v'; rng.usize(50..70)],
        1 if variety > 1000 => vec![b'w'; rng.usize(200..5000)],
        2..30 => rng.u32(..variety).to_string().into_bytes(),
        _ => format!("field:{}", rng.u32(..variety)).into_bytes(),
    }
}

#[test]
fn model_fuzz() {
    let limits = [
        DEFAULTS,
        FieldsLimits { entries_max: 100_000, value_max: 100 },
        FieldsLimits { entries_max: 0, value_max: 0 },
    ];
    for seed in 0..24 {
        let variety = [40, 400, 4000, 100_000][seed as usize % 4];
        let limits = &limits[seed as usize / 4 % 3];
        println!("seed {seed}");
        let mut rng = fastrand::Rng::with_seed(seed);
        let (mut hash, mut model) = (Held::new(), Model::new());
        let mut frozen: Vec<(Held, Model)> = Vec::new();
        let timed = rng.bool();
        for step in 0..6000u64 {
            let field = match model.keys().nth(rng.usize(..20)) {
                Some(field) if rng.bool() => field.clone(),
                _ => text(&mut rng, variety),
            };
            match rng.u32(..20) {
                0..10 => {
                    let (value, keep) = (text(&mut rng, variety), rng.bool());
                    let old = model.get(&field).map(|(_, deadline)| *deadline);
                    assert_eq!(hash.set(&field, &value, keep, limits), old.is_none());
                    let deadline = if keep { old.unwrap_or(NO_DEADLINE) } else { NO_DEADLINE };
                    model.insert(field, (value, deadline));
                }
                10..12 => assert_eq!(hash.remove(&field), model.remove(&field).is_some()),
                12..14 => {
                    let found = hash.view().get(&field).map(Element::to_vec);
                    assert_eq!(found.as_ref(), model.get(&field).map(|(value, _)| value));
                    assert_eq!(hash.view().deadline(&field), model.get(&field).map(|(_, at)| *at));
                    assert_eq!(hash.view().contains(&field), model.contains_key(&field));
                }
                14..17 if timed => {
                    let deadline =
                        if rng.u32(..4) == 0 { NO_DEADLINE } else { 1_000_000 + step + rng.u64(..2000) };
                    let found = model.get_mut(&field);
                    assert_eq!(hash.set_deadline(&field, deadline), found.is_some());
                    if let Some((_, at)) = found {
                        *at = deadline;
                    }
                }
                17 if timed => {
                    let (now, max) = (1_000_000 + step, rng.usize(..10));
                    let mut last = 0;
                    for field in hash.take_due(now, max) {
                        let (_, deadline) = model.remove(&field).unwrap();
                        assert!(deadline >= last && deadline <= now, "in order, and due");
                        last = deadline;
                    }
                    let left = model.values().filter(|(_, at)| *at <= now && *at >= last).count();
                    assert!(model.values().all(|(_, at)| *at >= last), "the earliest went first");
                    if max > 0 && left > 0 {
                        assert!(hash.view().earliest() <= now);
                    }
                }
                18 if rng.u32(..50) == 0 => {
                    frozen.push((hash.clone(), model.clone()));
                    if frozen.len() > 3 {
                        let (hash, model) = frozen.swap_remove(rng.usize(..3));
                        hash.check(&model);
                    }
                }
                _ => {}
            }
            if step % 301 == 0 {
                hash.check(&model);
            }
        }
        hash.check(&model);
        frozen.iter().for_each(|(hash, model)| hash.check(model));
    }
}

#[test]
fn encodings_follow_the_thresholds() {
    let few = FieldsLimits { entries_max: 2, value_max: 4 };
    let mut hash = Held::new();
    hash.set(b"a", b"1234", false, &few);
    hash.set(b"b", b"2", false, &few);
    assert_eq!(hash.view().encoding().name(), "listpack");
    let mut timed = hash.clone();
    assert!(timed.set_deadline(b"a", 5));
    assert_eq!(timed.view().encoding().name(), "listpackex");
    timed.set(b"c", b"3", false, &few);
    assert_eq!(timed.view().encoding().name(), "hashtable");
    assert_eq!(timed.view().earliest(), 5, "deadlines go along");
    let mut long = hash.clone();
    long.set(b"a", b"12345", false, &few);
    assert_eq!(long.view().encoding().name(), "hashtable");
    hash.set(b"c", b"3", false, &few);
    assert_eq!(hash.view().encoding().name(), "hashtable");
    hash.remove(b"a");
    hash.remove(b"b");
    assert_eq!(hash.view().encoding().name(), "hashtable", "it stays so");
}

/// Order of fields as Redis 8.0 replies it after the same commands.
#[test]
fn fields_with_deadlines_stand_as_in_redis() {
    let order = |hash: &Held| {
        let fields: Vec<u8> = hash.view().iter().flat_map(|field| field.field.to_vec()).collect();
        String::from_utf8(fields).unwrap()
    };
    let mut hash = Held::new();
    for (field, value) in [("a", "1"), ("b", "2"), ("c", "3"), ("d", "4")] {
        hash.set(field.as_bytes(), value.as_bytes(), false, &DEFAULTS);
    }
    hash.set_deadline(b"c", 4_000_000_000_000);
    hash.set_deadline(b"a", 4_000_000_000_000);
    assert_eq!(order(&hash), "acbd");
    hash.set(b"e", b"5", false, &DEFAULTS);
    hash.set(b"c", b"9", false, &DEFAULTS);
    assert_eq!(order(&hash), "abdec");
    hash.set(b"a", b"6", true, &DEFAULTS);
    assert_eq!(order(&hash), "abdec");
    hash.set_deadline(b"a", NO_DEADLINE);
    assert_eq!(order(&hash), "bdeca");
    assert_eq!(hash.view().encoding(), FieldsEncoding::ListpackEx);
    hash.set_deadline(b"e", 4_000_000_000_000);
    hash.set_deadline(b"d", 3_000_000_000_000);
    hash.set_deadline(b"b", 4_000_000_000_000);
    assert_eq!(order(&hash), "dbeca");
}

#[test]
fn a_listpack_beyond_a_block_keeps_its_name() {
    let many = FieldsLimits { entries_max: 100_000, value_max: 100 };
    let mut hash = Held::new();
    for i in 0..2000 {
        hash.set(format!("field {i}").as_bytes(), b"a value of some length", false, &many);
    }
    assert!(matches!(hash, Held::Large(_)));
    assert_eq!(hash.view().encoding(), FieldsEncoding::Listpack);
    hash.set_deadline(b"field 7", 1);
    assert_eq!(hash.view().encoding(), FieldsEncoding::ListpackEx);
    hash.set(b"field 7", &[b'x'; 101], false, &many);
    assert_eq!(hash.view().encoding(), FieldsEncoding::Hashtable);
}

#[test]
fn a_huge_value_is_frozen_by_reference_and_written_in_place() {
    let mut hash = LargeFields::new(FieldsEncoding::Hashtable);
    let huge = vec![b'a'; 20 << 20];
    hash.insert(member_hash(b"f"), b"f", &huge, false);
    hash.insert(member_hash(b"g"), b"g", b"small", false);
    let frozen = hash.clone();
    hash.insert(member_hash(b"g"), b"g", b"other", false);
    assert!(hash.copied_bytes() < 1000, "{}", hash.copied_bytes());
    let mut other = huge.clone();
    other[5] = b'b';
    hash.insert(member_hash(b"f"), b"f", &other, false);
    assert_eq!(frozen.get(member_hash(b"f"), b"f"), Some(&huge[..]));
    assert_eq!(hash.get(member_hash(b"f"), b"f"), Some(&other[..]));
    let heap = hash.heap_bytes();
    let at = hash.get(member_hash(b"f"), b"f").unwrap().as_ptr();
    hash.insert(member_hash(b"f"), b"f", &huge, false);
    assert_eq!(hash.heap_bytes(), heap);
    assert_eq!(hash.get(member_hash(b"f"), b"f").unwrap().as_ptr(), at, "the same allocation");
    hash.check();
    frozen.check();
}

#[test]
fn deadlines_of_a_large_hash_come_in_order() {
    let mut hash = LargeFields::new(FieldsEncoding::Hashtable);
    let mut rng = fastrand::Rng::with_seed(5);
    for i in 0..20_000u32 {
        let field = i.to_le_bytes();
        hash.insert(member_hash(&field), &field, b"value", false);
    }
    let plain = hash.heap_bytes();
    for i in (0..20_000u32).step_by(100) {
        let field = i.to_le_bytes();
        hash.set_deadline(member_hash(&field), &field, rng.u64(1..1000));
    }
    hash.check();
    assert!(hash.heap_bytes() > plain);
    let mut due = 0;
    for now in (0..=1000).step_by(50) {
        due += hash.take_due(now, usize::MAX, |_, value| assert_eq!(value, b"value"));
        assert!(hash.earliest() > now);
    }
    hash.check();
    assert_eq!((due, hash.len(), hash.earliest()), (200, 19_800, NO_DEADLINE));
}
