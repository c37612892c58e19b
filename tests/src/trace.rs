//! Watching a server's system calls with strace: did it ever fork?
//!
//! A thread is a clone that shares everything (`CLONE_THREAD`). Whatever else makes a process is a fork: `fork`,
//! `vfork`, and `clone` or `clone3` without that flag.

use std::fs;
use std::path::Path;

/// Words in front of a server's command line that record its process creation in `file`. The tracer runs beside the
/// server, which keeps its process id.
pub fn wrapper(file: &Path) -> String {
    format!("strace -D -f -q -e trace=fork,vfork,clone,clone3 -o {}", file.display())
}

/// The lines of a record that show a fork.
pub fn forks(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap_or_default();
    text.lines().filter(|line| is_fork(line)).map(String::from).collect()
}

/// Whether the record shows that anything was traced at all: a server starts threads.
pub fn saw_threads(file: &Path) -> bool {
    fs::read_to_string(file).unwrap_or_default().contains("CLONE_THREAD")
}

fn is_fork(line: &str) -> bool {
    // `1234 clone3({flags=...}, 88) = 1235`; a call that is interrupted by another thread's is completed in a line that
    // starts with `<...`, which repeats no flags and is no new call.
    let call = line.split_once(' ').map_or("", |(_, call)| call.trim_start());
    let creates = ["fork(", "vfork(", "clone(", "clone3("].iter().any(|name| call.starts_with(name));
    creates && !call.contains("CLONE_THREAD")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_threads_from_forks() {
        let thread = "77 clone3({flags=CLONE_VM|CLONE_FS|CLONE_THREAD, child_tid=0x1}, 88) = 78";
        let fork = "77 clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|SIGCHLD, child_tidptr=0x7f) = 80";
        let spawn =
            "77 clone3({flags=CLONE_VM|CLONE_VFORK|CLONE_CLEAR_SIGHAND, exit_signal=SIGCHLD}, 88) = 81";
        assert!(!is_fork(thread) && is_fork(fork) && is_fork(spawn) && is_fork("77 vfork() = 82"));
        assert!(!is_fork("77 <... clone3 resumed>) = 78") && !is_fork("77 +++ exited with 0 +++"));
    }
}
