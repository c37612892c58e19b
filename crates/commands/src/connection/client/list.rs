//! CLIENT LIST and CLIENT INFO: a line for each connection.
//!
//! The fields up to `lib-ver` are Redis 7.2's in their order; those that only Valkey or Redis 8 have follow, so that nobody
//! who reads the line by place is misled.

use std::fmt::Write;
use std::sync::atomic::Ordering;

use engine::session::ClientFlags;
use engine::{Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group};
use engine::{Client, now_ms, request_bytes};

use super::filter::{Filters, Purpose};
use super::identity::shown;

/// `CLIENT INFO`
pub static INFO: Command = Command {
    name: "info",
    arity: 2,
    flags: Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE),
    categories: Categories::CONNECTION,
    docs: Docs {
        summary: "Describes the connection.",
        since: "6.2.0",
        group: Group::Connection,
        complexity: "O(1)",
        ..Docs::NONE
    },
    tips: &["nondeterministic_output"],
    execute: info,
    ..Command::DEFAULT
};

fn info(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let own = own(ctx, args, "client|info");
    let mut text = String::new();
    describe(&mut text, ctx, &own.client, Some(&own));
    ctx.reply.write().verbatim("txt", text.as_bytes());
    Ok(())
}

/// `CLIENT LIST [filter value ...]`
pub static LIST: Command = Command {
    name: "list",
    arity: -2,
    flags: Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE),
    categories: Categories::CONNECTION,
    docs: Docs {
        summary: "Describes all connections.",
        since: "2.4.0",
        group: Group::Connection,
        complexity: "O(N), N being the client connections",
        history: &[
            ("2.8.12", "The id field."),
            ("5.0.0", "The TYPE filter."),
            ("6.0.0", "The user field."),
            ("6.2.0", "Fields argv-mem, tot-mem, laddr and redir; the ID filter."),
            ("7.0.0", "Fields resp, multi-mem, rbs and rbp."),
            ("7.0.3", "The ssub field."),
            ("8.0.0", "PRIMARY as a type; MASTER still works."),
            ("8.1.0", "Filters by user, addresses and age, and SKIPME."),
            (
                "9.0.0",
                "Filters by name, idle time, flags, library, database, capabilities and IP, and a negation of each.",
            ),
        ],
        ..Docs::NONE
    },
    arguments: &[
        Argument::one_of(
            "client-type",
            &[
                Argument::token("normal", "NORMAL"),
                Argument::token("master", "MASTER"),
                Argument::token("replica", "REPLICA"),
                Argument::token("pubsub", "PUBSUB"),
            ],
        )
        .after("TYPE")
        .optional()
        .since("5.0.0"),
        Argument::new("client-id", ArgumentKind::Integer).after("ID").optional().multiple().since("6.2.0"),
        Argument::new("username", ArgumentKind::String).after("USER").optional().since("8.1.0"),
        Argument {
            display: Some("ip:port"),
            ..Argument::new("addr", ArgumentKind::String).after("ADDR").optional().since("8.1.0")
        },
        Argument {
            display: Some("ip:port"),
            ..Argument::new("laddr", ArgumentKind::String).after("LADDR").optional().since("8.1.0")
        },
        Argument::one_of("skipme", &[Argument::token("yes", "YES"), Argument::token("no", "NO")])
            .after("SKIPME")
            .optional()
            .since("8.1.0"),
        Argument::new("maxage", ArgumentKind::Integer).after("MAXAGE").optional().since("8.1.0"),
        Argument::new("name", ArgumentKind::String).after("NAME").optional().since("9.0.0"),
        Argument::new("idle", ArgumentKind::Integer).after("IDLE").optional().since("9.0.0"),
        Argument::new("flags", ArgumentKind::String).after("FLAGS").optional().since("9.0.0"),
        Argument::new("lib-name", ArgumentKind::String).after("LIB-NAME").optional().since("9.0.0"),
        Argument::new("lib-ver", ArgumentKind::String).after("LIB-VER").optional().since("9.0.0"),
        Argument::new("db", ArgumentKind::Integer).after("DB").optional().since("9.0.0"),
        Argument::new("capa", ArgumentKind::String).after("CAPA").optional().since("9.0.0"),
        Argument::new("ip", ArgumentKind::String).after("IP").optional().since("9.0.0"),
        Argument::one_of(
            "not-client-type",
            &[
                Argument::token("normal", "NORMAL"),
                Argument::token("master", "MASTER"),
                Argument::token("replica", "REPLICA"),
                Argument::token("pubsub", "PUBSUB"),
            ],
        )
        .after("NOT-TYPE")
        .optional()
        .since("9.0.0"),
        Argument::new("not-client-id", ArgumentKind::Integer)
            .after("NOT-ID")
            .optional()
            .multiple()
            .since("9.0.0"),
        Argument::new("not-username", ArgumentKind::String).after("NOT-USER").optional().since("9.0.0"),
        Argument {
            display: Some("ip:port"),
            ..Argument::new("not-addr", ArgumentKind::String).after("NOT-ADDR").optional().since("9.0.0")
        },
        Argument {
            display: Some("ip:port"),
            ..Argument::new("not-laddr", ArgumentKind::String).after("NOT-LADDR").optional().since("9.0.0")
        },
        Argument::new("not-name", ArgumentKind::String).after("NOT-NAME").optional().since("9.0.0"),
        Argument::new("not-flags", ArgumentKind::String).after("NOT-FLAGS").optional().since("9.0.0"),
        Argument::new("not-lib-name", ArgumentKind::String).after("NOT-LIB-NAME").optional().since("9.0.0"),
        Argument::new("not-lib-ver", ArgumentKind::String).after("NOT-LIB-VER").optional().since("9.0.0"),
        Argument::new("not-db", ArgumentKind::Integer).after("NOT-DB").optional().since("9.0.0"),
        Argument::new("not-capa", ArgumentKind::String).after("NOT-CAPA").optional().since("9.0.0"),
        Argument::new("not-ip", ArgumentKind::String).after("NOT-IP").optional().since("9.0.0"),
    ],
    tips: &["nondeterministic_output"],
    execute: list,
    ..Command::DEFAULT
};

