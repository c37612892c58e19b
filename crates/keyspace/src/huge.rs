//! Joins pages of the heap that are in use from end to end into huge pages of 2 MiB, on a thread of its own.
//!
//! Keys lie all over memory, so nearly every access needs a translation that the processor has forgotten; with huge pages it hardly
//! ever does. Servers that fork have to switch huge pages off, since the first write after a fork copies 2 MiB instead of 4 KiB. This one does not
//! fork.
//!
//! The kernel's own ways are not good enough. Huge pages at the first touch, or put together by `khugepaged`, also cover memory that nobody
//! uses or that was given back: the resident size grows. Here a range is joined only when every page of it is resident, or all but [`HOLES_MAX`], so
//! that next to nothing is added, and only when the same pages were in several rounds, so that memory that comes and goes is left alone.
//!
//! ```text
//!   every second:   /proc/self/maps ─> anonymous mappings ─> ranges of 2 MiB ─ mincore ─> the same as the last times ─> MADV_COLLAPSE
//! ```
//! When a part of a huge page is given back, the kernel splits it again.
//!
//! It knows nothing of entries and writes no memory of theirs. Whoever uses a range while it is joined waits for the copy of 2 MiB, and so does who
//! needs the thread's core, for the kernel copies in one go: 0.6 ms. In a virtual machine it would be up to 16 ms, for its host may have to find the
//! memory first: of the copy, and of the pages, if they were not used for a while. So each page is read before, a few at a time, and a huge page is mapped,
//! touched and given back, which the kernel then takes again; both give way to others. None of our locks is held meanwhile.
//!
//! Faults: without the call (Linux before 6.1) the thread ends. When no huge page can be had, it waits ever longer. It never fails anything else.
//! Bounds: a fifth of one processor while there is something to join, nothing during a snapshot, which needs the processor more; 24 bytes for each range that is full or nearly so.

use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, BufRead, BufReader};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use crate::background::Background;
use crate::huge_page::{HUGE_PAGE_BYTES as RANGE, HugePagePart};

/// A page that `mincore` tells about.
const PAGE: usize = 4 << 10;
/// Between two rounds.
const ROUND: Duration = Duration::from_secs(1);
/// For each unit of processor time the thread rests so many.
const REST: u32 = 4;
/// How long the thread works before it rests.
const BREATH: Duration = Duration::from_micros(200);
/// Pages that may be missing from a range: what it grows by when it is joined, 2 % at most.
const HOLES_MAX: usize = 12;
/// Rounds in which a range has to be the same before it is joined: full, and with holes. What jemalloc gives back in the range splits the huge page again,
/// so one whose holes come and go would be copied again and again.
const ROUNDS_FULL: u32 = 2;
const ROUNDS_HOLES: u32 = 5;
/// Pages that are brought near in one call of the kernel: half a millisecond where the host has to fetch each.
const NEAR_PAGES: usize = 16;
/// How far the thread stands behind all others.
const NICE: i32 = 19;
/// How long to wait after a failure at most.
const WAIT_MAX: Duration = Duration::from_secs(256);

static ON: AtomicBool = AtomicBool::new(false);
/// Snapshots that are being taken.
static HELD_UP: AtomicU32 = AtomicU32::new(0);

/// Lets the thread join pages, or stops it; starts it when it is needed for the first time. What has been joined stays so.
pub fn set(on: bool) {
    static STARTED: AtomicBool = AtomicBool::new(false);
    ON.store(on, Ordering::Relaxed);
    if on && !STARTED.swap(true, Ordering::Relaxed) {
        // Without the thread pages stay as the kernel hands them out.
        let _ = thread::Builder::new().name("huge-pages".into()).spawn(run);
    }
}

/// Asks the kernel to hand this process huge pages only where it advises them, whatever the system's setting is: with `always` the first touch of memory
/// takes milliseconds, and what was given back comes again. `false` where the kernel cannot do that (Linux before 6.18; prctl(2), `PR_SET_THP_DISABLE`).
pub fn only_where_advised() -> bool {
    const EXCEPT_ADVISED: libc::c_ulong = 1 << 1;
    disable(EXCEPT_ADVISED)
}

/// Switches all huge pages off for this process, those that it asks for too. `false` where the kernel refuses (prctl(2)).
pub fn nowhere() -> bool {
    disable(0)
}

/// Switches huge pages off for this process, but for the exceptions that `flags` name. `false` where the kernel does not know one.
fn disable(flags: libc::c_ulong) -> bool {
    const YES: libc::c_ulong = 1;
    const UNUSED: libc::c_ulong = 0;
    // SAFETY: sets a flag of the process and touches no memory.
    unsafe { libc::prctl(libc::PR_SET_THP_DISABLE, YES, flags, UNUSED, UNUSED) == 0 }
}

/// A snapshot begins (true) or ends.
pub(crate) fn hold_up(begins: bool) {
    match begins {
        true => HELD_UP.fetch_add(1, Ordering::Relaxed),
        false => HELD_UP.fetch_sub(1, Ordering::Relaxed),
    };
}

