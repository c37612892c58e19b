//! Access to files past the page cache (O_DIRECT, open(2)), where the file system has it.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};

/// What the place and the length of a direct access are multiples of. Disks ask for 512 bytes mostly, but where a write ends inside
/// a file system's block, the next one has to read it first: measured, a third of the speed.
pub(crate) const PAGE: usize = 4096;

/// Opens a file with these options and flags (open(2)) past the page cache, or else through it; true if past it. Some file systems have no direct
/// access; any other error comes again.
pub(crate) fn open(options: &OpenOptions, flags: i32, path: &Path) -> io::Result<(File, bool)> {
    let open = |direct: i32| options.clone().custom_flags(flags | direct).open(path);
    open(libc::O_DIRECT).map(|file| (file, true)).or_else(|_| open(0).map(|file| (file, false)))
}

/// Goes on through the page cache: some file systems accept the flag and refuse the access.
pub(crate) fn give_up(file: &File) -> io::Result<()> {
    let flags = fcntl_getfl(file)?;
    Ok(fcntl_setfl(file, flags - OFlags::DIRECT)?)
}
