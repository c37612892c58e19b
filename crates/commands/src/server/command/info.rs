//! COMMAND INFO, and COMMAND itself: arity, flags, keys, categories, tips.

use engine::{Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group};
use engine::{Begin, Find, KeyFlags, KeySpec, Registered};
use resp::Writer;

use super::find;

/// `COMMAND INFO [command-name ...]`
pub static INFO: Command = Command {
    name: "info",
    arity: -2,
    flags: Flags::LOADING.and(Flags::STALE),
    categories: Categories::CONNECTION,
    docs: Docs {
        summary: "Describes commands.",
        since: "2.8.13",
        group: Group::Server,
        complexity: "O(N), N being the commands asked for",
        history: &[("7.0.0", "Without names: every command.")],
        ..Docs::NONE
    },
    arguments: &[Argument::new("command-name", ArgumentKind::String).optional().multiple()],
    tips: &["nondeterministic_output_order"],
    execute: info,
    ..Command::DEFAULT
};

/// Also `COMMAND` without a subcommand.
pub(super) fn info(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let commands = &ctx.engine.commands;
    let mut reply = ctx.reply.write();
    let names = args.get(2..).unwrap_or_default();
    if names.is_empty() {
        reply.array(commands.iter().count());
        commands.iter().for_each(|command| describe(&mut reply, command));
        return Ok(());
    }
    reply.array(names.len());
    for name in names {
        match find(commands, name) {
            Some(command) => describe(&mut reply, command),
            None => reply.null(),
        }
    }
    Ok(())
}

fn describe(reply: &mut Writer<'_>, registered: &Registered) {
    let command = registered.command;
    let legacy = LegacyRange::of(command.keys);
    reply.array(10);
    reply.bulk(registered.full_name.as_bytes());
    reply.integer(i64::from(command.arity));
    let mut flags = command.flags;
    if legacy.movable {
        flags = flags.and(Flags::MOVABLE_KEYS);
    }
    statuses(reply, &shown(flags).collect::<Vec<_>>());
    for number in [legacy.first, legacy.last, legacy.step] {
        reply.integer(i64::from(number));
    }
    statuses(reply, &command.all_categories().names().collect::<Vec<_>>());
    reply.set(command.tips.len());
    command.tips.iter().for_each(|tip| reply.bulk(tip.as_bytes()));
    reply.set(command.keys.len());
    command.keys.iter().for_each(|spec| key_spec(reply, spec));
    reply.set(registered.subcommands.len());
    registered.subcommands.iter().for_each(|subcommand| describe(reply, subcommand));
}

/// Flags that are not shown, as in Redis.
const HIDDEN: [Flags; 2] = [Flags::PROTECTED, Flags::MAY_REPLICATE];

/// The names of the flags that are shown.
fn shown(flags: Flags) -> impl Iterator<Item = &'static str> {
    let hidden = |flag: &Flags| HIDDEN.iter().any(|hidden| hidden.has(*flag));
    Flags::NAMES.iter().filter(move |(flag, _)| flags.has(*flag) && !hidden(flag)).map(|(_, name)| *name)
}

/// A set of status replies.
pub(super) fn statuses(reply: &mut Writer<'_>, names: &[&str]) {
    reply.set(names.len());
    names.iter().for_each(|name| reply.simple(name));
}

fn key_spec(reply: &mut Writer<'_>, spec: &KeySpec) {
    reply.map(3 + usize::from(spec.notes.is_some()));
    if let Some(notes) = spec.notes {
        reply.bulk(b"notes");
        reply.bulk(notes.as_bytes());
    }
    reply.bulk(b"flags");
    statuses(reply, &spec.flags.names().collect::<Vec<_>>());
    reply.bulk(b"begin_search");
    match spec.begin {
        Begin::Index(index) => search(reply, "index", &[("index", Value::Number(index))]),
        Begin::Keyword(word, from) => {
            search(reply, "keyword", &[("keyword", Value::Word(word)), ("startfrom", Value::Number(from))]);
        }
        Begin::Unknown => search(reply, "unknown", &[]),
    }
    reply.bulk(b"find_keys");
    match spec.find {
        Find::Range { last, step, limit } => {
            let numbers = [("lastkey", last), ("keystep", step), ("limit", limit)];
            search(reply, "range", &numbers.map(|(name, number)| (name, Value::Number(number))));
        }
        Find::KeyNum { at, first, step } => {
            let numbers = [("keynumidx", at), ("firstkey", first), ("keystep", step)];
            search(reply, "keynum", &numbers.map(|(name, number)| (name, Value::Number(number))));
        }
        Find::Asked(_) | Find::Unknown => search(reply, "unknown", &[]),
    }
}

