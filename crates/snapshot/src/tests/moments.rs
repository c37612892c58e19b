//! Every kind of change of a collection at every moment of a snapshot: before it is met, while it is being encoded, when it is done.

use keyspace::{OwnedValue, ValueType};
use value::packed::Element;
use value::stream::{Keep, StreamId, Trim};
use value::{LargeMut, list, zset};

use super::collections::{
    TYPES, append, change_collection, deliver, done, enlarge, large, shrink, small as small_collection,
};
use super::*;

/// Stops the writer once so many bytes have come, until it is let go.
#[derive(Clone)]
struct Gated {
    memory: Memory,
    stop_at: usize,
    is_open: Arc<AtomicBool>,
    is_stopped: Arc<AtomicBool>,
}

impl Gated {
    fn new(stop_at: usize) -> Gated {
        Gated { memory: Memory::default(), stop_at, is_open: Arc::default(), is_stopped: Arc::default() }
    }

    fn wait(&self) {
        while !self.is_open.load(Ordering::SeqCst) {
            self.is_stopped.store(true, Ordering::SeqCst);
            std::thread::sleep(Duration::from_micros(50));
        }
    }
}

impl Sink for Gated {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let len = self.memory.bytes.lock().len();
        self.memory.write(bytes)?;
        if len + bytes.len() > self.stop_at {
            self.wait();
        }
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        self.wait();
        self.memory.finish()
    }

    fn abort(&mut self) {
        self.memory.abort();
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Moment {
    NotYet,
    BeingEncoded,
    Done,
}

#[derive(Clone, Copy, Debug)]
enum Change {
    Add,
    Overwrite,
    Remove,
    Pop,
    Trim,
    Rename,
    Delete,
    Replace,
    Expire,
    Flush,
    Convert,
    Anything,
}

const CHANGES: [Change; 12] = [
    Change::Add,
    Change::Overwrite,
    Change::Remove,
    Change::Pop,
    Change::Trim,
    Change::Rename,
    Change::Delete,
    Change::Replace,
    Change::Expire,
    Change::Flush,
    Change::Convert,
    Change::Anything,
];

fn apply(keyspace: &Keyspace, worker: WorkerId, change: Change) {
    if let Change::Flush = change {
        keyspace.exclusive(worker).flush(0);
        return;
    }
    let (key, other) = (keyspace.key(b"collection"), keyspace.key(b"other"));
    let mut inside = keyspace.enter(worker);
    let mut access = inside.lock_keys([key.hash, other.hash].into_iter());
    let Entry::Occupied(mut entry) = access.entry(0, key) else { panic!("it is there") };
    match change {
        Change::Rename => {
            let moved = entry.take();
            let Entry::Vacant(target) = access.entry(0, other) else { panic!("it is not there") };
            moved.put(|value| done(target.insert(value, None, 0)));
        }
        Change::Delete => entry.remove(),
        Change::Replace => entry.set_value(NewValue::Bytes(b"a string")),
        Change::Expire => {
            entry.set_deadline_ms(Some(1));
            drop(access);
            for stripe in 0..keyspace.stripes() {
                let mut access = inside.lock_stripe(stripe);
                access.expire_due(stripe, 1_000_000, 10, &mut |_, _| {});
            }
        }
        Change::Convert => {
            if !shrink(&mut entry) {
                enlarge(&mut entry);
            }
        }
        Change::Anything => {
            let mut rng = fastrand::Rng::with_seed(5);
            change_collection(entry, &mut rng);
        }
        _ if entry.value().large().is_none() => {
            let Some(mut block) = entry.block() else { panic!("small") };
            // Elements by themselves, whatever they mean: pairs stay pairs.
            match change {
                Change::Add => {
                    list::small::push(&mut block, list::End::Tail, Element::of(b"x1"));
                    list::small::push(&mut block, list::End::Tail, Element::Int(77));
                }
                Change::Overwrite => done(list::small::set(&mut block, 0, Element::of(b"changed"))),
                _ => list::small::trim(&mut block, 2, 1000),
            }
        }
        _ => done(entry.large_mut(|value| apply_large(value, change))),
    }
}

fn apply_large(value: LargeMut<'_>, change: Change) {
    let known = b"element:77".as_slice();
    let hash = |name: &[u8]| value::member_hash(name);
    match value {
        LargeMut::String(_) => {}
        LargeMut::List(list) => match change {
            Change::Add => (0..999).for_each(|_| list.push(list::End::Head, Element::of(b"new"))),
            Change::Overwrite => {
                (0..list.len()).step_by(9).for_each(|at| done(list.set(at, Element::Int(5))))
            }
            Change::Remove => done(list.remove_matching(list::End::Head, Element::of(known), 9)),
            Change::Pop => (0..999).for_each(|_| done(list.pop(list::End::Tail, |_| ()))),
            _ => done(list.trim(700, 900)),
        },
        LargeMut::Set(set) => match change {
            Change::Add | Change::Overwrite => (0..999).for_each(|n: i32| {
                let name = format!("new:{n}");
                set.insert(hash(name.as_bytes()), name.as_bytes());
            }),
            Change::Remove => done(set.remove(hash(known), known)),
            _ => (0..999).for_each(|_| done(set.take_rank(0, &mut Vec::new()))),
        },
        LargeMut::Zset(zset) => match change {
            Change::Add => done(zset.set(b"new", 55.5)),
            Change::Overwrite => {
                (0..500).for_each(|n| done(zset.set(format!("element:{n}").as_bytes(), 3.5)))
            }
            Change::Remove => done(zset.remove(known)),
            Change::Pop => (0..999).for_each(|_| done(zset.pop(zset::End::Min, |_, _| ()))),
            _ => done(zset.remove_range(100, 5000)),
        },
        LargeMut::Hash(fields) => match change {
            Change::Add => done(fields.insert(hash(b"new"), b"new", b"value", false)),
            Change::Overwrite => (0..500).for_each(|n| {
                let name = format!("element:{n}");
                fields.insert(hash(name.as_bytes()), name.as_bytes(), b"changed", false);
            }),
            Change::Remove => done(fields.remove(hash(known), known)),
            Change::Pop => done(fields.take_due(u64::MAX - 1, 50, |_, _| ())),
            _ => done(fields.set_deadline(hash(known), known, 12345)),
        },
        LargeMut::Stream(stream) => match change {
            Change::Add => (0..999).for_each(|_| append(stream, b"new")),
            Change::Overwrite => deliver(stream, 1, 500, b"another"),
            Change::Remove => done(stream.log_mut().delete(StreamId::new(77, 0))),
            Change::Pop => done(stream.destroy_group(b"group")),
            _ => {
                let keep = Keep::Length(stream.log().len() / 3);
                done(stream.log_mut().trim(Trim { keep, is_approximate: false, limit: 0 }));
            }
        },
    }
}

#[test]
fn every_change_at_every_moment() {
    let worker = WorkerId(0);
    for value_type in TYPES {
        for (change, moment, is_large) in CHANGES
            .into_iter()
            .flat_map(|change| {
                [Moment::NotYet, Moment::BeingEncoded, Moment::Done].map(|moment| (change, moment))
            })
            .flat_map(|(change, moment)| [false, true].map(|is_large| (change, moment, is_large)))
        {
            let label = format!("{value_type:?} {change:?} {moment:?} large: {is_large}");
            let keyspace = keyspace(4, 1);
            let value = match is_large {
                true => OwnedValue::Large(large(value_type, 20_000)),
                false => small_collection(value_type, 60),
            };
            value.put(|value| set(&keyspace, worker, 0, b"collection", value));
            let stop_at = if moment == Moment::BeingEncoded { 100_000 } else { usize::MAX };
            let sink = Gated::new(stop_at);
            sink.is_open.store(moment == Moment::NotYet, Ordering::SeqCst);
            let prepared =
                Snapshot::prepare(&keyspace, small(4 << 20), Box::new(sink.clone())).expect("a thread");
            let mut expected = Content::new();
            let snapshot = prepared.cut(&keyspace, worker, |access| {
                expected = dump(access);
                Vec::new()
            });
            if moment != Moment::NotYet {
                // Met by the walk; then the writer stands still, inside the value or at the end of the file.
                while snapshot.step(&mut keyspace.enter(worker), Duration::from_secs(1)) == Progress::Worked {
                }
                while !sink.is_stopped.load(Ordering::SeqCst) {
                    std::thread::sleep(Duration::from_micros(50));
                }
            }
            apply(&keyspace, worker, change);
            sink.is_open.store(true, Ordering::SeqCst);
            let outcome = snapshot.run_to_end(&keyspace, worker);
            assert_eq!(outcome.result, Ok(1), "{label}");
            assert!(parse(&sink.memory.bytes.lock()) == expected, "{label}");
            assert_eq!(snapshot.status().held_back_bytes, 0, "{label}");
        }
    }
}

/// Which version a file is written in is decided at its cut, by what is there then.
#[test]
fn deadlines_of_fields_choose_the_version() {
    let (keyspace, worker) = (keyspace(4, 1), WorkerId(0));
    let image = |version: u16| {
        let sink = Memory::default();
        let (snapshot, expected) = cut(&keyspace, worker, Options { version, ..Options::default() }, &sink);
        assert!(snapshot.run_to_end(&keyspace, worker).result.is_ok());
        let image = sink.bytes.lock().clone();
        assert!(parse(&image) == expected);
        String::from_utf8_lossy(&image[..9]).into_owned()
    };
    let put = |value: OwnedValue| value.put(|value| set(&keyspace, worker, 0, b"k", value));
    put(small_collection(ValueType::Hash, 5));
    assert_eq!(image(10), "REDIS0010");
    assert_eq!(image(11), "REDIS0011");
    // A large hash has deadlines.
    put(OwnedValue::Large(large(ValueType::Hash, 300)));
    assert_eq!(image(10), "VALKEY080");
    assert_eq!(image(80), "VALKEY080");
    set(&keyspace, worker, 0, b"k", NewValue::Int(5));
    // It is only known to be gone once a file was written without one.
    assert_eq!(image(10), "VALKEY080");
    assert_eq!(image(10), "REDIS0010");
    // A small hash gets one, loses it, and gets one again in the form that it kept.
    put(small_collection(ValueType::Hash, 5));
    let time = |deadline: u64| {
        let key = keyspace.key(b"k");
        let mut inside = keyspace.enter(worker);
        let mut access = inside.lock_key(key.hash);
        let Entry::Occupied(mut entry) = access.entry(0, key) else { panic!("it is there") };
        let Some(mut block) = entry.block() else { panic!("small") };
        let before = block.form();
        let mut form = before.into();
        value::fields::small::set_deadline(&mut block, &mut form, b"element:1", deadline);
        if before != form.into() {
            block.set_form(form.into());
        }
    };
    time(5_000_000_000_000);
    assert_eq!(image(10), "VALKEY080");
    time(value::member_leaf::NO_DEADLINE);
    image(10);
    assert_eq!(image(10), "REDIS0010");
    time(5_000_000_000_000);
    assert_eq!(image(10), "VALKEY080");
}
