//! KEYS: every key that fits a pattern. Locks are given back every few hundred keys, so that other reactors go on.

use engine::{Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group, Scope};
use resp::Writer;

use super::scan::{SLICE, has_name, walk};

/// `KEYS pattern`
pub static KEYS: Command = Command {
    name: "keys",
    arity: 2,
    flags: Flags::READONLY,
    categories: Categories::KEYSPACE.and(Categories::DANGEROUS),
    scope: Scope::Slices,
    docs: Docs {
        summary: "Lists the keys that fit a pattern.",
        since: "1.0.0",
        group: Group::Generic,
        complexity: "O(N) in the number of keys of the database",
        ..Docs::NONE
    },
    arguments: &[Argument::new("pattern", ArgumentKind::Pattern)],
    tips: &["request_policy:all_shards", "nondeterministic_output_order"],
    execute: keys,
    ..Command::DEFAULT
};

fn keys(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let pattern = args[1];
    let protocol = ctx.reply.protocol();
    let (mut found, mut replies) = (0, Vec::new());
    for stripe in 0..ctx.data.keyspace().stripes() {
        let mut next = Some(0);
        while let Some(position) = next {
            (next, _) = walk(ctx, stripe, position, SLICE, |entry| {
                if has_name(entry.key, pattern) {
                    found += 1;
                    Writer { out: &mut replies, protocol }.bulk(entry.key);
                }
            });
        }
    }
    ctx.reply.write().array(found);
    ctx.reply.encoded(replies);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::{Server, check};

    #[test]
    fn patterns() {
        check(&[
            ("KEYS *", "*0"),
            ("SET hello 1", "+OK"),
            ("SET hallo 1", "+OK"),
            ("SET gone 1 PXAT 1", "+OK"),
            ("KEYS h[^a]llo", "*1 $5 hello"),
            ("KEYS h\\allo", "*1 $5 hallo"),
            ("KEYS g*", "*0"),
            ("KEYS", "-ERR wrong number of arguments for 'keys' command"),
        ]);
    }

    #[test]
    fn all_of_many() {
        let server = Server::start();
        let mut client = server.connect();
        client.send("DEBUG POPULATE 20000");
        assert_eq!(client.reply(), "+OK");
        client.send("KEYS key:1*");
        let reply = client.reply();
        assert!(reply.starts_with("*11111 "), "{}", &reply[..20]);
        let mut names: Vec<&str> = reply.split(' ').filter(|word| word.starts_with("key:")).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), 11111);
    }
}
