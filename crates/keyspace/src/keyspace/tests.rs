//! The keyspace against a model, with snapshots cut in the middle.

use std::collections::{BTreeMap, HashMap};

use parking_lot::Mutex;

use value::string::StrRef;

use super::*;
use crate::entry::{NewValue, ValueRef};

const WORKER: WorkerId = WorkerId(0);

fn keyspace(stripes: usize) -> Keyspace {
    Keyspace::new(Options { stripes, databases: 4, workers: 2 })
}

fn bytes_of(view: &EntryView<'_>) -> Vec<u8> {
    view.value.string().expect("strings only").to_cow().into_owned()
}

type Content = BTreeMap<(u32, Vec<u8>), (Vec<u8>, Option<i64>)>;

/// Collects what a snapshot is shown, and refuses to be shown anything twice.
#[derive(Default)]
struct Collector {
    logical: Mutex<Vec<u32>>,
    seen: Mutex<Content>,
    tables: Mutex<Vec<TakenTable>>,
}

impl Collector {
    fn take(&self, database: u32, entry: EntryView<'_>) {
        let logical = self.logical.lock()[database as usize];
        let content = (bytes_of(&entry), entry.deadline_ms);
        let twice = self.seen.lock().insert((logical, entry.key.to_vec()), content);
        assert!(twice.is_none(), "{:?} was emitted twice", entry.key);
    }
}

impl PreImage for Collector {
    fn pre_image(&self, _: WorkerId, database: u32, entry: EntryView<'_>) {
        self.take(database, entry);
    }

    fn held_back(&self, bytes: u64) {
        assert!(bytes > 0);
    }

    fn take_table(&self, table: TakenTable) -> Option<TakenTable> {
        self.tables.lock().push(table);
        None
    }
}

fn random_value(rng: &mut fastrand::Rng) -> Vec<u8> {
    let len = match rng.u8(..) {
        0..200 => rng.usize(..64),
        200..250 => rng.usize(..INLINE_CASE),
        _ => rng.usize(60_000..80_000),
    };
    let byte = rng.u8(..);
    (0..len).map(|i| byte.wrapping_add(i as u8)).collect()
}

const INLINE_CASE: usize = crate::INLINE_MAX + 100;

/// One random change of the keyspace and of the model.
fn step(keyspace: &Keyspace, model: &mut Content, rng: &mut fastrand::Rng) {
    let database = rng.u32(..4);
    let name = format!("key:{}", rng.u32(..400)).into_bytes();
    let key = keyspace.key(&name);
    let id = (database, name.clone());
    match rng.u8(..) {
        0 => {
            let (a, b) = (rng.u32(..4), rng.u32(..4));
            keyspace.exclusive(WORKER).swap_databases(a, b);
            let swapped = std::mem::take(model);
            model.extend(swapped.into_iter().map(|((db, key), content)| {
                let db = if db == a {
                    b
                } else if db == b {
                    a
                } else {
                    db
                };
                ((db, key), content)
            }));
        }
        1 => {
            let gone = keyspace.exclusive(WORKER).flush(database);
            let before = model.len();
            model.retain(|(db, _), _| *db != database);
            assert_eq!(gone, before - model.len());
        }
        2..100 => {
            let value = random_value(rng);
            let deadline = rng.bool().then(|| rng.i64(1..1 << 45));
            let mut inside = keyspace.enter(WORKER);
            let mut access = inside.lock_key(key.hash);
            match access.entry(database, key) {
                Entry::Occupied(mut entry) => {
                    entry.set_value(NewValue::Bytes(&value));
                    entry.set_deadline_ms(deadline);
                }
                Entry::Vacant(entry) => drop(entry.insert(NewValue::Bytes(&value), deadline, 5)),
            }
            drop(access);
            model.insert(id, (value, deadline));
        }
        100..180 => {
            let mut inside = keyspace.enter(WORKER);
            let mut access = inside.lock_key(key.hash);
            let removed = match access.entry(database, key) {
                Entry::Occupied(entry) => {
                    entry.remove();
                    true
                }
                Entry::Vacant(_) => false,
            };
            drop(access);
            assert_eq!(model.remove(&id).is_some(), removed);
        }
        180..220 => {
            let mut inside = keyspace.enter(WORKER);
            let mut access = inside.lock_key(key.hash);
            if let Entry::Occupied(mut entry) = access.entry(database, key) {
                let content = model.get_mut(&id).unwrap();
                let len = rng.usize(..crate::INLINE_MAX + 10);
                if rng.bool()
                    && let Some(inline) = entry.resize_inline(len)
                {
                    content.0.resize(len, 0);
                    assert_eq!(inline, content.0);
                    assert!(entry.view().is_raw);
                } else if let Some(inline) = entry.inline_mut() {
                    inline.iter_mut().for_each(|b| *b ^= 1);
                    content.0.iter_mut().for_each(|b| *b ^= 1);
                } else {
                    entry.shared_mut(|s| s.write(10, b"changed in place")).unwrap();
                    content.0[10..26].copy_from_slice(b"changed in place");
                }
            }
        }
        220..235 => {
            // A rename: the value moves to another key, maybe of another stripe and database.
            let (to_database, to_name) = (rng.u32(..4), format!("key:{}", rng.u32(..400)));
            let to = keyspace.key(to_name.as_bytes());
            let to_id = (to_database, to_name.clone().into_bytes());
            if to_id == id {
                return;
            }
            let mut inside = keyspace.enter(WORKER);
            let mut access = inside.lock_keys([key.hash, to.hash].into_iter());
            let Entry::Occupied(entry) = access.entry(database, key) else { return };
            let deadline = entry.deadline_ms();
            let taken = entry.take();
            match access.entry(to_database, to) {
                Entry::Occupied(mut entry) => {
                    taken.put(|value| entry.set_value(value));
                    entry.set_deadline_ms(deadline);
                }
                Entry::Vacant(entry) => drop(taken.put(|value| entry.insert(value, deadline, 5))),
            }
            let content = model.remove(&id).unwrap();
            model.insert(to_id, content);
        }
        _ => {
            let mut inside = keyspace.enter(WORKER);
            let access = inside.lock_key(key.hash);
            let got = access.get(database, key).map(|v| (bytes_of(&v), v.deadline_ms));
            assert_eq!(got.as_ref(), model.get(&id));
        }
    }
}