fn list(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let filters = Filters::parse(ctx, &args[2..], Purpose::List)?;
    let own = own(ctx, args, "client|list");
    let mut text = String::new();
    for client in ctx.engine.clients.all() {
        let is_own = client.id == own.client.id;
        let skipped = is_own && filters.skip_me == Some(true);
        if !skipped && filters.pass(&client) {
            describe(&mut text, ctx, &client, is_own.then_some(&own));
        }
    }
    ctx.reply.write().verbatim("txt", text.as_bytes());
    Ok(())
}

/// What is only known of the client that asks.
struct Own {
    client: std::sync::Arc<Client>,
    command: &'static str,
    request_bytes: u64,
    argument_bytes: usize,
    unsent_bytes: u64,
}

fn own(ctx: &Ctx<'_>, args: Args<'_>, command: &'static str) -> Own {
    ctx.session.publish();
    Own {
        client: std::sync::Arc::clone(&ctx.session.client),
        command,
        request_bytes: request_bytes(args),
        argument_bytes: args.iter().map(|arg| arg.len()).sum(),
        unsent_bytes: ctx.reply.unsent_bytes() as u64,
    }
}

/// The letters of `flags=`.
pub(super) fn flag_letters(client: &Client) -> String {
    let flags = client.gauges.flags.load(Ordering::Relaxed);
    let letters = [
        (flags & ClientFlags::MONITOR != 0, 'O'),
        (flags & ClientFlags::BLOCKED != 0, 'b'),
        (flags & ClientFlags::CLOSING != 0, 'c'),
        (client.is_unix, 'U'),
        (flags & ClientFlags::NO_EVICT != 0, 'e'),
        (flags & ClientFlags::NO_TOUCH != 0, 'T'),
    ];
    let shown: String = letters.iter().filter(|(set, _)| *set).map(|(_, letter)| *letter).collect();
    if shown.is_empty() { "N".to_owned() } else { shown }
}

