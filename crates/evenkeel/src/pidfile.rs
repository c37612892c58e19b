//! The file with the process id. It is removed when dropped, if it is still ours.

use std::path::{Path, PathBuf};

/// A written file.
#[derive(Debug)]
pub(crate) struct PidFile {
    path: PathBuf,
}

impl PidFile {
    /// Writes the file. A failure is a warning and no more, as with redis-server: the server is of use without.
    pub(crate) fn write(path: &Path) -> Option<PidFile> {
        // Absolute, so that it is found again after `dir` was changed.
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        match std::fs::write(&path, format!("{}\n", std::process::id())) {
            Ok(()) => Some(PidFile { path }),
            Err(error) => {
                journal::warning!("Failed to write PID file {}: {error}", path.display());
                None
            }
        }
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        let ours = std::fs::read_to_string(&self.path)
            .is_ok_and(|text| text.trim() == std::process::id().to_string());
        if ours {
            journal::notice!("Removing the pid file.");
            // Somebody else may have removed it just now; either way it is gone.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_and_removed_but_only_if_ours() {
        let path = std::env::temp_dir().join(format!("evenkeel-pid-{}", std::process::id()));
        let file = PidFile::write(&path).expect("written");
        assert_eq!(std::fs::read_to_string(&path).expect("read"), format!("{}\n", std::process::id()));
        drop(file);
        assert!(!path.exists());
        let file = PidFile::write(&path).expect("written");
        std::fs::write(&path, "1\n").expect("another server has taken over");
        drop(file);
        assert!(path.exists());
        std::fs::remove_file(path).expect("removed");
        assert!(PidFile::write(Path::new("/nosuch/pid")).is_none());
    }
}
