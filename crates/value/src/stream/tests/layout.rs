//! Nodes beside listpacks that are written here, element by element, by rules of their own: what is spelled is those bytes, whichever way a node came about,
//! and its entries are found from every ID in both directions.

use super::*;
use crate::packed::Element;

/// An entry: its ID, whether it is deleted, and its pairs.
type Described = (StreamId, bool, Pairs);

/// Appends an element as a listpack has it.
fn put(out: &mut Vec<u8>, count: &mut usize, text: &[u8]) {
    let start = out.len();
    let number = std::str::from_utf8(text).ok().and_then(|text| text.parse::<i64>().ok());
    match number.filter(|number| number.to_string().as_bytes() == text) {
        Some(number) => {
            let wide = number.to_le_bytes();
            match number {
                0..=127 => out.push(wide[0]),
                -4096..=4095 => out.extend([0b1100_0000 + ((number & 0x1FFF) >> 8) as u8, wide[0]]),
                _ => {
                    let bits = [16, 24, 32, 64]
                        .into_iter()
                        .find(|&bits| number << (64 - bits) >> (64 - bits) == number)
                        .unwrap();
                    out.push(match bits {
                        16 => 0xF1,
                        24 => 0xF2,
                        32 => 0xF3,
                        _ => 0xF4,
                    });
                    out.extend(&wide[..bits / 8]);
                }
            }
        }
        None if text.len() < 64 => out.push(128 + text.len() as u8),
        None if text.len() < 4096 => out.extend([224 + (text.len() / 256) as u8, (text.len() % 256) as u8]),
        None => {
            out.push(0xF0);
            out.extend((text.len() as u32).to_le_bytes());
        }
    }
    if number.is_none() || !matches!(out[start], 0..=127 | 192..=223 | 241..=244) {
        out.extend(text);
    }
    let mut length = out.len() - start;
    // The limits of listpacks are one below what so many groups of 7 bits can hold.
    let groups = 1 + [127, 16_382, 2_097_150].iter().filter(|&&most| length > most).count();
    let at = out.len();
    for group in 0..groups {
        out.insert(at, (length % 128) as u8 + if group + 1 < groups { 128 } else { 0 });
        length /= 128;
    }
    *count += 1;
}

fn listpack_of(master: StreamId, fields: &[Vec<u8>], entries: &[Described]) -> Vec<u8> {
    let (mut out, mut count) = (vec![0; 6], 0);
    let int = |number: i64, out: &mut Vec<u8>, count: &mut usize| {
        put(out, count, number.to_string().as_bytes());
    };
    let deleted = entries.iter().filter(|entry| entry.1).count();
    for number in [entries.len() - deleted, deleted, fields.len()] {
        int(number as i64, &mut out, &mut count);
    }
    fields.iter().for_each(|field| put(&mut out, &mut count, field));
    int(0, &mut out, &mut count);
    for (id, is_deleted, pairs) in entries {
        let before = count;
        let is_same = pairs.iter().map(|pair| &pair.0).eq(fields);
        int(i64::from(*is_deleted) + 2 * i64::from(is_same), &mut out, &mut count);
        int(id.ms.wrapping_sub(master.ms) as i64, &mut out, &mut count);
        int(id.seq.wrapping_sub(master.seq) as i64, &mut out, &mut count);
        if !is_same {
            int(pairs.len() as i64, &mut out, &mut count);
        }
        for (field, value) in pairs {
            if !is_same {
                put(&mut out, &mut count, field);
            }
            put(&mut out, &mut count, value);
        }
        int((count - before) as i64, &mut out, &mut count);
    }
    out.push(0xFF);
    let len = out.len() as u32;
    out[..4].copy_from_slice(&len.to_le_bytes());
    out[4..6].copy_from_slice(&(count.min(65_535) as u16).to_le_bytes());
    out
}

