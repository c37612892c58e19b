//! What the server says about itself: COMMAND, INFO, CONFIG, compared with the reference by name and meaning.

use std::collections::{BTreeMap, BTreeSet};

use system_tests::oracle::table::ROWS;
use system_tests::{Reply, Server, ServerOptions, server};

fn start(binary: std::path::PathBuf) -> Server {
    ServerOptions::new(binary).args("--enable-debug-command yes").start().unwrap()
}

/// What COMMAND says of one command or subcommand, each field as text.
type Facts = BTreeMap<&'static str, String>;

fn facts(entry: &Reply) -> Option<(String, Facts, &[Reply])> {
    let [name, arity, flags, first, last, step, categories, _tips, keys, subcommands] = entry.items() else {
        return None;
    };
    let set = |reply: &Reply| {
        let words: BTreeSet<String> = reply.items().iter().map(Reply::text).collect();
        words.into_iter().collect::<Vec<_>>().join(" ")
    };
    let keys: Vec<String> = keys.items().iter().map(key_specification).collect();
    let facts = BTreeMap::from([
        ("arity", arity.text()),
        ("flags", set(flags)),
        ("key positions", format!("{} {} {}", first.text(), last.text(), step.text())),
        ("categories", set(categories)),
        ("key specifications", keys.join("; ")),
    ]);
    Some((name.text(), facts, subcommands.items()))
}

/// A key specification without its notes, which are prose.
fn key_specification(reply: &Reply) -> String {
    let items = reply.items();
    let pairs = items.chunks(2).filter(|pair| pair[0].text() != "notes");
    pairs.map(|pair| format!("{}={}", pair[0].text(), flat(&pair[1]))).collect::<Vec<_>>().join(" ")
}

fn flat(reply: &Reply) -> String {
    match reply.items() {
        [] => reply.text(),
        items => {
            let mut parts: Vec<String> = items.iter().map(flat).collect();
            if items.iter().all(|item| matches!(item, Reply::Simple(_))) {
                parts.sort();
            }
            format!("({})", parts.join(" "))
        }
    }
}

/// All commands and subcommands (`config|get`) of a server.
fn commands(server: &Server) -> BTreeMap<String, Facts> {
    let mut all = BTreeMap::new();
    for entry in server.client().run("COMMAND").items() {
        let (name, known, subcommands) =
            facts(entry).unwrap_or_else(|| panic!("an entry of COMMAND has another form: {entry:?}"));
        all.insert(name, known);
        all.extend(subcommands.iter().filter_map(facts).map(|(name, known, _)| (name, known)));
    }
    all
}

/// Names in the oracle's table: `get`, `config|get`.
fn tabled() -> BTreeSet<String> {
    let names = ROWS.iter().flat_map(|family| family.iter()).map(|row| row.name.to_lowercase());
    names
        .flat_map(|name| [name.replace(' ', "|"), name.split(' ').next().unwrap_or_default().to_string()])
        .collect()
}

/// Commands that the oracle does not send, because what they do cannot be compared reply by reply.
const NOT_COMPARED: &[(&str, &str)] =
    &[("quit", "closes; in protocol.rs"), ("monitor", "a stream; in protocol.rs")];

/// Whether the oracle's table has the command only for servers that have it: of types that are not built yet.
fn is_optional(name: &str) -> bool {
    let mut rows = ROWS.iter().flat_map(|family| family.iter());
    rows.any(|row| row.name.eq_ignore_ascii_case(name) && !row.probe.is_empty())
}

