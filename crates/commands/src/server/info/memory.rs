//! Section Memory: what the process occupies, and what of it is data.

use engine::figures::machine_bytes;
use engine::{Client, Ctx, Session};

use super::keys::overhead_bytes;
use super::page::{Page, human};

pub(super) fn memory(page: &mut Page, ctx: &mut Ctx<'_>) {
    let index = overhead_bytes(ctx);
    let engine = ctx.engine;
    let config = engine.config.load();
    let memory = engine.samples.memory();
    let clients: u64 = engine.clients.all().iter().map(|client| client_bytes(client)).sum();
    let overhead = (memory.startup + index + clients).min(memory.used);
    let dataset = memory.used - overhead;
    let net = memory.used.saturating_sub(memory.startup).max(1);
    page.bytes("used_memory", memory.used);
    page.bytes("used_memory_rss", memory.resident);
    page.bytes("used_memory_peak", memory.peak);
    page.line("used_memory_peak_perc", percent(memory.used, memory.peak));
    page.line("used_memory_overhead", overhead);
    page.line("used_memory_startup", memory.startup);
    page.line("used_memory_dataset", dataset);
    page.line("used_memory_dataset_perc", percent(dataset.min(net), net));
    let allocator = memory.allocator;
    page.line("allocator_allocated", allocator.allocated);
    page.line("allocator_active", allocator.active);
    page.line("allocator_resident", allocator.resident);
    page.line("allocator_muzzy", 0);
    page.bytes("total_system_memory", machine_bytes());
    page.lines(&["used_memory_lua", "used_memory_vm_eval"], 0);
    page.line("used_memory_lua_human", human(0));
    page.lines(&["used_memory_scripts_eval", "number_of_cached_scripts"], 0);
    page.lines(&["number_of_functions", "number_of_libraries", "used_memory_vm_functions"], 0);
    page.bytes("used_memory_vm_total", 0);
    page.line("used_memory_functions", 0);
    page.bytes("used_memory_scripts", 0);
    page.bytes("maxmemory", config.memory.limit_bytes);
    page.line("maxmemory_policy", config.memory.policy.text());
    gap(page, "allocator_frag", allocator.active, allocator.allocated);
    gap(page, "allocator_rss", allocator.resident, allocator.active);
    gap(page, "rss_overhead", memory.resident, allocator.resident);
    gap(page, "mem_fragmentation", memory.resident, memory.used);
    page.lines(&["mem_not_counted_for_evict", "mem_replication_backlog", "mem_total_replication_buffers"], 0);
    page.line("mem_clients_slaves", 0);
    page.line("mem_clients_normal", clients);
    page.lines(&["mem_cluster_links", "mem_aof_buffer", "mem_overhead_db_hashtable_rehashing"], 0);
    page.line("mem_index", index);
    page.line("mem_allocator", keyspace::allocator_version());
    page.line("mem_allocator_metadata", allocator.metadata);
    page.line("active_defrag_running", 0);
    let (pending, freed) = engine.keyspace.reclaim_counts();
    page.line("lazyfree_pending_objects", pending);
    page.line("lazyfreed_objects", freed);
}

fn client_bytes(client: &Client) -> u64 {
    client.gauges.memory_bytes() + (size_of::<Client>() + size_of::<Session>()) as u64
}

fn percent(part: u64, whole: u64) -> String {
    format!("{:.2}%", part as f64 * 100.0 / whole.max(1) as f64)
}

/// How much more `outer` is than `inner`: as a ratio and in bytes.
fn gap(page: &mut Page, name: &str, outer: u64, inner: u64) {
    page.line(&format!("{name}_ratio"), format_args!("{:.2}", outer as f64 / inner.max(1) as f64));
    page.line(&format!("{name}_bytes"), outer as i64 - inner as i64);
}
