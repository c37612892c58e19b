//! INFO: what the server has to say about itself, in Redis 7.2's sections and fields.
//!
//! The figures come from the engine; here they get their names. A field of something that this server does not do (replicas,
//! modules, defragmentation) has the value that Redis shows when it does not happen.

mod activity;
mod keys;
mod machine;
mod memory;
mod page;
mod saving;

use engine::{Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group, Scope};

use page::Page;

/// The version of this server.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// `INFO [section ...]`
pub static INFO: Command = Command {
    name: "info",
    arity: -1,
    flags: Flags::LOADING.and(Flags::STALE),
    categories: Categories::DANGEROUS,
    scope: Scope::Slices,
    docs: Docs {
        summary: "Answers what the server has to say about itself.",
        since: "1.0.0",
        group: Group::Server,
        complexity: "O(1)",
        history: &[("7.0.0", "Several sections at once.")],
        ..Docs::NONE
    },
    arguments: &[Argument::new("section", ArgumentKind::String).optional().multiple()],
    tips: &["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
    execute: info,
    ..Command::DEFAULT
};

/// A section: its title, whether INFO shows it unasked, and who writes it.
struct Section {
    title: &'static str,
    by_default: bool,
    write: fn(&mut Page, &mut Ctx<'_>),
}

const fn section(title: &'static str, by_default: bool, write: fn(&mut Page, &mut Ctx<'_>)) -> Section {
    Section { title, by_default, write }
}

/// All sections, in Redis's order.
const SECTIONS: [Section; 13] = [
    section("Server", true, machine::server),
    section("Clients", true, activity::clients),
    section("Memory", true, memory::memory),
    section("Persistence", true, saving::persistence),
    section("Stats", true, activity::stats),
    section("Replication", true, saving::replication),
    section("CPU", true, machine::cpu),
    section("Modules", true, |_, _| {}),
    section("Commandstats", false, activity::command_stats),
    section("Errorstats", true, activity::error_stats),
    section("Latencystats", false, activity::latency_stats),
    section("Cluster", true, |page, _| page.line("cluster_enabled", 0)),
    section("Keyspace", true, keys::keyspace),
];

fn info(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let named = |name: &str| args[1..].iter().any(|arg| arg.eq_ignore_ascii_case(name.as_bytes()));
    let all = named("all") || named("everything");
    let default = args.len() == 1 || named("default");
    let mut page = Page::default();
    for section in &SECTIONS {
        if all || (default && section.by_default) || named(section.title) {
            page.section(section.title);
            (section.write)(&mut page, ctx);
        }
    }
    ctx.reply.write().verbatim("txt", page.text().as_bytes());
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::{Server, check};

    /// Every field that redis-server 7.2 shows, by section.
    const FIELDS: &str = include_str!("info/fields.txt");

    #[test]
    fn every_field_of_redis_is_there() {
        let server = Server::start();
        let mut client = server.connect();
        client.check(&[("SET k v EX 100", "+OK"), ("NOSUCH", "?"), ("PING", "+PONG"), ("INFO all", "?")]);
        client.send("INFO everything");
        let reply = client.reply().replace("\\r\\n", "\n");
        let mut seen = std::collections::BTreeSet::new();
        for line in reply.lines() {
            if let Some((name, _)) = line.split_once(':') {
                assert!(seen.insert(name.to_owned()), "{name} stands twice");
            }
        }
        for field in FIELDS.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            assert!(seen.contains(field), "{field} is missing");
        }
        for text in [
            "redis_version:7.2.4\n",
            "evenkeel_version:",
            "\n# Keyspace\ndb0:keys=1,expires=1,avg_ttl=",
            "errorstat_ERR:count=1\n",
            "cmdstat_ping:calls=1,usec=",
            "latency_percentiles_usec_set:p50=",
        ] {
            assert!(reply.contains(text), "{text}: {reply}");
        }
    }

    #[test]
    fn sections() {
        check(&[
            ("INFO nosuch", "$0 "),
            ("INFO cluster", r"$30 # Cluster\r\ncluster_enabled:0\r\n"),
            ("INFO keyspace CLUSTER", r"$44 # Cluster\r\ncluster_enabled:0\r\n\r\n# Keyspace\r\n"),
            ("INFO modules", r"$11 # Modules\r\n"),
            ("HELLO 3", "?"),
            ("INFO cluster", r"=34 txt:# Cluster\r\ncluster_enabled:0\r\n"),
        ]);
        let server = Server::start();
        let mut client = server.connect();
        for (request, count) in [
            ("INFO", 11),
            ("INFO default", 11),
            ("INFO all", 13),
            ("INFO everything", 13),
            ("INFO default commandstats", 12),
        ] {
            client.send(request);
            assert_eq!(client.reply().matches("# ").count(), count, "{request}");
        }
    }
}
