//! PFDEBUG: looks inside a HyperLogLog.

use std::fmt::Write as _;

use engine::{
    Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec,
};
use keyspace::{Entry, Occupied};
use value::hyperloglog::{Encoding, Opcode, REGISTERS, encoding, merge_into, opcodes, to_dense};

use crate::bitmap::string_of;
use crate::hyperloglog::{CORRUPTED, bytes_of, store};

/// `PFDEBUG GETREG | DECODE | ENCODING | TODENSE key`, `PFDEBUG SIMD ON | OFF`
pub static PFDEBUG: Command = Command {
    name: "pfdebug",
    arity: 3,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::ADMIN),
    categories: Categories::HYPERLOGLOG,
    keys: &[KeySpec::one(2, KeyFlags::RW.and(KeyFlags::ACCESS))],
    docs: Docs {
        summary: "Shows the registers and the encoding of a HyperLogLog.",
        since: "2.8.9",
        group: Group::HyperLogLog,
        complexity: "N/A",
        syscmd: true,
        ..Docs::NONE
    },
    arguments: &[Argument::new("subcommand", ArgumentKind::String), Argument::key()],
    execute: pfdebug,
    ..Command::DEFAULT
};

fn pfdebug(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let word = args[1].to_ascii_uppercase();
    if word == b"SIMD" {
        return simd(ctx, args[2]);
    }
    let Entry::Occupied(mut entry) = ctx.data.write_string(args[2])? else {
        return Err(Error::fixed("ERR The specified key does not exist"));
    };
    let bytes = bytes_of(string_of(&entry))?;
    let is_sparse = encoding(&bytes) == Some(Encoding::Sparse);
    match word.as_slice() {
        b"GETREG" => {
            let mut registers = Box::new([0; REGISTERS]);
            merge_into(&mut registers, &bytes).map_err(|_| CORRUPTED)?;
            drop(bytes);
            if is_sparse {
                make_dense(&mut entry)?;
                ctx.data.dirty += 1;
            }
            ctx.reply.write().array(REGISTERS);
            registers.iter().for_each(|&register| ctx.reply.integer(i64::from(register)));
        }
        b"DECODE" if is_sparse => {
            let text = decoded(&bytes);
            ctx.reply.bulk(text.as_bytes());
        }
        b"DECODE" => return Err(Error::fixed("ERR HLL encoding is not sparse")),
        b"ENCODING" => {
            let name = if is_sparse { Encoding::Sparse } else { Encoding::Dense }.name();
            ctx.reply.write().simple(name);
        }
        b"TODENSE" => {
            drop(bytes);
            if is_sparse {
                make_dense(&mut entry)?;
                ctx.data.dirty += 1;
            }
            ctx.reply.integer(i64::from(is_sparse));
        }
        _ => return Err(Error::naming("ERR Unknown PFDEBUG subcommand '", args[1], "'")),
    }
    Ok(())
}

/// There is one set of instructions here, whatever the processor has; servers without the faster ones answer the same.
fn simd(ctx: &mut Ctx<'_>, switch: &[u8]) -> Result<(), Error> {
    if !switch.eq_ignore_ascii_case(b"on") && !switch.eq_ignore_ascii_case(b"off") {
        return Err(Error::fixed("ERR Argument must be ON or OFF"));
    }
    ctx.reply.write().simple("disabled");
    Ok(())
}

fn make_dense(entry: &mut Occupied<'_>) -> Result<(), Error> {
    let dense = to_dense(&bytes_of(string_of(entry))?).map_err(|_| CORRUPTED)?;
    store(entry, dense);
    Ok(())
}

/// The opcodes as words: `z` and `Z` are zeros (in one byte, in two), `v:value,run` are values.
fn decoded(bytes: &[u8]) -> String {
    let mut text = String::new();
    for opcode in opcodes(bytes) {
        // Writing to a string does not fail.
        let _ = match opcode {
            Opcode::Zero(run) => write!(text, "z:{run} "),
            Opcode::ExtraZero(run) => write!(text, "Z:{run} "),
            Opcode::Value(value, run) => write!(text, "v:{value},{run} "),
        };
    }
    text.truncate(text.trim_end().len());
    text
}

#[cfg(test)]
mod tests {
    use crate::testing::{Server, check};

    #[test]
    fn pfdebug() {
        check(&[
            ("PFADD k a b c d e", ":1"),
            ("PFDEBUG ENCODING k", "+sparse"),
            ("PFDEBUG decode k", "$69 Z:7292 v:1,1 Z:1143 v:1,1 Z:4274 v:2,1 Z:2445 v:1,1 Z:622 v:1,1 Z:603"),
            ("PFDEBUG TODENSE k", ":1"),
            ("PFDEBUG TODENSE k", ":0"),
            ("PFDEBUG ENCODING k", "+dense"),
            ("PFDEBUG DECODE k", "-ERR HLL encoding is not sparse"),
            ("PFDEBUG BOGUS k", "-ERR Unknown PFDEBUG subcommand 'BOGUS'"),
            ("PFDEBUG ENCODING nothing", "-ERR The specified key does not exist"),
            ("PFDEBUG SIMD off", "+disabled"),
            ("PFDEBUG SIMD maybe", "-ERR Argument must be ON or OFF"),
            ("PFDEBUG ENCODING", "-ERR wrong number of arguments for 'pfdebug' command"),
        ]);
    }

    #[test]
    fn registers() {
        let server = Server::start();
        let mut client = server.connect();
        let mut ask = |request: &str| {
            client.send(request);
            client.reply()
        };
        assert_eq!(ask("PFADD k a"), ":1");
        let all = ask("PFDEBUG GETREG k");
        let registers: Vec<&str> = all.split(' ').collect();
        assert_eq!((registers[0], registers.len()), ("*16384", 16385));
        assert_eq!(registers.iter().filter(|&&register| register == ":0").count(), 16383);
        assert_eq!(ask("PFDEBUG ENCODING k"), "+dense");
    }
}
