//! `cargo xtask bench --scaling`: what a second thread, and more, add.
//!
//! Over the wire where there are cores for the load, and in one process without sockets (the example `measure_scaling` of `commands`,
//! which says how), which needs no core beside those that are measured.

use std::process::Command;

use system_tests::{procfs, server};

use super::{CONNECTIONS, KEYS, Plan, Sample, VALUE_BYTES, cores, fill, start_pinned};
use crate::load::{self, Order, Standard, Verb};
use crate::report::{self, Table, median, thousands};

/// Requests per second with 1, 2, ... threads. The load shares the cores, so next to what was
/// measured over the wire stands what the server's CPU time allows: threads / CPU time per request.
pub fn over_the_wire(plan: &Plan) -> Result<String, String> {
    if cores() < 3 {
        return Ok(format!(
            "Not measured over the wire: with {} cores the load takes what a second thread would need. {}\n",
            cores(),
            report::facts()
        ));
    }
    let mut table = Table::new(&[
        "io-threads",
        "",
        "requests/s over the wire",
        "ns CPU/request",
        "requests/s by CPU time",
        "to 1 thread",
    ]);
    for verb in [Verb::Get, Verb::Set] {
        let mut first = None;
        for threads in 1..=cores().min(8) {
            let server = start_pinned(&plan.ours, threads, plan.urgent)?;
            fill(&server, Verb::Set, KEYS, VALUE_BYTES)?;
            let mut samples = Vec::new();
            for round in 0..plan.rounds {
                let mut traffic = Standard::new(verb, Order::Random, KEYS, VALUE_BYTES, plan.requests, round);
                let before = procfs::cpu_ns(server.pid()).map_err(|error| error.to_string())?;
                let outcome = load::drive(server.addr(), CONNECTIONS, 16, &mut traffic);
                let outcome = outcome.map_err(|error| error.to_string())?.checked()?;
                let cpu = procfs::cpu_ns(server.pid()).map_err(|error| error.to_string())? - before;
                samples.push(Sample {
                    cpu_ns_per_request: cpu as f64 / outcome.replies as f64,
                    requests_per_second: outcome.replies as f64 / outcome.seconds,
                });
            }
            let rate = median(&samples.iter().map(|s| s.requests_per_second).collect::<Vec<_>>());
            let cpu = median(&samples.iter().map(|s| s.cpu_ns_per_request).collect::<Vec<_>>());
            let capacity = threads as f64 * 1e9 / cpu;
            let base = *first.get_or_insert(capacity);
            table.row(&[
                threads.to_string(),
                verb.name().to_string(),
                thousands(rate),
                thousands(cpu),
                thousands(capacity),
                format!("{:.2}", capacity / base),
            ]);
        }
    }
    Ok(format!(
        "{}\nPipeline 16, {CONNECTIONS} connections; the load runs on the same {} cores, so the last columns say what the server's \
         own CPU time allows. {}\n",
        table.markdown(),
        cores(),
        report::facts()
    ))
}

/// The same without sockets.
pub fn in_process(rounds: u64) -> Result<String, String> {
    // An odd number has a middle, and single rounds are short.
    let rounds = (rounds * 2 - 1).max(3);
    let run = Command::new("cargo")
        .args(["run", "--quiet", "--profile", "dist", "-p", "commands", "--example", "measure_scaling"])
        .args(["--", &rounds.to_string(), "1000", &KEYS.to_string()])
        .current_dir(server::checkout())
        .output()
        .map_err(|error| format!("cargo: {error}"))?;
    if !run.status.success() {
        return Err(format!("measure_scaling: {}", String::from_utf8_lossy(&run.stderr)));
    }
    let table = in_process_table(&String::from_utf8_lossy(&run.stdout))?;
    Ok(format!(
        "{}\nOne process, no sockets: each thread is a reactor on a core of its own that is fed 16 requests from each of 8 connections in \
         a turn, over {} keys of 16 bytes with values of {VALUE_BYTES}. Thread 1 is the only reactor and takes no locks; 1+ is one of \
         several that have nothing to do. The ratios are to 1, by the clock and by CPU time; those of threads that share nothing, each \
         with keys of its own, are what this machine gives at most. Medians of {rounds} alternating rounds of 1 s. {}\n",
        table.markdown(),
        thousands(KEYS as f64),
        report::facts()
    ))
}

/// What the example printed, a line for each row.
fn in_process_table(printed: &str) -> Result<Table, String> {
    let mut table = Table::new(&[
        "",
        "threads",
        "requests/s",
        "ratio",
        "ns CPU/request",
        "ratio by CPU",
        "nothing shared",
        "the same by CPU",
    ]);
    for line in printed.lines() {
        let mut cells: Vec<String> = line.split(' ').map(str::to_string).collect();
        let [_, _, rate, _, nanos, _, _, _] = &mut cells[..] else {
            return Err(format!("measure_scaling printed: {line}"));
        };
        for cell in [rate, nanos] {
            *cell = cell.parse().map(thousands).map_err(|_| format!("measure_scaling printed: {line}"))?;
        }
        table.row(&cells);
    }
    Ok(table)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printed_lines_become_rows() {
        let table = in_process_table(
            "GET 1 2000000 1.00 500 1.00 1.00 1.00\nGET 2 3600000 1.80 555 1.80 1.99 2.00\n",
        );
        let text = table.unwrap().markdown();
        assert!(text.contains("|  3,600,000 |  1.80 |            555 |"), "{text}");
        assert!(in_process_table("GET 1 2000000\n").is_err() && in_process_table("a b c d e f g h").is_err());
    }
}
