//! Sets against `BTreeSet` as the model: small and large, through all conversions, with freezes and interleaved scans;
//! with members whose hashes are all equal; and the fairness of a random choice.

use std::collections::{BTreeSet, HashMap};

use super::*;
use crate::directory::Leaf;
use crate::member_hash::fragment;
use crate::near::{Sought, Station};
use crate::packed::BLOCK_MAX;

type Model = BTreeSet<Vec<u8>>;

const DEFAULTS: SetLimits =
    SetLimits { intset_entries_max: 512, listpack_entries_max: 128, listpack_value_max: 64 };

/// A set as the keyspace holds one.
#[derive(Clone)]
enum Held {
    Small(Vec<u8>, SetForm),
    Large(Box<LargeSet>),
}

impl Held {
    fn new(first: &[u8], limits: &SetLimits) -> Self {
        match small::form_for(first, 1, limits) {
            Some(form) => Self::Small(form.empty(), form),
            None => Self::Large(Box::new(LargeSet::new(SetEncoding::Hashtable))),
        }
    }

    fn view(&self) -> SetRef<'_> {
        match self {
            Self::Small(block, form) => SetRef::small(block, *form),
            Self::Large(set) => SetRef::Large(set),
        }
    }

    fn add(&mut self, member: &[u8], limits: &SetLimits) -> bool {
        match self {
            Self::Small(block, form) => match small::add(block, form, member, limits) {
                small::Added::Present => false,
                small::Added::New => true,
                small::Added::Outgrown(large) => {
                    *self = Self::Large(large);
                    true
                }
            },
            Self::Large(set) => set.add(member_hash(member), member, limits),
        }
    }

    fn remove(&mut self, member: &[u8]) -> bool {
        match self {
            Self::Small(block, form) => small::remove(block, *form, member),
            Self::Large(set) => set.remove(member_hash(member), member),
        }
    }

    fn take_rank(&mut self, rank: u64, out: &mut Vec<u8>) -> bool {
        match self {
            Self::Small(block, form) => small::take_rank(block, *form, rank, out),
            Self::Large(set) => set.take_rank(rank, out),
        }
    }

    fn check(&self, model: &Model) {
        if let Self::Large(set) = self {
            set.check();
        }
        if let Self::Small(block, form) = self {
            assert!(block.len() <= BLOCK_MAX);
            assert!(*form == SetForm::Intset || small::is_sound(Packed::new(block)));
        }
        for (hash, member) in self.view().iter_hashed().take(50) {
            let mut digits = None;
            assert_eq!(fragment(hash), fragment(member_hash(member.text(&mut digits))));
        }
        let mut members: Vec<Vec<u8>> = self.view().iter().map(Element::to_vec).collect();
        members.sort();
        assert!(members.iter().eq(model.iter()), "members differ");
        assert_eq!(self.view().len(), model.len() as u64);
    }
}

fn member(rng: &mut fastrand::Rng, kind: u32) -> Vec<u8> {
    let number = match kind {
        0 => rng.i64(-300..300),
        1 => rng.i64(-40_000..40_000),
        _ => rng.i64(..) >> rng.u32(..60),
    };
    let mut text = number.to_string().into_bytes();
    if kind == 3 && rng.u32(..3) > 0 {
        text.insert(0, b'm');
        if rng.u32(..50) == 0 {
            text.resize(rng.usize(60..4000), b'x');
        }
    }
    text
}

#[test]
fn model_fuzz() {
    let limits = [
        DEFAULTS,
        SetLimits { intset_entries_max: 100_000, listpack_entries_max: 100_000, listpack_value_max: 100 },
        SetLimits { intset_entries_max: 0, listpack_entries_max: 0, listpack_value_max: 0 },
    ];
    for seed in 0..24 {
        let (kind, limits) = (seed as u32 % 4, &limits[seed as usize / 4 % 3]);
        println!("seed {seed}");
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut model = Model::new();
        let mut set = Held::new(&member(&mut rng, kind), limits);
        let mut frozen: Vec<(Held, Model)> = Vec::new();
        let mut growing = true;
        for step in 0..6000 {
            if rng.u32(..1500) == 0 {
                growing = !growing;
            }
            let text = member(&mut rng, kind);
            match rng.u32(..10) {
                0..7 if rng.u32(..10) < if growing { 9 } else { 2 } => {
                    assert_eq!(set.add(&text, limits), model.insert(text));
                }
                0..5 if !model.is_empty() => {
                    let mut taken = Vec::new();
                    assert!(set.take_rank(rng.u64(..model.len() as u64), &mut taken));
                    assert!(model.remove(&taken));
                }
                5..7 => assert_eq!(set.remove(&text), model.remove(&text)),
                7..9 => {
                    assert_eq!(set.view().contains(&text), model.contains(&text));
                    assert_eq!(set.view().contains_element(Element::of(&text)), model.contains(&text));
                    assert_eq!(set.view().contains_element(Element::Bytes(&text)), model.contains(&text));
                    assert_eq!(set.view().contains_hashed(member_hash(&text), &text), model.contains(&text));
                }
                _ if rng.u32(..100) == 0 => {
                    frozen.push((set.clone(), model.clone()));
                    if frozen.len() > 3 {
                        let (set, model) = frozen.swap_remove(rng.usize(..3));
                        set.check(&model);
                    }
                }
                _ => {}
            }
            if step % 501 == 0 {
                set.check(&model);
            }
        }
        set.check(&model);
        frozen.iter().for_each(|(set, model)| set.check(model));
    }
}

