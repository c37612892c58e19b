//! What a snapshot is told: how to encode, what it may occupy, where the bytes go. Declarations only.

use std::io;
use std::time::Duration;

use keyspace::HugePagePart;
use rdb::Usage;

/// Where an image's bytes go. Used by one thread; may block.
pub trait Sink: Send {
    /// Takes the file's next part: all but the last have the same size, a multiple of 4096 bytes, and each lies in one piece of physical memory where
    /// the kernel has that ([`HugePagePart`]).
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// There is nothing to write at this moment: a sink that has to wait for its disk now and then waits now rather than while what it is given
    /// piles up.
    fn idle(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// Everything has been written: makes it last and puts it in place.
    fn finish(&mut self) -> io::Result<()>;

    /// Gives up and removes what was written. Also called after an error of the other two.
    fn abort(&mut self);

    /// A place for what does not fit into memory until it can be written. `memory`, 512 KiB, is for its buffers; it may occupy about
    /// `memory_bytes_max` more. Asked for at most once; without one, those wait who need memory.
    fn spill(&mut self, _memory: HugePagePart, _memory_bytes_max: u64) -> io::Result<Box<dyn Spill>> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// A file, or what serves as one, for as long as the image is made. Used by one thread; may block.
pub trait Spill: Send {
    /// Keeps bytes and tells where.
    fn append(&mut self, bytes: &[u8]) -> io::Result<u64>;

    /// Appends `len` bytes from there on to `out`. Quick when those who follow each other were kept in that order.
    fn read(&mut self, place: u64, len: usize, out: &mut Vec<u8>) -> io::Result<()>;

    /// What its buffers occupy at most, in bytes, beyond what it was given.
    fn memory_bytes(&self) -> u64;
}

/// Turns an entry's 24-bit LRU or LFU field into what the file says about its use.
pub type UsageOf = Box<dyn Fn(u32) -> Usage + Send + Sync>;

/// How a snapshot is made.
pub struct Options {
    /// `snapshot-memory-budget`.
    pub budget_bytes: u64,
    /// `rdbcompression`.
    pub compression: bool,
    /// `rdbchecksum`.
    pub checksum: bool,
    /// Lowest version in the file's magic; raised where what is there at the cut needs it (deadlines of fields).
    pub version: u16,
    /// Facts written at the file's start, in this order.
    pub aux: Vec<(Vec<u8>, Vec<u8>)>,
    /// Whether, and how, entries' use is written. `None` where the eviction policy is neither LRU nor LFU.
    pub usage: Option<UsageOf>,
    /// A sink that takes nothing for so long while workers wait for room is given up: a disk that hangs must end the save, not the
    /// server. One portion of the sink has to fit in.
    pub stall_max: Duration,
    /// Called by the writer when a walker that has nothing to do should look again: room was made, or the file is done.
    pub wake: Option<Box<dyn Fn() + Send + Sync>>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            budget_bytes: 64 * 1024 * 1024,
            compression: true,
            checksum: true,
            version: rdb::VERSION,
            aux: Vec::new(),
            usage: None,
            stall_max: Duration::from_secs(10),
            wake: None,
        }
    }
}