fn content(keyspace: &Keyspace) -> Content {
    let access = keyspace.exclusive(WORKER);
    let mut all = Content::new();
    for database in 0..4 {
        let mut count = 0;
        for stripe in 0..keyspace.stripes() {
            let mut from = Some(0);
            while let Some(position) = from {
                from = access.walk(database, stripe, position, 3, |v| {
                    count += 1;
                    all.insert((database, v.key.to_vec()), (bytes_of(&v), v.deadline_ms));
                });
            }
        }
        assert_eq!(access.len(database), count);
    }
    all
}

#[test]
fn every_cut_is_exact() {
    for round in 0..12 {
        let seed = fastrand::u64(..);
        println!("seed {seed}");
        let mut rng = fastrand::Rng::with_seed(seed);
        let keyspace = keyspace(1 << (round % 4));
        let mut model = Content::new();
        for _ in 0..10 {
            for _ in 0..rng.usize(..2000) {
                step(&keyspace, &mut model, &mut rng);
            }
            let collector = Arc::new(Collector::default());
            let expected = model.clone();
            let logical = keyspace.exclusive(WORKER).cut(Arc::clone(&collector) as Arc<dyn PreImage>);
            *collector.logical.lock() = logical;
            for stripe in 0..keyspace.stripes() {
                for database in 0..4 {
                    let mut from = Some(0);
                    while let Some(position) = from {
                        for _ in 0..rng.usize(..30) {
                            step(&keyspace, &mut model, &mut rng);
                        }
                        let mut inside = keyspace.enter(WORKER);
                        let mut access = inside.lock_stripe(stripe);
                        from = access.walk_owed(database, stripe, position, rng.usize(1..200), |v| {
                            collector.take(database, v);
                            rng.u8(..) < 128
                        });
                    }
                }
            }
            let parity = keyspace.parity();
            for mut taken in collector.tables.lock().drain(..) {
                assert_eq!(taken.walk_owed(0, parity, usize::MAX, |_| true), None);
            }
            keyspace.exclusive(WORKER).detach_sink();
            // Flushed tables were settled without being collected above: what they owed is what is missing.
            let seen = std::mem::take(&mut *collector.seen.lock());
            for (id, content) in &seen {
                assert_eq!(expected.get(id), Some(content), "{id:?}");
            }
        }
        assert_eq!(content(&keyspace), model);
        for id in model.keys().cloned().collect::<Vec<_>>() {
            let key = keyspace.key(&id.1);
            let mut access = keyspace.exclusive(WORKER);
            match access.entry(id.0, key) {
                Entry::Occupied(entry) => entry.remove(),
                Entry::Vacant(_) => panic!("{id:?} is gone"),
            }
        }
        let access = keyspace.exclusive(WORKER);
        for database in 0..4 {
            let bytes = access.bytes(database);
            assert_eq!((bytes.entries, bytes.shared, access.deadlines(database)), (0, 0, 0));
        }
    }
}

