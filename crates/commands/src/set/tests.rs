//! The family as a whole: random requests against a model, random choice held to its promise.

use std::collections::{BTreeSet, HashMap};

use crate::testing::{Client, Server};

type Model = BTreeSet<String>;

/// The members in a reply, which must be all different.
fn members(reply: &str) -> Model {
    let words: Vec<&str> = reply.split(' ').collect();
    let list: Vec<String> = words[1..].iter().skip(1).step_by(2).map(|word| word.to_string()).collect();
    assert_eq!(format!("*{}", list.len()), words[0], "{reply}");
    let set: Model = list.iter().cloned().collect();
    assert_eq!(set.len(), list.len(), "twice the same: {reply}");
    set
}

fn ask(client: &mut Client, request: &str) -> String {
    client.send(request);
    client.reply()
}

/// Few keys, and limits low enough for every form to be met and left again and again.
struct Fuzz {
    client: Client,
    rng: fastrand::Rng,
    sets: HashMap<String, Model>,
    universe: u32,
}

impl Fuzz {
    fn key(&mut self) -> String {
        format!("k{}", self.rng.u8(..5))
    }

    fn member(&mut self) -> String {
        let number = self.rng.u32(..self.universe);
        if number.is_multiple_of(3) { format!("m{number}") } else { number.to_string() }
    }

    fn some(&mut self, most: usize, draw: impl Fn(&mut Fuzz) -> String) -> Vec<String> {
        (0..=self.rng.usize(..most)).map(|_| draw(self)).collect()
    }

    fn set(&self, key: &str) -> Model {
        self.sets.get(key).cloned().unwrap_or_default()
    }

    fn combined(&self, name: &str, keys: &[String]) -> Model {
        let mut sets = keys.iter().map(|key| self.set(key));
        let first = sets.next().unwrap_or_default();
        match name {
            "SINTER" => sets.fold(first, |all, set| &all & &set),
            "SUNION" => sets.fold(first, |all, set| &all | &set),
            _ => sets.fold(first, |all, set| &all - &set),
        }
    }

    fn add_or_remove(&mut self, key: &str) {
        let most = if self.rng.u8(..) < 20 { 300 } else { 6 };
        let list = self.some(most, Fuzz::member);
        let adds = self.rng.u8(..) < 150;
        let before = self.set(key);
        let given: Model = list.iter().cloned().collect();
        let after = if adds { &before | &given } else { &before - &given };
        let name = if adds { "SADD" } else { "SREM" };
        let reply = ask(&mut self.client, &format!("{name} {key} {}", list.join(" ")));
        assert_eq!(reply, format!(":{}", before.len().abs_diff(after.len())));
        self.sets.insert(key.to_string(), after);
    }

    fn take(&mut self, key: &str) {
        let before = self.set(key);
        let count = self.rng.usize(..before.len() + 3);
        let taken = members(&ask(&mut self.client, &format!("SPOP {key} {count}")));
        assert_eq!(taken.len(), count.min(before.len()));
        assert!(taken.is_subset(&before));
        self.sets.insert(key.to_string(), &before - &taken);
        let left = self.set(key);
        let count = self.rng.usize(..left.len() + 3);
        let some = members(&ask(&mut self.client, &format!("SRANDMEMBER {key} {count}")));
        assert_eq!(some.len(), count.min(left.len()));
        assert!(some.is_subset(&left));
    }

    fn combine(&mut self) {
        let name = *self.rng.choice(&["SINTER", "SUNION", "SDIFF"]).unwrap();
        let keys = self.some(4, Fuzz::key);
        let expected = self.combined(name, &keys);
        let list = keys.join(" ");
        assert_eq!(members(&ask(&mut self.client, &format!("{name} {list}"))), expected, "{name} {list}");
        if name == "SINTER" {
            let limit = self.rng.usize(1..50);
            let reply = ask(&mut self.client, &format!("SINTERCARD {} {list} LIMIT {limit}", keys.len()));
            assert_eq!(reply, format!(":{}", expected.len().min(limit)));
        }
        if self.rng.bool() {
            let to = self.key();
            let reply = ask(&mut self.client, &format!("{name}STORE {to} {list}"));
            assert_eq!(reply, format!(":{}", expected.len()), "{name}STORE {to} {list}");
            self.sets.insert(to, expected);
        }
    }

    fn step(&mut self) {
        let key = self.key();
        match self.rng.u8(..20) {
            0..10 => self.add_or_remove(&key),
            10 => self.take(&key),
            11 | 12 => {
                let (to, member) = (self.key(), self.member());
                let moved = self.set(&key).contains(&member);
                let reply = ask(&mut self.client, &format!("SMOVE {key} {to} {member}"));
                assert_eq!(reply, format!(":{}", u8::from(moved)));
                if moved {
                    self.sets.get_mut(&key).unwrap().remove(&member);
                    self.sets.entry(to).or_default().insert(member);
                }
            }
            13 | 14 => {
                let member = self.member();
                let expected = format!(":{}", u8::from(self.set(&key).contains(&member)));
                assert_eq!(ask(&mut self.client, &format!("SISMEMBER {key} {member}")), expected);
            }
            _ => self.combine(),
        }
        let set = self.set(&key);
        assert_eq!(ask(&mut self.client, &format!("SCARD {key}")), format!(":{}", set.len()));
        assert_eq!(
            ask(&mut self.client, &format!("EXISTS {key}")),
            format!(":{}", u8::from(!set.is_empty()))
        );
        assert_eq!(members(&ask(&mut self.client, &format!("SMEMBERS {key}"))), set);
    }
}

