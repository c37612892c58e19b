//! Both forms of a list against a deque of texts, and the naming rules against a server.

use std::collections::VecDeque;

use super::*;
use crate::packed;

fn random_text(rng: &mut fastrand::Rng) -> Vec<u8> {
    match rng.u32(0..40) {
        0 => vec![b'G'; rng.usize(1000..9000)],
        1..4 => vec![b'm'; rng.usize(0..400)],
        4..20 => rng.i64(-300..70_000).to_string().into_bytes(),
        _ => format!("element {}", rng.u32(0..50)).into_bytes(),
    }
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
        let texts: Vec<_> = self.view().iter_from(0).map(Element::to_vec).collect();
        assert!(texts.iter().eq(model.iter()));
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

fn fuzz(seed: u64, mut list: List, steps: u32) {
    println!("seed {seed}");
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut model = VecDeque::new();
    let mut frozen: Vec<(LargeList, VecDeque<Vec<u8>>)> = Vec::new();
    for step in 0..steps {
        let growing = (step / (steps / 4)).is_multiple_of(2);
        let end = if rng.bool() { End::Head } else { End::Tail };
        let index = rng.usize(0..=model.len());
        let text = random_text(&mut rng);
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
                assert_eq!(list.view().get(index as u64).map(Element::to_vec).as_ref(), model.get(index));
                let some: Vec<_> = list.view().iter_from(index as u64).take(9).map(Element::to_vec).collect();
                assert!(some.iter().eq(model.iter().skip(index).take(9)));
                let some = list.view().iter_back_from(index as u64).map(Element::to_vec);
                assert!(some.eq(model.iter().take(index + 1).rev().cloned()));
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
    }
    list.check(&model);
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
        fuzz(seed, List::Small(packed::EMPTY.to_vec()), 400);
    }
}

#[test]
fn large_behaves_like_a_deque() {
    for seed in 100..120 {
        fuzz(seed, List::Large(LargeList::default()), 4000);
    }
}

#[test]
fn pushed_lists_have_full_leaves() {
    for end in [End::Head, End::Tail] {
        let mut list = LargeList::default();
        for number in 0..100_000 {
            list.push(end, Element::of(format!("element:{number:08}").as_bytes()));
        }
        let per_element = list.heap_bytes() as f64 / 100_000.0;
        // 16 bytes of text, 2 of listpack.
        assert!(per_element < 18.6, "{per_element}");
    }
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