#[test]
fn a_value_grown_in_place_is_raw_and_seldom_moves() {
    let keyspace = keyspace(1);
    let mut inside = keyspace.enter(WORKER);
    let key = keyspace.key(b"key");
    let mut access = inside.lock_key(key.hash);
    let Entry::Vacant(entry) = access.entry(0, key) else { panic!("nothing is there yet") };
    let mut entry = entry.insert(NewValue::Bytes(&[7; 100]), Some(1 << 40), 5);
    assert!(!entry.view().is_raw);
    let (mut moves, mut place) = (0, entry.view().key.as_ptr());
    for len in 101..=crate::INLINE_MAX {
        let bytes = entry.resize_inline(len).expect("it fits");
        assert_eq!(bytes[len - 1], 0);
        bytes[len - 1] = 7;
        let now = entry.view().key.as_ptr();
        moves += usize::from(now != place);
        place = now;
    }
    // Four classes to a doubling, and five doublings from 128 to 4096.
    assert!(moves <= 24, "{moves} moves");
    assert!(entry.view().is_raw && entry.inline_mut().unwrap().iter().all(|&byte| byte == 7));
    assert!(entry.resize_inline(crate::INLINE_MAX + 1).is_none());
    // The mark stays with the deadline's change and goes with a new value.
    entry.set_deadline_ms(None);
    assert!(entry.view().is_raw);
    entry.set_value(NewValue::Bytes(b"short"));
    assert!(!entry.view().is_raw);
    entry.set_value(NewValue::Raw(b"short"));
    assert!(entry.view().is_raw);
    entry.set_value(NewValue::Int(3));
    assert!(!entry.view().is_raw && entry.resize_inline(3).is_none());
    entry.set_value(NewValue::Raw(&[1; INLINE_CASE]));
    assert!(entry.view().is_raw && entry.inline_mut().is_none() && entry.resize_inline(3).is_none());
    drop(access);
    drop(inside);
    assert_eq!(keyspace.exclusive(WORKER).flush(0), 1);
}

#[test]
#[should_panic(expected = "K1")]
fn released_stripes_cannot_be_touched() {
    let keyspace = keyspace(4);
    let mut inside = keyspace.enter(WORKER);
    let (a, b) = (keyspace.key(b"a"), keyspace.key(b"b"));
    let mut access = inside.lock_keys([a.hash, b.hash].into_iter());
    assert!(access.holds(a) && access.holds(b));
    access.release();
    assert!(!access.holds(a) && !access.holds(b));
    drop(access);
    // The locks are free again, and free only once.
    let mut access = inside.lock_key(a.hash);
    access.release();
    access.release();
    assert!(access.get(0, a).is_none());
}

#[test]
fn deadlines_come_up_within_a_tick() {
    let keyspace = keyspace(8);
    let start = 1_700_000_000_000i64;
    keyspace.set_clock_ms(start);
    let mut rng = fastrand::Rng::with_seed(3);
    let mut due: HashMap<Vec<u8>, i64> = HashMap::new();
    for n in 0..5000 {
        let name = format!("k{n}").into_bytes();
        let deadline = start + rng.i64(1..600_000);
        let mut inside = keyspace.enter(WORKER);
        let key = keyspace.key(&name);
        let mut access = inside.lock_key(key.hash);
        match access.entry(1, key) {
            Entry::Vacant(entry) => {
                let mut entry = entry.insert(NewValue::Int(n), Some(start + 5000), 0);
                entry.set_deadline_ms(Some(deadline));
            }
            Entry::Occupied(_) => panic!("twice"),
        }
        due.insert(name, deadline);
    }
    let mut now = start;
    while !due.is_empty() {
        now += 500;
        keyspace.set_clock_ms(now);
        for stripe in keyspace.stripes_due(0, 1, now).collect::<Vec<_>>() {
            let mut inside = keyspace.enter(WORKER);
            let mut access = inside.lock_stripe(stripe);
            // A small limit, so that slots are left half done and taken up again.
            while access.expire_due(stripe, now, 3, &mut |database, expired| {
                let Expired::Key(view) = expired else { panic!("no hash is here") };
                assert_eq!(database, 1);
                assert!(due.remove(view.key).is_some_and(|d| d <= now && d == view.deadline_ms.unwrap()));
            }) {}
        }
        assert!(due.values().all(|&d| d > now - 512), "a deadline was missed");
    }
    assert_eq!(keyspace.exclusive(WORKER).len(1), 0);
    assert!(now <= start + 601_000);
}

