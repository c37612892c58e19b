//! MEMORY STATS and MEMORY DOCTOR: the server's memory by owner, from the tables' own books and the allocator's figures.
//!
//! Field names and order are those of Redis 7.2. What does not exist here (replication, scripts, cluster) is 0.

use engine::{Args, Ctx, Error, figures::MemoryFigures};
use keyspace::TableBytes;
use resp::Writer;
use value::number::append_f64_shortest;

/// Below this an empty server's own needs hide everything else, and the doctor has nothing to say.
const LITTLE_BYTES: u64 = 5 << 20;

/// What the doctor thinks of as too much, with the bytes from which on a ratio matters.
const RATIO_MAX: f64 = 1.5;
const PEAK_RATIO_MAX: f64 = 1.5;
const WASTE_MIN_BYTES: u64 = 10 << 20;

/// A database's share.
struct Database {
    number: u32,
    keys: u64,
    bytes: TableBytes,
}

/// The databases with keys, counted a stripe at a time.
fn databases(ctx: &mut Ctx<'_>) -> Vec<Database> {
    let keyspace = ctx.data.keyspace();
    let mut all: Vec<Database> = (0..keyspace.databases())
        .map(|number| Database { number, keys: 0, bytes: TableBytes::default() })
        .collect();
    for stripe in 0..keyspace.stripes() {
        ctx.hold_stripe(stripe);
        let access = ctx.data.access_ref();
        for database in &mut all {
            database.keys += access.stripe_len(database.number, stripe) as u64;
            database.bytes += access.stripe_bytes(database.number, stripe);
        }
    }
    all.retain(|database| database.keys > 0);
    all
}

/// Bytes held for connections: what they sent and what they are sent.
fn clients(ctx: &Ctx<'_>) -> u64 {
    let own = size_of::<engine::Session>() + size_of::<engine::Client>();
    ctx.engine.clients.all().iter().map(|client| own as u64 + client.gauges.memory_bytes()).sum()
}

fn ratio(a: u64, b: u64) -> f64 {
    if b == 0 { 0.0 } else { a as f64 / b as f64 }
}

/// Writes pairs and counts them.
struct Pairs<'a> {
    writer: Writer<'a>,
    count: usize,
}

impl Pairs<'_> {
    fn integer(&mut self, name: &str, number: u64) {
        self.signed(name, number as i64);
    }

    fn signed(&mut self, name: &str, number: i64) {
        self.count += 1;
        self.writer.bulk(name.as_bytes());
        self.writer.integer(number);
    }

    fn double(&mut self, name: &str, number: f64) {
        self.count += 1;
        self.writer.bulk(name.as_bytes());
        let mut text = Vec::new();
        append_f64_shortest(&mut text, number);
        self.writer.double_text(&String::from_utf8_lossy(&text));
    }

    /// `name.ratio` and `name.bytes`.
    fn both(&mut self, name: &str, a: u64, b: u64) {
        self.double(&format!("{name}.ratio"), ratio(a, b));
        self.signed(&format!("{name}.bytes"), a as i64 - b as i64);
    }
}

pub(super) fn stats(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    let databases = databases(ctx);
    let memory = ctx.engine.samples.memory();
    let clients = clients(ctx);
    let MemoryFigures { allocator, used, peak, startup, resident } = memory;
    let tables: u64 = databases.iter().map(|d| d.bytes.index + d.bytes.expiry).sum();
    let overhead = startup + clients + tables;
    let dataset = used.saturating_sub(overhead);
    let grown = used.saturating_sub(startup);
    let keys: u64 = databases.iter().map(|d| d.keys).sum();

    let mut bytes = Vec::new();
    let mut pairs = Pairs { writer: Writer { out: &mut bytes, protocol: ctx.reply.protocol() }, count: 0 };
    pairs.integer("peak.allocated", peak);
    pairs.integer("total.allocated", used);
    pairs.integer("startup.allocated", startup);
    pairs.integer("replication.backlog", 0);
    pairs.integer("clients.slaves", 0);
    pairs.integer("clients.normal", clients);
    pairs.integer("cluster.links", 0);
    pairs.integer("aof.buffer", 0);
    pairs.integer("lua.caches", 0);
    pairs.integer("functions.caches", 0);
    for database in &databases {
        pairs.count += 1;
        pairs.writer.bulk(format!("db.{}", database.number).as_bytes());
        pairs.writer.map(3);
        let count = pairs.count;
        pairs.integer("overhead.hashtable.main", database.bytes.index);
        pairs.integer("overhead.hashtable.expires", database.bytes.expiry);
        pairs.integer("overhead.hashtable.slot-to-keys", 0);
        pairs.count = count;
    }
    pairs.integer("overhead.total", overhead);
    pairs.integer("keys.count", keys);
    pairs.integer("keys.bytes-per-key", grown.checked_div(keys).unwrap_or(0));
    pairs.integer("dataset.bytes", dataset);
    pairs.double("dataset.percentage", ratio(dataset, grown) * 100.0);
    pairs.double("peak.percentage", ratio(used, peak) * 100.0);
    pairs.integer("allocator.allocated", allocator.allocated);
    pairs.integer("allocator.active", allocator.active);
    pairs.integer("allocator.resident", allocator.resident);
    pairs.both("allocator-fragmentation", allocator.active, allocator.allocated);
    pairs.both("allocator-rss", allocator.resident, allocator.active);
    pairs.both("rss-overhead", resident, allocator.resident);
    pairs.double("fragmentation", ratio(resident, used));
    pairs.signed("fragmentation.bytes", resident as i64 - used as i64);
    let count = pairs.count;
    ctx.reply.write().map(count);
    ctx.reply.encoded(bytes);
    Ok(())
}