fn run() {
    // It copies 2 MiB at a time, and nobody waits for it.
    Background::default().enter(NICE);
    let mut candidates = Vec::new();
    let mut wait = ROUND;
    loop {
        thread::sleep(wait);
        if !ON.load(Ordering::Relaxed) {
            candidates = Vec::new();
            continue;
        }
        wait = match round(&mut candidates) {
            Ok(()) => ROUND,
            Err(error) if error.raw_os_error() == Some(libc::EINVAL) => return,
            Err(_) => (wait * 2).min(WAIT_MAX),
        };
    }
}

/// A range that is full, or nearly so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Candidate {
    range: usize,
    /// Stands for which pages are missing.
    pages: u64,
    /// Rounds in which they were the same.
    rounds: u32,
    is_full: bool,
    /// Joined, with these pages.
    is_joined: bool,
}

impl Candidate {
    /// With what the last round knew of it.
    fn after(self, last: &[Candidate]) -> Candidate {
        let before = last.binary_search_by_key(&self.range, |candidate| candidate.range).ok();
        match before.map(|at| last[at]).filter(|before| before.pages == self.pages) {
            Some(before) => Candidate { rounds: before.rounds.saturating_add(1), ..before },
            None => Candidate { rounds: 1, ..self },
        }
    }

    fn is_due(self) -> bool {
        self.rounds >= if self.is_full { ROUNDS_FULL } else { ROUNDS_HOLES }
    }
}

/// Looks at all ranges; `candidates` are those of the last round, in ascending order.
fn round(candidates: &mut Vec<Candidate>) -> io::Result<()> {
    let last = std::mem::take(candidates);
    let mut spent = processor_time();
    for mapping in mappings(BufReader::new(File::open("/proc/self/maps")?))? {
        let mut range = mapping.start.next_multiple_of(RANGE);
        while range + RANGE <= mapping.end {
            while HELD_UP.load(Ordering::Relaxed) > 0 {
                thread::sleep(ROUND);
            }
            if let Some(candidate) = look(range) {
                let mut candidate = candidate.after(&last);
                if candidate.is_due() {
                    if !candidate.is_joined {
                        bring_near(range);
                        // Without one, the join itself waits for the host or finds no memory.
                        drop(HugePagePart::page());
                    }
                    // Again where it was joined: part of it may have been given back, and used again, since.
                    join(range)?;
                    candidate.is_joined = true;
                }
                candidates.push(candidate);
            }
            let now = processor_time();
            if now - spent > BREATH {
                thread::sleep((now - spent) * REST);
                spent = now;
            }
            range += RANGE;
        }
    }
    Ok(())
}

/// What this thread has used.
fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// The anonymous mappings for reading and writing in what `/proc/PID/maps` says (proc_pid_maps(5)).
fn mappings(lines: impl BufRead) -> io::Result<Vec<Range<usize>>> {
    let mut found = Vec::new();
    for line in lines.lines() {
        let line = line?;
        let mut words = line.split_ascii_whitespace();
        let (Some(addresses), Some("rw-p"), Some(_), Some("00:00"), Some("0"), None) =
            (words.next(), words.next(), words.next(), words.next(), words.next(), words.next())
        else {
            continue;
        };
        let bounds = addresses.split_once('-').and_then(|(start, end)| {
            Some(usize::from_str_radix(start, 16).ok()?..usize::from_str_radix(end, 16).ok()?)
        });
        found.extend(bounds);
    }
    Ok(found)
}

/// A range that is full, or nearly so. None when it has been unmapped meanwhile.
fn look(range: usize) -> Option<Candidate> {
    let mut pages = [0u8; RANGE / PAGE];
    // SAFETY: the kernel writes one byte for each page of the range into `pages`, which has as many; it only looks at the range.
    let rc = unsafe { libc::mincore(range as *mut libc::c_void, RANGE, pages.as_mut_ptr()) };
    let holes = pages.iter().filter(|&&page| page & 1 == 0).count();
    if rc != 0 || holes > HOLES_MAX {
        return None;
    }
    let mut hasher = DefaultHasher::new();
    let missing = (0..pages.len()).filter(|&page| pages[page] & 1 == 0);
    missing.for_each(|page| page.hash(&mut hasher));
    Some(Candidate { range, pages: hasher.finish(), rounds: 0, is_full: holes == 0, is_joined: false })
}