/// Expectations are live replies of Redis 8.0 and Valkey 9.1 with these limits.
#[test]
fn encodings_follow_the_thresholds() {
    let add_all = |members: &[&str], limits: &SetLimits| {
        let mut set = Held::new(members[0].as_bytes(), limits);
        members.iter().for_each(|member| {
            set.add(member.as_bytes(), limits);
        });
        set.view().encoding().name()
    };
    let few = SetLimits { intset_entries_max: 3, listpack_entries_max: 3, listpack_value_max: 5 };
    assert_eq!(add_all(&["1", "2", "3"], &few), "intset");
    assert_eq!(add_all(&["1", "2", "3", "4"], &few), "hashtable");
    assert_eq!(add_all(&["1", "2", "a"], &few), "listpack");
    assert_eq!(add_all(&["1", "2", "3", "a"], &few), "hashtable");
    assert_eq!(add_all(&["1", "123456", "a"], &few), "hashtable", "an integer is too long for a listpack");
    assert_eq!(add_all(&["1", "abcdef"], &few), "hashtable");
    assert_eq!(add_all(&["a", "b", "c", "c"], &few), "listpack");
    assert_eq!(add_all(&["a", "b", "c", "d"], &few), "hashtable");
    assert_eq!(add_all(&["a", "abcdef"], &few), "hashtable");
    assert_eq!(add_all(&["01", "1"], &few), "listpack");
}

#[test]
fn what_a_block_cannot_hold_keeps_its_encoding() {
    let limits =
        SetLimits { intset_entries_max: 10_000, listpack_entries_max: 5_000, listpack_value_max: 64 };
    let mut set = Held::new(b"1", &limits);
    for value in 0..10_000i64 {
        assert!(set.add((value << 20).to_string().as_bytes(), &limits));
    }
    assert!(matches!(set, Held::Large(_)));
    assert_eq!(set.view().encoding(), SetEncoding::Intset);
    let mut text = set.clone();
    assert!(text.add(b"text", &limits));
    assert_eq!(text.view().encoding(), SetEncoding::Hashtable, "too many for a listpack");
    assert!(set.add(b"-1", &limits));
    assert_eq!(set.view().encoding(), SetEncoding::Hashtable);
    let mut few = Held::new(b"1", &limits);
    for value in 0..3_000i64 {
        few.add((value << 20).to_string().as_bytes(), &limits);
    }
    assert_eq!(few.view().encoding(), SetEncoding::Intset);
    few.add(b"text", &limits);
    assert_eq!(few.view().encoding(), SetEncoding::Listpack);
}

/// A large set shows integers as bytes; a block holds them as integers.
#[test]
fn integers_are_found_in_a_block_by_their_bytes() {
    let (mut block, mut form) = (SetForm::Listpack.empty(), SetForm::Listpack);
    for text in ["5", "x", "-700"] {
        small::add(&mut block, &mut form, text.as_bytes(), &DEFAULTS);
    }
    let set = SetRef::small(&block, form);
    for (text, is_there) in [("5", true), ("x", true), ("-700", true), ("6", false), ("05", false)] {
        assert_eq!(set.contains_element(Element::Bytes(text.as_bytes())), is_there, "{text}");
    }
}