/// Facts that may differ from the reference's: command, field, why.
const MAY_DIFFER: &[(&str, &str, &str)] = &[
    ("client|getname", "flags", "`allow_busy` since Valkey 9"),
    ("client|id", "flags", "`allow_busy` since Valkey 9"),
    ("client|no-evict", "flags", "`allow_busy` since Valkey 9"),
    ("client|reply", "flags", "`allow_busy` and `no_multi` since Valkey 9"),
    ("client|setname", "flags", "`allow_busy` since Valkey 9"),
    ("select", "flags", "`allow_busy` since Valkey 9"),
    ("command|getkeys", "arity", "-3 since 7.2: a single word is enough"),
    ("command|getkeysandflags", "arity", "-3 since 7.2: a single word is enough"),
    ("sinterstore", "key specifications", "the destination is `OW` since 7.2"),
    ("bzpopmax", "flags", "`noscript` until 7.0"),
    ("bzpopmin", "flags", "`noscript` until 7.0"),
    ("zrank", "arity", "-3 since 7.2: WITHSCORE"),
    ("zrevrank", "arity", "-3 since 7.2: WITHSCORE"),
    ("wait", "flags", "`blocking` since 7.2"),
    ("wait", "categories", "`@blocking` since 7.2"),
];

#[test]
fn commands_are_declared_as_in_the_reference() {
    let (ours, reference) =
        (commands(&start(server::ours().unwrap())), commands(&start(server::reference().unwrap())));
    let tabled = tabled();
    let mut differences = Vec::new();
    let mut compared = 0;
    for (name, theirs) in reference.iter().filter(|(name, _)| tabled.contains(*name)) {
        let Some(known) = ours.get(name) else {
            if !is_optional(name) {
                differences.push(format!("{name}: missing"));
            }
            continue;
        };
        compared += 1;
        for (field, value) in theirs {
            let excused = MAY_DIFFER.iter().any(|(command, of, _)| command == name && of == field);
            if known[field] != *value && !excused {
                differences.push(format!("{name}: {field}: ours `{}`, theirs `{value}`", known[field]));
            }
        }
    }
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
    assert!(compared > 80, "only {compared} compared");
}

#[test]
fn every_command_is_in_the_oracle() {
    let tabled = tabled();
    let left_out = |name: &str| NOT_COMPARED.iter().any(|(known, _)| *known == name);
    let ours = commands(&start(server::ours().unwrap()));
    let forgotten: Vec<&String> = ours
        .keys()
        .filter(|name| !name.contains('|') && !tabled.contains(*name) && !left_out(name))
        .collect();
    assert!(forgotten.is_empty(), "commands that the differential test never sends: {forgotten:?}");
}

/// Sections and fields of an INFO text.
fn fields(text: &str) -> BTreeSet<String> {
    let mut section = "";
    let mut found = BTreeSet::new();
    for line in text.lines().map(str::trim) {
        match (line.strip_prefix("# "), line.split_once(':')) {
            (Some(name), _) => section = name,
            // Fields with a name of their own for each command, error or database.
            (None, Some((name, _)))
                if !["cmdstat_", "errorstat_", "latency_"].iter().any(|prefix| name.starts_with(prefix)) =>
            {
                found.insert(format!("{section}: {name}"));
            }
            _ => {}
        }
    }
    found
}

/// Fields that only a server with what is not built yet can have, each with its reason.
const NO_FIELD: &[(&str, &str)] = &[];

#[test]
fn info_has_every_field_of_the_reference() {
    let info = |binary| {
        let server = start(binary);
        server.client().run("SET k v");
        fields(&server.client().run("INFO everything").text())
    };
    let (ours, reference) = (info(server::ours().unwrap()), info(server::reference().unwrap()));
    let excused = |field: &str| NO_FIELD.iter().any(|(name, _)| *name == field);
    let missing: Vec<&String> = reference.difference(&ours).filter(|field| !excused(field)).collect();
    assert!(missing.is_empty(), "missing: {missing:#?}");
    assert!(reference.len() > 100);
}

#[test]
fn config_knows_every_option_of_the_reference() {
    let reply = start(server::reference().unwrap()).client().run("CONFIG GET *");
    let reference: Vec<String> = reply.items().chunks(2).map(|pair| pair[0].text()).collect();
    // By its name, since what one version lists another may hide from `*`.
    let ours = start(server::ours().unwrap());
    let mut client = ours.client();
    let is_missing = |name: &&String| client.call(&["CONFIG", "GET", name]).unwrap().items().len() != 2;
    let missing: Vec<&String> = reference.iter().filter(is_missing).collect();
    assert!(missing.is_empty(), "missing: {missing:?}");
    assert!(reference.len() > 150);
}
