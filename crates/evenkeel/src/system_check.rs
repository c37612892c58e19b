//! `--check-system`: looks at settings of the system that people are told to change for Redis, and says which of them matter
//! here.

use std::fmt::Write as _;

/// The findings as text, and whether all is well.
pub(crate) fn check_system() -> (String, bool) {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default().trim().to_owned();
    let clock = read("/sys/devices/system/clocksource/clocksource0/current_clocksource");
    let slow_clock = !clock.is_empty()
        && !matches!(
            clock.as_str(),
            "tsc" | "kvm-clock" | "arch_sys_counter" | "hyperv_clocksource_tsc_page"
        );
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = if slow_clock {
        writeln!(
            text,
            "[clocksource]...WARNING:\nThe clock '{clock}' needs a system call to be read, which every command does. \
             Try 'echo tsc > /sys/devices/system/clocksource/clocksource0/current_clocksource'."
        )
    } else {
        writeln!(text, "[clocksource]...OK")
    };
    let overcommit = read("/proc/sys/vm/overcommit_memory");
    let _ = writeln!(
        text,
        "[overcommit]...OK (vm.overcommit_memory={overcommit}; any value will do: nothing is forked)"
    );
    let huge = read("/sys/kernel/mm/transparent_hugepage/enabled");
    let _ = writeln!(text, "[THP]...OK ({huge}; any value will do: nothing is forked)");
    (text, !slow_clock)
}

#[cfg(test)]
mod tests {
    #[test]
    fn it_looks_at_three_things() {
        let (text, _) = super::check_system();
        for thing in ["[clocksource]...", "[overcommit]...OK", "[THP]...OK"] {
            assert!(text.contains(thing), "{text}");
        }
    }
}
