//! Streams: what is built, dumped, drained and damaged.

use value::stream::{NodeLimits, Pending, Stream, StreamId};

use super::*;

/// What can be seen of a stream; without the times of activity for versions that have none.
fn spelled(stream: &Stream, has_active_times: bool) -> Vec<String> {
    let log = stream.log();
    let mut out = vec![format!("{} {} {:?}", log.len(), log.node_count(), log.info())];
    for entry in log.range(StreamId::MIN, StreamId::MAX) {
        let fields: Vec<_> = entry.fields.map(|(field, value)| (field.to_vec(), value.to_vec())).collect();
        out.push(format!("{} {fields:?}", entry.id));
    }
    for group in stream.groups() {
        out.push(format!("group {:?} {} {:?}", group.name(), group.last_id, group.entries_read));
        for Pending { id, consumer, delivered_at_ms, deliveries } in group.pending_from(StreamId::MIN) {
            let consumer = group.consumer(consumer).map(|consumer| consumer.name().to_vec());
            out.push(format!("pending {id} {consumer:?} {delivered_at_ms} {deliveries}"));
        }
        for consumer in group.consumers() {
            let active_at_ms = if has_active_times { consumer.active_at_ms } else { consumer.seen_at_ms };
            let ids: Vec<_> = consumer.pending_from(StreamId::MIN).collect();
            out.push(format!("{:?} {} {active_at_ms} {ids:?}", consumer.name(), consumer.seen_at_ms));
        }
    }
    out
}

fn random(rng: &mut fastrand::Rng) -> Stream {
    let mut stream = Stream::new();
    let limits =
        NodeLimits { bytes_max: [0, 200, 4096][rng.usize(..3)], entries_max: [0, 3, 100][rng.usize(..3)] };
    let mut id = StreamId::new(rng.u64(..5), 1);
    for _ in 0..[0, 5, 300][rng.usize(..3)] {
        let pairs: Vec<_> = (0..1 + rng.usize(..3))
            .map(|n| match rng.u8(..3) {
                0 => (text(rng, 9), text(rng, 300)),
                _ => (format!("field{n}").into_bytes(), text(rng, 30)),
            })
            .collect();
        let pairs = pairs.iter().map(|(field, value)| (&field[..], &value[..]));
        stream.log_mut().append(id, pairs, limits).expect("it ascends");
        id = if rng.bool() {
            StreamId::new(id.ms, id.seq + 1)
        } else {
            StreamId::new(id.ms + 1 + rng.u64(..1000), rng.u64(..9))
        };
    }
    let ids: Vec<_> = stream.log().range(StreamId::MIN, StreamId::MAX).map(|entry| entry.id).collect();
    for group in 0..rng.usize(..4) {
        let read = rng.bool().then(|| rng.u64(..1000));
        let name = format!("group{group}");
        stream.create_group(name.as_bytes(), ids.last().copied().unwrap_or_default(), read);
        stream.edit_group(name.as_bytes(), |_, group| {
            let numbers: Vec<_> = (0..rng.i64(..20))
                .filter_map(|n| group.create_consumer(n.to_string().as_bytes(), n))
                .collect();
            for number in &numbers {
                group.touch_consumer(*number, rng.i64(0..1 << 50), Some(rng.i64(-1..1 << 50)));
            }
            for id in &ids {
                if numbers.is_empty() || rng.bool() {
                    continue;
                }
                let (consumer, delivered_at_ms) = (numbers[rng.usize(..numbers.len())], rng.u64(..1 << 48));
                group.assign(Pending { id: *id, consumer, delivered_at_ms, deliveries: rng.u64(..1 << 40) });
            }
        });
    }
    for id in &ids {
        if rng.u8(..4) == 0 {
            stream.log_mut().delete(*id);
        }
    }
    stream
}

fn read_stream(payload: &[u8], builder: &mut Builder) -> Stream {
    dump::load_object(payload, Limits::default(), builder).expect("a good payload");
    match builder.take() {
        Some(Built::Large(Large::Stream(stream))) => *stream,
        other => panic!("{other:?}"),
    }
}

/// What is read of a file that a stream was drained into.
fn drained_stream(large: Large, version: u16) -> (Collect, Stream) {
    let mut collect = Collect::default();
    let mut buffer = Vec::new();
    write::header(&mut buffer, version);
    let head = EntryHead { key: b"key", expire_at_ms: None, usage: Usage::Unknown };
    let mut compressor = Compressor::new();
    let mut writer = ObjectWriter::for_file(version, Some(&mut compressor));
    drain(large, &head, &mut writer, &mut buffer, &mut collect);
    let mut file = collect.file.clone();
    write::end(&mut file, 0);
    let mut reader = Reader::new(&file[..], Limits::default()).expect("a header");
    assert!(matches!(reader.next_part(), Ok(Some(Event::Object(head))) if head.key == b"key"));
    let mut builder = Builder::new(Thresholds::default(), None);
    assert!(reader.object(&mut builder).expect("a good stream"));
    let Some(Built::Large(Large::Stream(stream))) = builder.take() else { panic!("a stream") };
    assert!(matches!(reader.next_part(), Ok(Some(Event::End(_)))), "nothing is left over");
    (collect, *stream)
}

