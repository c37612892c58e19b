//! Changes to the machine that a run asks for: kernel settings, and a slow disk.
//!
//! A kernel setting is changed by a shell that restores it when this process ends for whatever reason: the
//! shell waits on a pipe and ignores the interrupts that end us.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use system_tests::server;

/// A kernel setting that is back at its old value when this is dropped.
pub struct KernelSetting {
    keeper: Child,
}

impl KernelSetting {
    /// Sets `path` below `/proc/sys` or `/sys` to `value`, if that is permitted.
    pub fn change(path: &str, value: &str) -> Result<KernelSetting, String> {
        let text = fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
        // Settings with named values show all of them, the current one in brackets.
        let old = match (text.find('['), text.find(']')) {
            (Some(from), Some(to)) if from < to => &text[from + 1..to],
            _ => text.trim(),
        };
        fs::OpenOptions::new().write(true).open(path).map_err(|error| format!("{path}: {error}"))?;
        let script =
            "trap '' INT TERM HUP; echo \"$2\" > \"$1\" && echo changed; read -r _; echo \"$3\" > \"$1\"";
        let mut keeper = Command::new("/bin/sh")
            .args(["-c", script, "sh", path, value, old])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("/bin/sh: {error}"))?;
        let mut answer = String::new();
        if let Some(out) = keeper.stdout.as_mut() {
            let mut reader = std::io::BufReader::new(out);
            std::io::BufRead::read_line(&mut reader, &mut answer).map_err(|error| error.to_string())?;
        }
        let setting = KernelSetting { keeper };
        if answer.trim() == "changed" { Ok(setting) } else { Err(format!("{path} cannot be set to {value}")) }
    }
}

impl Drop for KernelSetting {
    fn drop(&mut self) {
        if let Some(mut pipe) = self.keeper.stdin.take() {
            // If the shell is gone there is nobody left to tell; wait() below still collects it.
            let _ = pipe.write_all(b"\n");
        }
        let _ = self.keeper.wait();
    }
}

/// Builds the library that slows writes to files; to be named in `LD_PRELOAD`.
pub fn slow_disk_library() -> Result<PathBuf, String> {
    let source = server::checkout().join("xtask/src/headline/slow_disk.c");
    let library = server::target().join("slow_disk.so");
    let status = Command::new("cc")
        .args(["-O2", "-Wall", "-Werror", "-shared", "-fPIC", "-o"])
        .args([&library, &source])
        .status()
        .map_err(|error| format!("cc: {error}"))?;
    if status.success() { Ok(library) } else { Err("cc could not build slow_disk.c".to_string()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn setting_is_restored() {
        let path = std::env::temp_dir().join(format!("evenkeel-setting-{}", std::process::id()));
        fs::write(&path, "always [madvise] never\n").unwrap();
        let setting = KernelSetting::change(path.to_str().unwrap(), "always").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "always\n");
        drop(setting);
        assert_eq!(fs::read_to_string(&path).unwrap(), "madvise\n");
        fs::remove_file(&path).unwrap();
        assert!(KernelSetting::change(path.to_str().unwrap(), "x").is_err());
    }
}