#[test]
fn members_with_equal_hashes_are_told_apart() {
    for hash in [0, u64::MAX, 0x1234_5678_9ABC_DEF0] {
        let mut set = LargeSet::new(SetEncoding::Hashtable);
        let members: Vec<Vec<u8>> = (0..3000).map(|i| format!("member {i}").into_bytes()).collect();
        for member in &members {
            assert!(set.insert(hash, member));
            assert!(!set.insert(hash, member));
        }
        set.check();
        let mut seen = 0;
        assert_eq!(set.scan(0, 10, |_| seen += 1), 0, "equal hashes are not torn apart");
        assert_eq!(seen, members.len());
        assert!(members.iter().all(|member| set.contains(hash, member)));
        // One with another hash beside them.
        assert!(set.insert(hash ^ 1 << 40, b"other"));
        set.check();
        for member in &members {
            assert!(set.remove(hash, member));
        }
        set.check();
        assert_eq!(set.iter().collect::<Vec<_>>(), [b"other"]);
    }
}

#[test]
fn long_members_lie_apart_and_are_shared_by_a_freeze() {
    let mut set = LargeSet::new(SetEncoding::Hashtable);
    let long = vec![b'x'; 10 << 20];
    for i in 0..500u32 {
        let mut member = vec![b'y'; 300];
        member.extend_from_slice(&i.to_le_bytes());
        set.insert(member_hash(&member), &member);
    }
    set.insert(member_hash(&long), &long);
    set.check();
    let frozen = set.clone();
    let before = set.copied_bytes();
    assert!(set.insert(member_hash(b"another"), b"another"));
    assert!(set.remove(member_hash(&long), &long));
    assert!(set.copied_bytes() - before < 50_000, "{}", set.copied_bytes() - before);
    assert!(frozen.contains(member_hash(&long), &long));
    assert!(set.heap_bytes() + (10 << 20) < frozen.heap_bytes() + 10_000);
}

#[test]
fn a_random_choice_is_fair() {
    for size in [10u64, 1000] {
        let mut set = LargeSet::new(SetEncoding::Hashtable);
        for i in 0..size {
            let member = i.to_string();
            set.insert(member_hash(member.as_bytes()), member.as_bytes());
        }
        let mut rng = fastrand::Rng::with_seed(7);
        let mut hits = vec![0u32; size as usize];
        let draws = size * 100;
        for _ in 0..draws {
            let member = set.at_rank(rng.u64(..size)).unwrap();
            hits[parse_i64(member).unwrap() as usize] += 1;
        }
        let chi_square: f64 = hits.iter().map(|&hits| (f64::from(hits) - 100.0).powi(2) / 100.0).sum();
        let degrees = (size - 1) as f64;
        // Four standard deviations above the mean.
        assert!(chi_square < degrees + 4.0 * (2.0 * degrees).sqrt(), "{chi_square} at {degrees}");
    }
}

#[test]
fn a_scan_of_a_set_that_changes_shows_what_stays_once() {
    let mut set = LargeSet::new(SetEncoding::Hashtable);
    let mut rng = fastrand::Rng::with_seed(3);
    let text = |kind: char, i: u64| format!("{kind}{i}").into_bytes();
    for i in 0..5000 {
        let member = text('s', i);
        set.insert(member_hash(&member), &member);
    }
    let (mut seen, mut cursor, mut others) = (Vec::new(), 0, 0..0);
    loop {
        cursor = set.scan(cursor, rng.u64(1..40), |member| {
            if member[0] == b's' {
                seen.push(member.to_vec());
            }
        });
        if cursor == 0 {
            break;
        }
        for _ in 0..500 {
            if others.end < 60_000 {
                let member = text('o', others.end);
                set.insert(member_hash(&member), &member);
                others.end += 1;
            } else if let Some(i) = others.next() {
                let member = text('o', i);
                assert!(set.remove(member_hash(&member), &member));
            }
        }
    }
    set.check();
    seen.sort();
    let len = seen.len();
    seen.dedup();
    assert_eq!((len, seen.len()), (5000, 5000));
}

#[test]
fn intsets_of_files_are_checked() {
    let mut block = SetForm::Intset.empty();
    for value in [5, -3, 70_000, 5] {
        intset::add(&mut block, value);
    }
    let mut file = Vec::new();
    Intset::new(&block).append_rdb(&mut file);
    assert_eq!(file.len(), Intset::new(&block).rdb_len());
    assert_eq!(file, [4, 0, 0, 0, 3, 0, 0, 0, 253, 255, 255, 255, 5, 0, 0, 0, 112, 17, 1, 0]);
    assert_eq!(intset::from_rdb(&file).unwrap(), block);
    for at in 0..file.len() {
        assert!(intset::from_rdb(&file[..at]).is_err());
    }
    file[8] = 6;
    file[9..12].fill(0);
    assert!(intset::from_rdb(&file).is_err(), "not ascending");
    assert!(intset::from_rdb(&[2, 0, 0, 0, 255, 255, 255, 255]).is_err());
}

