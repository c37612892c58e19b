//! Nodes from outside: good ones are taken over to the byte, damaged ones are refused, and reading them causes no panic.

use super::*;

fn sample(rng: &mut fastrand::Rng) -> Stream {
    let mut stream = Stream::new();
    let limits = NodeLimits { bytes_max: 400, entries_max: rng.usize(1..12) };
    for ms in 1..rng.u64(2..60) {
        let fields = rng.usize(1..4);
        let pairs: Pairs = (0..fields)
            .map(|at| (format!("f{at}").into_bytes(), vec![b'0' + rng.u8(0..20); rng.usize(0..9)]))
            .collect();
        stream.log_mut().append(id(ms * 3, rng.u64(0..5)), borrowed(&pairs), limits).unwrap();
    }
    for _ in 0..rng.u32(0..20) {
        let entry = stream.log().range(id(rng.u64(0..180), 0), StreamId::MAX).next().map(|entry| entry.id);
        if let Some(entry) = entry {
            stream.log_mut().delete(entry);
        }
    }
    stream
}

#[test]
fn nodes_are_taken_over_to_the_byte() {
    for seed in 0..50 {
        let stream = sample(&mut fastrand::Rng::with_seed(seed));
        let mut builder = StreamBuilder::new();
        for node in stream.log().nodes() {
            let summary = builder.push(node.master_id(), &node.listpack()).unwrap();
            assert!(summary.live > 0);
        }
        assert_eq!(builder.len(), stream.log().len());
        let again = builder.finish(stream.log().info());
        again.check();
        assert_eq!(again.log().info(), stream.log().info());
        assert!(
            again.log().nodes().map(StreamNode::listpack).eq(stream.log().nodes().map(StreamNode::listpack))
        );
    }
}

#[test]
fn damage_is_found_or_does_no_harm() {
    let (mut refused, mut accepted) = (0, 0);
    for seed in 0..4000 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let stream = sample(&mut rng);
        let Some(node) = stream.log().nodes().next() else { continue };
        let mut bytes = node.listpack();
        for _ in 0..rng.u32(1..3) {
            let at = rng.usize(0..bytes.len());
            match rng.u32(0..4) {
                0 => bytes[at] = rng.u8(..),
                1 => bytes[at] ^= 1 << rng.u32(0..8),
                2 => bytes[at] = bytes[at].wrapping_add(1),
                _ => bytes.truncate(at.max(1)),
            }
        }
        let mut builder = StreamBuilder::new();
        match builder.push(node.master_id(), &bytes) {
            Err(_) => refused += 1,
            Ok(_) => {
                accepted += 1;
                let mut stream = builder.finish(Info::default());
                stream.check();
                stream.log().range_back(StreamId::MIN, StreamId::MAX).for_each(|entry| _ = owned(entry));
                let first = stream.log().first().map(|entry| entry.id);
                if let Some(first) = first {
                    assert!(stream.log_mut().delete(first));
                }
                stream.check();
            }
        }
    }
    assert!(refused > 1000 && accepted > 100, "{refused} {accepted}");
}

#[test]
fn order_and_counts_are_checked() {
    let mut stream = Stream::new();
    add(&mut stream, id(5, 0));
    add(&mut stream, id(6, 0));
    let node = stream.log().nodes().next().unwrap().clone();
    let mut builder = StreamBuilder::new();
    assert!(builder.push(id(5, 0), &node.listpack()).is_ok());
    assert_eq!(builder.push(id(6, 0), &node.listpack()), Err(Damage::Order));
    let mut wrong = node.listpack();
    // The first element is the number of live entries.
    assert_eq!(wrong[6], 2);
    wrong[6] = 3;
    assert_eq!(validate_node(id(5, 0), &wrong), Err(Damage::Count));
    wrong[6] = 2;
    // The second entry's difference of milliseconds, made that of the first.
    let at = wrong.windows(6).rposition(|six| six == [2, 1, 1, 1, 0, 1]).unwrap();
    wrong[at + 2] = 0;
    assert_eq!(validate_node(id(5, 0), &wrong), Err(Damage::Order));
    assert_eq!(
        validate_node(id(5, 0), &node.listpack()),
        Ok(NodeSummary { live: 2, deleted: 0, ids: Some((id(5, 0), id(6, 0))) })
    );
    assert!(matches!(validate_node(id(5, 0), &[]), Err(Damage::Listpack(_))));
    assert_eq!(validate_node(id(5, 0), &[7, 0, 0, 0, 0, 0, 0xFF]), Err(Damage::Master));
}
