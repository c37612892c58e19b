//! COMMAND DOCS: what redis-cli shows while one types.

use engine::Registered;
use engine::{Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group};
use resp::Writer;

use super::find;
use super::info::statuses;

/// `COMMAND DOCS [command-name ...]`
pub static DOCS: Command = Command {
    name: "docs",
    arity: -2,
    flags: Flags::LOADING.and(Flags::STALE),
    categories: Categories::CONNECTION,
    docs: Docs {
        summary: "Answers the documentation of commands.",
        since: "7.0.0",
        group: Group::Server,
        complexity: "O(N), N being the commands asked for",
        ..Docs::NONE
    },
    arguments: &[Argument::new("command-name", ArgumentKind::String).optional().multiple()],
    tips: &["nondeterministic_output_order"],
    execute: docs,
    ..Command::DEFAULT
};

fn docs(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let commands = &ctx.engine.commands;
    let found: Vec<&Registered> = match &args[2..] {
        [] => commands.iter().collect(),
        names => names.iter().filter_map(|name| find(commands, name)).collect(),
    };
    let mut reply = ctx.reply.write();
    reply.map(found.len());
    for command in found {
        describe(&mut reply, command);
    }
    Ok(())
}

fn describe(reply: &mut Writer<'_>, registered: &Registered) {
    let command = registered.command;
    let docs = &command.docs;
    let texts = [("summary", docs.summary), ("since", docs.since), ("group", docs.group.name())];
    let doc_flags: Vec<&str> = [(docs.deprecated.is_some(), "deprecated"), (docs.syscmd, "syscmd")]
        .iter()
        .filter(|f| f.0)
        .map(|f| f.1)
        .collect();
    let fields = texts.len()
        + usize::from(!docs.complexity.is_empty())
        + usize::from(!doc_flags.is_empty())
        + 2 * usize::from(docs.deprecated.is_some())
        + usize::from(!docs.history.is_empty())
        + usize::from(!command.arguments.is_empty())
        + usize::from(!registered.subcommands.is_empty());
    reply.bulk(registered.full_name.as_bytes());
    reply.map(fields);
    texts.iter().for_each(|(name, text)| pair(reply, name, text));
    if !docs.complexity.is_empty() {
        pair(reply, "complexity", docs.complexity);
    }
    if !doc_flags.is_empty() {
        reply.bulk(b"doc_flags");
        statuses(reply, &doc_flags);
    }
    if let Some((version, instead)) = docs.deprecated {
        pair(reply, "deprecated_since", version);
        pair(reply, "replaced_by", instead);
    }
    if !docs.history.is_empty() {
        reply.bulk(b"history");
        reply.set(docs.history.len());
        for (version, change) in docs.history {
            reply.array(2);
            reply.bulk(version.as_bytes());
            reply.bulk(change.as_bytes());
        }
    }
    if !command.arguments.is_empty() {
        reply.bulk(b"arguments");
        arguments(reply, command.arguments);
    }
    if !registered.subcommands.is_empty() {
        reply.bulk(b"subcommands");
        reply.map(registered.subcommands.len());
        registered.subcommands.iter().for_each(|subcommand| describe(reply, subcommand));
    }
}

fn arguments(reply: &mut Writer<'_>, arguments: &[Argument]) {
    reply.array(arguments.len());
    for argument in arguments {
        let is_leaf = !matches!(argument.kind, ArgumentKind::OneOf | ArgumentKind::Block);
        let flags: Vec<&str> = [
            (argument.optional, "optional"),
            (argument.multiple, "multiple"),
            (argument.multiple_token, "multiple_token"),
        ]
        .iter()
        .filter(|flag| flag.0)
        .map(|flag| flag.1)
        .collect();
        let display = argument.display.or(is_leaf.then_some(argument.name));
        let texts = [
            ("token", argument.token),
            ("since", argument.since),
            ("deprecated_since", argument.deprecated_since),
        ];
        let fields = 2
            + usize::from(display.is_some())
            + usize::from(argument.key_spec.is_some())
            + texts.iter().filter(|(_, text)| text.is_some()).count()
            + usize::from(!flags.is_empty())
            + usize::from(!is_leaf);
        reply.map(fields);
        pair(reply, "name", argument.name);
        pair(reply, "type", argument.kind.name());
        if let Some(display) = display {
            pair(reply, "display_text", display);
        }
        if let Some(index) = argument.key_spec {
            reply.bulk(b"key_spec_index");
            reply.integer(i64::from(index));
        }
        for (name, text) in texts {
            if let Some(text) = text {
                pair(reply, name, text);
            }
        }
        if !flags.is_empty() {
            reply.bulk(b"flags");
            statuses(reply, &flags);
        }
        if !is_leaf {
            reply.bulk(b"arguments");
            self::arguments(reply, argument.parts);
        }
    }
}

fn pair(reply: &mut Writer<'_>, name: &str, text: &str) {
    reply.bulk(name.as_bytes());
    reply.bulk(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn replies_have_redis_s_shape() {
        let select = "$7 summary $50 Chooses the database that the connection works on. $5 since $5 1.0.0 $5 group $10 connection $10 complexity $4 O(1) $9 arguments *1";
        check(&[
            ("COMMAND DOCS foo", "*0"),
            (
                "COMMAND DOCS SELECT foo",
                &format!(
                    "*2 $6 select *10 {select} *6 $4 name $5 index $4 type $7 integer $12 display_text $5 index"
                ),
            ),
            ("HELLO 3", "?"),
            (
                "COMMAND DOCS select",
                &format!(
                    "%1 $6 select %5 {select} %3 $4 name $5 index $4 type $7 integer $12 display_text $5 index"
                ),
            ),
            (
                "COMMAND DOCS slowlog|get",
                "%1 $11 slowlog|get %6 $7 summary $43 Answers the newest entries of the slow log. $5 since $6 2.2.12 $5 group $6 server $10 complexity $34 O(N), N being the entries answered $7 history ~1 *2 $5 4.0.0 $44 The client's address and name in each entry. $9 arguments *1 %4 $4 name $5 count $4 type $7 integer $12 display_text $5 count $5 flags ~1 +optional",
            ),
        ]);
    }
}