#[test]
fn whatever_is_written_is_read_again() {
    let mut rng = seeded();
    let mut builder = Builder::new(Thresholds::default(), None);
    for round in 0..400 {
        let stream = random(&mut rng);
        let version = [10, 11, 12, 80][round % 4];
        let expected = spelled(&stream, version > 10);
        let payload = dumped(ObjectRef::Stream(&stream), version, rng.bool());
        let again = read_stream(&payload, &mut builder);
        again.check();
        assert_eq!(spelled(&again, true), expected);
        let (collect, again) = drained_stream(Large::Stream(Box::new(stream.clone())), version);
        again.check();
        assert_eq!(spelled(&again, true), expected);
        assert_eq!(collect.freed, 0, "the stream is still held");
    }
}

#[test]
fn a_drained_stream_lets_go_of_all_it_holds() {
    let mut rng = seeded();
    let mut stream = Stream::new();
    stream.create_group(b"group", StreamId::MIN, None);
    let long: Vec<u8> = (0..1_000_000).map(|_| rng.u8(..)).collect();
    for n in 1..50_000 {
        let id = StreamId::new(n, 0);
        let text: Vec<u8> = (0..rng.usize(..60)).map(|_| rng.u8(..)).collect();
        let value = if n == 700 { &long[..] } else { &text[..] };
        let pairs = [(&b"field"[..], value)];
        stream.log_mut().append(id, pairs.into_iter(), NodeLimits::default()).expect("it ascends");
        stream.edit_group(b"group", |_, group| {
            let name = format!("consumer{}", n % 10);
            group.create_consumer(name.as_bytes(), 5);
            let consumer = group.consumer_named(name.as_bytes()).map(|consumer| consumer.number());
            group.deliver(id, consumer.unwrap(), n);
        });
    }
    let (heap, expected) = (stream.heap_bytes(), spelled(&stream, true));
    let (collect, again) = drained_stream(Large::Stream(Box::new(stream)), 11);
    assert!(spelled(&again, true) == expected);
    assert!(collect.longest < 1_100_000, "a piece of {} bytes", collect.longest);
    assert!(collect.freed <= heap && collect.freed > heap * 9 / 10, "{} of {heap}", collect.freed);
}

/// Payloads that were damaged and signed again: refused, or a sound stream.
#[test]
fn damaged_payloads_make_sound_streams_or_none() {
    let mut rng = seeded();
    let mut builder = Builder::new(Thresholds::default(), None);
    let mut accepted = 0;
    for _ in 0..1500 {
        let mut payload = dumped(ObjectRef::Stream(&random(&mut rng)), 11, false);
        payload.truncate(payload.len() - 10);
        for _ in 0..1 + rng.usize(..3) {
            let at = 1 + rng.usize(..payload.len() - 1);
            match rng.u8(..3) {
                0 => payload[at] = rng.u8(..),
                1 => payload[at] ^= 1 << rng.u8(..8),
                _ => payload[at] = payload[at].wrapping_add(1),
            }
        }
        dump::finish(&mut payload, 0, 11);
        if dump::load_object(&payload, Limits::default(), &mut builder).is_ok() {
            accepted += 1;
            let Some(Built::Large(Large::Stream(stream))) = builder.take() else { panic!("a stream") };
            stream.check();
            let again = read_stream(&dumped(ObjectRef::Stream(&stream), 11, true), &mut builder);
            assert_eq!(spelled(&again, true), spelled(&stream, true));
        }
    }
    assert!(accepted > 50, "{accepted}");
}

/// Before 7.0 streams said nothing of their past: what a group has read is worked out as far as it can be.
#[test]
fn what_groups_of_old_streams_have_read_is_worked_out() {
    let mut stream = Stream::new();
    for ms in 1..=3 {
        let pair: (&[u8], &[u8]) = (b"f", b"v");
        let added = stream.log_mut().append(StreamId::new(ms, 0), [pair].into_iter(), NodeLimits::default());
        assert!(added.is_ok());
    }
    let mut builder = Builder::new(Thresholds::default(), None);
    for (last_id, expected) in [(0, Some(0)), (1, Some(1)), (2, None), (3, Some(3)), (4, None)] {
        let mut stream = stream.clone();
        stream.create_group(b"g", StreamId::new(last_id, 0), Some(0));
        let mut payload = dumped(ObjectRef::Stream(&stream), 10, false);
        // Its end: 3 entries up to 3-0 from 1-0 on, none deleted, 3 added; a group, which has read none.
        let end = [3, 3, 0, 1, 0, 0, 0, 3, 1, 1, b'g', last_id as u8, 0, 0, 0, 0];
        payload.truncate(payload.len() - 10);
        assert!(payload.ends_with(&end));
        payload.truncate(payload.len() - end.len());
        payload[0] = 15;
        payload.extend_from_slice(&[3, 3, 0, 1, 1, b'g', last_id as u8, 0, 0, 0]);
        dump::finish(&mut payload, 0, 10);
        let old = read_stream(&payload, &mut builder);
        assert_eq!(old.group(b"g").map(|group| group.entries_read), Some(expected), "{last_id}");
    }
}
