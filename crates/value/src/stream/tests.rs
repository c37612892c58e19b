//! Tests of streams: against a plain model, for immutability of clones, on damaged nodes, and of what memory is counted.

mod damage;
mod layout;
mod model;

use super::*;

/// Fields and values of an entry, as the model and the requests have them.
type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

fn borrowed(pairs: &Pairs) -> impl Iterator<Item = (&[u8], &[u8])> + Clone {
    pairs.iter().map(|(field, value)| (&field[..], &value[..]))
}

fn owned(entry: Entry) -> (StreamId, Pairs) {
    (entry.id, entry.fields.map(|(field, value)| (field.to_vec(), value.to_vec())).collect())
}

fn id(ms: u64, seq: u64) -> StreamId {
    StreamId::new(ms, seq)
}

fn add(stream: &mut Stream, at: StreamId) {
    let pair: (&[u8], &[u8]) = (b"field", b"value");
    assert_eq!(stream.log_mut().append(at, [pair].into_iter(), NodeLimits::default()), Ok(()));
}

fn trim(keep: Keep, is_approximate: bool) -> Trim {
    Trim { keep, is_approximate, limit: 0 }
}

#[test]
fn ids_are_ordered_and_have_neighbours() {
    assert_eq!(id(5, u64::MAX).next(), Some(id(6, 0)));
    assert_eq!(id(6, 0).previous(), Some(id(5, u64::MAX)));
    assert_eq!((StreamId::MAX.next(), StreamId::MIN.previous()), (None, None));
    assert!(id(5, 9).to_bytes() < id(6, 0).to_bytes());
    assert_eq!(StreamId::from_bytes(id(5, 9).to_bytes()), id(5, 9));
    assert_eq!(id(5, 9).to_string(), "5-9");
}

#[test]
fn ids_must_ascend_and_texts_have_a_limit() {
    let mut stream = Stream::new();
    let none = std::iter::empty();
    let limits = NodeLimits::default();
    assert_eq!(stream.log_mut().append(StreamId::MIN, none.clone(), limits), Err(AppendError::NotAbove));
    add(&mut stream, id(5, 5));
    assert_eq!(stream.log_mut().append(id(5, 5), none, limits), Err(AppendError::NotAbove));
    assert_eq!(stream.log().len(), 1);
}

#[test]
fn a_small_stream_with_a_group_takes_a_few_hundred_bytes() {
    let mut stream = Stream::new();
    assert_eq!(stream.heap_bytes(), 0);
    add(&mut stream, id(1, 1));
    stream.create_group(b"group", StreamId::MIN, None);
    stream.edit_group(b"group", |_, group| group.create_consumer(b"consumer", 0));
    let bytes = stream.heap_bytes() + size_of::<Stream>() as u64;
    assert!(bytes < 800, "{bytes}");
}

#[test]
fn a_change_after_a_freeze_copies_what_it_touches() {
    let mut stream = Stream::new();
    for group in 0..200 {
        stream.create_group(format!("group:{group}").as_bytes(), StreamId::MIN, None);
    }
    for ms in 1..=100_000 {
        add(&mut stream, id(ms, 0));
    }
    stream.edit_group(b"group:77", |_, group| {
        let consumer = group.create_consumer(b"consumer", 0).unwrap();
        for ms in 1..=100_000 {
            assert!(group.deliver(id(ms, 0), consumer, 1000));
        }
    });
    assert_eq!(stream.shared_bytes_estimate(), 0);
    let frozen = stream.clone();
    assert!(stream.shared_bytes_estimate() > stream.heap_bytes() / 10 * 9);
    let before = stream.copied_bytes();
    add(&mut stream, id(100_001, 0));
    stream.edit_group(b"group:77", |_, group| group.acknowledge(id(50_000, 0)));
    let copied = stream.copied_bytes() - before;
    // Five kinds of leaves, and the inner nodes above them.
    assert!((8_000..60_000).contains(&copied), "{copied}");
    stream.destroy_group(b"group:77");
    assert!(stream.copied_bytes() >= before + copied, "what was copied stays counted");
    assert_eq!(frozen.group(b"group:77").unwrap().pending_len(), 100_000);
    frozen.check();
    stream.check();
}

