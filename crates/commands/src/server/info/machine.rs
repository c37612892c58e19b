//! Sections Server and CPU.

use std::sync::atomic::Ordering;

use config::Supervision;
use engine::figures::{processor, system_name};
use engine::{Ctx, now_ms};

use super::VERSION;
use super::page::Page;
use crate::connection::REDIS_VERSION;

pub(super) fn server(page: &mut Page, ctx: &mut Ctx<'_>) {
    let engine = ctx.engine;
    let config = engine.config.load();
    let now_ms = now_ms();
    let uptime = engine.run.started.elapsed().as_secs();
    page.line("redis_version", REDIS_VERSION);
    page.line("server_name", "evenkeel");
    page.line("evenkeel_version", VERSION);
    page.line("redis_git_sha1", "00000000");
    page.line("redis_git_dirty", 0);
    page.line("redis_build_id", format_args!("{:0>16}", VERSION.replace('.', "")));
    page.lines(&["redis_mode", "server_mode"], "standalone");
    page.line("os", system_name());
    page.line("arch_bits", usize::BITS);
    page.line("monotonic_clock", "POSIX clock_gettime");
    page.line("multiplexing_api", engine.run.reactor.get().copied().unwrap_or("unknown"));
    page.line("atomicvar_api", "c11-builtin");
    page.line("gcc_version", "0.0.0");
    page.line("process_id", std::process::id());
    let supervised = match config.process.supervised {
        Supervision::Auto => "unknown",
        other => other.text(),
    };
    page.line("process_supervised", supervised);
    page.line("run_id", &engine.run.id);
    page.line("tcp_port", config.network.port);
    page.line("server_time_usec", now_ms * 1000);
    page.line("uptime_in_seconds", uptime);
    page.line("uptime_in_days", uptime / 86400);
    page.lines(&["hz", "configured_hz"], config.process.hz);
    page.line("lru_clock", (now_ms / 1000) & 0x00FF_FFFF);
    page.line("executable", std::env::current_exe().unwrap_or_default().display());
    page.line("config_file", engine.config.file().map(|file| file.display().to_string()).unwrap_or_default());
    page.line("io_threads_active", u8::from(engine.workers.len() > 1));
    page.line("reactors", engine.workers.len());
    page.line("availability_zone", String::from_utf8_lossy(&config.process.availability_zone));
    listeners(page, &config);
}

fn listeners(page: &mut Page, config: &config::Config) {
    let network = &config.network;
    let mut number = 0;
    if network.port != 0 && !network.bind.is_empty() {
        let bind = |bind: &config::BindAddress| {
            format!("bind={}{},", if bind.optional { "-" } else { "" }, bind.address)
        };
        let bind: String = network.bind.iter().map(bind).collect();
        page.line("listener0", format_args!("name=tcp,{bind}port={}", network.port));
        number = 1;
    }
    if let Some(path) = &network.unix_socket {
        page.line(&format!("listener{number}"), format_args!("name=unix,bind={}", path.display()));
    }
}

pub(super) fn cpu(page: &mut Page, ctx: &mut Ctx<'_>) {
    let (process, thread) = processor();
    let expire = ctx.engine.expire_nanos.load(Ordering::Relaxed);
    for (name, seconds) in [
        ("used_cpu_sys", process.system),
        ("used_cpu_user", process.user),
        ("used_cpu_sys_children", process.children_system),
        ("used_cpu_user_children", process.children_user),
        // The reactor that answers: there is no one thread that executes all commands.
        ("used_cpu_sys_main_thread", thread.system),
        ("used_cpu_user_main_thread", thread.user),
        ("used_cpu_expire", expire as f64 / 1e9),
    ] {
        page.line(name, format_args!("{seconds:.6}"));
    }
}
