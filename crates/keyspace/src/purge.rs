//! Gives pages that jemalloc has no use for back to the system, behind the threads that serve and with pauses.
//!
//! jemalloc decides what is given back and when; a thread of its own does it, range by range. On a core that it shares with a reactor it did so for up to
//! 2 ms in one piece after a large value was freed. So it sleeps between two ranges when it has worked for a while.
//!
//! ```text
//!   jemalloc's thread ── arena's hook: purge_forced ── the default (madvise) ── a pause if one is due ──> the next range
//! ```
//! jemalloc holds no lock meanwhile that a thread which allocates or frees waits for: it has taken the ranges out before, and only its thread's own mutex is held, which others
//! try and never wait for.
//!
//! Faults: where an arena takes no hooks, its pages are given back without pauses.

use std::cell::Cell;
use std::ffi::{CStr, c_uint, c_void};
use std::sync::OnceLock;
use std::thread;

use tikv_jemalloc_sys as ffi;

use crate::alloc::{read_ctl, write_ctl};
use crate::background::{Background, Pauses};

/// How far jemalloc's thread stands behind those that serve.
const NICE: i32 = 10;

/// What jemalloc calls its thread.
const THREAD_NAME: &CStr = c"jemalloc_bg_thd";

/// Gives unused dirty pages of all arenas back to the system (MEMORY PURGE).
pub fn purge() {
    // 4096 is jemalloc's MALLCTL_ARENAS_ALL.
    // SAFETY: this control takes and returns no data.
    unsafe {
        ffi::mallctl(
            c"arena.4096.purge".as_ptr(),
            std::ptr::null_mut(),
            std::ptr::null_mut(),
            std::ptr::null_mut(),
            0,
        )
    };
}

/// Lets jemalloc give unused pages back from a thread of its own rather than from the threads that serve, and behind them.
/// Returns false when this build of jemalloc cannot.
pub fn set_background_thread(on: bool) -> bool {
    let set = move || {
        let mut on = on;
        write_ctl(c"background_thread", &mut on)
    };
    pause_in_arena();
    // jemalloc's thread begins with the place of the thread that starts it.
    let from_behind = thread::Builder::new().spawn(move || {
        Background::default().enter(NICE);
        set()
    });
    from_behind.ok().and_then(|thread| thread.join().ok()).unwrap_or_else(set)
}

/// Has jemalloc's thread pause while it gives back pages of the arena from which the calling thread allocates: for each thread that fills memory, at its
/// start.
pub fn pause_in_arena() {
    if let Some(arena) = read_ctl::<c_uint>(c"thread.arena") {
        pause_in(arena);
    }
}

/// The same for an arena by its number. False where it takes no hooks.
pub(crate) fn pause_in(arena: c_uint) -> bool {
    let name = format!("arena.{arena}.extent_hooks\0");
    let Ok(name) = CStr::from_bytes_until_nul(name.as_bytes()) else { return false };
    let Some(hooks) = HOOKS.get().or_else(|| {
        let defaults = read_ctl::<*const ffi::extent_hooks_t>(name).filter(|hooks| !hooks.is_null())?;
        // SAFETY: jemalloc's own table, which is constant; no arena has ours yet.
        Some(HOOKS.get_or_init(|| Hooks::before(unsafe { *defaults })))
    }) else {
        return false;
    };
    let mut address = std::ptr::from_ref(&hooks.ours).cast_mut();
    write_ctl(name, &mut address)
}

/// What jemalloc calls instead of its own functions; it reads the table and never writes it.
struct Hooks {
    ours: ffi::extent_hooks_t,
    /// Gives a range back.
    purge: Option<Purge>,
}

static HOOKS: OnceLock<Hooks> = OnceLock::new();

/// As jemalloc declares it: the hooks, address and length of the extent, offset and length of the range, number of the arena; true for
/// failure.
type Purge = unsafe extern "C" fn(*mut ffi::extent_hooks_t, *mut c_void, usize, usize, usize, c_uint) -> bool;

impl Hooks {
    /// All as `defaults` have it, but for the pauses. Without `dalloc` ranges are kept for later, as jemalloc does by default on Linux.
    fn before(defaults: ffi::extent_hooks_t) -> Hooks {
        Hooks {
            ours: ffi::extent_hooks_t { purge_forced: Some(purge_and_pause), dalloc: None, ..defaults },
            purge: defaults.purge_forced,
        }
    }
}