#[test]
fn a_delivery_costs_about_50_bytes() {
    let mut stream = Stream::new();
    stream.create_group(b"group", StreamId::MIN, None);
    let before = stream.heap_bytes();
    stream.edit_group(b"group", |_, group| {
        let consumer = group.create_consumer(b"consumer", 0).unwrap();
        (1..=100_000).for_each(|ms| _ = group.deliver(id(ms, 0), consumer, 0));
    });
    let bytes = (stream.heap_bytes() - before) as f64 / 1e5;
    assert!(bytes < 51.0, "{bytes}");
}

#[test]
fn deleting_a_huge_entry_copies_nothing_of_it() {
    let mut stream = Stream::new();
    let huge = vec![b'x'; 10 << 20];
    add(&mut stream, id(1, 0));
    let pair = (&b"field"[..], &huge[..]);
    stream.log_mut().append(id(2, 0), [pair].into_iter(), NodeLimits::default()).unwrap();
    add(&mut stream, id(3, 0));
    assert_eq!(stream.log().node_count(), 3);
    let frozen = stream.clone();
    assert!(stream.log_mut().delete(id(2, 0)));
    assert!(stream.copied_bytes() < 10_000, "{}", stream.copied_bytes());
    assert_eq!(frozen.log().get(id(2, 0)).unwrap().fields.next().unwrap().1.len(), huge.len());
    stream.check();
}

#[test]
fn a_node_without_limits_may_be_large() {
    let mut stream = Stream::new();
    let limits = NodeLimits { bytes_max: 0, entries_max: 0 };
    let pair: (&[u8], &[u8]) = (b"field", b"value");
    for ms in 1..=20_000 {
        stream.log_mut().append(id(ms, 0), [pair].into_iter(), limits).unwrap();
    }
    assert!(stream.log_mut().delete(id(127, 0)) && stream.log_mut().delete(id(19_000, 0)));
    let trimmed = stream.log_mut().trim(trim(Keep::Length(100), false));
    assert_eq!((trimmed.removed, stream.log().node_count()), (19_898, 1));
    assert!(stream.log().range(StreamId::MIN, StreamId::MAX).map(|entry| entry.id.ms).eq(19_901..=20_000));
    let ids = stream.log().range_back(id(19_950, 0), id(19_960, 0)).map(|entry| entry.id.ms);
    assert!(ids.eq((19_950..=19_960).rev()));
    let node = stream.log().nodes().next().unwrap();
    // 80000 elements of entries, more than a listpack can count.
    assert_eq!(node.elements(), u16::MAX);
    let mut builder = StreamBuilder::new();
    builder.push(node.master_id(), &node.listpack()).unwrap();
    let again = builder.finish(stream.log().info());
    assert_eq!(again.log().info(), stream.log().info());
    again.check();
    stream.check();
}

#[test]
fn a_frozen_stream_goes_to_another_thread() {
    fn goes<T: Send + Sync>() {}
    goes::<Stream>();
    goes::<StreamDrain>();
    goes::<StreamTeardown>();
}

#[test]
fn consumers_numbers_are_not_given_twice() {
    let mut group = Group::new(b"group", StreamId::MIN, None);
    let numbers: Vec<_> =
        (0..200).map(|at| group.create_consumer(format!("c{at}").as_bytes(), 7).unwrap()).collect();
    assert_eq!(group.create_consumer(b"c5", 8), None);
    assert!(group.deliver(id(1, 1), numbers[5], 3));
    assert!(!group.deliver(id(1, 2), 200, 3), "no such consumer");
    assert_eq!(group.delete_consumer(b"c5"), Some(1));
    assert_eq!((group.pending_len(), group.delete_consumer(b"c5")), (0, None));
    assert_eq!(group.create_consumer(b"c5", 8), Some(200));
    assert_eq!(
        group.consumer_named(b"c5").map(|there| (there.seen_at_ms, there.active_at_ms)),
        Some((8, -1))
    );
    assert!(group.touch_consumer(200, 9, Some(10)));
    assert!(group.consumers().map(|there| there.name().to_vec()).is_sorted());
    group.check();
}

#[test]
fn a_loaded_group_is_complete_when_every_entry_has_an_owner() {
    let mut group = Group::new(b"group", StreamId::MIN, None);
    group.load_pending(id(1, 0), 5, 6);
    group.load_pending(id(2, 0), u64::MAX, u64::MAX);
    let consumer = group.create_consumer(b"consumer", 0).unwrap();
    assert!(group.load_owner(id(1, 0), consumer));
    assert!(!group.load_owner(id(1, 0), consumer), "it has an owner");
    assert!(!group.load_owner(id(3, 0), consumer), "it is not pending");
    let expected = Pending { id: id(1, 0), consumer, delivered_at_ms: 5, deliveries: 6 };
    assert_eq!(group.pending(id(1, 0)), Some(expected));
    let unowned = group.acknowledge(id(2, 0)).unwrap();
    assert_eq!((unowned.consumer, unowned.deliveries), (UNOWNED, (1 << 48) - 1));
    assert_eq!(group.redeliver(id(1, 0), 9).map(|there| there.deliveries), Some(7));
    assert_eq!(group.redeliver(id(2, 0), 9), None);
    group.check();
}