/// The letters of `capa=`.
pub(super) fn capabilities(client: &Client) -> &'static str {
    let flags = client.gauges.flags.load(Ordering::Relaxed);
    if flags & ClientFlags::CAN_REDIRECT != 0 { "r" } else { "" }
}

/// Output up to here counts as buffered, as in Redis; more is a list.
const REPLY_BUFFER_BYTES: u64 = 16 << 10;

fn describe(text: &mut String, ctx: &Ctx<'_>, client: &Client, own: Option<&Own>) {
    let now_ms = now_ms();
    let gauges = &client.gauges;
    let names = client.names.lock().clone();
    let seconds = |since_ms: i64| (now_ms - since_ms).max(0) / 1000;
    let command = match (own, gauges.command.load(Ordering::Relaxed)) {
        (Some(own), _) => own.command,
        (None, number) => command_name(ctx, number),
    };
    let input = own.map_or_else(|| gauges.input_bytes.load(Ordering::Relaxed), |own| own.request_bytes);
    let input_free = gauges.query_buffer_free_bytes(input, now_ms);
    let arguments = own.map_or(0, |own| own.argument_bytes) as u64;
    let unsent = own.map_or_else(|| gauges.output_bytes.load(Ordering::Relaxed), |own| own.unsent_bytes);
    let output_memory = gauges.output_memory_bytes.load(Ordering::Relaxed);
    let (buffered, pieces, list_memory) = match unsent {
        0..=REPLY_BUFFER_BYTES => (unsent, 0, 0),
        _ => (0, output_memory.div_ceil(REPLY_BUFFER_BYTES).max(1), output_memory.max(unsent)),
    };
    // Receive buffers belong to the reactor and are not counted for each of their users.
    let memory = size_of::<Client>() as u64
        + size_of::<engine::Session>() as u64
        + arguments
        + gauges.memory_bytes().max(list_memory);
    let events = if unsent > 0 { "rw" } else { "r" };
    // Writing to a String cannot fail.
    let _ = writeln!(
        text,
        "id={} addr={} laddr={} fd={} name={} age={} idle={} flags={} db={} sub=0 psub=0 ssub=0 multi=-1 qbuf={input} \
         qbuf-free={input_free} argv-mem={arguments} multi-mem=0 rbs={output_memory} rbp={output_memory} obl={buffered} \
         oll={pieces} omem={list_memory} tot-mem={memory} events={events} cmd={command} user=default redir=-1 resp={} \
         lib-name={} lib-ver={} watch=0 capa={} tot-net-in={} tot-net-out={} tot-cmds={} io-thread={}",
        client.id,
        client.address,
        client.local_address,
        gauges.descriptor.load(Ordering::Relaxed),
        String::from_utf8_lossy(shown(&names.name)),
        seconds(client.created_ms),
        seconds(gauges.active_ms.load(Ordering::Relaxed)),
        flag_letters(client),
        gauges.database.load(Ordering::Relaxed),
        gauges.protocol.load(Ordering::Relaxed),
        String::from_utf8_lossy(shown(&names.library)),
        String::from_utf8_lossy(shown(&names.library_version)),
        capabilities(client),
        gauges.received_bytes.load(Ordering::Relaxed),
        gauges.sent_bytes.load(Ordering::Relaxed),
        gauges.commands.load(Ordering::Relaxed),
        client.worker.0,
    );
}

/// The name of the command with this statistics number plus one; 0 is none.
fn command_name<'a>(ctx: &Ctx<'a>, number: u32) -> &'a str {
    let id = (number as usize).checked_sub(1);
    let found = id.and_then(|id| ctx.engine.commands.iter_all().find(|command| command.id == id));
    found.map_or("NULL", |command| &command.full_name)
}

#[cfg(test)]
mod tests {
    use crate::testing::{Server, check};

