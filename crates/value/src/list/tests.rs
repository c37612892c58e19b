//! Both forms of a list against a deque of texts, and the naming rules against a server.

use std::collections::VecDeque;

use super::*;
use crate::packed;

/// How a run's texts are made.
#[derive(Clone, Copy, Debug)]
enum Kind {
    /// Some of all sorts.
    Any,
    /// Of few symbols, now and then of many: leaves go from one form to the other all the time.
    Mixed,
}

fn random_text(rng: &mut fastrand::Rng, kind: Kind) -> Vec<u8> {
    match (kind, rng.u32(0..40)) {
        (Kind::Mixed, 0) if rng.u32(0..10) == 0 => vec![b'G'; rng.usize(1000..9000)],
        (Kind::Mixed, 1) if rng.u32(0..10) == 0 => (0..rng.usize(0..100)).map(|_| rng.u8(..)).collect(),
        (Kind::Mixed, 2) if rng.u32(0..5) == 0 => (0..rng.usize(0..30)).map(|_| rng.u8(b' '..b'`')).collect(),
        (Kind::Mixed, 3..5) => rng.i64(-300..70_000).to_string().into_bytes(),
        (Kind::Mixed, 5..10) => b"job:".to_vec(),
        (Kind::Mixed, 10..20) => format!("job:{:06}-x", rng.u32(0..60)).into_bytes(),
        (Kind::Mixed, _) => format!("job:{:0width$x}", rng.u64(..), width = rng.usize(0..40)).into_bytes(),
        (Kind::Any, 0) => vec![b'G'; rng.usize(1000..9000)],
        (Kind::Any, 1..4) => vec![b'm'; rng.usize(0..400)],
        (Kind::Any, 4..20) => rng.i64(-300..70_000).to_string().into_bytes(),
        (Kind::Any, _) => format!("element {}", rng.u32(0..50)).into_bytes(),
    }
}

/// The texts of a part of a list.
fn texts(list: ListRef<'_>, from: u64, max: u64) -> Vec<Vec<u8>> {
    let mut texts = Vec::new();
    list.for_each_from(from, max, |element| texts.push(element.to_vec()));
    texts
}

/// A list in either form, changed by the functions under test.
enum List {
    Small(Vec<u8>),
    Large(LargeList),
}

impl List {
    fn view(&self) -> ListRef<'_> {
        match self {
            Self::Small(block) => ListRef::Small(block),
            Self::Large(list) => ListRef::Large(list),
        }
    }

    fn push(&mut self, end: End, text: &[u8]) {
        match self {
            Self::Small(block) => small::push(block, end, Element::of(text)),
            Self::Large(list) => list.push(end, Element::of(text)),
        }
    }

    fn pop(&mut self, end: End) -> Option<Vec<u8>> {
        match self {
            Self::Small(block) => small::pop(block, end, |element| element.to_vec()),
            Self::Large(list) => list.pop(end, |element| element.to_vec()),
        }
    }

    fn set(&mut self, index: usize, text: &[u8]) -> bool {
        match self {
            Self::Small(block) => small::set(block, index, Element::of(text)),
            Self::Large(list) => list.set(index as u64, Element::of(text)),
        }
    }

    fn insert(&mut self, index: usize, text: &[u8]) {
        match self {
            Self::Small(block) => small::insert(block, index, Element::of(text)),
            Self::Large(list) => list.insert(index as u64, Element::of(text)),
        }
    }

    fn remove_matching(&mut self, from: End, text: &[u8], max: u64) -> u64 {
        match self {
            Self::Small(block) => small::remove_matching(block, from, Element::of(text), max),
            Self::Large(list) => list.remove_matching(from, Element::of(text), max),
        }
    }

    fn trim(&mut self, from: usize, to: usize) {
        match self {
            Self::Small(block) => small::trim(block, from, to),
            Self::Large(list) => drop(list.trim(from as u64, to as u64)),
        }
    }

    fn index_of(&self, text: &[u8]) -> Option<usize> {
        match self {
            Self::Small(block) => small::index_of(block, Element::of(text)),
            Self::Large(list) => list.index_of(Element::of(text)).map(|index| index as usize),
        }
    }

    fn check(&self, model: &VecDeque<Vec<u8>>) {
        match self {
            Self::Small(block) => assert_eq!(packed::validate(block), Ok(())),
            Self::Large(list) => list.check(),
        }
        assert_eq!(self.view().len(), model.len() as u64);
        assert!(texts(self.view(), 0, u64::MAX).iter().eq(model.iter()));
    }
}

fn remove_from_model(model: &mut VecDeque<Vec<u8>>, from: End, text: &[u8], max: u64) -> u64 {
    let mut removed = 0;
    while removed < max {
        let found = match from {
            End::Head => model.iter().position(|there| there == text),
            End::Tail => model.iter().rposition(|there| there == text),
        };
        let Some(found) = found else { break };
        model.remove(found);
        removed += 1;
    }
    removed
}

