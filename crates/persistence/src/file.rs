//! The file that a snapshot is written to: one without a name (`O_TMPFILE`), put in place only when it is complete and on disk.
//!
//! ```text
//!  write():   a part, in a huge page ----> O_DIRECT write; what does not fill a page of 4 KiB, at the end, through the page cache
//!  idle():    fdatasync when it is 32 MiB since the last one, so that no long one is left for the end
//!  finish():  fsync -> link to temp-<pid>.rdb -> rename -> fsync of the directory
//! ```
//! Why O_DIRECT: inside a memory cgroup buffered writes are charged as page cache and throttled at the dirty limits, so a save
//! in a full container stalls and pushes out what others need. Direct writes of a part reach the disk's speed (1.4 GB/s where this was
//! measured) and need no memory. Where a file
//! system refuses direct writes the file is written through the page cache, but synced and dropped from it every [`SYNC_EVERY`] bytes, so that neither memory nor the final fsync piles up.
//!
//! Faults: every error names the operation. Until `rename` returns, the former file is untouched. A file without a name is gone with its process, so
//! servers that are killed again and again do not fill the disk. Where there are none (file systems, a missing `/proc`), or something is left under the
//! temporary name, the file has that name from the beginning, and a crash leaves it behind, as with Redis.
//! Bounds: no memory of its own.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use keyspace::HugePagePart;
use rustix::fs::{Advice, AtFlags, CWD, fadvise, linkat};
use snapshot::{Sink, Spill};

use crate::direct::{self, PAGE};
use crate::reason;
use crate::spill::FileSpill;

/// With O_DIRECT: bytes after which the disk's own cache (or a virtual machine's host) is made to write, once nothing waits to be written. It does that while
/// the rest is being encoded; left to the final fsync, 670 MB took 0.6 s of a save of 4.6. In the middle of a large value, 0.05 to 0.3 s of waiting
/// used up the budget, and requests waited with it.
const SYNC_DIRECT_EVERY: u64 = 32 * 1024 * 1024;

/// Without O_DIRECT: bytes after which the file is synced and dropped from the page cache.
const SYNC_EVERY: u64 = 8 * 1024 * 1024;

/// Files without a name can be made but not linked here.
static CANNOT_LINK: AtomicBool = AtomicBool::new(false);

/// A new RDB file.
pub struct FileSink {
    file: File,
    /// Whether it is under its temporary name: neither without one, nor in place or removed.
    is_named: bool,
    temporary: PathBuf,
    target: PathBuf,
    /// Bytes of the file so far.
    written: u64,
    synced: u64,
    direct: bool,
}

/// An error that names what failed, in the system's words.
fn named(operation: &str, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{operation}: {}", reason(error)))
}

/// The directory that a relative name without one is in.
fn or_here(directory: &Path) -> &Path {
    if directory.as_os_str().is_empty() { Path::new(".") } else { directory }
}

impl FileSink {
    /// Creates a file in `directory` that [`Sink::finish`] gives the name `file_name`, by way of `temp-<pid>.rdb`.
    pub fn create(directory: &Path, file_name: &str) -> io::Result<FileSink> {
        let temporary = directory.join(format!("temp-{}.rdb", std::process::id()));
        let mut options = OpenOptions::new();
        options.write(true).mode(0o644);
        let may_link = temporary.symlink_metadata().is_err()
            && !CANNOT_LINK.load(Ordering::Relaxed)
            && Path::new("/proc/self/fd").is_dir();
        // Without a name, if the file system has that.
        let unnamed =
            if may_link { direct::open(&options, libc::O_TMPFILE, or_here(directory)).ok() } else { None };
        let is_named = unnamed.is_none();
        let (file, direct) = match unnamed {
            Some(unnamed) => unnamed,
            None => direct::open(options.create(true).truncate(true), 0, &temporary).map_err(|error| {
                // The words that people search for.
                let text = format!(
                    "Failed opening the temp RDB file temp-{}.rdb (in server root dir {}) for saving",
                    std::process::id(),
                    directory.display()
                );
                named(&text, &error)
            })?,
        };
        Ok(FileSink {
            file,
            is_named,
            temporary,
            target: directory.join(file_name),
            written: 0,
            synced: 0,
            direct,
        })
    }

