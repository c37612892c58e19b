//! Canaries of the judge: each kind of damage must be seen, for each type.

use super::*;
use crate::headline::elements::{score, stream_id};

/// Eight elements at version 5, of which 3 were acknowledged.
fn model() -> Model {
    let model = Model::new(8, true);
    for kind in &Kind::ALL[..4] {
        (0..8).for_each(|index| model.versions(*kind).filled(index, 5));
    }
    model
}

fn value(model: &Model, kind: Kind, index: usize, version: u32) -> Reply {
    match kind {
        Kind::Zset => Reply::Bulk(score(index, version).to_string().into_bytes()),
        _ => {
            let mut value = Vec::new();
            model.versions(kind).push_value(&mut value, index, version);
            Reply::Bulk(value)
        }
    }
}

#[test]
fn judges_each_kind_of_damage_to_elements() {
    let model = model();
    for kind in [Kind::Hash, Kind::Zset, Kind::List] {
        let right: Vec<Reply> = (0..8).map(|index| value(&model, kind, index, 4)).collect();
        let verdict = |stored: &[Reply], size| {
            let mut judge = ElementJudge::new(&model, kind, &[3; 8], &[5, 5, 5, 5, 3, 5, 5, 5]);
            judge.chunk(0, 4, &stored[..4]);
            judge.chunk(4, 8, &stored[4..]);
            judge.finish(Some(size))
        };
        let mut stored = right.clone();
        stored[1] = value(&model, kind, 1, 2); // older than what was acknowledged
        stored[2] = stored[0].clone(); // another element's
        stored[3] = Reply::Bulk(b"00000004:torn".to_vec());
        stored[5] = Reply::Nil;
        let expected = Verdict { right: 3, missing: 1, malformed: 2, too_old: 1, too_new: 1 };
        assert_eq!(verdict(&stored, 7), expected, "{kind:?}");
        let foreign = Verdict { right: 7, too_new: 1, malformed: 1, ..Verdict::default() };
        assert_eq!(verdict(&right, 9), foreign, "{kind:?}: an element more");
        let mut judge = ElementJudge::new(&model, kind, &[3; 8], &[5; 8]);
        judge.chunk(0, 8, &right);
        assert!(judge.finish(Some(8)).is_exact(8), "{kind:?}");
    }
}

#[test]
fn judges_members_by_their_presence() {
    let model = model();
    let (lower, upper) = ([3, 4, 3, 3, 4, 4, 3, 3], [3, 4, 4, 5, 4, 4, 3, 3]);
    let verdict = |stored: [i64; 8], size| {
        let mut judge = ElementJudge::new(&model, Kind::Set, &lower, &upper);
        judge.chunk(0, 8, &stored.map(Reply::Int));
        judge.finish(Some(size))
    };
    assert!(verdict([1, 0, 0, 1, 0, 0, 1, 1], 4).is_exact(8));
    assert!(verdict([1, 0, 1, 0, 0, 0, 1, 1], 4).is_exact(8));
    let lost = Verdict { right: 7, missing: 1, ..Verdict::default() };
    assert_eq!(verdict([0, 0, 0, 1, 0, 0, 1, 1], 3), lost);
    let undead = Verdict { right: 7, malformed: 1, ..Verdict::default() };
    assert_eq!(verdict([1, 1, 0, 1, 0, 0, 1, 1], 5), undead);
    assert!(!verdict([1, 0, 0, 1, 0, 0, 1, 1], 5).is_exact(8));
    let mut short = ElementJudge::new(&model, Kind::Set, &lower, &upper);
    short.chunk(0, 8, &[Reply::Int(1)]);
    assert!(!short.finish(Some(1)).is_exact(8));
}

#[test]
fn judges_each_kind_of_damage_to_a_stream() {
    let model = model();
    let entry = |id: u32, version: u32| {
        let field = Reply::Array(vec![Reply::Bulk(b"v".to_vec()), value(&model, Kind::Stream, 0, version)]);
        Reply::Array(vec![Reply::Bulk(stream_id(id).into_bytes()), field])
    };
    let state = |last: u32| (last - 7..=last).map(|id| entry(id, id)).collect::<Vec<_>>();
    let judged = |entries: &[Reply], size: usize| {
        let mut judge = StreamJudge::new(&model, 0, 20, 22);
        judge.entries(&entries[..4]);
        judge.entries(&entries[4..]);
        judge.finish(Some(size as i64))
    };
    for last in 20..=22 {
        assert!(judged(&state(last), 8).is_exact(8));
    }
    assert_eq!(judged(&state(19), 8).too_old, 1);
    assert_eq!(judged(&state(23), 8).too_new, 1);
    assert_eq!(judged(&state(21), 9).malformed, 1);
    let mut wrong_value = state(21);
    wrong_value[3] = entry(17, 16);
    assert!(!judged(&wrong_value, 8).is_exact(8));
    let mut hole = state(21);
    hole.remove(3);
    assert!(!judged(&hole, 7).is_exact(8));
    let mut not_trimmed = vec![entry(13, 13)];
    not_trimmed.extend(state(21));
    assert!(!judged(&not_trimmed, 9).is_exact(8));
    assert!(!judged(&state(21)[1..], 7).is_exact(8));
    assert!(!judged(&[&state(21)[4..], &state(21)[..4]].concat(), 8).is_exact(8));
    assert!(!StreamJudge::new(&model, 0, 20, 22).finish(Some(0)).is_exact(8));
}
