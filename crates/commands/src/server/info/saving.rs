//! Sections Persistence and Replication.

use std::sync::atomic::Ordering;

use engine::Ctx;

use super::page::Page;

pub(super) fn persistence(page: &mut Page, ctx: &mut Ctx<'_>) {
    let engine = ctx.engine;
    let figures = engine.persistence_info();
    page.line("loading", u8::from(engine.loading.load(Ordering::Relaxed)));
    page.line("async_loading", 0);
    page.line("current_cow_peak", figures.extra_bytes_peak);
    page.line("current_cow_size", figures.extra_bytes);
    page.line("current_cow_size_age", 0);
    let done = figures.keys_done as f64 * 100.0 / figures.keys_total.max(1) as f64;
    page.line("current_fork_perc", format_args!("{done:.2}"));
    page.line("current_save_keys_processed", figures.keys_done);
    page.line("current_save_keys_total", figures.keys_total);
    page.line("rdb_changes_since_last_save", figures.changes_since_save);
    page.line("rdb_bgsave_in_progress", u8::from(figures.save_running));
    page.line("rdb_last_save_time", figures.last_save_s);
    page.line("rdb_last_bgsave_status", if figures.last_save_ok { "ok" } else { "err" });
    page.line("rdb_last_bgsave_time_sec", figures.last_save_seconds.unwrap_or(-1));
    page.line("rdb_current_bgsave_time_sec", figures.current_save_seconds.unwrap_or(-1));
    page.line("rdb_saves", figures.saves);
    page.line("rdb_last_cow_size", figures.last_extra_bytes);
    page.line("rdb_last_load_keys_expired", figures.loaded_expired);
    page.line("rdb_last_load_keys_loaded", figures.loaded_keys);
    for (name, value) in &figures.more {
        page.line(name, value);
    }
    page.lines(&["aof_enabled", "aof_rewrite_in_progress", "aof_rewrite_scheduled"], 0);
    page.lines(&["aof_last_rewrite_time_sec", "aof_current_rewrite_time_sec"], -1);
    page.line("aof_last_bgrewrite_status", "ok");
    page.lines(&["aof_rewrites", "aof_rewrites_consecutive_failures"], 0);
    page.line("aof_last_write_status", "ok");
    page.lines(&["aof_last_cow_size", "module_fork_in_progress", "module_fork_last_cow_size"], 0);
}

pub(super) fn replication(page: &mut Page, ctx: &mut Ctx<'_>) {
    page.line("role", "master");
    page.line("connected_slaves", 0);
    page.line("master_failover_state", "no-failover");
    page.line("master_replid", &ctx.engine.run.replication_id);
    page.line("master_replid2", "0".repeat(40));
    page.line("master_repl_offset", 0);
    page.line("second_repl_offset", -1);
    page.line("repl_backlog_active", 0);
    let size = ctx.engine.config.get(&[b"repl-backlog-size"]);
    let size = size.first().map(|(_, value)| String::from_utf8_lossy(value).into_owned());
    page.line("repl_backlog_size", size.unwrap_or_default());
    page.lines(&["repl_backlog_first_byte_offset", "repl_backlog_histlen"], 0);
}