#[test]
fn agrees_with_the_model() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    for (limits, universe, steps) in [
        ("set-max-intset-entries 5 set-max-listpack-entries 8 set-max-listpack-value 3", 40, 1500),
        ("set-max-intset-entries 512 set-max-listpack-entries 128 set-max-listpack-value 64", 2000, 700),
        // Above what a block holds: large sets that show a small one's encoding.
        ("set-max-intset-entries 9999 set-max-listpack-entries 9999 set-max-listpack-value 99", 5000, 300),
    ] {
        let server = Server::start();
        let mut client = server.connect();
        assert_eq!(ask(&mut client, &format!("CONFIG SET {limits}")), "+OK");
        let rng = fastrand::Rng::with_seed(seed);
        let mut fuzz = Fuzz { client, rng, sets: HashMap::new(), universe };
        (0..steps).for_each(|_| fuzz.step());
    }
}

/// Both servers must convert at the same moments. Redis 7.0 knows no small sets but those of integers.
#[test]
fn encodings_are_those_of_redis() {
    crate::reference::compare(2000, |rng| {
        let key = |rng: &mut fastrand::Rng| format!("k{}", rng.u8(..4));
        let (one, two, three) = (key(rng), key(rng), key(rng));
        let number = |rng: &mut fastrand::Rng| rng.i16(-700..700);
        let line = match rng.u8(..12) {
            0 => format!("SADD {one} {}", (0..=rng.u16(..600)).map(|n| format!("{n} ")).collect::<String>()),
            1..5 => format!("SADD {one} {} {}", number(rng), number(rng)),
            5 => format!("SREM {one} {}", number(rng)),
            6 => format!("SUNIONSTORE {one} {two} {three}"),
            7 => format!("SINTERSTORE {one} {two} {three}"),
            8 => format!("SDIFFSTORE {one} {two} {three}"),
            9 => format!("SMOVE {one} {two} {}", number(rng)),
            10 => format!("DEL {one}"),
            _ => format!("OBJECT ENCODING {one}"),
        };
        // A set of integers that is no hash table stays one or becomes one; words follow when both servers know listpacks.
        crate::reference::words(line.trim_end())
    });
}

/// Chi-square of how often each member came, over its degrees of freedom; its standard deviations away from what is expected.
fn deviation(seen: &HashMap<String, u32>, of: usize, draws: usize) -> f64 {
    let expected = draws as f64 / of as f64;
    let absent = (of - seen.len()) as f64 * expected;
    let chi: f64 = seen.values().map(|count| (f64::from(*count) - expected).powi(2) / expected).sum();
    let freedom = of as f64 - 1.0;
    (chi + absent - freedom) / (2.0 * freedom).sqrt()
}

fn filled(server: &Server, count: usize, member: impl Fn(usize) -> String) -> Client {
    let mut client = server.connect();
    for from in (0..count).step_by(5000) {
        let list: Vec<String> = (from..count.min(from + 5000)).map(&member).collect();
        ask(&mut client, &format!("SADD k {}", list.join(" ")));
    }
    client
}

/// The member with a number.
type Name = fn(usize) -> String;

/// Every member of a set comes up equally often, of whatever form the set is and however members are asked for.
#[test]
fn choice_is_fair() {
    let forms: [(usize, Name); 4] = [
        (100, |n| n.to_string()),
        (100, |n| format!("member:{n}")),
        // Long and short members, as they fill leaves unevenly.
        (20_000, |n| format!("member:{n}:{}", "x".repeat(if n % 7 == 0 { 200 } else { n % 5 }))),
        (20_000, |n| (n * n).to_string()),
    ];
    for (count, member) in forms {
        let server = Server::start();
        let mut client = filled(&server, count, member);
        // Any, few, and enough to look at every member.
        for number in [-300, count as i64 / 50, count as i64 / 10] {
            let request = format!("SRANDMEMBER k {number}");
            let (mut seen, mut draws) = (HashMap::new(), 0);
            while draws < 3 * count.max(5000) {
                let reply = ask(&mut client, &request);
                for member in reply.split(' ').skip(2).step_by(2) {
                    *seen.entry(member.to_string()).or_insert(0) += 1;
                    draws += 1;
                }
            }
            let away = deviation(&seen, count, draws);
            // Different members of one reply are evener than chance, which only lowers it.
            assert!(away < 6.0, "{request} of {count}: {away:.1} deviations, {draws} draws");
        }
    }
}

/// What SPOP takes, put back each time.
#[test]
fn what_is_taken_is_fair() {
    let server = Server::start();
    let mut client = filled(&server, 2000, |n| format!("member:{n}"));
    for request in ["SPOP k 1", "SPOP k 100", "SPOP k 1900"] {
        let (mut seen, mut draws) = (HashMap::new(), 0);
        while draws < 40_000 {
            let taken = ask(&mut client, request);
            let list: Vec<&str> = taken.split(' ').skip(2).step_by(2).collect();
            for member in &list {
                *seen.entry(member.to_string()).or_insert(0) += 1;
                draws += 1;
            }
            assert_eq!(ask(&mut client, &format!("SADD k {}", list.join(" "))), format!(":{}", list.len()));
        }
        let away = deviation(&seen, 2000, draws);
        assert!(away < 6.0, "{request}: {away:.1} deviations");
    }
}

/// A choice that is not fair is found out: the canary of the tests above.
#[test]
fn an_unfair_choice_is_noticed() {
    let mut seen = HashMap::new();
    for draw in 0..40_000u32 {
        // One member in a hundred comes three times as often as the others.
        let member = if draw.is_multiple_of(51) { fastrand::u32(..20) * 100 } else { fastrand::u32(..2000) };
        *seen.entry(member.to_string()).or_insert(0) += 1;
    }
    assert!(deviation(&seen, 2000, 40_000) > 6.0);
}
