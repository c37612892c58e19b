//! How much memory is left for the process: what a snapshot may plan with.
//!
//! It looks at the machine and at the memory groups (cgroups, version 1 and 2) that the process is in, and takes the least. Page cache counts as
//! left, since the kernel gives it up before it kills anybody.
//!
//! Faults: what cannot be read sets no limit.

use std::fs;
use std::path::Path;

/// Bytes that the process can still take; none if nothing says so.
pub fn bytes() -> Option<u64> {
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let machine = fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
        Some(line.split_ascii_whitespace().next()?.parse::<u64>().ok()? << 10)
    });
    in_groups(Path::new("/sys/fs/cgroup"), &groups).into_iter().chain(machine).min()
}

/// The files of one version: the limit, what is in use, and the page cache in `memory.stat`.
struct Names {
    limit: &'static str,
    usage: &'static str,
    cache: &'static str,
}

const V2: Names = Names { limit: "memory.max", usage: "memory.current", cache: "file" };
const V1: Names =
    Names { limit: "memory.limit_in_bytes", usage: "memory.usage_in_bytes", cache: "total_cache" };

/// The least of what the groups have left that `/proc/self/cgroup` names, and the groups around them (cgroups(7)).
fn in_groups(root: &Path, groups: &str) -> Option<u64> {
    let mut least = None;
    for line in groups.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else { continue };
        let (mount, names) = match controllers {
            "" => (root.to_path_buf(), V2),
            _ if controllers.split(',').any(|name| name == "memory") => (root.join("memory"), V1),
            _ => continue,
        };
        let group = mount.join(path.trim_start_matches('/'));
        for group in group.ancestors().take_while(|group| group.starts_with(&mount)) {
            least = least.into_iter().chain(left(group, &names)).min();
        }
    }
    least
}

/// What a group has left; none without a limit.
fn left(group: &Path, names: &Names) -> Option<u64> {
    let number = |name: &str| fs::read_to_string(group.join(name)).ok()?.trim().parse::<u64>().ok();
    let (limit, usage) = (number(names.limit)?, number(names.usage)?);
    let stat = fs::read_to_string(group.join("memory.stat")).unwrap_or_default();
    let cache = stat.lines().find_map(|line| {
        let (name, value) = line.split_once(' ')?;
        (name == names.cache).then(|| value.parse::<u64>().ok())?
    });
    Some(limit.saturating_sub(usage.saturating_sub(cache.unwrap_or(0))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tightest_group_decides() {
        let root = std::env::temp_dir().join(format!("evenkeel-groups-{}", std::process::id()));
        let write = |group: &str, files: &[(&str, &str)]| {
            let dir = root.join(group);
            fs::create_dir_all(&dir).unwrap();
            files.iter().for_each(|(name, text)| fs::write(dir.join(name), text).unwrap());
        };
        write("a/b", &[("memory.max", "max\n"), ("memory.current", "500\n")]);
        write(
            "a",
            &[("memory.max", "1000\n"), ("memory.current", "900\n"), ("memory.stat", "anon 1\nfile 50\n")],
        );
        write("memory/c", &[("memory.limit_in_bytes", "700\n"), ("memory.usage_in_bytes", "680\n")]);
        write("memory/c", &[("memory.stat", "cache 5\ntotal_cache 10\n")]);
        assert_eq!(in_groups(&root, "0::/a/b\n"), Some(150));
        assert_eq!(in_groups(&root, "5:cpu:/\n4:memory:/c\n0::/\n"), Some(30));
        assert_eq!(in_groups(&root, "0::/a/b\n4:cpuacct,memory:/c\n"), Some(30));
        assert_eq!(in_groups(&root, "0::/missing\n"), None);
        fs::remove_dir_all(&root).unwrap();
        assert!(bytes().is_none_or(|bytes| bytes > 1 << 20));
    }
}