/// Whoever looks only at the stripes that say they are due notices far deadlines in time, too.
#[test]
fn far_deadlines_come_up_when_stripes_say_so() {
    let keyspace = keyspace(8);
    let start = 1_700_000_000_000i64;
    let day = 86_400_000;
    keyspace.set_clock_ms(start);
    let mut rng = fastrand::Rng::with_seed(4);
    let mut due: HashMap<Vec<u8>, i64> = HashMap::new();
    for n in 0..2000 {
        let name = format!("k{n}").into_bytes();
        let deadline = start + rng.i64(1..40 * day);
        let mut inside = keyspace.enter(WORKER);
        let key = keyspace.key(&name);
        match inside.lock_key(key.hash).entry(0, key) {
            Entry::Vacant(entry) if n % 2 == 0 => drop(entry.insert(NewValue::Int(n), Some(deadline), 0)),
            Entry::Vacant(entry) => entry.insert(NewValue::Int(n), None, 0).set_deadline_ms(Some(deadline)),
            Entry::Occupied(_) => panic!("twice"),
        }
        due.insert(name, deadline);
    }
    let mut now = start;
    while now < start + 41 * day {
        now += 60_000;
        keyspace.set_clock_ms(now);
        for stripe in keyspace.stripes_due(0, 1, now).collect::<Vec<_>>() {
            let mut inside = keyspace.enter(WORKER);
            let mut access = inside.lock_stripe(stripe);
            while access.expire_due(stripe, now, 3, &mut |_, expired| {
                let Expired::Key(view) = expired else { panic!("no hash is here") };
                assert!(due.remove(view.key).is_some_and(|d| d <= now));
            }) {}
        }
        assert!(due.values().all(|&d| d > now - 512), "a deadline was missed");
    }
    assert_eq!((due.len(), keyspace.exclusive(WORKER).len(0)), (0, 0));
}

#[test]
#[should_panic(expected = "K1")]
fn a_key_of_another_stripe_is_refused() {
    let keyspace = keyspace(1024);
    let (a, b) = (keyspace.key(b"a"), keyspace.key(b"b"));
    assert_ne!(keyspace.stripe_of(a.hash), keyspace.stripe_of(b.hash), "try other keys");
    let mut inside = keyspace.enter(WORKER);
    let _ = inside.lock_key(a.hash).get(0, b);
}

/// The key as it was seen when its batch was brought near.
fn approached<'a>(keyspace: &Keyspace, database: u32, bytes: &'a [u8]) -> Key<'a> {
    let key = keyspace.key(bytes);
    let mut expected = [Expected::new(database, key.hash)];
    keyspace.enter(WORKER).prefetch(&mut expected);
    key.seen(expected[0].seen())
}

fn value_of(keyspace: &Keyspace, database: u32, key: Key<'_>) -> Option<Vec<u8>> {
    keyspace.enter(WORKER).lock_key(key.hash).get(database, key).map(|view| bytes_of(&view))
}

/// Whether the key is found although the index is not asked: only where it was seen.
fn is_held(keyspace: &Keyspace, key: Key<'_>) -> bool {
    let stripe = keyspace.stripe_of(key.hash);
    key.seen.is_some_and(|seen| seen.changes == keyspace.stripes[stripe].changes.load(Ordering::Relaxed))
}

/// One key in ten lies behind its home bucket; half of these are seen, too, and the others can be looked for.
#[test]
fn nearly_every_key_is_seen() {
    let keyspace = keyspace(1);
    let names: Vec<Vec<u8>> = (0..20_000).map(|number| format!("key:{number}").into_bytes()).collect();
    for name in &names {
        let key = keyspace.key(name);
        if let Entry::Vacant(entry) = keyspace.enter(WORKER).lock_key(key.hash).entry(0, key) {
            entry.insert(NewValue::Int(1), None, 0);
        }
    }
    let mut unseen = 0;
    for name in &names {
        let mut key = Expected::new(0, keyspace.key(name).hash);
        let mut inside = keyspace.enter(WORKER);
        inside.prefetch(std::slice::from_mut(&mut key));
        unseen += usize::from(key.seen().is_none());
        inside.look_for(&mut key, name);
        assert!(key.seen().is_some());
    }
    assert!((1..names.len() / 16).contains(&unseen), "{unseen} of {}", names.len());
}