    #[test]
    fn the_line_is_redis_s() {
        let server = Server::start();
        let mut client = server.connect();
        let pattern = "$* id=1 addr=*:0 laddr=* fd=* name= age=0 idle=0 flags=U db=0 sub=0 psub=0 ssub=0 multi=-1 qbuf=26 qbuf-free=* argv-mem=10 multi-mem=0 rbs=* rbp=* obl=0 oll=0 omem=0 tot-mem=* events=r cmd=client|list user=default redir=-1 resp=2 lib-name= lib-ver= watch=0 capa= tot-net-in=26 tot-net-out=0 tot-cmds=0 io-thread=0*";
        client.send("client list");
        let line = client.reply();
        let matches =
            config::glob::matches(pattern.as_bytes(), line.as_bytes(), config::glob::Case::Sensitive);
        assert!(matches, "{line}");
        let mut other = server.connect();
        client.check(&[("CLIENT SETNAME one", "+OK")]);
        other.check(&[("SELECT 3", "+OK"), ("CLIENT NO-TOUCH on", "+OK"), ("HELLO 3", "?")]);
        client.send("CLIENT LIST ID 2");
        let line = client.reply();
        assert!(
            line.contains(" flags=UT db=3 ") && line.contains(" cmd=hello ") && line.contains(" resp=3 "),
            "{line}"
        );
        other.send("CLIENT INFO");
        let line = other.reply();
        assert!(
            line.starts_with("=") && line.contains("txt:id=2 ") && line.contains("cmd=client|info"),
            "{line}"
        );
        for (filters, ids) in [
            ("NAME one", "1"),
            ("NOT-NAME one", "2"),
            ("ID 1 2", "1,2"),
            ("ID 2 TYPE normal", "2"),
            ("DB 3", "2"),
            ("NOT-DB 3 SKIPME yes", ""),
            ("SKIPME yes", "2"),
            ("FLAGS T", "2"),
            ("FLAGS N", ""),
            ("NOT-ID 2", "1"),
            ("ID 0", ""),
            ("TYPE replica", ""),
            ("NOT-TYPE pubsub", "1,2"),
            ("MAXAGE 100", ""),
            ("USER default", "1,2"),
            ("NOT-USER default", ""),
        ] {
            client.send(&format!("CLIENT LIST {filters}"));
            let reply = client.reply();
            let found: Vec<&str> = reply.split("id=").skip(1).filter_map(|l| l.split(' ').next()).collect();
            // `id=` also ends words of the line, none of which has a number behind it.
            let found: Vec<&str> = found.into_iter().filter(|id| id.parse::<u64>().is_ok()).collect();
            assert_eq!(found.join(","), ids, "{filters}: {reply}");
        }
    }

    #[test]
    fn bad_filters() {
        check(&[
            ("CLIENT LIST TYPE foo", "-ERR Unknown client type 'foo'"),
            ("CLIENT LIST TYPE", "-ERR syntax error"),
            ("CLIENT LIST ID x", "-ERR Invalid client ID"),
            ("CLIENT LIST NOT-ID x", "-ERR syntax error"),
            ("CLIENT LIST NOT-ID 0", "-ERR client-id should be greater than 0"),
            ("CLIENT LIST FOO bar", "-ERR syntax error"),
            ("CLIENT LIST MAXAGE x", "-ERR maxage is not an integer or out of range"),
            ("CLIENT LIST IDLE 0", "-ERR idle should be greater than 0"),
            ("CLIENT LIST NOT-IDLE 1", "-ERR syntax error"),
            ("CLIENT LIST DB x", "-ERR DB is not an integer or out of range"),
            ("CLIENT LIST DB 2147483647", "-ERR DB number should be between 0 and 15"),
            ("CLIENT LIST DB 2147483648", "-ERR DB is not an integer or out of range"),
            ("CLIENT LIST NOT-DB 99", "-ERR NOT-DB number should be between 0 and 15"),
            ("CLIENT LIST FLAGS zz", "-ERR Unknown flags found in the provided filter: zz"),
            ("CLIENT LIST NOT-CAPA zz", "-ERR Unknown capa found in the NOT-CAPA filter: zz"),
            ("CLIENT LIST USER nobody", "-ERR No such user 'nobody'"),
            ("CLIENT LIST SKIPME foo", "-ERR syntax error"),
        ]);
    }
}
