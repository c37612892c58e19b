//! SETBIT: changes one bit of a string.

use engine::{
    Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec,
};
use value::number::parse_i64;

use crate::bitmap::place;

/// `SETBIT key offset value`
pub static SETBIT: Command = Command {
    name: "setbit",
    arity: 4,
    flags: Flags::WRITE.and(Flags::DENYOOM),
    categories: Categories::BITMAP,
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::UPDATE))],
    docs: Docs {
        summary: "Changes one bit of a string, which grows as needed, and answers what it was.",
        since: "2.2.0",
        group: Group::Bitmap,
        complexity: "O(1)",
        ..Docs::NONE
    },
    arguments: &[
        Argument::key(),
        Argument::new("offset", ArgumentKind::Integer),
        Argument::new("value", ArgumentKind::Integer),
    ],
    execute: setbit,
    ..Command::DEFAULT
};

const BIT: Error = Error::fixed("ERR bit is not an integer or out of range");

fn setbit(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let offset = super::bit_offset(args[2], None, ctx.config.clients.bulk_bytes_max)?;
    let on = match parse_i64(args[3]) {
        Some(0) => false,
        Some(1) => true,
        _ => return Err(BIT),
    };
    let at = offset / 8;
    let (mut entry, grown) = place::with_len(&mut ctx.data, args[1], at + 1)?;
    let byte = place::string(&entry).byte(at).unwrap_or(0);
    let mask = 0x80 >> (offset % 8);
    let was_on = byte & mask != 0;
    if was_on != on {
        place::write_at(&mut entry, at, &[byte ^ mask]);
    }
    if grown || was_on != on {
        ctx.data.dirty += 1;
    }
    ctx.reply.integer(i64::from(was_on));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::{Server, check};

    #[test]
    fn setbit() {
        check(&[
            ("SETBIT k 7 1", ":0"),
            ("GET k", r"$1 \x01"),
            ("SETBIT k 7 1", ":1"),
            ("SETBIT k 7 0", ":1"),
            ("SETBIT k 20 0", ":0"),
            ("GET k", r"$3 \x00\x00\x00"),
            ("SET n 17", "+OK"),
            ("SETBIT n 6 1", ":0"),
            ("GET n", "$2 37"),
            ("SETBIT n 39 1", ":0"),
            ("GET n", r"$5 37\x00\x00\x01"),
        ]);
    }

    #[test]
    fn errors() {
        check(&[
            ("SETBIT k -1 1", "-ERR bit offset is not an integer or out of range"),
            ("SETBIT k 4294967296 1", "-ERR bit offset is not an integer or out of range"),
            ("SETBIT k x 1", "-ERR bit offset is not an integer or out of range"),
            ("SETBIT k x 2", "-ERR bit offset is not an integer or out of range"),
            ("SETBIT k 0 2", "-ERR bit is not an integer or out of range"),
            ("SETBIT k 0 -1", "-ERR bit is not an integer or out of range"),
            ("SETBIT k 0 x", "-ERR bit is not an integer or out of range"),
            ("GET k", "$-1"),
        ]);
    }

    #[test]
    fn a_bit_far_behind_the_end_allocates_no_zeros() {
        let server = Server::start();
        let mut client = server.connect();
        let mut ask = |request: &str| {
            client.send(request);
            client.reply()
        };
        assert_eq!(ask("SET k short"), "+OK");
        assert_eq!(ask("SETBIT k 4294967295 1"), ":0");
        assert_eq!(ask("SETBIT new 4294967288 0"), ":0");
        assert_eq!(ask("BITCOUNT k 5 -1"), ":1");
        assert_eq!(ask("BITPOS k 1 5"), ":4294967295");
        assert_eq!(ask("BITCOUNT new"), ":0");
        let bytes = server.engine.keyspace.exclusive(keyspace::WorkerId(0)).bytes(0);
        assert!(bytes.shared < 100_000, "two strings of 512 MiB take {} bytes", bytes.shared);
    }
}