/// Moves, removes and replaces entries behind the back of those who have seen them; each must find what is there now.
#[test]
fn what_was_seen_holds_until_the_stripe_changes() {
    let keyspace = keyspace(1);
    let put = |database, name: &[u8], value: &[u8]| {
        let key = keyspace.key(name);
        let mut inside = keyspace.enter(WORKER);
        match inside.lock_key(key.hash).entry(database, key) {
            Entry::Occupied(mut entry) => entry.set_value(NewValue::Bytes(value)),
            Entry::Vacant(entry) => drop(entry.insert(NewValue::Bytes(value), None, 0)),
        }
    };
    put(0, b"a", b"in 0");
    put(1, b"a", b"in 1");
    let seen = approached(&keyspace, 0, b"a");
    assert!(is_held(&keyspace, seen), "it was seen, and nothing has changed");
    assert_eq!(value_of(&keyspace, 0, seen), Some(b"in 0".to_vec()));
    assert_eq!(value_of(&keyspace, 1, seen), Some(b"in 1".to_vec()), "seen in another database");
    // A key that hashes as if it were the other one.
    assert_eq!(value_of(&keyspace, 0, Key::new(b"b", seen.hash).seen(seen.seen)), None);

    put(0, b"a", &[b'x'; 1000]);
    assert!(!is_held(&keyspace, seen), "the entry has moved");
    assert_eq!(value_of(&keyspace, 0, seen), Some(vec![b'x'; 1000]));

    let seen = approached(&keyspace, 0, b"a");
    assert_eq!(keyspace.exclusive(WORKER).flush(0), 1);
    assert!(!is_held(&keyspace, seen));
    assert_eq!(value_of(&keyspace, 0, seen), None, "the entry is gone with its table");

    put(0, b"a", b"again");
    let seen = approached(&keyspace, 0, b"a");
    keyspace.exclusive(WORKER).swap_databases(0, 1);
    assert_eq!(value_of(&keyspace, 0, seen), Some(b"in 1".to_vec()), "seen before the swap");
    assert_eq!(value_of(&keyspace, 1, seen), Some(b"again".to_vec()));

    // Whole batches, while the index grows and shrinks.
    let mut rng = fastrand::Rng::with_seed(7);
    let mut model = HashMap::new();
    for round in 0..2000u32 {
        let names: Vec<Vec<u8>> = (0..8).map(|_| rng.u16(..3000).to_string().into_bytes()).collect();
        let keys: Vec<Key<'_>> = names.iter().map(|name| keyspace.key(name)).collect();
        let mut expected: Vec<Expected> = keys.iter().map(|key| Expected::new(2, key.hash)).collect();
        keyspace.enter(WORKER).prefetch(&mut expected);
        for (key, expected) in keys.into_iter().zip(expected) {
            let key = key.seen(expected.seen());
            assert_eq!(value_of(&keyspace, 2, key), model.get(key.bytes).cloned());
            if rng.u32(..3000) < round {
                if let Entry::Occupied(entry) = keyspace.enter(WORKER).lock_key(key.hash).entry(2, key) {
                    entry.remove();
                }
                model.remove(key.bytes);
            } else {
                let value = vec![b'v'; rng.usize(..100)];
                put(2, key.bytes, &value);
                model.insert(key.bytes.to_vec(), value);
            }
        }
    }
}

#[test]
fn a_place_is_that_of_a_living_entry() {
    let keyspace = keyspace(4);
    let key = keyspace.key(b"k");
    let mut inside = keyspace.enter(WORKER);
    let mut access = inside.lock_key(key.hash);
    if let Entry::Vacant(entry) = access.entry(0, key) {
        entry.insert(NewValue::Bytes(b"v"), Some(1000), 0);
    }
    let mut expired = 0;
    assert!(matches!(access.living_entry(0, key, 999, || expired += 1), Entry::Occupied(_)));
    assert!(matches!(access.living_entry(0, key, i64::MIN, || expired += 1), Entry::Occupied(_)));
    assert_eq!(expired, 0);
    assert!(matches!(access.living_entry(0, key, 1000, || expired += 1), Entry::Vacant(_)));
    assert!(matches!(access.living_entry(0, key, 1000, || expired += 1), Entry::Vacant(_)));
    assert_eq!((expired, access.len(0)), (1, 0));
}