/// What MEMORY DOCTOR says.
pub(super) fn report(ctx: &Ctx<'_>) -> String {
    let MemoryFigures { allocator, used, peak, resident, .. } = ctx.engine.samples.memory();
    if used < LITTLE_BYTES {
        return "The server uses so little memory that its figures say nothing yet.\n".to_owned();
    }
    let clients = clients(ctx);
    let wasteful =
        |more: u64, less: u64| ratio(more, less) > RATIO_MAX && more.saturating_sub(less) > WASTE_MIN_BYTES;
    let mut findings = Vec::new();
    if ratio(peak, used) > PEAK_RATIO_MAX {
        findings.push(format!(
            "Peak: {peak} bytes were in use at the peak and {used} are now. The difference may still be resident; MEMORY PURGE gives back what it can."
        ));
    }
    if wasteful(allocator.active, allocator.allocated) {
        findings.push(format!(
            "Fragmentation: {} bytes in use are spread over pages of {} bytes.",
            allocator.allocated, allocator.active
        ));
    }
    if wasteful(allocator.resident, allocator.active) {
        findings.push(format!(
            "Unused pages: the allocator keeps {} bytes resident for {} in active pages; MEMORY PURGE gives them back.",
            allocator.resident, allocator.active
        ));
    }
    if wasteful(resident, allocator.resident) {
        findings.push(format!(
            "Outside the allocator: the process has {resident} bytes resident and the allocator {}.",
            allocator.resident
        ));
    }
    if clients > used / 4 {
        findings.push(format!(
            "Connections: their buffers hold {clients} bytes. Somebody sends much or reads slowly; see CLIENT LIST."
        ));
    }
    if findings.is_empty() {
        return "Nothing looks wrong with the use of memory.\n".to_owned();
    }
    findings.into_iter().map(|finding| finding + "\n").collect()
}

#[cfg(test)]
mod tests {
    use crate::testing::Server;

    #[test]
    fn figures_add_up() {
        let server = Server::start();
        let mut client = server.connect();
        client.send("DEBUG POPULATE 10000 key 100");
        assert_eq!(client.reply(), "+OK");
        std::thread::sleep(std::time::Duration::from_millis(150));
        client.send("MEMORY STATS");
        let reply = client.reply();
        let after = |name: &str| {
            let at = reply.find(&format!(" {name} ")).unwrap_or_else(|| panic!("no {name} in {reply}"));
            reply[at + name.len() + 2..].split(' ').next().unwrap().to_string()
        };
        let number = |name: &str| after(name).trim_start_matches(':').parse::<i64>().unwrap();
        assert!(reply.starts_with("*56 "), "{reply}");
        assert_eq!(number("keys.count"), 10000);
        assert!(number("total.allocated") > 1_000_000);
        assert!(number("peak.allocated") >= number("total.allocated"));
        assert!(number("overhead.hashtable.main") > 80_000);
        assert_eq!(after("db.0"), "*6");
        let rest = number("total.allocated") - number("overhead.total");
        assert_eq!(number("dataset.bytes"), rest.max(0), "{reply}");
    }
}
