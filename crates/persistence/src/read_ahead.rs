//! Reading a file ahead of its consumer, on a thread of its own, and leaving none of it in the page cache. Interprets nothing.
//!
//! Bounds: [`AHEAD`] chunks of [`CHUNK`] bytes. The thread ends with the file, at an error, or when the reader is dropped.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use rustix::fs::{Advice, fadvise};

/// Bytes read at once.
const CHUNK: usize = 1024 * 1024;

/// Chunks that may wait for the consumer.
const AHEAD: usize = 3;

/// A file as a stream.
pub(crate) struct ReadAhead {
    chunks: Receiver<io::Result<Vec<u8>>>,
    current: Vec<u8>,
    at: usize,
    failed: bool,
}

impl ReadAhead {
    /// Starts to read.
    pub(crate) fn new(file: File) -> io::Result<ReadAhead> {
        let (sender, chunks) = sync_channel(AHEAD);
        std::thread::Builder::new().name("rdb-reader".into()).spawn(move || read(&file, &sender))?;
        Ok(ReadAhead { chunks, current: Vec::new(), at: 0, failed: false })
    }
}

fn read(file: &File, sender: &SyncSender<io::Result<Vec<u8>>>) {
    let _ = fadvise(file, 0, None, Advice::Sequential);
    let mut offset = 0;
    loop {
        let mut chunk = vec![0; CHUNK];
        let result = match file.read_at(&mut chunk, offset) {
            Ok(0) => return,
            Ok(count) => {
                // What has been read is not read again.
                let _ = fadvise(file, offset, std::num::NonZeroU64::new(count as u64), Advice::DontNeed);
                offset += count as u64;
                chunk.truncate(count);
                Ok(chunk)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => Err(error),
        };
        let is_last = result.is_err();
        // The consumer is gone: it met an error of its own.
        if sender.send(result).is_err() || is_last {
            return;
        }
    }
}

impl Read for ReadAhead {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.at == self.current.len() && !self.failed {
            match self.chunks.recv() {
                Ok(Ok(chunk)) => (self.current, self.at) = (chunk, 0),
                Ok(Err(error)) => {
                    self.failed = true;
                    return Err(error);
                }
                // The thread has ended: so has the file.
                Err(_) => return Ok(0),
            }
        }
        let count = out.len().min(self.current.len() - self.at);
        out[..count].copy_from_slice(&self.current[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}