    /// Where the temporary file and the target are.
    fn directory(&self) -> &Path {
        or_here(self.target.parent().unwrap_or(Path::new("")))
    }

    fn give_up_direct(&mut self) -> io::Result<()> {
        direct::give_up(&self.file)?;
        self.direct = false;
        Ok(())
    }

    /// Puts the file under its temporary name.
    fn give_name(&mut self) -> io::Result<()> {
        if !self.is_named {
            let here = format!("/proc/self/fd/{}", self.file.as_raw_fd());
            if let Err(error) = linkat(CWD, here, CWD, &self.temporary, AtFlags::SYMLINK_FOLLOW) {
                CANNOT_LINK.store(true, Ordering::Relaxed);
                return Err(error.into());
            }
            self.is_named = true;
        }
        Ok(())
    }

    /// Has what was written made last, if it is so many bytes since the last time.
    fn sync_after(&mut self, bytes: u64) -> io::Result<()> {
        if self.written - self.synced < bytes {
            return Ok(());
        }
        self.file.sync_data().map_err(|error| named("fdatasync", &error))?;
        if !self.direct {
            // Only a hint: its failure changes nothing but what stays cached.
            let _ = fadvise(&self.file, 0, None, Advice::DontNeed);
        }
        self.synced = self.written;
        Ok(())
    }
}

impl Sink for FileSink {
    fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            // What does not fill a page any more, at the end, goes through the page cache.
            let whole = bytes.len() / PAGE * PAGE;
            if self.direct && whole == 0 {
                self.give_up_direct()?;
            }
            let now = if self.direct { &bytes[..whole] } else { bytes };
            // The file's own position is behind what was written: nobody else moves it.
            match self.file.write(now) {
                Ok(0) => return Err(named("write", &io::ErrorKind::WriteZero.into())),
                Ok(count) => {
                    self.written += count as u64;
                    bytes = &bytes[count..];
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // Refused only now (some file systems accept the flag when opening), or not aligned any more behind a short write.
                Err(error) if self.direct && error.raw_os_error() == Some(libc::EINVAL) => {
                    self.give_up_direct()?;
                }
                Err(error) => return Err(named("write", &error)),
            }
        }
        if !self.direct {
            self.sync_after(SYNC_EVERY)?;
        }
        Ok(())
    }

    fn idle(&mut self) -> io::Result<()> {
        // Through the page cache it is never that long since.
        self.sync_after(SYNC_DIRECT_EVERY)
    }

    fn finish(&mut self) -> io::Result<()> {
        self.file.sync_all().map_err(|error| named("fsync", &error))?;
        if !self.direct {
            let _ = fadvise(&self.file, 0, None, Advice::DontNeed);
        }
        self.give_name().map_err(|error| named("link", &error))?;
        std::fs::rename(&self.temporary, &self.target).map_err(|error| named("rename", &error))?;
        self.is_named = false;
        File::open(self.directory())
            .and_then(|directory| directory.sync_all())
            .map_err(|error| named("fsync of the directory", &error))
    }

    fn abort(&mut self) {
        if std::mem::take(&mut self.is_named) {
            // A file that cannot be removed is overwritten by the next save.
            let _ = std::fs::remove_file(&self.temporary);
        }
    }

    fn spill(&mut self, memory: HugePagePart, memory_bytes_max: u64) -> io::Result<Box<dyn Spill>> {
        Ok(Box::new(FileSpill::create(self.directory(), memory, memory_bytes_max)?))
    }
}