#[test]
fn cursors_round_trip_in_order() {
    for stripes in [1, 16, 1024, 65536] {
        let keyspace = keyspace(stripes);
        let bits = stripes.trailing_zeros();
        let mut last = None;
        for stripe in [0, stripes / 2, stripes - 1] {
            for position in [0, 1 << (16 + bits), 5 << 40, u64::MAX << (16 + bits)] {
                let cursor = keyspace.cursor(stripe, position);
                assert!(cursor < 1 << 48);
                assert_eq!(
                    keyspace.locate(cursor),
                    Some((stripe, position)),
                    "{stripes} {stripe} {position}"
                );
                assert!(stripes == 1 || position == 0 || last < Some(cursor));
                last = Some(cursor);
            }
        }
        for wild in [1 << 48, 1 << 63, u64::MAX] {
            assert_eq!(keyspace.locate(wild), None);
        }
    }
}

#[test]
fn a_walk_stripe_by_stripe_lets_others_in_between() {
    let keyspace = Arc::new(keyspace(16));
    let mut inside = keyspace.enter(WORKER);
    let names: Vec<String> = (0..1000).map(|n| format!("key:{n}")).collect();
    for name in &names {
        let key = keyspace.key(name.as_bytes());
        if let Entry::Vacant(entry) = inside.lock_key(key.hash).entry(0, key) {
            entry.insert(NewValue::Int(1), None, 0);
        }
    }
    let mut access = inside.lock_none();
    let mut seen = 0;
    for stripe in 0..keyspace.stripes() {
        if stripe == 8 {
            // Somebody swaps the databases while this thread is on its way, and swaps them back.
            let other = Arc::clone(&keyspace);
            let swap = move || {
                let mut access = other.exclusive(WorkerId(1));
                access.swap_databases(0, 1);
                access.swap_databases(1, 0);
                access.len(0)
            };
            let swapping = std::thread::spawn(swap);
            while !keyspace.is_exclusive_wanted() {
                std::thread::yield_now();
            }
            access.hold_only(stripe);
            assert_eq!(swapping.join().unwrap(), names.len());
        }
        access.hold_only(stripe);
        assert!(access.holds_stripe(stripe) && !access.holds_stripe((stripe + 1) % 16));
        access.walk(0, stripe, 0, usize::MAX, |_| seen += 1);
    }
    assert_eq!(seen, names.len());
    drop(access);
    drop(inside);
    let mut all = keyspace.exclusive(WORKER);
    all.hold_only(3);
    assert!(all.holds_stripe(4), "the exclusive gate keeps everything");
}

#[test]
fn a_taken_value_moves() {
    let keyspace = keyspace(4);
    let mut all = keyspace.exclusive(WORKER);
    let long = vec![7u8; 200_000];
    for value in [&b"12"[..], b"hello", &long] {
        let (from, to) = (keyspace.key(b"from"), keyspace.key(b"to"));
        let Entry::Vacant(entry) = all.entry(0, from) else { panic!("left over") };
        let entry = entry.insert(NewValue::Bytes(value), None, 0);
        assert!(entry.footprint_bytes() > value.len() as u64);
        let address = address_of(entry.value());
        let taken = entry.take();
        let Entry::Vacant(entry) = all.entry(1, to) else { panic!("left over") };
        let entry = taken.put(|value| entry.insert(value, Some(5), 9));
        assert_eq!(bytes_of(&entry.view()), value);
        assert_eq!((entry.deadline_ms(), entry.clock()), (Some(5), 9));
        assert!(value.len() < 4096 || address_of(entry.value()) == address, "a large value is not copied");
        let copied = entry.view().to_owned_value();
        let Entry::Vacant(other) = all.entry(2, to) else { panic!("left over") };
        let other = copied.put(|copy| other.insert(copy, None, 0));
        assert_eq!(bytes_of(&other.view()), value);
        other.remove();
        let Entry::Occupied(entry) = all.entry(1, to) else { panic!("lost") };
        entry.remove();
        assert_eq!(all.bytes(0).shared + all.bytes(1).shared + all.bytes(2).shared, 0);
    }
}

/// Where the first byte of a large value lies.
fn address_of(value: ValueRef<'_>) -> Option<*const u8> {
    match value {
        ValueRef::String(StrRef::Shared(shared)) => shared.chunks().next().map(<[u8]>::as_ptr),
        _ => None,
    }
}
