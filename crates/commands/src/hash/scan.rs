//! HSCAN: the fields a part at a time. A field that is there from the first call to the one that answers cursor 0 is returned
//! exactly once.
//!
//! A small hash is shown at once; a large one in the order of its fields' hashes, in which the cursor is a position.

use engine::{Args, Argument, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec};
use resp::Writer;

use super::live;
use crate::keys::scan::{COUNT, CURSOR, Options, PATTERN, cursor};

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
    arguments: &[Argument::key(), CURSOR, PATTERN, COUNT, Argument::token("novalues", "NOVALUES").optional()],
    tips: &["nondeterministic_output"],
    execute: hscan,
    ..Command::DEFAULT
};

fn hscan(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let from = cursor(args[2]).ok_or(Error::fixed("ERR invalid cursor"))?;
    let protocol = ctx.reply.protocol();
    let (mut texts, mut replies, mut next) = (0, Vec::new(), 0);
    // Of a key that is not there nothing else is asked, as in Redis.
    if let Some(hash) = live::read(&mut ctx.data, args[1])? {
        let mut values = true;
        let options = Options::parse(&args[3..], |word, _| {
            if word != b"NOVALUES" {
                return Err(Error::SYNTAX);
            }
            values = false;
            Ok(())
        })?;
        let (mut field_digits, mut value_digits) = (None, None);
        next = hash.scan(from, options.count, |entry| {
            let field = entry.field.text(&mut field_digits);
            if !options.wants(field) {
                return;
            }
            let mut writer = Writer { out: &mut replies, protocol };
            writer.bulk(field);
            texts += 1;
            if values {
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