fn text(rng: &mut fastrand::Rng) -> Vec<u8> {
    match rng.u32(0..8) {
        0..3 => (rng.i64(..) >> rng.u32(0..64)).to_string().into(),
        3 => [&b"00"[..], b"-0", b"+1", b"", b"9223372036854775808", b"-9223372036854775808", b"1 "]
            [rng.usize(0..7)]
        .to_vec(),
        4 => {
            let near = [64, 127, 128, 4096, 16_383][rng.usize(0..5)];
            vec![b'x'; near + rng.usize(0..3) - if rng.u32(0..8) > 0 { near } else { 2 }]
        }
        _ => vec![rng.u8(..); rng.usize(0..12)],
    }
}

fn later(id: StreamId, rng: &mut fastrand::Rng) -> StreamId {
    let seq = rng.u64(..) >> rng.u32(0..64);
    match rng.u32(0..12) {
        0..3 => StreamId::new(id.ms, id.seq + 1),
        3 => StreamId::new(id.ms, id.seq.saturating_add(1 + (seq >> 20))),
        4..7 => StreamId::new(id.ms + 1, 0),
        7 => StreamId::new(id.ms + rng.u64(1..200), 0),
        8 => StreamId::new(id.ms + rng.u64(1..200), seq),
        9 => StreamId::new(id.ms + (seq >> 8), id.seq.saturating_add(1)),
        _ => StreamId::new(id.ms + rng.u64(1..60), rng.u64(0..3)),
    }
}

fn described(rng: &mut fastrand::Rng) -> Vec<Described> {
    let names: Vec<Vec<u8>> = (0..rng.usize(1..5)).map(|_| text(rng)).collect();
    let mut id = StreamId::new(rng.u64(..) >> rng.u32(8..64), rng.u64(..) >> rng.u32(1..64));
    let mut entries = Vec::new();
    for _ in 0..[rng.usize(1..30), rng.usize(1..300)][rng.usize(0..2)] {
        let is_same = entries.is_empty() || rng.u32(0..5) > 0;
        let names = if is_same { names.clone() } else { (0..rng.usize(1..4)).map(|_| text(rng)).collect() };
        let pairs = names.into_iter().map(|name| (name, text(rng))).collect();
        entries.push((id, false, pairs));
        let next = later(id, rng);
        if next <= id {
            break;
        }
        id = next;
    }
    entries
}

/// Looks for entries from an ID on, and back from it.
fn look(log: &Log, id: StreamId, entries: &[Described]) {
    let live = entries.iter().filter(|entry| !entry.1);
    let owned_of = |entry: &Described| (entry.0, entry.2.clone());
    let from = live.clone().filter(|entry| entry.0 >= id).map(owned_of);
    assert!(log.range(id, StreamId::MAX).map(owned).eq(from), "from {id}");
    let to = live.rev().filter(|entry| entry.0 <= id).map(owned_of);
    assert!(log.range_back(StreamId::MIN, id).map(owned).eq(to), "back from {id}");
}

#[test]
fn a_node_is_spelled_as_redis_would_have_it() {
    let limits = NodeLimits { bytes_max: 0, entries_max: 0 };
    let (mut longest, mut deleted) = (0, 0);
    for seed in 0..300 {
        println!("seed {seed}");
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut entries = described(&mut rng);
        let master = entries[0].0;
        let fields: Vec<_> = entries[0].2.iter().map(|pair| pair.0.clone()).collect();
        let mut stream = Stream::new();
        for (id, _, pairs) in &entries {
            stream.log_mut().append(*id, borrowed(pairs), limits).unwrap();
        }
        for _ in 0..rng.usize(0..=entries.len()) {
            let at = rng.usize(0..entries.len());
            if stream.log().len() > 1 {
                assert_eq!(stream.log_mut().delete(entries[at].0), !entries[at].1);
                deleted += u32::from(!entries[at].1);
                entries[at].1 = true;
            }
        }
        let expected = listpack_of(master, &fields, &entries);
        let node = stream.log().nodes().next().unwrap();
        assert_eq!((node.listpack(), node.listpack_len()), (expected.clone(), expected.len()));
        longest = longest.max(expected.len());
        let mut builder = StreamBuilder::new();
        builder.push(master, &expected).unwrap();
        let loaded = builder.finish(stream.log().info());
        assert_eq!(loaded.log().nodes().next().unwrap().listpack(), expected);
        loaded.check();
        stream.check();
        for log in [stream.log(), loaded.log()] {
            for _ in 0..20 {
                let near = entries[rng.usize(0..entries.len())].0;
                let around = [Some(near), near.next(), near.previous()];
                around.into_iter().flatten().for_each(|id| look(log, id, &entries));
            }
            look(log, StreamId::MIN, &entries);
            look(log, StreamId::MAX, &entries);
        }
        // Both go on in the same way.
        let last = entries[entries.len() - 1].0;
        if let Some(next) = last.next() {
            let mut loaded = loaded;
            let pairs = entries[0].2.clone();
            entries.push((next, false, pairs.clone()));
            let expected = listpack_of(master, &fields, &entries);
            for stream in [&mut stream, &mut loaded] {
                stream.log_mut().append(next, borrowed(&pairs), limits).unwrap();
                assert_eq!(stream.log().nodes().next().unwrap().listpack(), expected);
                stream.check();
            }
        }
    }
    assert!(longest > 40_000 && deleted > 5000, "{longest} {deleted}");
}

