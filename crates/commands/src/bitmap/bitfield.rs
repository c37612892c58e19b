//! BITFIELD and BITFIELD_RO: integers of any width inside a string.

use engine::{
    Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec,
};
use value::bits::{FIELD_BYTES, FieldType, Overflow};
use value::number::{IntText, parse_i64};
use value::string::StrRef;

use crate::bitmap::place;
use crate::number::integer;

const ENCODING: Argument = Argument::new("encoding", ArgumentKind::String);
const OFFSET: Argument = Argument::new("offset", ArgumentKind::Integer);
const GET: Argument = Argument::block("get-block", &[ENCODING, OFFSET]).after("GET");

/// `BITFIELD key [GET encoding offset | [OVERFLOW WRAP | SAT | FAIL] SET encoding offset value | INCRBY encoding offset increment ...]`
pub static BITFIELD: Command = Command {
    name: "bitfield",
    arity: -2,
    flags: Flags::WRITE.and(Flags::DENYOOM),
    categories: Categories::BITMAP,
    keys: &[KeySpec {
        notes: Some("only read if every operation is a GET"),
        ..KeySpec::one(
            1,
            KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::UPDATE).and(KeyFlags::VARIABLE_FLAGS),
        )
    }],
    docs: Docs {
        summary: "Reads and changes integers of any width inside a string.",
        since: "3.2.0",
        group: Group::Bitmap,
        complexity: "O(1) for each subcommand specified",
        ..Docs::NONE
    },
    arguments: &[
        Argument::key(),
        Argument::one_of(
            "operation",
            &[
                GET,
                Argument::block(
                    "write",
                    &[
                        Argument::one_of(
                            "overflow-block",
                            &[
                                Argument::token("wrap", "WRAP"),
                                Argument::token("sat", "SAT"),
                                Argument::token("fail", "FAIL"),
                            ],
                        )
                        .after("OVERFLOW")
                        .optional(),
                        Argument::one_of(
                            "write-operation",
                            &[
                                Argument::block(
                                    "set-block",
                                    &[ENCODING, OFFSET, Argument::new("value", ArgumentKind::Integer)],
                                )
                                .after("SET"),
                                Argument::block(
                                    "incrby-block",
                                    &[ENCODING, OFFSET, Argument::new("increment", ArgumentKind::Integer)],
                                )
                                .after("INCRBY"),
                            ],
                        ),
                    ],
                ),
            ],
        )
        .optional()
        .multiple(),
    ],
    execute: bitfield,
    ..Command::DEFAULT
};

