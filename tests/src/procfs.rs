//! What `/proc` says about a server process: CPU time, memory, whether it lives.
//!
//! It samples; it keeps no state and starts no process.

use std::fs;
use std::io;

/// Memory of a process in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// `VmRSS`: everything resident.
    pub resident: u64,
    /// `RssAnon`: resident without file and shared pages; what cannot be dropped.
    pub anonymous: u64,
}

/// CPU time that all threads of a process have used, in nanoseconds.
///
/// Taken from `schedstat` of every thread (exact to the nanosecond) where the kernel has it; else from
/// `utime + stime` of the process, which counts in ticks of 10 ms. Threads that have ended count only in the latter;
/// servers keep their threads.
pub fn cpu_ns(pid: u32) -> io::Result<u64> {
    let mut total = 0;
    for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
        let text = match fs::read_to_string(thread?.path().join("schedstat")) {
            Ok(text) => text,
            Err(_) => return cpu_ticks_ns(pid),
        };
        match text.split(' ').next().and_then(|first| first.trim().parse::<u64>().ok()) {
            Some(ns) => total += ns,
            None => return cpu_ticks_ns(pid),
        }
    }
    if total == 0 { cpu_ticks_ns(pid) } else { Ok(total) }
}

/// User and system time of a process in nanoseconds, from `/proc/PID/stat` (ticks of 10 ms).
pub fn cpu_ticks_ns(pid: u32) -> io::Result<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name in parentheses may hold spaces: fields are counted from its end; utime and stime are 14 and 15.
    let after = stat.rfind(')').map_or("", |at| &stat[at + 1..]);
    let fields: Vec<&str> = after.split_whitespace().collect();
    let ticks = |index: usize| fields.get(index).and_then(|f| f.parse::<u64>().ok()).unwrap_or(0);
    Ok((ticks(11) + ticks(12)) * 10_000_000)
}

/// Resident and anonymous memory of a process.
pub fn memory(pid: u32) -> io::Result<Memory> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    Ok(Memory {
        resident: field_kb(&status, "VmRSS:") * 1024,
        anonymous: field_kb(&status, "RssAnon:") * 1024,
    })
}

/// Bytes of a process's memory that lie in huge pages (`AnonHugePages` of `smaps_rollup`); 0 where the kernel does not tell.
pub fn huge_bytes(pid: u32) -> u64 {
    fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))
        .map_or(0, |rollup| field_kb(&rollup, "AnonHugePages:") * 1024)
}

/// Memory of a process and of all its children, for servers that save in a forked child. Pages that parent
/// and child share are counted once: `Pss` of the children is not used because it is too slow to sample; instead
/// the child's private pages count (`smaps_rollup`), which is what a copy-on-write save costs.
pub fn memory_with_children(pid: u32) -> io::Result<Memory> {
    let mut sum = memory(pid)?;
    for child in children(pid) {
        if let Ok(rollup) = fs::read_to_string(format!("/proc/{child}/smaps_rollup")) {
            let private = (field_kb(&rollup, "Private_Dirty:") + field_kb(&rollup, "Private_Clean:")) * 1024;
            sum.resident += private;
            sum.anonymous += private;
        }
    }
    Ok(sum)
}

/// The process ids of direct children of any thread of `pid`.
pub fn children(pid: u32) -> Vec<u32> {
    let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    tasks
        .flatten()
        .filter_map(|task| fs::read_to_string(task.path().join("children")).ok())
        .flat_map(|text| text.split_whitespace().filter_map(|id| id.parse().ok()).collect::<Vec<u32>>())
        .collect()
}

/// One line of facts about this machine: processor, cores, memory, kernel.
pub fn machine() -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("unknown processor");
    let cores = std::thread::available_parallelism().map_or(1, |n| n.get());
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!(
        "{}, {cores} cores, {} GB, Linux {}",
        model.trim_start_matches([' ', '\t', ':']),
        field_kb(&memory, "MemTotal:") / 1_000_000,
        kernel.trim()
    )
}

fn field_kb(text: &str, name: &str) -> u64 {
    text.lines()
        .find_map(|line| line.strip_prefix(name))
        .and_then(|rest| rest.split_whitespace().next())
        .and_then(|number| number.parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sees_this_process() {
        let pid = std::process::id();
        let before = cpu_ns(pid).unwrap();
        let mut block = vec![0u8; 32 << 20];
        // The kernel counts in ticks: as much work as one of them shows, on a machine of any load.
        for round in 0..1000 {
            block.iter_mut().enumerate().for_each(|(at, byte)| *byte = (at + round) as u8);
            if cpu_ns(pid).unwrap() > before {
                break;
            }
        }
        assert!(cpu_ns(pid).unwrap() > before);
        assert!(memory(pid).unwrap().anonymous > 32 << 20, "{}", block[77]);
        assert!(cpu_ns(u32::MAX - 1).is_err());
    }
}
