//! SSCAN: the members of a set, some at a time.
//!
//! A small set is shown at once. In a large one the cursor is a position in the order of hashes, so that every member that stays is
//! returned exactly once. That holds across a change of form: from a small set, a cursor of a large one is answered with the members that
//! lie behind it.

use engine::{Args, Argument, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec};
use value::member_hash::{fragment, member_hash};
use value::set::SetRef;

use crate::keys::scan::{COUNT, CURSOR, Options, PATTERN, cursor, unknown_option};
use crate::set::members::Members;
use crate::set::operands::Operands;

/// From this count on a large set is frozen and the locks are given back before members are looked at.
const FREEZE_FROM: u64 = 1000;

/// `SSCAN key cursor [MATCH pattern] [COUNT count]`
pub static SSCAN: Command = Command {
    name: "sscan",
    arity: -3,
    flags: Flags::READONLY,
    categories: Categories::SET,
    keys: &[KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    docs: Docs {
        summary: "Lists the members of a set a part at a time, with a cursor.",
        since: "2.8.0",
        group: Group::Set,
        complexity: "O(1) for every call. O(N) for a complete iteration, including enough command calls for the cursor to return back to 0. N is the number of elements inside the collection.",
        ..Docs::NONE
    },
    arguments: &[Argument::key(), CURSOR, PATTERN, COUNT],
    tips: &["nondeterministic_output"],
    execute: sscan,
    ..Command::DEFAULT
};

fn sscan(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let cursor = cursor(args[2]).ok_or(Error::fixed("ERR invalid cursor"))?;
    let keyspace = ctx.data.keyspace();
    let mut members = Members::new(ctx.reply.protocol());
    let next = match ctx.data.read_set(args[1])? {
        None => 0,
        Some(set) => {
            let options = Options::parse(&args[3..], |word, _| Err(unknown_option(word)))?;
            if options.count >= FREEZE_FROM && matches!(set, SetRef::Large(_)) {
                let operands = Operands::of(keyspace, set);
                ctx.data.release();
                operands.get(0).map_or(0, |set| show(set, cursor, &options, &mut members))
            } else {
                show(set, cursor, &options, &mut members)
            }
        }
    };
    let mut reply = ctx.reply.write();
    reply.array(2);
    reply.bulk(next.to_string().as_bytes());
    members.send_array(&mut ctx.reply);
    Ok(())
}

/// Shows members from `cursor` on; returns the next one.
fn show(set: SetRef<'_>, cursor: u64, options: &Options<'_>, members: &mut Members) -> u64 {
    let is_small = !matches!(set, SetRef::Large(_));
    set.scan(cursor, options.count, |member| {
        let is_behind = || u64::from(fragment(member_hash(member.text(&mut None)))) >= cursor;
        if options.wants(member.text(&mut None)) && (cursor == 0 || !is_small || is_behind()) {
            members.push(member);
        }
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use crate::testing::{Client, Server, check};

    #[test]
    fn options() {
        const WRONG_TYPE: &str = "-WRONGTYPE Operation against a key holding the wrong kind of value";
        check(&[
            ("SSCAN nothing 0 FOO", "*2 $1 0 *0"),
            ("SSCAN nothing x", "-ERR invalid cursor"),
            ("SADD k 1 2 30", ":3"),
            ("SSCAN k 0", "*2 $1 0 *3 $1 1 $1 2 $2 30"),
            ("SSCAN k 0 COUNT 1", "*2 $1 0 *3 $1 1 $1 2 $2 30"),
            ("SSCAN k 0 MATCH 3*", "*2 $1 0 *1 $2 30"),
            ("SSCAN k 0 MATCH * COUNT 5", "*2 $1 0 *3 $1 1 $1 2 $2 30"),
            ("SSCAN k 0 FOO", "-ERR syntax error"),
            ("SSCAN k 0 TYPE set", "-ERR syntax error"),
            ("SSCAN k 0 NOVALUES", "-ERR NOVALUES option can only be used in HSCAN"),
            ("SSCAN k 0 COUNT 0", "-ERR syntax error"),
            ("SSCAN k 0 COUNT x", "-ERR value is not an integer or out of range"),
            ("SSCAN k 0 COUNT", "-ERR syntax error"),
            ("SET s v", "+OK"),
            ("SSCAN s x", "-ERR invalid cursor"),
            ("SSCAN s 0 FOO", WRONG_TYPE),
        ]);
    }

    /// One call; counts what is returned, and returns the cursor.
    fn scan(client: &mut Client, cursor: &str, options: &str, seen: &mut HashMap<String, usize>) -> String {
        client.send(&format!("SSCAN k {cursor} {options}"));
        let reply = client.reply();
        let words: Vec<&str> = reply.split(' ').collect();
        assert_eq!(words[0], "*2", "{reply}");
        for member in words[4..].iter().skip(1).step_by(2) {
            *seen.entry(member.to_string()).or_default() += 1;
        }
        words[2].to_string()
    }

    fn add(client: &mut Client, prefix: &str, count: usize) {
        let members: Vec<String> = (0..count).map(|number| format!("{prefix}:{number}")).collect();
        client.send(&format!("SADD k {}", members.join(" ")));
        client.reply();
    }

    #[test]
    fn what_stays_is_returned_exactly_once() {
        let server = Server::start();
        let mut client = server.connect();
        add(&mut client, "stays", 3000);
        for options in ["", "COUNT 1", "COUNT 333", "COUNT 5000"] {
            let (mut seen, mut cursor) = (HashMap::new(), "0".to_string());
            for call in 1.. {
                cursor = scan(&mut client, &cursor, options, &mut seen);
                if cursor == "0" {
                    break;
                }
                if call % 20 == 1 {
                    add(&mut client, "other", 9000);
                } else if call % 20 == 5 {
                    let gone: Vec<String> = (0..9000).map(|number| format!("other:{number}")).collect();
                    client.send(&format!("SREM k {}", gone.join(" ")));
                    client.reply();
                }
            }
            for number in 0..3000 {
                assert_eq!(seen.get(&format!("stays:{number}")), Some(&1), "{options} {number}");
            }
        }
    }

    /// Most members leave in the middle, and the rest is a block.
    #[test]
    fn also_when_the_set_becomes_small() {
        let server = Server::start();
        let mut client = server.connect();
        add(&mut client, "member", 1000);
        let mut seen = HashMap::new();
        let cursor = scan(&mut client, "0", "COUNT 500", &mut seen);
        assert_ne!(cursor, "0");
        client.send("SPOP k 950");
        client.reply();
        client.check(&[("OBJECT ENCODING k", "$8 listpack")]);
        assert_eq!(scan(&mut client, &cursor, "COUNT 500", &mut seen), "0");
        client.send("SMEMBERS k");
        let left = client.reply();
        for member in left.split(' ').skip(2).step_by(2) {
            assert_eq!(seen.get(member), Some(&1), "{member}");
        }
    }
}