fn with_two_groups() -> Stream {
    let mut stream = Stream::new();
    for ms in 1..=5000 {
        add(&mut stream, id(ms, 0));
    }
    for name in [b"a", b"b"] {
        stream.create_group(name, StreamId::MIN, None);
        stream.edit_group(name, |_, group| {
            let consumer = group.create_consumer(b"consumer", 0).unwrap();
            (1..=5000).for_each(|ms| _ = group.deliver(id(ms, 0), consumer, 0));
        });
    }
    stream
}

#[test]
fn a_teardown_frees_in_steps() {
    let stream = with_two_groups();
    let frozen = stream.clone();
    let mut steps = 0;
    let mut teardown = stream.into_teardown();
    while !teardown.step(4) {
        steps += 1;
    }
    assert!(steps < 10, "all is held by a clone: {steps}");
    frozen.check();
    let mut teardown = frozen.into_teardown();
    while !teardown.step(4) {
        steps += 1;
    }
    assert!(steps > 30, "{steps}");
}

#[test]
fn a_drain_gives_back_what_it_has_handed_out() {
    let stream = with_two_groups();
    let heap = stream.heap_bytes();
    let mut drain = stream.clone().into_drain();
    drop(stream);
    // The drain is the only holder now, so all that it releases is freed.
    let (mut freed, mut entries, mut pending, mut owned) = (0, 0, 0, 0);
    while let Some(part) = drain.next_node() {
        let crate::gaps::Part::Leaf(node) = part else { panic!("nothing was taken out") };
        entries += node.places().filter(|place| place.is_live()).count();
        freed += node.release();
    }
    freed += drain.take_freed();
    assert_eq!((entries, drain.groups_remaining()), (5000, 2));
    while let Some(mut group) = drain.next_group() {
        while let Some(leaf) = group.next_pending() {
            pending += leaf.pending().len();
            freed += leaf.release();
        }
        assert_eq!(group.consumers_remaining(), 1);
        while let Some(mut consumer) = group.next_consumer() {
            assert_eq!((consumer.name(), consumer.pending_remaining()), (&b"consumer"[..], 5000));
            while let Some(leaf) = consumer.next_pending() {
                owned += leaf.ids().len();
                freed += leaf.release();
            }
            freed += consumer.take_freed();
        }
        freed += group.take_freed();
    }
    assert_eq!((pending, owned), (10_000, 10_000));
    assert!(freed > heap / 20 * 19 && freed <= heap, "{freed} of {heap}");
}

#[test]
fn lag_is_told_where_it_can_be() {
    let mut stream = Stream::new();
    stream.create_group(b"g", StreamId::MIN, None);
    let lag = |stream: &Stream| stream.group(b"g").unwrap().lag(stream.log());
    assert_eq!(lag(&stream), Some(0));
    for ms in 1..=5 {
        add(&mut stream, id(ms, 0));
    }
    assert_eq!(lag(&stream), Some(5));
    let read = |stream: &mut Stream, ms| stream.edit_group(b"g", |log, group| group.advance(log, id(ms, 0)));
    read(&mut stream, 1);
    assert_eq!((stream.group(b"g").unwrap().entries_read, lag(&stream)), (Some(1), Some(4)));
    read(&mut stream, 2);
    assert_eq!((stream.group(b"g").unwrap().entries_read, lag(&stream)), (Some(2), Some(3)));
    stream.log_mut().delete(id(4, 0));
    assert_eq!(lag(&stream), None);
    read(&mut stream, 3);
    assert_eq!((stream.group(b"g").unwrap().entries_read, lag(&stream)), (None, None));
    read(&mut stream, 5);
    assert_eq!((stream.group(b"g").unwrap().entries_read, lag(&stream)), (Some(5), Some(0)));
    let trimmed = stream.log_mut().trim(trim(Keep::Length(0), false));
    assert_eq!((trimmed.removed, lag(&stream)), (4, Some(0)));
}
