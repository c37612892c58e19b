//! BITOP: combines strings bit by bit.

use engine::{
    Args, Argument, ArgumentKind, Categories, Command, Ctx, Data, Deadline, Docs, Error, Flags, Group,
    KeyFlags, KeySpec,
};
use value::bits::{Operation, combine};
use value::string::{Shared, StrRef};

use crate::bitmap::place;

/// `BITOP AND | OR | XOR | NOT | DIFF | DIFF1 | ANDOR | ONE destkey key [key ...]`
pub static BITOP: Command = Command {
    name: "bitop",
    arity: -4,
    flags: Flags::WRITE.and(Flags::DENYOOM),
    categories: Categories::BITMAP,
    keys: &[
        KeySpec::one(2, KeyFlags::OW.and(KeyFlags::UPDATE)),
        KeySpec::range(3, -1, 1, KeyFlags::RO.and(KeyFlags::ACCESS)),
    ],
    docs: Docs {
        summary: "Combines strings bit by bit and keeps the result under another key.",
        since: "2.6.0",
        group: Group::Bitmap,
        complexity: "O(N)",
        history: &[("8.2.0", "DIFF, DIFF1, ANDOR and ONE (Redis).")],
        ..Docs::NONE
    },
    arguments: &[
        Argument::one_of(
            "operation",
            &[
                Argument::token("and", "AND"),
                Argument::token("or", "OR"),
                Argument::token("xor", "XOR"),
                Argument::token("not", "NOT"),
                Argument::token("diff", "DIFF"),
                Argument::token("diff1", "DIFF1"),
                Argument::token("andor", "ANDOR"),
                Argument::token("one", "ONE"),
            ],
        ),
        Argument { key_spec: Some(0), ..Argument::new("destkey", ArgumentKind::Key) },
        Argument { key_spec: Some(1), ..Argument::new("key", ArgumentKind::Key) }.multiple(),
    ],
    execute: bitop,
    ..Command::DEFAULT
};

/// A parsed request.
struct BitOp<'a> {
    operation: Operation,
    destination: &'a [u8],
    sources: Args<'a>,
}

impl<'a> BitOp<'a> {
    fn parse(args: Args<'a>) -> Result<BitOp<'a>, Error> {
        let (word, sources) = (args[1].to_ascii_uppercase(), &args[3..]);
        let operation = match word.as_slice() {
            b"AND" => Operation::And,
            b"OR" => Operation::Or,
            b"XOR" => Operation::Xor,
            b"NOT" => Operation::Not,
            b"DIFF" => Operation::Diff,
            b"DIFF1" => Operation::Diff1,
            b"ANDOR" => Operation::AndOr,
            b"ONE" => Operation::One,
            _ => return Err(Error::SYNTAX),
        };
        match operation {
            Operation::Not if sources.len() != 1 => {
                Err(Error::fixed("ERR BITOP NOT must be called with a single source key."))
            }
            Operation::Diff | Operation::Diff1 | Operation::AndOr if sources.len() < 2 => {
                let word = String::from_utf8_lossy(&word);
                Err(Error::new(format!("ERR BITOP {word} must be called with at least two source keys.")))
            }
            _ => Ok(BitOp { operation, destination: args[2], sources }),
        }
    }

    /// The combination. The sources are read where they lie, all at once.
    fn combined(&self, data: &mut Data<'_>) -> Result<Shared, Error> {
        for key in self.sources {
            // Counted, noted, and gone if expired: what is found below is alive.
            data.read_string(key)?;
        }
        let (access, keyspace, database) = (data.access_ref(), data.keyspace(), data.database());
        let values: Vec<StrRef<'_>> = self
            .sources
            .iter()
            .map(|key| access.get(database, keyspace.key(key)).and_then(|view| view.value.string()))
            .map(|value| value.unwrap_or(StrRef::Bytes(&[])))
            .collect();
        Ok(combine(self.operation, &values))
    }
}

fn bitop(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let request = BitOp::parse(args)?;
    let result = request.combined(&mut ctx.data)?;
    if result.is_empty() {
        ctx.data.remove(request.destination);
    } else {
        ctx.data.set(request.destination, place::new_value(&result), Deadline::None);
    }
    ctx.reply.integer(result.len() as i64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn the_four_of_old() {
        check(&[
            (r#"SET a "\xf0\xff""#, "+OK"),
            (r#"SET b "\x3c""#, "+OK"),
            ("BITOP AND d a b", ":2"),
            ("GET d", r"$2 0\x00"),
            ("BITOP or d a b nothing", ":2"),
            ("GET d", r"$2 \xfc\xff"),
            ("BITOP XOR d a b", ":2"),
            ("GET d", r"$2 \xcc\xff"),
            ("BITOP NOT d a", ":2"),
            ("GET d", r"$2 \x0f\x00"),
            ("BITOP NOT a a", ":2"),
            ("GET a", r"$2 \x0f\x00"),
            ("BITOP AND d b nothing", ":1"),
            ("GET d", r"$1 \x00"),
            ("BITOP AND d nothing", ":0"),
            ("GET d", "$-1"),
            ("SET n 12", "+OK"),
            ("BITOP OR d n", ":2"),
            ("GET d", "$2 12"),
        ]);
    }

    #[test]
    fn the_four_of_redis_8() {
        check(&[
            (r#"SET x "\xf0""#, "+OK"),
            (r#"SET y1 "\xcc""#, "+OK"),
            (r#"SET y2 "\xaa\x01""#, "+OK"),
            ("BITOP DIFF d x y1 y2", ":2"),
            ("GET d", r"$2 \x10\x00"),
            ("BITOP DIFF1 d x y1 y2", ":2"),
            ("GET d", r"$2 \x0e\x01"),
            ("BITOP ANDOR d x y1 y2", ":2"),
            ("GET d", r"$2 \xe0\x00"),
            ("BITOP ONE d x y1 y2", ":2"),
            ("GET d", r"$2 \x16\x01"),
            ("BITOP ONE d x", ":1"),
            ("GET d", r"$1 \xf0"),
            ("BITOP DIFF d x", "-ERR BITOP DIFF must be called with at least two source keys."),
            ("BITOP diff1 d x", "-ERR BITOP DIFF1 must be called with at least two source keys."),
            ("BITOP ANDOR d x", "-ERR BITOP ANDOR must be called with at least two source keys."),
        ]);
    }

    #[test]
    fn errors_and_large_results() {
        check(&[
            ("BITOP NAND d a", "-ERR syntax error"),
            ("BITOP NOT d a b", "-ERR BITOP NOT must be called with a single source key."),
            ("BITOP AND d", "-ERR wrong number of arguments for 'bitop' command"),
            ("SETBIT a 8000000 1", ":0"),
            ("SETBIT b 9000001 1", ":0"),
            ("BITOP OR a a b", ":1125001"),
            ("BITCOUNT a", ":2"),
            ("BITPOS a 1 1000001", ":9000001"),
            ("BITOP NOT b b", ":1125001"),
            ("BITCOUNT b", ":9000007"),
            ("BITOP AND a a b", ":1125001"),
            ("BITCOUNT a", ":1"),
        ]);
    }
}