/// `BITFIELD_RO key [GET encoding offset ...]`
pub static BITFIELD_RO: Command = Command {
    name: "bitfield_ro",
    arity: -2,
    flags: Flags::READONLY.and(Flags::FAST),
    categories: Categories::BITMAP,
    keys: &[KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    docs: Docs {
        summary: "Reads integers of any width inside a string.",
        since: "6.0.0",
        group: Group::Bitmap,
        complexity: "O(1) for each subcommand specified",
        ..Docs::NONE
    },
    arguments: &[Argument::key(), Argument { multiple_token: true, ..GET.optional().multiple() }],
    execute: bitfield_ro,
    ..Command::DEFAULT
};

/// What is done with a field.
#[derive(Clone, Copy)]
enum Action {
    Get,
    Set(i64),
    Add(i64),
}

/// One operation.
struct Operation {
    field: FieldType,
    /// Bit offset.
    offset: u64,
    action: Action,
    overflow: Overflow,
}

/// The operations of a request.
struct Operations {
    list: Vec<Operation>,
    /// Bytes that the string must have for the changes; 0 if there are none.
    write_len: u64,
}

impl Operations {
    fn parse(args: Args<'_>, bytes_max: u64) -> Result<Operations, Error> {
        let mut operations = Operations { list: Vec::new(), write_len: 0 };
        let mut overflow = Overflow::Wrap;
        let mut rest = &args[2..];
        while let [word, tail @ ..] = rest {
            let (kind, action_len) = match (word.to_ascii_uppercase().as_slice(), tail.len()) {
                (b"GET", 2..) => (b'G', 2),
                (b"SET", 3..) => (b'S', 3),
                (b"INCRBY", 3..) => (b'I', 3),
                (b"OVERFLOW", 1..) => {
                    overflow = overflow_of(tail[0])?;
                    rest = &tail[1..];
                    continue;
                }
                _ => return Err(Error::SYNTAX),
            };
            let field = field_type(tail[0])?;
            let offset = super::bit_offset(tail[1], Some(field.bits()), bytes_max)?;
            let action = match kind {
                b'G' => Action::Get,
                b'S' => Action::Set(integer(tail[2])?),
                _ => Action::Add(integer(tail[2])?),
            };
            if !matches!(action, Action::Get) {
                let len = (offset + u64::from(field.bits())).div_ceil(8);
                operations.write_len = operations.write_len.max(len);
            }
            operations.list.push(Operation { field, offset, action, overflow });
            rest = &tail[action_len..];
        }
        Ok(operations)
    }
}

fn overflow_of(word: &[u8]) -> Result<Overflow, Error> {
    match word.to_ascii_uppercase().as_slice() {
        b"WRAP" => Ok(Overflow::Wrap),
        b"SAT" => Ok(Overflow::Saturate),
        b"FAIL" => Ok(Overflow::Fail),
        _ => Err(Error::fixed("ERR Invalid OVERFLOW type specified")),
    }
}

fn field_type(word: &[u8]) -> Result<FieldType, Error> {
    let (signed, bits) = match word {
        [b'i', bits @ ..] => (true, bits),
        [b'u', bits @ ..] => (false, bits),
        _ => (false, &b""[..]),
    };
    parse_i64(bits).and_then(|bits| FieldType::new(signed, bits)).ok_or(Error::fixed(
        "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.",
    ))
}

fn bitfield(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let operations = Operations::parse(args, ctx.config.clients.bulk_bytes_max)?;
    if operations.write_len == 0 { read(ctx, args[1], &operations) } else { write(ctx, args, &operations) }
}

fn bitfield_ro(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let operations = Operations::parse(args, ctx.config.clients.bulk_bytes_max)?;
    if operations.write_len > 0 {
        return Err(Error::fixed("ERR BITFIELD_RO only supports the GET subcommand"));
    }
    read(ctx, args[1], &operations)
}

fn read(ctx: &mut Ctx<'_>, key: &[u8], operations: &Operations) -> Result<(), Error> {
    let value = ctx.data.read_string(key)?.unwrap_or(StrRef::Bytes(&[]));
    ctx.reply.write().array(operations.list.len());
    for operation in &operations.list {
        ctx.reply.integer(operation.field.get(window(value, operation.offset), shift(operation.offset)));
    }
    Ok(())
}

fn write(ctx: &mut Ctx<'_>, args: Args<'_>, operations: &Operations) -> Result<(), Error> {
    let (mut entry, grown) = place::with_len(&mut ctx.data, args[1], operations.write_len)?;
    let mut changes = 0;
    ctx.reply.write().array(operations.list.len());
    for Operation { field, offset, action, overflow } in &operations.list {
        let mut bytes = window(place::string(&entry), *offset);
        let old = field.get(bytes, shift(*offset));
        let (new, answer) = match action {
            Action::Get => {
                ctx.reply.integer(old);
                continue;
            }
            Action::Set(value) => {
                let new = field.fit(*value, *overflow);
                (new, new.map(|_| old))
            }
            Action::Add(increment) => {
                let new = field.add(old, *increment, *overflow);
                (new, new)
            }
        };
        match answer {
            Some(answer) => ctx.reply.integer(answer),
            None => ctx.reply.null(),
        }
        let Some(new) = new else { continue };
        if new != old {
            field.set(&mut bytes, shift(*offset), new);
            let touched = ((offset % 8) as usize + field.bits() as usize).div_ceil(8);
            place::write_at(&mut entry, offset / 8, &bytes[..touched]);
        }
        if grown || new != old {
            changes += 1;
        }
    }
    ctx.data.dirty += changes;
    if grown && changes == 0 {
        // Every operation failed, which Redis does not count as a change; but the string is longer now.
        ctx.data.effects.say(args);
    }
    Ok(())
}

/// Where in its first byte a field begins.
fn shift(offset: u64) -> u32 {
    (offset % 8) as u32
}

/// The bytes that a field at a bit offset may touch, zeros beyond the end.
fn window(value: StrRef<'_>, offset: u64) -> [u8; FIELD_BYTES] {
    let mut window = [0; FIELD_BYTES];
    let mut rest = &mut window[..];
    let mut digits = IntText::new(0);
    for chunk in value.read(offset / 8..offset / 8 + FIELD_BYTES as u64, &mut digits) {
        let (head, tail) = rest.split_at_mut(chunk.len());
        head.copy_from_slice(chunk);
        rest = tail;
    }
    window
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn gets_sets_and_increments() {
        check(&[
            ("BITFIELD k", "*0"),
            ("BITFIELD k OVERFLOW SAT", "*0"),
            ("BITFIELD k GET u8 0", "*1 :0"),
            ("GET k", "$-1"),
            ("BITFIELD k SET u8 0 255 GET u4 4 SET i8 #1 -100 INCRBY i8 #1 1", "*4 :0 :15 :0 :-99"),
            ("GET k", r"$2 \xff\x9d"),
            (
                "BITFIELD_RO k GET i64 0 GET u63 1 get u1 #15",
                "*3 :-27866022694354944 :9195506014160420864 :1",
            ),
            ("SET n 10", "+OK"),
            ("BITFIELD n INCRBY u8 8 1 GET u8 100", "*2 :49 :0"),
            ("GET n", "$2 11"),
            ("BITFIELD n SET i64 7 -1", "*1 :-7457960982925541376"),
            ("BITFIELD n GET i64 7 SET u63 8 0", "*2 :-1 :9223372036854775807"),
            ("BITFIELD far SET u1 4294967295 1", "*1 :0"),
            ("BITCOUNT far", ":1"),
        ]);
    }

    #[test]
    fn overflow() {
        check(&[
            ("BITFIELD k SET u8 0 257 OVERFLOW SAT SET u8 8 257 SET u8 16 -1", "*3 :0 :0 :0"),
            ("GET k", r"$3 \x01\xff\xff"),
            (
                "BITFIELD k OVERFLOW FAIL INCRBY u8 8 1 INCRBY u8 0 1 OVERFLOW WRAP INCRBY u8 8 1",
                "*3 $-1 :2 :0",
            ),
            ("BITFIELD k OVERFLOW FAIL SET i8 0 128", "*1 $-1"),
            ("BITFIELD k OVERFLOW SAT INCRBY i8 0 127 INCRBY i8 0 -1000", "*2 :127 :-128"),
            ("BITFIELD new OVERFLOW FAIL SET u2 9 9", "*1 $-1"),
            ("GET new", r"$2 \x00\x00"),
        ]);
    }

    #[test]
    fn errors() {
        let bad_type = "-ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.";
        let bad_offset = "-ERR bit offset is not an integer or out of range";
        check(&[
            ("BITFIELD k GET u64 0", bad_type),
            ("BITFIELD k GET i65 0", bad_type),
            ("BITFIELD k GET i0 0", bad_type),
            ("BITFIELD k GET U8 0", bad_type),
            ("BITFIELD k GET 8 0", bad_type),
            ("BITFIELD k GET u8 -1", bad_offset),
            ("BITFIELD k GET u8 #536870912", bad_offset),
            ("BITFIELD k GET u8 #9223372036854775807", bad_offset),
            ("BITFIELD k GET u8 x", bad_offset),
            ("BITFIELD k GET u8", "-ERR syntax error"),
            ("BITFIELD k SET u8 0", "-ERR syntax error"),
            ("BITFIELD k BOGUS u8 0", "-ERR syntax error"),
            ("BITFIELD k SET u8 0 x", "-ERR value is not an integer or out of range"),
            ("BITFIELD k OVERFLOW BOGUS", "-ERR Invalid OVERFLOW type specified"),
            ("BITFIELD k SET u8 0 1 GET u8", "-ERR syntax error"),
            ("GET k", "$-1"),
            ("BITFIELD_RO k SET u8 0 1", "-ERR BITFIELD_RO only supports the GET subcommand"),
        ]);
    }
}
