//! HSCAN: the fields a part at a time. A field that is there from the first call to the one that answers cursor 0 is returned
//! exactly once.
//!
//! A small hash is shown at once; a large one in the order of its fields' hashes, in which the cursor is a position.

use engine::{
    Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec,
};
use resp::Writer;

use super::live;
use crate::keys::scan::{cursor, has_name};
use crate::number::integer;

/// `HSCAN key cursor [MATCH pattern] [COUNT count] [NOVALUES]`
pub static HSCAN: Command = Command {
    name: "hscan",
    arity: -3,
    flags: Flags::READONLY,
    categories: Categories::HASH,
    keys: &[KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    docs: Docs {
        summary: "Lists the fields of a hash a part at a time, with a cursor.",
        since: "2.8.0",
        group: Group::Hash,
        complexity: "O(1) for each call, O(N) for all fields",
        ..Docs::NONE
    },
    arguments: &[
        Argument::key(),
        Argument::new("cursor", ArgumentKind::Integer),
        Argument::new("pattern", ArgumentKind::Pattern).after("MATCH").optional(),
        Argument::new("count", ArgumentKind::Integer).after("COUNT").optional(),
        Argument::token("novalues", "NOVALUES").optional(),
    ],
    tips: &["nondeterministic_output"],
    execute: hscan,
    ..Command::DEFAULT
};

/// Parsed options.
struct Options<'a> {
    pattern: Option<&'a [u8]>,
    count: u64,
    values: bool,
}

impl<'a> Options<'a> {
    fn parse(words: Args<'a>) -> Result<Options<'a>, Error> {
        let mut options = Options { pattern: None, count: 10, values: true };
        let mut rest = words.iter();
        while let Some(word) = rest.next() {
            match word.to_ascii_uppercase().as_slice() {
                b"NOVALUES" => options.values = false,
                b"MATCH" => options.pattern = Some(rest.next().ok_or(Error::SYNTAX)?),
                b"COUNT" => {
                    let count = integer(rest.next().ok_or(Error::SYNTAX)?)?;
                    options.count = u64::try_from(count).ok().filter(|n| *n > 0).ok_or(Error::SYNTAX)?;
                }
                _ => return Err(Error::SYNTAX),
            }
        }
        Ok(options)
    }
}

fn hscan(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let from = cursor(args[2]).ok_or(Error::fixed("ERR invalid cursor"))?;
    let protocol = ctx.reply.protocol();
    let (mut texts, mut replies, mut next) = (0, Vec::new(), 0);
    // Of a key that is not there nothing else is asked, as in Redis.
    if let Some(hash) = live::read(&mut ctx.data, args[1])? {
        let options = Options::parse(&args[3..])?;
        let (mut field_digits, mut value_digits) = (None, None);
        next = hash.scan(from, options.count, |entry| {
            let field = entry.field.text(&mut field_digits);
            if options.pattern.is_some_and(|pattern| !has_name(field, pattern)) {
                return;
            }
            let mut writer = Writer { out: &mut replies, protocol };
            writer.bulk(field);
            texts += 1;
            if options.values {
                writer.bulk(entry.value.text(&mut value_digits));
                texts += 1;
            }
        });
    }
    let mut writer = ctx.reply.write();
    writer.array(2);
    writer.bulk(next.to_string().as_bytes());
    writer.array(texts);
    ctx.reply.encoded(replies);
    Ok(())
}
