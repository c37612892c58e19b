//! Sections Clients, Stats, Commandstats, Errorstats, Latencystats.

use std::sync::atomic::Ordering;

use engine::session::ClientFlags;
use engine::{Ctx, now_ms};

use super::page::Page;

pub(super) fn clients(page: &mut Page, ctx: &mut Ctx<'_>) {
    let engine = ctx.engine;
    let config = engine.config.load();
    let (mut input, mut output, mut blocked) = (0, 0, 0);
    let now_ms = now_ms();
    for client in engine.clients.all() {
        let gauges = &client.gauges;
        let unexecuted = gauges.input_bytes.load(Ordering::Relaxed);
        input = input.max(unexecuted + gauges.query_buffer_free_bytes(unexecuted, now_ms));
        output = output.max(gauges.output_memory_bytes.load(Ordering::Relaxed));
        blocked += u64::from(gauges.flags.load(Ordering::Relaxed) & ClientFlags::BLOCKED != 0);
    }
    page.line("connected_clients", engine.clients.connected());
    page.line("cluster_connections", 0);
    page.line("maxclients", config.network.clients_max);
    page.line("client_recent_max_input_buffer", input);
    page.line("client_recent_max_output_buffer", output);
    page.line("blocked_clients", blocked);
    page.lines(&["tracking_clients", "pubsub_clients", "watching_clients", "clients_in_timeout_table"], 0);
    page.lines(&["total_watched_keys", "total_blocking_keys", "total_blocking_keys_on_nokey"], 0);
    page.line("monitor_clients", engine.monitors.load(Ordering::Relaxed));
    let pause = &engine.clients.pause;
    let left_ms = pause.until_ms(now_ms).map(|until_ms| until_ms - now_ms);
    let actions = match (left_ms, pause.is_for_all()) {
        (None, _) => "none",
        (_, true) => "all",
        (_, false) => "write",
    };
    page.line("paused_reason", if left_ms.is_some() { "client_pause" } else { "none" });
    page.line("paused_actions", actions);
    page.line("paused_timeout_milliseconds", left_ms.unwrap_or(0));
}

pub(super) fn stats(page: &mut Page, ctx: &mut Ctx<'_>) {
    let engine = ctx.engine;
    let totals = engine.totals();
    let rates = engine.samples.rates();
    page.line("total_connections_received", totals.connections);
    page.line("total_commands_processed", totals.commands);
    page.line("instantaneous_ops_per_sec", rates.commands.round());
    page.line("total_net_input_bytes", totals.input_bytes);
    page.line("total_net_output_bytes", totals.output_bytes);
    page.lines(&["total_net_repl_input_bytes", "total_net_repl_output_bytes"], 0);
    page.line("instantaneous_input_kbps", format_args!("{:.2}", rates.input_bytes / 1024.0));
    page.line("instantaneous_output_kbps", format_args!("{:.2}", rates.output_bytes / 1024.0));
    page.lines(&["instantaneous_input_repl_kbps", "instantaneous_output_repl_kbps"], "0.00");
    page.line("rejected_connections", totals.rejected_connections);
    page.lines(&["sync_full", "sync_partial_ok", "sync_partial_err"], 0);
    page.line("expired_keys", totals.expired_keys);
    page.line("expired_fields", totals.expired_fields);
    page.line("expired_subkeys", totals.expired_fields);
    page.line("expired_stale_perc", "0.00");
    page.line("expired_time_cap_reached_count", 0);
    page.line("expire_cycle_cpu_milliseconds", engine.expire_nanos.load(Ordering::Relaxed) / 1_000_000);
    page.lines(&["evicted_keys", "evicted_clients", "evicted_scripts"], 0);
    page.lines(&["total_eviction_exceeded_time", "current_eviction_exceeded_time"], 0);
    page.line("keyspace_hits", totals.hits);
    page.line("keyspace_misses", totals.misses);
    page.lines(&["pubsub_channels", "pubsub_patterns", "pubsubshard_channels"], 0);
    page.lines(
        &["latest_fork_usec", "total_forks", "migrate_cached_sockets", "slave_expires_tracked_keys"],
        0,
    );
    page.lines(&["active_defrag_hits", "active_defrag_misses"], 0);
    page.lines(&["active_defrag_key_hits", "active_defrag_key_misses"], 0);
    page.lines(&["total_active_defrag_time", "current_active_defrag_time"], 0);
    page.lines(&["tracking_total_keys", "tracking_total_items", "tracking_total_prefixes"], 0);
    page.line("unexpected_error_replies", 0);
    page.line("total_error_replies", totals.error_replies);
    page.line("dump_payload_sanitizations", 0);
    page.line("total_reads_processed", totals.reads);
    page.line("total_writes_processed", totals.writes);
    page.lines(&["io_threaded_reads_processed", "io_threaded_writes_processed"], 0);
    page.line("client_query_buffer_limit_disconnections", totals.query_limit_disconnections);
    page.line("client_output_buffer_limit_disconnections", totals.output_limit_disconnections);
    page.lines(&["reply_buffer_shrinks", "reply_buffer_expands"], 0);
    page.line("eventloop_cycles", totals.loops);
    page.line("eventloop_duration_sum", totals.loop_micros);
    let executing: u64 = engine.commands.iter_all().map(|c| engine.command_totals(c.id).nanos).sum();
    page.line("eventloop_duration_cmd_sum", executing / 1000);
    page.line("instantaneous_eventloop_cycles_per_sec", rates.loops.round());
    page.line("instantaneous_eventloop_duration_usec", rates.loop_micros.round());
    page.line("acl_access_denied_auth", totals.auth_failures);
    page.lines(&["acl_access_denied_cmd", "acl_access_denied_key", "acl_access_denied_channel"], 0);
}

pub(super) fn command_stats(page: &mut Page, ctx: &mut Ctx<'_>) {
    for command in ctx.engine.commands.iter_all() {
        let totals = ctx.engine.command_totals(command.id);
        if totals.calls + totals.rejected + totals.failed == 0 {
            continue;
        }
        let micros = totals.nanos / 1000;
        let each = totals.nanos as f64 / 1000.0 / totals.calls.max(1) as f64;
        page.line(
            &format!("cmdstat_{}", command.full_name),
            format_args!(
                "calls={},usec={micros},usec_per_call={each:.2},rejected_calls={},failed_calls={}",
                totals.calls, totals.rejected, totals.failed
            ),
        );
    }
}

pub(super) fn error_stats(page: &mut Page, ctx: &mut Ctx<'_>) {
    for (code, count) in ctx.engine.error_counts() {
        page.line(&format!("errorstat_{}", String::from_utf8_lossy(&code)), format_args!("count={count}"));
    }
}

pub(super) fn latency_stats(page: &mut Page, ctx: &mut Ctx<'_>) {
    let config = ctx.engine.config.load();
    if !config.latency.tracking {
        return;
    }
    for command in ctx.engine.commands.iter_all() {
        let totals = ctx.engine.command_totals(command.id);
        if totals.samples() == 0 {
            continue;
        }
        let one = |percent: &f64| format!("p{percent}={:.3}", totals.percentile(*percent) as f64 / 1000.0);
        let percentiles: Vec<String> = config.latency.percentiles.iter().map(one).collect();
        page.line(&format!("latency_percentiles_usec_{}", command.full_name), percentiles.join(","));
    }
}
