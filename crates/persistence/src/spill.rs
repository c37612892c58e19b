//! The file that a save puts aside what does not fit into memory, for as long as it lasts: `temp-<pid>.spill` beside the target, removed
//! as soon as it is open, so that no crash leaves it behind.
//!
//! ```text
//!   append: | buffer, 256 KiB | --full--> one O_DIRECT write            written so far: disk; the rest: buffer
//!   read:   windows of 32 KiB, the least recently used is moved
//! ```
//! What is read comes as a few runs, each in ascending order, that take turns: each run has its window, so nearly every read is a copy.
//!
//! Faults: every error is the caller's. A full disk is noticed when it is written to, not when it is read.
//! Bounds: the part of a huge page that it is given, and a huge page of its own if its creator allows that much: 8 or 72 windows.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use keyspace::{HUGE_PAGE_BYTES, HugePagePart};
use snapshot::Spill;

use crate::direct::{self, PAGE};

/// Bytes written at once.
const BUFFER: usize = 256 * 1024;

/// Bytes read at once.
const WINDOW: usize = 32 * 1024;

/// See the module.
pub(crate) struct FileSpill {
    file: File,
    buffer: HugePagePart,
    filled: usize,
    /// Bytes in the file, a multiple of [`BUFFER`].
    written: u64,
    windows: Vec<Window>,
    /// What windows are made of.
    unused: HugePagePart,
    /// A further page may be taken for windows.
    may_take_page: bool,
    /// Bytes of memory at most beyond what it was given.
    own_bytes: u64,
    clock: u64,
}

/// A part of the file that was read.
struct Window {
    bytes: HugePagePart,
    start: u64,
    len: usize,
    used_at: u64,
}

impl FileSpill {
    /// Creates the file. `memory` is for its buffers, 512 KiB or more; beyond it they will occupy at most `memory_bytes_max`.
    pub(crate) fn create(
        directory: &Path,
        mut memory: HugePagePart,
        memory_bytes_max: u64,
    ) -> io::Result<FileSpill> {
        let path = directory.join(format!("temp-{}.spill", std::process::id()));
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(true).mode(0o600);
        let (file, _) = direct::open(&options, 0, &path)?;
        std::fs::remove_file(&path)?;
        let unused = memory.split_off(BUFFER);
        let may_take_page = HUGE_PAGE_BYTES as u64 <= memory_bytes_max;
        Ok(FileSpill {
            file,
            buffer: memory,
            filled: 0,
            written: 0,
            windows: Vec::new(),
            unused,
            may_take_page,
            own_bytes: if may_take_page { HUGE_PAGE_BYTES as u64 } else { 0 },
            clock: 0,
        })
    }

    /// The window with the byte at `place`, which is in the file.
    fn window(&mut self, place: u64) -> io::Result<&Window> {
        self.clock += 1;
        let has = |window: &Window| (window.start..window.start + window.len as u64).contains(&place);
        let index = match self.windows.iter().position(has) {
            Some(index) => index,
            None => {
                let index = self.place_for_window();
                let window = &mut self.windows[index];
                window.start = place / PAGE as u64 * PAGE as u64;
                window.len = (self.written - window.start).min(WINDOW as u64) as usize;
                let len = window.len;
                let read = self.file.read_exact_at(&mut window.bytes[..len], window.start);
                if let Err(error) = read {
                    window.len = 0;
                    return Err(error);
                }
                index
            }
        };
        let window = &mut self.windows[index];
        window.used_at = self.clock;
        Ok(window)
    }

    /// A further window, or else the one that was not used for longest.
    fn place_for_window(&mut self) -> usize {
        if self.unused.len() < WINDOW
            && std::mem::take(&mut self.may_take_page)
            && let Ok(page) = HugePagePart::page()
        {
            self.unused = page;
        }
        if self.unused.len() >= WINDOW {
            let rest = self.unused.split_off(WINDOW);
            let bytes = std::mem::replace(&mut self.unused, rest);
            self.windows.push(Window { bytes, start: 0, len: 0, used_at: 0 });
            return self.windows.len() - 1;
        }
        let oldest = self.windows.iter().enumerate().min_by_key(|(_, window)| window.used_at);
        oldest.map_or(0, |(index, _)| index)
    }
}

impl Spill for FileSpill {
    fn append(&mut self, mut bytes: &[u8]) -> io::Result<u64> {
        let place = self.written + self.filled as u64;
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(BUFFER - self.filled));
            self.buffer[self.filled..self.filled + now.len()].copy_from_slice(now);
            self.filled += now.len();
            bytes = later;
            if self.filled == BUFFER {
                if let Err(error) = self.file.write_all_at(&self.buffer, self.written) {
                    // Nobody was told where these bytes are; those before them stay readable.
                    self.filled = (place.saturating_sub(self.written)) as usize;
                    return Err(error);
                }
                self.written += BUFFER as u64;
                self.filled = 0;
            }
        }
        Ok(place)
    }

    fn read(&mut self, place: u64, len: usize, out: &mut Vec<u8>) -> io::Result<()> {
        let end = place + len as u64;
        let mut at = place;
        while at < end {
            if at >= self.written {
                let from = (at - self.written) as usize;
                out.extend_from_slice(&self.buffer[from..from + (end - at) as usize]);
                return Ok(());
            }
            let window = self.window(at)?;
            let from = (at - window.start) as usize;
            let count = (window.len - from).min((end - at) as usize);
            out.extend_from_slice(&window.bytes[from..from + count]);
            at += count as u64;
        }
        Ok(())
    }

    fn memory_bytes(&self) -> u64 {
        self.own_bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_in(directory: &Path, memory_bytes_max: u64) {
        let mut rng = fastrand::Rng::new();
        let memory = HugePagePart::page().unwrap().split_off(HUGE_PAGE_BYTES * 3 / 4);
        let mut spill = FileSpill::create(directory, memory, memory_bytes_max).unwrap();
        let mut kept = Vec::new();
        for _ in 0..2000 {
            let bytes: Vec<u8> = (0..rng.usize(1..9000)).map(|_| rng.u8(..)).collect();
            kept.push((spill.append(&bytes).unwrap(), bytes));
            let (place, bytes) = &kept[rng.usize(..kept.len())];
            let mut read = Vec::new();
            spill.read(*place, bytes.len(), &mut read).unwrap();
            assert!(read == *bytes, "{} bytes at {place}", bytes.len());
        }
        let huge = vec![7; 3 * BUFFER + 5];
        let place = spill.append(&huge).unwrap();
        let mut read = vec![1];
        spill.read(place, huge.len(), &mut read).unwrap();
        assert!(read[0] == 1 && read[1..] == huge[..]);
        let occupied = BUFFER + spill.windows.iter().map(|window| window.bytes.len()).sum::<usize>();
        assert_eq!(occupied as u64, HUGE_PAGE_BYTES as u64 / 4 + spill.memory_bytes());
        assert!(spill.memory_bytes() <= memory_bytes_max);
        let name = format!("temp-{}.spill", std::process::id());
        assert!(!directory.join(name).exists(), "it has no name any more");
    }

    #[test]
    fn what_was_kept_is_read() {
        check_in(&std::env::temp_dir(), 16 << 20);
        check_in(&std::env::temp_dir(), 1 << 20);
    }

    #[test]
    fn and_where_nothing_is_direct() {
        if Path::new("/dev/shm").is_dir() {
            check_in(Path::new("/dev/shm"), 16 << 20);
        }
    }
}
