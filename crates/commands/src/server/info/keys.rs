//! Section Keyspace, and what a walk over all stripes tells of their memory.

use engine::Ctx;

use super::page::Page;

/// What is known of one database.
#[derive(Clone, Copy, Default)]
struct Database {
    keys: usize,
    deadlines: usize,
    /// Entries with a deadline that were looked at, and the sum of what they have left.
    sampled: i64,
    left_ms: i64,
}

/// One stripe after the other; an entry of each is looked at for the average time to live.
pub(super) fn keyspace(page: &mut Page, ctx: &mut Ctx<'_>) {
    let keyspace = ctx.data.keyspace();
    let now_ms = ctx.data.now_ms;
    let mut databases = vec![Database::default(); keyspace.databases() as usize];
    for stripe in 0..keyspace.stripes() {
        ctx.hold_stripe(stripe);
        let access = ctx.data.access_ref();
        for (number, database) in (0..).zip(&mut databases) {
            let (keys, deadlines) = access.physical_len(access.physical(number), stripe);
            database.keys += keys;
            if deadlines == 0 {
                continue;
            }
            database.deadlines += deadlines;
            let entry = access.random(number, stripe, |bound| fastrand::usize(..bound.max(1)));
            if let Some(deadline_ms) = entry.and_then(|entry| entry.deadline_ms) {
                database.sampled += 1;
                database.left_ms = database.left_ms.saturating_add((deadline_ms - now_ms).max(0));
            }
        }
    }
    for (number, database) in databases.iter().enumerate().filter(|(_, database)| database.keys > 0) {
        page.line(
            &format!("db{number}"),
            format_args!(
                "keys={},expires={},avg_ttl={}",
                database.keys,
                database.deadlines,
                database.left_ms.checked_div(database.sampled).unwrap_or(0)
            ),
        );
    }
}

/// Bytes of indexes and timing wheels: what keys cost beside their entries.
pub(super) fn overhead_bytes(ctx: &mut Ctx<'_>) -> u64 {
    let keyspace = ctx.data.keyspace();
    let mut bytes = 0;
    for stripe in 0..keyspace.stripes() {
        ctx.hold_stripe(stripe);
        let access = ctx.data.access_ref();
        for database in 0..keyspace.databases() {
            let table = access.stripe_bytes(database, stripe);
            bytes += table.index + table.expiry;
        }
    }
    bytes
}