/// Reads a byte of each page of a range, so that joining it waits for none of them. A page that is missing becomes one of zeros that all share, and is
/// missing still to whoever joins the range.
fn bring_near(range: usize) {
    let process = std::process::id() as libc::pid_t;
    for start in (range..range + RANGE).step_by(NEAR_PAGES * PAGE) {
        let mut bytes = [0u8; NEAR_PAGES];
        let to = libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: bytes.len() };
        let from: [libc::iovec; NEAR_PAGES] = std::array::from_fn(|page| libc::iovec {
            iov_base: (start + page * PAGE) as *mut libc::c_void,
            iov_len: 1,
        });
        // Where the call is forbidden, or the range unmapped meanwhile, the join waits itself.
        // SAFETY: the kernel does the reading, and none where nothing is mapped; it writes to `bytes`, one for each element of `from`
        // (process_vm_readv(2)).
        unsafe { libc::process_vm_readv(process, &to, 1, from.as_ptr(), NEAR_PAGES as libc::c_ulong, 0) };
    }
}

/// Joins a range. One that is joined already costs a look.
pub(crate) fn join(range: usize) -> io::Result<()> {
    // SAFETY: MADV_COLLAPSE changes neither content nor addresses, whoever uses the range (madvise(2)).
    let rc = unsafe { libc::madvise(range as *mut libc::c_void, RANGE, libc::MADV_COLLAPSE) };
    if rc == 0 {
        return Ok(());
    }
    let error = io::Error::last_os_error();
    match error.raw_os_error() {
        // The call is unknown, or no huge page could be had.
        Some(libc::EINVAL | libc::ENOMEM | libc::EAGAIN) => Err(error),
        // Unmapped meanwhile, or pinned by somebody: not this one.
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEEN: Candidate = Candidate { range: RANGE, pages: 1, rounds: 0, is_full: false, is_joined: false };

    const MAPS: &str = "\
5581c8a00000-5581c8a21000 r--p 00000000 fe:00 131  /usr/bin/evenkeel
5581c9c00000-5581c9c21000 rw-p 00000000 00:00 0    [heap]
7f0000000000-7f0000a00000 rw-p 00000000 00:00 0
7f0000a00000-7f0000b00000 ---p 00000000 00:00 0
7f0010000000-7f0010200000 rw-s 00000000 00:01 77   /dev/zero (deleted)
7f0020000000-7f0020400000 rw-p 00000000 00:00 0
";

    #[test]
    fn only_private_anonymous_memory_is_considered() {
        let found = mappings(MAPS.as_bytes()).unwrap();
        assert_eq!(found, [0x7f00_0000_0000..0x7f00_00a0_0000, 0x7f00_2000_0000..0x7f00_2040_0000]);
    }

    #[test]
    fn a_range_is_due_when_the_same_pages_were_there_for_long() {
        let rounds_until_due = |is_full: bool| {
            let mut last = Vec::new();
            (1..).find(|_| {
                let candidate = Candidate { is_full, ..SEEN }.after(&last);
                last = vec![candidate];
                candidate.is_due()
            })
        };
        assert_eq!(rounds_until_due(true), Some(ROUNDS_FULL));
        assert_eq!(rounds_until_due(false), Some(ROUNDS_HOLES));
        let last = [Candidate { rounds: 9, is_joined: true, ..SEEN }];
        let same = SEEN.after(&last);
        assert_eq!((same.rounds, same.is_joined), (10, true));
        let changed = Candidate { pages: 2, ..SEEN }.after(&last);
        assert_eq!((changed.rounds, changed.is_joined), (1, false), "one of its pages came or went");
        let other = Candidate { range: 2 * RANGE, ..SEEN }.after(&last);
        assert_eq!((other.rounds, other.is_joined), (1, false));
    }

    #[test]
    fn a_range_is_joined_when_it_is_full_and_keeps_its_content() {
        // Where the system hands huge pages out at the first touch there would be nothing to join.
        only_where_advised();
        let mut memory = vec![0u8; 3 * RANGE];
        let range = (memory.as_ptr() as usize).next_multiple_of(RANGE);
        let at = range - memory.as_ptr() as usize;
        for page in 0..RANGE / PAGE - 1 - HOLES_MAX {
            memory[at + page * PAGE] = page as u8 | 1;
        }
        assert_eq!(look(range), None, "its last pages were never touched");
        memory[at + RANGE - 1] = 7;
        let with_holes = look(range).expect("nearly full");
        assert!(!with_holes.is_full);
        for page in 0..RANGE / PAGE - 1 {
            memory[at + page * PAGE] = page as u8 | 1;
        }
        let full = look(range).expect("full");
        assert!(full.is_full && full.pages != with_holes.pages);
        bring_near(range);
        assert_eq!(look(range), Some(full), "nothing was changed");
        match join(range) {
            Ok(()) => {}
            // An older kernel, or one that has no huge page left.
            Err(error) => println!("not joined: {error}"),
        }
        assert!((0..RANGE / PAGE - 1).all(|page| memory[at + page * PAGE] == page as u8 | 1));
        assert_eq!(memory[at + RANGE - 1], 7);
    }

    #[test]
    fn what_was_unmapped_meanwhile_is_not_brought_near() {
        let page = HugePagePart::page().unwrap();
        let range = page.as_ptr().addr();
        drop(page);
        bring_near(range);
    }
}