fn check_matches(
    rng: &mut fastrand::Rng,
    list: ListRef<'_>,
    model: &VecDeque<Vec<u8>>,
    from: End,
    text: &[u8],
) {
    let start = rng.usize(0..=model.len());
    let end = rng.usize(start..=model.len());
    let max = rng.usize(1..9);
    let mut found = Vec::new();
    list.matches(Element::of(text), start as u64..end as u64, from, |index| {
        found.push(index as usize);
        found.len() < max
    });
    let expected = (start..end).filter(|&index| model[index] == text);
    match from {
        End::Head => assert!(expected.take(max).eq(found)),
        End::Tail => assert!(expected.rev().take(max).eq(found)),
    }
}

fn fuzz(seed: u64, kind: Kind, mut list: List, steps: u32) {
    println!("seed {seed}, {kind:?}");
    let (mut arena, mut short, mut shortened) = (Vec::new(), 0, 0);
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut model = VecDeque::new();
    let mut frozen: Vec<(LargeList, VecDeque<Vec<u8>>)> = Vec::new();
    for step in 0..steps {
        let growing = (step / (steps / 4)).is_multiple_of(2);
        let end = if rng.bool() { End::Head } else { End::Tail };
        let index = rng.usize(0..=model.len());
        let text = random_text(&mut rng, kind);
        match rng.u32(0..if growing { 14 } else { 26 }) {
            0..5 => {
                list.push(end, &text);
                if end == End::Head { model.push_front(text) } else { model.push_back(text) }
            }
            5..9 => {
                list.insert(index, &text);
                model.insert(index, text);
            }
            9 => {
                assert_eq!(list.set(index, &text), index < model.len());
                if let Some(there) = model.get_mut(index) {
                    *there = text;
                }
            }
            10 if rng.u32(0..8) == 0 => {
                let max = if rng.bool() { u64::MAX } else { rng.u64(0..4) };
                let removed = list.remove_matching(end, &text, max);
                assert_eq!(removed, remove_from_model(&mut model, end, &text, max));
            }
            11 if rng.u32(0..30) == 0 => {
                let from = rng.usize(0..=model.len() / 10);
                let to = model.len() - rng.usize(0..=model.len() / 10);
                list.trim(from, to);
                model.truncate(to);
                model.drain(..from);
            }
            12 => {
                assert_eq!(list.index_of(&text), model.iter().position(|there| *there == text));
                let there = list.view().get(index as u64, |element| element.to_vec());
                assert_eq!(there.as_ref(), model.get(index));
                assert!(texts(list.view(), index as u64, 9).iter().eq(model.iter().skip(index).take(9)));
                let some = list.view().collect_from(index as u64, 300, &mut arena);
                assert!(some.iter().map(|e| e.to_vec()).eq(model.iter().skip(index).take(300).cloned()));
                let mut some = Vec::new();
                let max = if rng.bool() { u64::MAX } else { 7 };
                list.view().for_each_back_from(index as u64, max, |element| some.push(element.to_vec()));
                assert!(some.iter().eq(model.iter().take(index + 1).rev().take(max as usize)));
                check_matches(&mut rng, list.view(), &model, end, &text);
            }
            13 => {
                if let List::Large(list) = &list {
                    if rng.u32(0..20) == 0 {
                        frozen.push((list.clone(), model.clone()));
                    }
                    if frozen.len() > 2 {
                        let (list, model) = frozen.swap_remove(rng.usize(0..frozen.len()));
                        List::Large(list).check(&model);
                    }
                }
            }
            _ => {
                let expected = if end == End::Head { model.pop_front() } else { model.pop_back() };
                assert_eq!(list.pop(end), expected);
            }
        }
        if step % 50 == 0 {
            list.check(&model);
        }
        if let (List::Large(list), true) = (&list, step % 10 == 0) {
            let now = list.leaves().filter(|leaf| leaf.is_short()).count();
            shortened += u32::from(now > short);
            short = now;
        }
    }
    list.check(&model);
    if let (List::Large(_), Kind::Mixed) = (&list, kind) {
        assert!(shortened > 5, "leaves hardly changed their form: {shortened}");
    }
    let block: Vec<u8> = match &list {
        List::Small(block) => block.clone(),
        List::Large(list) => list.to_small().unwrap(),
    };
    let again = LargeList::from_small(&block, Encoding::Quicklist);
    assert_eq!(again.to_small(), Some(block.clone()));
    List::Large(again).check(&model);
    assert_eq!(list.view().listpack_len(usize::MAX), Some(Packed::new(&block).listpack_len()));
}

#[test]
fn small_behaves_like_a_deque() {
    for seed in 0..20 {
        fuzz(seed, Kind::Any, List::Small(packed::EMPTY.to_vec()), 400);
    }
}

#[test]
fn large_behaves_like_a_deque() {
    for seed in 100..120 {
        fuzz(seed, Kind::Any, List::Large(LargeList::default()), 4000);
    }
}

