//! A memory limit for one server: a memory cgroup of its own, below the group this process is in.
//!
//! Works with cgroup v2 (`memory.max`) and v1 (`memory.limit_in_bytes`). A server is started inside the group,
//! because pages that it has touched before joining are charged elsewhere. The group is removed when dropped,
//! which needs all its processes to have ended.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The memory group of one server.
pub struct MemoryGroup {
    path: PathBuf,
    unified: bool,
}

impl MemoryGroup {
    /// Creates the group; the error says what this machine does not allow.
    pub fn create(name: &str) -> Result<MemoryGroup, String> {
        let own = fs::read_to_string("/proc/self/cgroup").map_err(|error| error.to_string())?;
        let mounts = fs::read_to_string("/proc/self/mounts").map_err(|error| error.to_string())?;
        let name = format!("evenkeel-{name}-{}", std::process::id());
        let mut refusals = Vec::new();
        for (parent, unified) in candidates(&own, &mounts) {
            match create_below(&parent, &name, unified) {
                Ok(path) => return Ok(MemoryGroup { path, unified }),
                Err(reason) => refusals.push(format!("{}: {reason}", parent.display())),
            }
        }
        Err(format!("no memory cgroup can be created here ({})", refusals.join("; ")))
    }

    /// Words in front of a server's command line that start it inside the group.
    pub fn wrapper(&self) -> Vec<String> {
        let join = format!("echo $$ > {}/cgroup.procs && exec \"$@\"", self.path.display());
        ["/bin/sh", "-c", &join, "sh"].map(String::from).to_vec()
    }

    /// Sets the limit for everything charged to the group: anonymous memory, page cache, kernel buffers.
    pub fn set_limit(&self, bytes: u64) -> Result<(), String> {
        let file = if self.unified { "memory.max" } else { "memory.limit_in_bytes" };
        write(&self.path.join(file), &bytes.to_string())?;
        // Swap would turn the limit into a slow disk. Where there is none the file is missing.
        let swap = if self.unified { ("memory.swap.max", 0) } else { ("memory.memsw.limit_in_bytes", bytes) };
        if self.path.join(swap.0).exists() {
            write(&self.path.join(swap.0), &swap.1.to_string())?;
        }
        Ok(())
    }

    /// Anonymous memory of all processes in the group: page cache is not in it.
    pub fn anonymous(&self) -> Option<u64> {
        self.stat("memory.stat", if self.unified { "anon" } else { "total_rss" })
    }

    /// How many processes of the group the kernel has killed for want of memory.
    pub fn kills(&self) -> u64 {
        self.stat(if self.unified { "memory.events" } else { "memory.oom_control" }, "oom_kill").unwrap_or(0)
    }

    fn stat(&self, file: &str, field: &str) -> Option<u64> {
        let text = fs::read_to_string(self.path.join(file)).ok()?;
        text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(' ')?.trim().parse().ok())
    }
}

impl Drop for MemoryGroup {
    fn drop(&mut self) {
        for _ in 0..50 {
            match fs::remove_dir(&self.path) {
                Err(error) if error.raw_os_error() == Some(rustix::io::Errno::BUSY.raw_os_error()) => {
                    std::thread::sleep(Duration::from_millis(20));
                }
                _ => return,
            }
        }
        eprintln!("left behind: {} (a process is still in it)", self.path.display());
    }
}

/// Folders to try, nearest first, each with whether it is cgroup v2.
fn candidates(own: &str, mounts: &str) -> Vec<(PathBuf, bool)> {
    let mount_of = |kind: &str, option: &str| {
        mounts.lines().find_map(|line| {
            let fields: Vec<&str> = line.split(' ').collect();
            let fits = fields.get(2) == Some(&kind) && fields.get(3)?.split(',').any(|word| word == option);
            fits.then(|| PathBuf::from(fields[1]))
        })
    };
    let group_of = |controller: &str| {
        own.lines().find_map(|line| {
            let (_, rest) = line.split_once(':')?;
            let (names, path) = rest.split_once(':')?;
            names.split(',').any(|name| name == controller).then(|| path.trim_start_matches('/').to_string())
        })
    };
    let mut found = Vec::new();
    if let (Some(mount), Some(group)) = (mount_of("cgroup", "memory"), group_of("memory")) {
        found.push((mount.join(group), false));
    }
    if let (Some(mount), Some(group)) = (mount_of("cgroup2", "rw"), group_of("")) {
        // A v2 group with processes cannot hand controllers to children, so its ancestors are tried too.
        let mut folder = mount.join(group);
        while folder.starts_with(&mount) {
            found.push((folder.clone(), true));
            if !folder.pop() {
                break;
            }
        }
    }
    found
}

fn create_below(parent: &Path, name: &str, unified: bool) -> Result<PathBuf, String> {
    if unified {
        let has = |file: &str| fs::read_to_string(parent.join(file)).unwrap_or_default().contains("memory");
        if !has("cgroup.controllers") {
            return Err("has no memory controller".to_string());
        }
        if !has("cgroup.subtree_control") {
            write(&parent.join("cgroup.subtree_control"), "+memory")?;
        }
    }
    let path = parent.join(name);
    fs::create_dir(&path).map_err(|error| error.to_string())?;
    Ok(path)
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_both_versions() {
        let own = "4:memory:/job/1\n0::/user.slice/x.scope\n";
        let mounts = "cgroup /cg/memory cgroup rw,memory 0 0\ncgroup2 /cg/unified cgroup2 rw,relatime 0 0\n";
        let found = candidates(own, mounts);
        assert_eq!(found[0], (PathBuf::from("/cg/memory/job/1"), false));
        assert_eq!(found[1], (PathBuf::from("/cg/unified/user.slice/x.scope"), true));
        assert_eq!(found.last().unwrap(), &(PathBuf::from("/cg/unified"), true));
        assert!(candidates("", "").is_empty());
    }
}