impl Drop for FileSink {
    fn drop(&mut self) {
        self.abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PART: usize = 256 * 1024;

    /// A directory of its own, removed with everything in it.
    fn check_on(base: &Path) {
        let directory = base.join(format!("evenkeel-file-{}-{}", std::process::id(), fastrand::u64(..)));
        std::fs::create_dir(&directory).unwrap();
        let mut part = HugePagePart::page().unwrap();
        part.split_off(PART);
        for len in [0, 1, PAGE - 1, PAGE, PART - 1, PART, PART + 1, 3 * PART + PAGE + 5, 5 << 20] {
            let content: Vec<u8> = (0..len).map(|i| (i / 3) as u8).collect();
            // In parts, as a snapshot gives them.
            let mut sink = FileSink::create(&directory, "dump.rdb").unwrap();
            let was_direct = sink.direct;
            for bytes in content.chunks(PART) {
                assert_eq!(sink.direct, was_direct, "up to the last page");
                part[..bytes.len()].copy_from_slice(bytes);
                sink.write(&part[..bytes.len()]).unwrap();
            }
            sink.finish().unwrap();
            assert!(std::fs::read(directory.join("dump.rdb")).unwrap() == content, "{len} bytes");
            // And in any other pieces.
            let mut sink = FileSink::create(&directory, "dump.rdb").unwrap();
            let mut rest = &content[..];
            while !rest.is_empty() {
                let (now, later) = rest.split_at(rest.len().min(fastrand::usize(1..300_000)));
                sink.write(now).unwrap();
                rest = later;
            }
            sink.finish().unwrap();
            drop(sink);
            assert!(std::fs::read(directory.join("dump.rdb")).unwrap() == content, "{len} bytes");
        }
        let names = || std::fs::read_dir(&directory).unwrap().count();
        let mut sink = FileSink::create(&directory, "dump.rdb").unwrap();
        sink.write(&[1; 2 * PART]).unwrap();
        assert_eq!(names(), 1 + usize::from(sink.is_named));
        drop(sink);
        assert_eq!(names(), 1, "the temporary file is gone");
        // What a killed process of the same number has left is used up.
        let temporary = directory.join(format!("temp-{}.rdb", std::process::id()));
        for content in [&b"given up"[..], b"finished"] {
            std::fs::write(&temporary, [7; 3 * PAGE]).unwrap();
            let mut sink = FileSink::create(&directory, "dump.rdb").unwrap();
            assert!(sink.is_named);
            sink.write(content).unwrap();
            if content == b"finished" {
                sink.finish().unwrap();
                assert_eq!(std::fs::read(directory.join("dump.rdb")).unwrap(), content);
            }
            drop(sink);
            assert_eq!(names(), 1);
        }
        std::fs::remove_dir_all(&directory).unwrap();
    }

    #[test]
    fn a_file_has_exactly_what_was_written() {
        check_on(&std::env::temp_dir());
        if Path::new("/dev/shm").is_dir() {
            check_on(Path::new("/dev/shm"));
        }
    }

    #[test]
    fn where_nothing_can_be_linked_the_file_has_a_name_next_time() {
        let directory = std::env::temp_dir().join(format!("evenkeel-link-{}", fastrand::u64(..)));
        std::fs::create_dir(&directory).unwrap();
        let mut sink = FileSink::create(&directory, "dump.rdb").unwrap();
        if sink.is_named {
            println!("not here: there are no files without names");
            return std::fs::remove_dir_all(&directory).unwrap();
        }
        sink.write(b"lost").unwrap();
        // Somebody is quicker.
        std::fs::write(&sink.temporary, b"in the way").unwrap();
        assert_eq!(sink.finish().unwrap_err().to_string(), "link: File exists");
        drop(sink);
        let mut sink = FileSink::create(&directory, "dump.rdb").unwrap();
        assert!(sink.is_named);
        sink.write(b"kept").unwrap();
        sink.finish().unwrap();
        assert_eq!(std::fs::read(directory.join("dump.rdb")).unwrap(), b"kept");
        std::fs::remove_dir_all(&directory).unwrap();
    }

    #[test]
    fn errors_name_the_operation() {
        let error = FileSink::create(Path::new("/nonexistent"), "dump.rdb").err().unwrap();
        let text = error.to_string();
        assert!(text.starts_with("Failed opening the temp RDB file temp-"), "{text}");
        assert!(text.contains("(in server root dir /nonexistent)"), "{text}");
        assert!(text.ends_with(": No such file or directory"), "{text}");
    }
}
