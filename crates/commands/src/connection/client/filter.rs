//! Which clients CLIENT LIST and CLIENT KILL are about: Redis's filters and Valkey's, each of those negated too.

use std::mem::discriminant;
use std::sync::atomic::Ordering;

use engine::{Client, Ctx, Error, now_ms};
use value::number::parse_i64;

use super::list::{capabilities, flag_letters};

/// Letters that CLIENT LIST may show in `flags=`.
const FLAG_LETTERS: &[u8] = b"bcdeirtuxABEIMNOPRSTU";

/// Letters that it may show in `capa=`.
const CAPABILITY_LETTERS: &[u8] = b"r";

/// Whose filters are parsed; texts differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// CLIENT LIST
    List,
    /// CLIENT KILL
    Kill,
}

/// One property that a client can have.
#[derive(Clone, Debug)]
enum Test {
    Id(Vec<i64>),
    /// Whether normal clients are of the type asked for: there are no others yet.
    Normal(bool),
    Address(Vec<u8>),
    LocalAddress(Vec<u8>),
    /// Everybody is the default user.
    User,
    Name(Vec<u8>),
    Library(Vec<u8>),
    LibraryVersion(Vec<u8>),
    Ip(Vec<u8>),
    Flags(Vec<u8>),
    Capabilities(Vec<u8>),
    Database(u32),
    AgeSeconds(i64),
    IdleSeconds(i64),
}

/// Filters that must all let a client pass.
#[derive(Debug, Default)]
pub(super) struct Filters {
    tests: Vec<(Test, bool)>,
    /// SKIPME, if it was given.
    pub(super) skip_me: Option<bool>,
}

impl Filters {
    /// Reads names and values in turn.
    pub(super) fn parse(ctx: &Ctx<'_>, mut words: &[&[u8]], purpose: Purpose) -> Result<Filters, Error> {
        let mut filters = Filters::default();
        while let [name, rest @ ..] = words {
            let upper = name.to_ascii_uppercase();
            let (value, after) = rest.split_first().ok_or(Error::SYNTAX)?;
            words = after;
            if upper == b"SKIPME" {
                filters.skip_me = Some(match value.to_ascii_lowercase().as_slice() {
                    b"yes" => true,
                    b"no" => false,
                    _ => return Err(Error::SYNTAX),
                });
                continue;
            }
            let (negated, property) = match upper.strip_prefix(b"NOT-") {
                // These two have no negation.
                Some(b"MAXAGE" | b"IDLE") => return Err(Error::SYNTAX),
                Some(property) => (true, property),
                None => (false, upper.as_slice()),
            };
            let test = match property {
                b"ID" => Test::Id(ids(value, &mut words, purpose, negated)?),
                b"TYPE" => Test::Normal(is_normal(value)?),
                b"ADDR" => Test::Address(value.to_vec()),
                b"LADDR" => Test::LocalAddress(value.to_vec()),
                b"USER" if *value == b"default" => Test::User,
                b"USER" => return Err(Error::naming("ERR No such user '", value, "'")),
                b"NAME" => Test::Name(value.to_vec()),
                b"LIB-NAME" => Test::Library(value.to_vec()),
                b"LIB-VER" => Test::LibraryVersion(value.to_vec()),
                b"IP" => Test::Ip(value.to_vec()),
                b"FLAGS" => Test::Flags(letters(value, FLAG_LETTERS, "flags", negated)?),
                b"CAPA" => Test::Capabilities(letters(value, CAPABILITY_LETTERS, "capa", negated)?),
                b"DB" => Test::Database(database(value, ctx.engine.keyspace.databases(), &upper)?),
                b"MAXAGE" => Test::AgeSeconds(seconds(value, "maxage")?),
                b"IDLE" => Test::IdleSeconds(seconds(value, "idle")?),
                _ => return Err(Error::SYNTAX),
            };
            // Said twice, the last counts.
            filters.tests.retain(|(old, n)| *n != negated || discriminant(old) != discriminant(&test));
            filters.tests.push((test, negated));
        }
        Ok(filters)
    }

    /// Whether this client is meant, SKIPME aside.
    pub(super) fn pass(&self, client: &Client) -> bool {
        self.tests.iter().all(|(test, negated)| test.holds(client) != *negated)
    }
}