unsafe extern "C" fn purge_and_pause(
    hooks: *mut ffi::extent_hooks_t,
    extent: *mut c_void,
    size: usize,
    offset: usize,
    length: usize,
    arena: c_uint,
) -> bool {
    let Some(purge) = HOOKS.get().and_then(|hooks| hooks.purge) else { return true };
    // SAFETY: what jemalloc has passed to this hook, for the hook that it would have called itself.
    let failed = unsafe { purge(hooks, extent, size, offset, length, arena) };
    pause();
    failed
}

/// Pauses if this is jemalloc's thread and it has worked for long enough. Others are not kept waiting.
fn pause() {
    thread_local! {
        static PAUSES: Cell<Pauses> = const { Cell::new(Pauses::new()) };
    }
    if is_purger() {
        let mut pauses = PAUSES.get();
        pauses.pause_if_due();
        PAUSES.set(pauses);
    }
}

/// Whether the calling thread is jemalloc's. Allocates nothing: it is asked inside jemalloc.
fn is_purger() -> bool {
    let mut name = [0u8; 16];
    // SAFETY: the kernel writes at most 16 bytes, the last of them zero (prctl(2), PR_GET_NAME).
    let rc = unsafe { libc::prctl(libc::PR_GET_NAME, name.as_mut_ptr()) };
    rc == 0 && CStr::from_bytes_until_nul(&name).is_ok_and(|name| name == THREAD_NAME)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::time::Duration;

    use super::*;

    /// The folders of jemalloc's threads; an arena belongs to one of them.
    fn purgers() -> Vec<PathBuf> {
        let name = format!("{}\n", THREAD_NAME.to_str().unwrap());
        let tasks = std::fs::read_dir("/proc/self/task").unwrap().map(|task| task.unwrap().path());
        tasks
            .filter(|task| std::fs::read_to_string(task.join("comm")).is_ok_and(|comm| comm == name))
            .collect()
    }

    /// Whether it becomes true within five seconds.
    fn comes(mut condition: impl FnMut() -> bool) -> bool {
        (0..500).any(|_| {
            thread::sleep(Duration::from_millis(10));
            condition()
        })
    }

    /// How often they have gone to sleep (proc_pid_status(5)).
    fn sleeps() -> u64 {
        let of_one = |task: PathBuf| {
            let status = std::fs::read_to_string(task.join("status")).unwrap();
            let count = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
            count.unwrap().trim().parse::<u64>().unwrap()
        };
        purgers().into_iter().map(of_one).sum()
    }

    #[test]
    fn pages_are_given_back_from_behind_and_with_pauses() {
        let behind = thread::spawn(|| {
            Background::default().enter(NICE);
            // Where that is refused, the same as everybody.
            rustix::process::getpriority_process(None).unwrap()
        });
        let expected = behind.join().unwrap().to_string();
        assert!(set_background_thread(true));
        // They name themselves.
        assert!(comes(|| !purgers().is_empty()));
        let stat = std::fs::read_to_string(purgers()[0].join("stat")).unwrap();
        // The nineteenth field; the second, which ends with the parenthesis, may contain spaces (proc_pid_stat(5)).
        let (_, fields) = stat.rsplit_once(") ").unwrap();
        assert_eq!(fields.split(' ').nth(16), Some(expected.as_str()), "{stat}");

        // An arena whose memory lies in thousands of ranges: every second block is given back.
        let arena = read_ctl::<c_uint>(c"arenas.create").unwrap();
        assert!(pause_in(arena));
        let flags = ffi::MALLOCX_ARENA(arena as usize) | ffi::MALLOCX_TCACHE_NONE;
        const BLOCK: usize = 256 << 10;
        let blocks: Vec<*mut u8> = (0..2000)
            .map(|_| {
                // SAFETY: a block that is written within its bounds, and freed below.
                unsafe {
                    let block = ffi::mallocx(BLOCK, flags).cast::<u8>();
                    assert!(!block.is_null());
                    block.write_bytes(1, BLOCK);
                    block
                }
            })
            .collect();
        let before = sleeps();
        let (kept, given): (Vec<_>, Vec<_>) =
            blocks.iter().enumerate().partition(|(number, _)| number % 2 == 0);
        // SAFETY: each block came from the same arena with this size.
        given.into_iter().for_each(|(_, &block)| unsafe { ffi::sdallocx(block.cast(), BLOCK, flags) });
        assert!(comes(|| sleeps() > before + 50), "{} -> {}", before, sleeps());
        for (_, &block) in kept {
            // SAFETY: still ours, and as long as that.
            unsafe {
                assert!(*block == 1 && *block.add(BLOCK - 1) == 1);
                ffi::sdallocx(block.cast(), BLOCK, flags);
            }
        }
        assert!(set_background_thread(false));
    }
}
