//! SMEMBERS: all members of a set.

use engine::{Args, Argument, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec};
use value::number::IntText;
use value::packed::Element;
use value::set::SetRef;

use crate::set::members::Members;
use crate::set::operands::Operands;

/// `SMEMBERS key`
pub static SMEMBERS: Command = Command {
    name: "smembers",
    arity: 2,
    flags: Flags::READONLY,
    categories: Categories::SET,
    keys: &[KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    docs: Docs {
        summary: "Answers all members of a set.",
        since: "1.0.0",
        group: Group::Set,
        complexity: "O(N) where N is the set cardinality.",
        ..Docs::NONE
    },
    arguments: &[Argument::key()],
    tips: &["nondeterministic_output_order"],
    execute: smembers,
    ..Command::DEFAULT
};

fn smembers(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let keyspace = ctx.data.keyspace();
    match ctx.data.read_set(args[1])? {
        None => ctx.reply.write().set(0),
        Some(set @ SetRef::Large(_)) => {
            let operands = Operands::of(keyspace, set);
            ctx.data.release();
            let mut members = Members::new(ctx.reply.protocol());
            operands.present().iter().flat_map(|set| set.iter()).for_each(|member| members.push(member));
            members.send_set(&mut ctx.reply);
        }
        Some(set) => {
            let mut reply = ctx.reply.write();
            reply.set(set.len() as usize);
            for member in set.iter() {
                match member {
                    Element::Int(value) => reply.bulk(IntText::new(value).as_bytes()),
                    Element::Bytes(text) => reply.bulk(text),
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::{Server, check};

    #[test]
    fn smembers() {
        check(&[
            ("SADD k 3 1 2", ":3"),
            ("SMEMBERS k", "*3 $1 1 $1 2 $1 3"),
            ("SADD k x", ":1"),
            ("SMEMBERS k", "*4 $1 1 $1 2 $1 3 $1 x"),
            ("SMEMBERS nothing", "*0"),
            ("SET s v", "+OK"),
            ("SMEMBERS s", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("HELLO 3", "?"),
            ("SMEMBERS nothing", "~0"),
            ("SMEMBERS k", "~4 $1 1 $1 2 $1 3 $1 x"),
        ]);
    }

    #[test]
    fn a_large_set_comes_in_pieces() {
        let server = Server::start();
        let mut client = server.connect();
        let members: Vec<String> = (0..20_000).map(|number| format!("member:{number}")).collect();
        let mut request: Vec<&[u8]> = vec![b"SADD", b"k"];
        request.extend(members.iter().map(|member| member.as_bytes()));
        client.send_args(&request);
        assert_eq!(client.reply(), ":20000");
        client.send("SMEMBERS k");
        let reply = client.reply();
        let mut words: Vec<&str> = reply.split(' ').collect();
        assert_eq!(words[0], "*20000");
        words = words[1..].iter().copied().skip(1).step_by(2).collect();
        words.sort_unstable();
        let mut expected: Vec<&str> = members.iter().map(String::as_str).collect();
        expected.sort_unstable();
        assert_eq!(words, expected);
        client.check(&[("PING", "+PONG")]);
    }
}