impl Test {
    fn holds(&self, client: &Client) -> bool {
        let gauges = &client.gauges;
        match self {
            Test::Id(ids) => ids.contains(&(client.id as i64)),
            Test::Normal(asked) => *asked,
            Test::User => true,
            Test::Address(address) => client.address.as_bytes() == address,
            Test::LocalAddress(address) => client.local_address.as_bytes() == address,
            Test::Name(name) => client.names.lock().name == *name,
            Test::Library(name) => client.names.lock().library == *name,
            Test::LibraryVersion(version) => client.names.lock().library_version == *version,
            Test::Ip(ip) => host(&client.address).as_bytes() == ip,
            Test::Flags(letters) => has_all(flag_letters(client).as_bytes(), letters),
            Test::Capabilities(letters) => has_all(capabilities(client).as_bytes(), letters),
            Test::Database(database) => gauges.database.load(Ordering::Relaxed) == *database,
            Test::AgeSeconds(seconds) => (now_ms() - client.created_ms) / 1000 >= *seconds,
            Test::IdleSeconds(seconds) => {
                (now_ms() - gauges.active_ms.load(Ordering::Relaxed)) / 1000 >= *seconds
            }
        }
    }
}

fn has_all(have: &[u8], wanted: &[u8]) -> bool {
    wanted.iter().all(|letter| have.contains(letter))
}

/// An address without its port and brackets.
fn host(address: &str) -> &str {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

/// The first id and those that follow it.
fn ids(first: &[u8], rest: &mut &[&[u8]], purpose: Purpose, negated: bool) -> Result<Vec<i64>, Error> {
    const NOT_POSITIVE: Error = Error::fixed("ERR client-id should be greater than 0");
    let mut ids = Vec::new();
    match (parse_i64(first), purpose) {
        (Some(id), _) => ids.push(id),
        (None, _) if negated => return Err(Error::SYNTAX),
        (None, Purpose::List) => return Err(Error::fixed("ERR Invalid client ID")),
        (None, Purpose::Kill) => return Err(NOT_POSITIVE),
    }
    while let [word, after @ ..] = *rest
        && let Some(id) = parse_i64(word)
    {
        ids.push(id);
        *rest = after;
    }
    // Redis lists no client for an impossible id, but does not kill by one.
    if (negated || purpose == Purpose::Kill) && ids.iter().any(|id| *id <= 0) {
        return Err(NOT_POSITIVE);
    }
    Ok(ids)
}

fn is_normal(word: &[u8]) -> Result<bool, Error> {
    match word.to_ascii_lowercase().as_slice() {
        b"normal" => Ok(true),
        b"slave" | b"replica" | b"master" | b"primary" | b"pubsub" => Ok(false),
        _ => Err(Error::naming("ERR Unknown client type '", word, "'")),
    }
}

fn letters(value: &[u8], known: &[u8], what: &str, negated: bool) -> Result<Vec<u8>, Error> {
    if value.iter().all(|letter| known.contains(letter)) {
        return Ok(value.to_vec());
    }
    let filter = match negated {
        true => format!("the NOT-{} filter", what.to_ascii_uppercase()),
        false => "the provided filter".to_owned(),
    };
    Err(Error::naming(&format!("ERR Unknown {what} found in {filter}: "), value, ""))
}

fn database(value: &[u8], databases: u32, filter: &[u8]) -> Result<u32, Error> {
    let filter = String::from_utf8_lossy(filter);
    // Valkey reads 32 bits.
    let number = parse_i64(value)
        .and_then(|number| i32::try_from(number).ok())
        .ok_or_else(|| Error::new(format!("ERR {filter} is not an integer or out of range")))?;
    u32::try_from(number)
        .ok()
        .filter(|number| *number < databases)
        .ok_or_else(|| Error::new(format!("ERR {filter} number should be between 0 and {}", databases - 1)))
}

fn seconds(value: &[u8], what: &str) -> Result<i64, Error> {
    let number = parse_i64(value)
        .ok_or_else(|| Error::new(format!("ERR {what} is not an integer or out of range")))?;
    if number <= 0 {
        return Err(Error::new(format!("ERR {what} should be greater than 0")));
    }
    Ok(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts() {
        assert_eq!(host("127.0.0.1:50"), "127.0.0.1");
        assert_eq!(host("[::1]:50"), "::1");
        assert_eq!(host("/tmp/s.sock:0"), "/tmp/s.sock");
    }
}