#[test]
fn twice_the_same_member_is_not_sound() {
    let mut block = SetForm::Listpack.empty();
    packed::extend(&mut block, &[Element::of(b"a"), Element::of(b"1"), Element::of(b"b")]);
    assert!(small::is_sound(Packed::new(&block)));
    packed::push_back(&mut block, Element::of(b"1"));
    assert!(!small::is_sound(Packed::new(&block)));
}

#[test]
fn a_frozen_set_is_read_by_another_thread_while_the_set_changes() {
    let mut set = LargeSet::new(SetEncoding::Hashtable);
    let text = |i: u32| i.to_string().into_bytes();
    for i in 0..20_000 {
        set.insert(member_hash(&text(i)), &text(i));
    }
    let frozen = set.clone();
    let reader = std::thread::spawn(move || {
        let mut members = 0;
        let mut drain = frozen.into_drain();
        while let Some(leaf) = drain.next() {
            members += leaf.items(0..leaf.len()).filter(|item| parse_i64(item.parts[0]).is_some()).count();
            drain.release(leaf);
        }
        members
    });
    for i in 0..20_000 {
        assert!(set.remove(member_hash(&text(i)), &text(i)));
    }
    set.check();
    assert_eq!(reader.join().unwrap(), 20_000);
    assert_eq!(set.heap_bytes(), 0);
}

/// Every member of a large set is among the lines that are named last, and the way there is as long as the tree is deep.
#[test]
fn a_member_lies_where_its_search_is_said_to_look() {
    let mut set = LargeSet::new(SetEncoding::Hashtable);
    let name = |number: u32| format!("member:{number:0width$}", width = number as usize % 30).into_bytes();
    for number in 0..20_000 {
        set.insert(member_hash(&name(number)), &name(number));
    }
    // Many with nearly the same hash, so that there are levels of pages.
    let deep =
        |number: u32| (number.to_string().into_bytes(), 0x1234_5600_0000_0000 + (u64::from(number) << 30));
    (0..2000).map(deep).for_each(|(member, hash)| assert!(set.insert(hash, &member)));
    let way = |set: &LargeSet, hash, is_changed| {
        let (mut sought, mut way, mut last) = (Sought::new(hash, is_changed), Vec::new(), Vec::new());
        while sought.station != Station::Done {
            way.push(sought.station);
            last.clear();
            set.lines_near(&mut sought, &mut |line| last.push(line.addr() / 64));
            let bounds = match sought.station {
                // No candidate, no line to compare it in; but what moves if it is added.
                Station::Done => 0..=if is_changed { 70 } else { 8 },
                _ => 1..=12,
            };
            assert!(bounds.contains(&last.len()), "{} lines at {:?}", last.len(), way.last());
        }
        (way, last)
    };
    let places: HashMap<Vec<u8>, usize> =
        set.iter().map(|member| (member.to_vec(), member.as_ptr().addr() / 64)).collect();
    let hashed = (0..20_000).map(|number| (name(number), member_hash(&name(number))));
    let mut longest = 0;
    for (member, hash) in hashed.chain((0..2000).map(deep)) {
        let (way, last) = way(&set, hash, false);
        assert!(last.contains(&places[&member]), "{}", member.escape_ascii());
        assert_eq!(way.last(), Some(&Station::Member));
        longest = longest.max(way.len());
    }
    // Start, then two stations for each level below the second, Child of the leaf, Member.
    assert!(longest >= 5, "{longest}");
    // New ones lie where they are said to, but for those whose leaf gets another buffer.
    let mut told = 0;
    for number in 20_000..20_200 {
        let (_, last) = way(&set, member_hash(&name(number)), true);
        set.insert(member_hash(&name(number)), &name(number));
        let added = set.iter().find(|&member| member == name(number)).unwrap();
        told += u32::from(last.contains(&(added.as_ptr().addr() / 64)));
    }
    assert!(told > 140, "{told} of 200");
    let mut sought = Sought::new(1, true);
    let none = LargeSet::new(SetEncoding::Hashtable);
    none.lines_near(&mut sought, &mut |_| panic!("an empty set has no lines"));
}
