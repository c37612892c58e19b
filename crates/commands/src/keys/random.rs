//! RANDOMKEY: any key.
//!
//! Stripes hold different numbers of keys. With many keys a few stripes are drawn and one of them is taken with a chance in
//! proportion to its keys; with few keys all stripes are counted, so that each key has the same chance.

use engine::{Args, Categories, Command, Ctx, Docs, Error, Flags, Group, Scope};

/// Stripes drawn at first.
const DRAWN: usize = 16;

/// Keys in these from which on the draw is good enough.
const MANY: usize = DRAWN * 16;

/// `RANDOMKEY`
pub static RANDOMKEY: Command = Command {
    name: "randomkey",
    arity: 1,
    flags: Flags::READONLY,
    categories: Categories::KEYSPACE,
    scope: Scope::Slices,
    docs: Docs {
        summary: "Picks a key by chance.",
        since: "1.0.0",
        group: Group::Generic,
        complexity: "O(1)",
        ..Docs::NONE
    },
    tips: &["request_policy:all_shards", "response_policy:special", "nondeterministic_output"],
    execute: randomkey,
    ..Command::DEFAULT
};

/// One of the stripes, with a chance in proportion to its keys, and the keys of all of them.
fn choose(ctx: &mut Ctx<'_>, stripes: impl Iterator<Item = usize>) -> (Option<usize>, usize) {
    let database = ctx.data.database();
    let (mut chosen, mut keys) = (None, 0);
    for stripe in stripes {
        ctx.hold_stripe(stripe);
        let here = ctx.data.access_ref().stripe_len(database, stripe);
        keys += here;
        if here > 0 && fastrand::usize(..keys) < here {
            chosen = Some(stripe);
        }
    }
    (chosen, keys)
}

fn randomkey(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    let database = ctx.data.database();
    let stripes = ctx.data.keyspace().stripes();
    loop {
        let (mut chosen, keys) = choose(ctx, (0..DRAWN).map(|_| fastrand::usize(..stripes)));
        if keys < MANY {
            (chosen, _) = choose(ctx, 0..stripes);
        }
        let Some(stripe) = chosen else {
            ctx.reply.null();
            return Ok(());
        };
        ctx.hold_stripe(stripe);
        // The key that is drawn may have expired, and the stripe may have been emptied meanwhile; both are progress.
        let drawn = ctx.data.access_ref().random(database, stripe, |n| fastrand::usize(..n));
        let Some(key) = drawn.map(|entry| entry.key.to_vec()) else { continue };
        if ctx.data.exists(&key) {
            ctx.reply.bulk(&key);
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use crate::testing::{Server, check};

    #[test]
    fn none_one_and_expired() {
        check(&[
            ("RANDOMKEY", "$-1"),
            ("SET gone v PXAT 1", "+OK"),
            ("RANDOMKEY", "$-1"),
            ("SET k v", "+OK"),
            ("RANDOMKEY", "$1 k"),
        ]);
    }

    #[test]
    fn every_key_has_its_chance() {
        for (keys, draws) in [(20, 4000), (800, 24_000)] {
            let server = Server::start();
            let mut client = server.connect();
            client.send(&format!("DEBUG POPULATE {keys}"));
            client.reply();
            let mut drawn: HashMap<String, usize> = HashMap::new();
            for _ in 0..draws {
                client.send("RANDOMKEY");
                *drawn.entry(client.reply()).or_default() += 1;
            }
            assert_eq!(drawn.len(), keys, "each was drawn");
            let most = drawn.values().copied().max().unwrap_or(0);
            assert!(most < draws / keys * 3, "{most} of {draws} draws among {keys}");
        }
    }
}
