//! One leaf against a vector as the model.

use super::*;

type Model = Vec<(u32, Vec<u8>, Vec<u8>, u64)>;

fn text(rng: &mut fastrand::Rng) -> Vec<u8> {
    let len = match rng.u32(..20) {
        0 => rng.usize(250..260),
        1 => rng.usize(250..3000),
        _ => rng.usize(..30),
    };
    (0..len).map(|_| rng.u8(..)).collect()
}

fn same(leaf: &MemberLeaf<2>, model: &Model) {
    leaf.check();
    assert_eq!(leaf.len(), model.len());
    for (index, (item, (position, field, value, deadline))) in
        leaf.items(0..leaf.len()).zip(model).enumerate()
    {
        let expected = Item { position: *position, parts: [&field[..], &value[..]], deadline: *deadline };
        assert_eq!(item, expected, "{index}");
        assert_eq!(leaf.parts(index), expected.parts);
        assert_eq!(leaf.deadline(index), *deadline);
    }
    let middle = model.len() / 2;
    let tail: Vec<u32> = leaf.items(middle..model.len()).map(|item| item.position).collect();
    assert_eq!(tail, model[middle..].iter().map(|entry| entry.0).collect::<Vec<_>>());
}

#[test]
fn model_fuzz() {
    for seed in 0..30 {
        println!("seed {seed}");
        let mut rng = fastrand::Rng::with_seed(seed);
        let (mut leaf, mut model) = (MemberLeaf::<2>::default(), Model::new());
        let mut frozen: Option<(MemberLeaf<2>, Model)> = None;
        for _ in 0..1500 {
            let at = rng.usize(..model.len().max(1));
            leaf.own();
            match rng.u32(..12) {
                0..4 if model.len() < 120 => {
                    let (position, field, value) = (rng.u32(..60), text(&mut rng), text(&mut rng));
                    let at = model.partition_point(|entry| entry.0 < position);
                    let index = leaf.find(position, rng.usize(..150), &field);
                    if let Ok(index) = index {
                        assert_eq!((model[index].0, &model[index].1), (position, &field));
                        continue;
                    }
                    assert_eq!(index, Err(at));
                    leaf.insert(at, position, [&field, &value]);
                    model.insert(at, (position, field, value, NO_DEADLINE));
                }
                4..6 if !model.is_empty() => {
                    leaf.remove(at);
                    model.remove(at);
                }
                6..8 if !model.is_empty() => {
                    let mut value = text(&mut rng);
                    if rng.bool() {
                        value.resize(model[at].2.len(), 7);
                    }
                    leaf.set_part(at, 1, &value);
                    model[at].2 = value;
                }
                8 if !model.is_empty() => {
                    let deadline = if rng.u32(..3) == 0 { rng.u64(..1000) } else { NO_DEADLINE };
                    leaf.set_deadline(at, deadline);
                    model[at].3 = deadline;
                }
                9 => {
                    let at = rng.usize(..model.len() + 1);
                    let upper = leaf.cut(at);
                    upper.check();
                    leaf.check();
                    assert_eq!((leaf.len(), upper.len()), (at, model.len() - at));
                    leaf.join(upper);
                }
                10 if !model.is_empty() => {
                    let (position, field, ..) = &model[at];
                    let found = leaf.find(*position, rng.usize(..150), field).unwrap();
                    assert_eq!((model[found].0, &model[found].1), (*position, field));
                    let first = model.partition_point(|entry| entry.0 < *position);
                    assert_eq!(leaf.find(*position, 0, b"absent, and of this length"), Err(first));
                    assert_eq!(leaf.find_last(*position, 0, field), Some(&model[found].2[..]));
                }
                11 => {
                    if let Some((leaf, model)) = frozen.replace((leaf.clone(), model.clone())) {
                        same(&leaf, &model);
                    }
                }
                _ => {}
            }
            same(&leaf, &model);
        }
        while !model.is_empty() {
            leaf.own();
            leaf.remove(0);
            model.remove(0);
        }
        leaf.check();
        assert_eq!((leaf.heap_bytes(), leaf.size()), (0, 0));
    }
}

#[test]
fn members_of_one_position_need_wide_places() {
    let (mut leaf, mut model) = (MemberLeaf::<2>::default(), Model::new());
    let mut rng = fastrand::Rng::with_seed(7);
    while leaf.data() < 80_000 {
        let field = (0..8).map(|_| rng.u8(..)).collect::<Vec<_>>();
        leaf.insert(model.len() / 2, 5, [&field, b"value"]);
        model.insert(model.len() / 2, (5, field, b"value".to_vec(), NO_DEADLINE));
    }
    assert_eq!(leaf.width(), WIDE);
    same(&leaf, &model);
    let value = vec![9; 200];
    leaf.set_part(3, 1, &value);
    model[3].2 = value;
    leaf.set_part(9, 1, b"");
    model[9].2.clear();
    same(&leaf, &model);
    let upper = leaf.cut(100);
    assert_eq!((leaf.width(), upper.width()), (NARROW, WIDE));
    leaf.join(upper);
    same(&leaf, &model);
    while leaf.width() == WIDE {
        let at = rng.usize(..model.len());
        leaf.remove(at);
        model.remove(at);
        leaf.check();
    }
    same(&leaf, &model);
    leaf.set_part(0, 1, &[1; 254]);
    model[0].2 = vec![1; 254];
    assert_eq!(leaf.width(), WIDE);
    same(&leaf, &model);
}