#[derive(Clone, Copy)]
enum Value {
    Number(i32),
    Word(&'static str),
}

fn search(reply: &mut Writer<'_>, kind: &str, fields: &[(&str, Value)]) {
    reply.map(2);
    reply.bulk(b"type");
    reply.bulk(kind.as_bytes());
    reply.bulk(b"spec");
    reply.map(fields.len());
    for (name, value) in fields {
        reply.bulk(name.as_bytes());
        match value {
            Value::Number(number) => reply.integer(i64::from(*number)),
            Value::Word(word) => reply.bulk(word.as_bytes()),
        }
    }
}

/// First key, last key and step as clients of old know them, and whether those say less than the specifications.
#[derive(Debug, Default, PartialEq, Eq)]
struct LegacyRange {
    first: i32,
    last: i32,
    step: i32,
    movable: bool,
}

impl LegacyRange {
    /// Adjacent ranges are joined; everything that does not fit makes the keys movable. Redis's rule.
    fn of(specs: &[KeySpec]) -> LegacyRange {
        let absolute = |index: i32, last: i32| if last >= 0 { index + last } else { last };
        let mut range = LegacyRange { first: i32::MAX, last: 0, step: 1, movable: false };
        if let [KeySpec { begin: Begin::Index(index), find: Find::Range { last, step, .. }, .. }] = specs {
            return LegacyRange { first: *index, last: absolute(*index, *last), step: *step, movable: false };
        }
        let mut previous = 0;
        for spec in specs.iter().filter(|spec| !spec.flags.has(KeyFlags::NOT_KEY)) {
            match (spec.begin, spec.find) {
                (Begin::Index(index), Find::Range { last, step: 1, .. })
                    if previous == 0 || previous == index - 1 =>
                {
                    range.first = range.first.min(index);
                    previous = absolute(index, last);
                    // A position counted from the end lies behind all others.
                    range.last = if previous < 0 { previous } else { range.last.max(previous) };
                }
                _ => range.movable = true,
            }
        }
        if range.first == i32::MAX {
            return LegacyRange { movable: range.movable, ..LegacyRange::default() };
        }
        range
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::check;

    #[test]
    fn replies_are_redis_s() {
        let get2 = "*10 $3 get :2 *2 +readonly +fast :1 :1 :1 *3 +@read +@string +@fast *0 *1 *6 $5 flags *2 +RO +access $12 begin_search *4 $4 type $5 index $4 spec *2 $5 index :1 $9 find_keys *4 $4 type $5 range $4 spec *6 $7 lastkey :0 $7 keystep :1 $5 limit :0 *0";
        let config3 = "*10 $10 config|get :-3 ~4 +admin +noscript +loading +stale :0 :0 :0 ~3 +@admin +@slow +@dangerous ~0 ~0 ~0";
        check(&[
            ("COMMAND INFO foo", "*1 $-1"),
            ("COMMAND INFO config|foo", "*1 $-1"),
            ("COMMAND INFO get foo", &format!("*2 {get2} $-1")),
            ("HELLO 3", "?"),
            ("COMMAND INFO CONFIG|get foo", &format!("*2 {config3} _")),
        ]);
    }

    #[test]
    fn ranges_of_old() {
        let key = |index, last, step| KeySpec::range(index, last, step, KeyFlags::RO);
        let range = |first, last, step, movable| LegacyRange { first, last, step, movable };
        assert_eq!(LegacyRange::of(&[]), range(0, 0, 0, false));
        assert_eq!(LegacyRange::of(&[key(1, 0, 1)]), range(1, 1, 1, false));
        assert_eq!(LegacyRange::of(&[key(1, -1, 2)]), range(1, -1, 2, false));
        assert_eq!(LegacyRange::of(&[key(1, 0, 1), key(2, 0, 1)]), range(1, 2, 1, false));
        assert_eq!(LegacyRange::of(&[key(2, 0, 1), key(3, -1, 1)]), range(2, -1, 1, false));
        let counted = KeySpec::counted(2, 1, KeyFlags::RO);
        assert_eq!(LegacyRange::of(&[key(1, 0, 1), counted]), range(1, 1, 1, true));
        assert_eq!(LegacyRange::of(&[counted]), range(0, 0, 0, true));
    }
}