#[test]
fn large_behaves_like_a_deque_whatever_its_leaves_are_made_of() {
    for seed in 200..220 {
        fuzz(seed, Kind::Mixed, List::Large(LargeList::default()), 8000);
    }
}

/// Heap bytes for each of a list's elements, pushed one by one.
fn bytes_per_element(end: End, text: impl Fn(u64) -> Vec<u8>) -> f64 {
    let mut list = LargeList::default();
    for number in 0..100_000 {
        list.push(end, Element::of(&text(number)));
    }
    list.check();
    list.heap_bytes() as f64 / 100_000.0
}

#[test]
fn pushed_lists_have_full_leaves() {
    for end in [End::Head, End::Tail] {
        // Of many symbols: 16 bytes of text, 2 of listpack.
        let per_element = bytes_per_element(end, |number| {
            let mut rng = fastrand::Rng::with_seed(number);
            (0..16).map(|_| rng.u8(128..)).collect()
        });
        assert!(per_element < 18.7, "{per_element}");
    }
}

#[test]
fn pushed_lists_of_few_symbols_are_short() {
    for end in [End::Head, End::Tail] {
        // 16 digits of 4 bits and a header; what all have in common is there once.
        let per_element = bytes_per_element(end, |number| {
            format!("{:016x}-mem", number.wrapping_mul(0x9E37_79B9_7F4A_7C15)).into_bytes()
        });
        assert!(per_element < 10.5, "{per_element}");
        // 22 characters of 6 bits and a header.
        let per_element = bytes_per_element(end, |number| {
            let mut rng = fastrand::Rng::with_seed(number);
            (0..22).map(|_| rng.alphanumeric() as u8).collect()
        });
        assert!(per_element < 21.5, "{per_element}");
    }
}

#[test]
fn a_built_list_is_short_but_at_its_ends() {
    let mut builder = ListBuilder::new();
    for number in 0..10_000 {
        builder.push(Element::of(format!("job:{number:08}").as_bytes()));
    }
    let list = builder.finish(Encoding::Quicklist);
    let forms: Vec<_> = list.leaves().map(ListLeaf::is_short).collect();
    let [first, middle @ .., last] = &forms[..] else { panic!("{forms:?}") };
    assert!(!first && !last && middle.iter().all(|&is_short| is_short), "{forms:?}");
}

#[test]
fn pushing_and_popping_around_a_border_leaves_the_neighbour_as_it_is() {
    let mut list = LargeList::default();
    let leaves = |list: &LargeList| list.leaves().map(ListLeaf::is_short).collect::<Vec<_>>();
    let text = |number: u32| format!("job:{number:08}");
    while leaves(&list).len() < 4 {
        list.push(End::Tail, Element::of(text(0).as_bytes()));
    }
    assert_eq!(leaves(&list), [false, true, false, false]);
    for number in 0..50 {
        list.pop(End::Tail, |_| ());
        assert_eq!(leaves(&list), [false, true, false]);
        list.push(End::Tail, Element::of(text(number).as_bytes()));
        assert_eq!(leaves(&list), [false, true, false, false]);
    }
}

#[test]
fn a_frozen_list_keeps_its_neighbours_as_blocks() {
    let mut list = LargeList::default();
    let push = |list: &mut LargeList, times| {
        (0..times)
            .for_each(|number| list.push(End::Tail, Element::of(format!("job:{number:08}").as_bytes())));
    };
    push(&mut list, 700);
    let frozen = list.clone();
    push(&mut list, 2000);
    // The leaf being filled and the nodes above it; nothing is there in both forms.
    assert!(list.copied_bytes() < 7000, "{}", list.copied_bytes());
    drop(frozen);
    list.check();
}

#[test]
fn a_neighbour_of_a_huge_element_does_not_move_it() {
    let huge = vec![b'x'; 10 << 20];
    let mut list = LargeList::default();
    list.push(End::Tail, Element::of(b"a"));
    list.push(End::Tail, Element::of(b"b"));
    list.insert(1, Element::of(&huge));
    let frozen = list.clone();
    for index in [1, 2] {
        list.insert(index, Element::of(b"c"));
    }
    list.push(End::Head, Element::of(b"d"));
    list.pop(End::Tail, |_| ());
    assert!(list.copied_bytes() < 10_000, "{}", list.copied_bytes());
    assert_eq!(frozen.len(), 3);
    list.check();
}

#[test]
fn limits_are_those_of_redis() {
    assert!(!Limit::new(-2).exceeded(8192, 4000));
    assert!(Limit::new(-2).exceeded(8193, 1));
    assert!(!Limit::new(128).exceeded(8192, 128));
    assert!(Limit::new(128).exceeded(100, 129));
    assert!(Limit::new(128).exceeded(8193, 2));
    assert_eq!(Limit::new(0), Limit::new(1));
    assert_eq!(Limit::new(-9), Limit::new(-5));
}
