//! Reading a file ahead of its consumer, on a thread of its own, past the page cache. Interprets nothing.
//!
//! ```text
//!  thread:  empty buffer in a huge page --O_DIRECT read of 1 MiB--> full ──> consumer ──> empty again
//! ```
//! Direct reads spare the copy and leave no page cache behind, which inside a memory cgroup would be charged to the server while it
//! grows. Where they are refused the file is read through the cache and dropped from it behind the reader.
//!
//! Bounds: [`BUFFERS`] buffers of [`CHUNK`] bytes, two to a huge page. The thread ends with the file, at an error, or when the reader is dropped.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};

use keyspace::HugePagePart;
use rustix::fs::{Advice, OFlags, fadvise, fcntl_getfl};

use crate::direct;

/// Bytes read at once.
const CHUNK: usize = 1024 * 1024;

/// Buffers: one with the consumer, the others being filled or waiting.
const BUFFERS: usize = 4;

/// A buffer and how much of it is full.
struct Buffer {
    memory: HugePagePart,
    len: usize,
}

/// A file as a stream.
pub(crate) struct ReadAhead {
    full: Receiver<io::Result<Buffer>>,
    empty: Sender<Buffer>,
    current: Option<Buffer>,
    at: usize,
    failed: bool,
}

/// Opens a file for reading, past the page cache where that is possible.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    direct::open(OpenOptions::new().read(true), 0, path).map(|(file, _)| file)
}

impl ReadAhead {
    /// Starts to read a file from [`open`].
    pub(crate) fn new(file: File) -> io::Result<ReadAhead> {
        let (sender, full) = sync_channel(BUFFERS);
        let (empty, free) = channel();
        for _ in 0..BUFFERS / 2 {
            let mut memory = HugePagePart::page()?;
            for memory in [memory.split_off(CHUNK), memory] {
                // The receiver is in scope: this cannot fail.
                let _ = empty.send(Buffer { memory, len: 0 });
            }
        }
        std::thread::Builder::new().name("rdb-reader".into()).spawn(move || read(&file, &free, &sender))?;
        Ok(ReadAhead { full, empty, current: None, at: 0, failed: false })
    }
}

/// The thread's body.
fn read(file: &File, free: &Receiver<Buffer>, full: &SyncSender<io::Result<Buffer>>) {
    let mut direct = fcntl_getfl(file).is_ok_and(|flags| flags.contains(OFlags::DIRECT));
    let mut offset = 0;
    // Either end of the channels is gone when the consumer met an error of its own.
    while let Ok(mut buffer) = free.recv() {
        let result = loop {
            match file.read_at(&mut buffer.memory, offset) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // Refused only now, or a short read has led to an odd offset.
                Err(error) if direct && error.raw_os_error() == Some(libc::EINVAL) => {
                    direct = false;
                    if let Err(error) = direct::give_up(file) {
                        break Err(error);
                    }
                }
                result => break result,
            }
        };
        let result = match result {
            Ok(0) => return,
            Ok(count) => {
                if !direct {
                    let read = std::num::NonZeroU64::new(count as u64);
                    let _ = fadvise(file, offset, read, Advice::DontNeed);
                }
                offset += count as u64;
                buffer.len = count;
                Ok(buffer)
            }
            Err(error) => Err(error),
        };
        let is_last = result.is_err();
        if full.send(result).is_err() || is_last {
            return;
        }
    }
}

impl Read for ReadAhead {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.failed {
            return Ok(0);
        }
        let buffer = match self.current.take() {
            Some(buffer) if self.at < buffer.len => buffer,
            used => {
                self.at = 0;
                if let Some(used) = used {
                    // The thread may have ended with the file.
                    let _ = self.empty.send(used);
                }
                match self.full.recv() {
                    Ok(Ok(buffer)) => buffer,
                    Ok(Err(error)) => {
                        self.failed = true;
                        return Err(error);
                    }
                    // The thread has ended: so has the file.
                    Err(_) => return Ok(0),
                }
            }
        };
        let count = out.len().min(buffer.len - self.at);
        out[..count].copy_from_slice(&buffer.memory[self.at..self.at + count]);
        self.at += count;
        self.current = Some(buffer);
        Ok(count)
    }
}