#[test]
fn what_others_spell_at_length_is_spelled_as_redis_does() {
    let entry = |seq, value: &str| (id(7, seq), false, vec![(b"f".to_vec(), value.as_bytes().to_vec())]);
    let expected = listpack_of(id(7, 1), &[b"f".to_vec()], &[entry(1, "5"), entry(3, "x")]);
    // Flags that mean nothing, a number as text, the difference of 2 in 16 bits, and a count that is not told.
    let mut wide = vec![0, 0, 0, 0, 0xFF, 0xFF, 2, 1, 0, 1, 1, 1, 0x81, b'f', 2, 0, 1];
    wide.extend([6, 1, 0, 1, 0, 1, 0x81, b'5', 2, 4, 1]);
    wide.extend([2, 1, 0, 1, 0xF1, 2, 0, 3, 0x81, b'x', 2, 4, 1, 0xFF]);
    let len = wide.len() as u32;
    wide[..4].copy_from_slice(&len.to_le_bytes());
    let mut builder = StreamBuilder::new();
    builder.push(id(7, 1), &wide).unwrap();
    let stream = builder.finish(Info::default());
    assert_eq!(stream.log().nodes().next().unwrap().listpack(), expected);
    let first = stream.log().first().unwrap().fields.next();
    assert_eq!(first, Some((Element::Bytes(b"f"), Element::Int(5))));
    stream.check();
}

#[test]
fn long_elements_are_handed_over_from_where_they_lie_and_an_error_ends_it() {
    let mut stream = Stream::new();
    let long = vec![b'x'; 100_000];
    (1..50).for_each(|ms| add(&mut stream, id(ms, 0)));
    let pair = (&b"field"[..], &long[..]);
    let limits = NodeLimits { bytes_max: 0, entries_max: 0 };
    stream.log_mut().append(id(50, 0), [pair].into_iter(), limits).unwrap();
    (51..100).for_each(|ms| add(&mut stream, id(ms, 0)));
    let node = stream.log().nodes().next().unwrap();
    let pieces_until = |refused: usize| {
        let mut pieces = Vec::new();
        let done = node.spell(&mut |bytes| {
            pieces.push(bytes.to_vec());
            if pieces.len() == refused { Err(bytes.len()) } else { Ok(()) }
        });
        (done, pieces)
    };
    let (done, pieces) = pieces_until(usize::MAX);
    assert_eq!((done, pieces.concat()), (Ok(()), node.listpack()));
    let longest = pieces.iter().map(Vec::len).max();
    assert!(longest == Some(long.len() + 5) && pieces.len() < 8, "{longest:?} in {}", pieces.len());
    assert_eq!(pieces_until(2), (Err(pieces[1].len()), pieces[..2].to_vec()));
}

#[test]
fn an_entry_of_one_short_value_takes_little_more_than_the_value() {
    let mut stream = Stream::new();
    for ms in 1..=100_000 {
        let pair: (&[u8], &[u8]) = (b"f", b"v1234567");
        stream.log_mut().append(id(ms, 0), [pair].into_iter(), NodeLimits::default()).unwrap();
    }
    let bytes = stream.heap_bytes() as f64 / 1e5;
    assert!(bytes < 14.0, "{bytes}");
}
