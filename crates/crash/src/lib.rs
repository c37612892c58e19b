//! Writes a report when the process is about to die: of a panic, or of a fatal signal.
//!
//! It keeps nothing alive: after the report the process ends by the same signal (or by abort after a panic), so that the
//! supervisor sees the true cause and a core is written where the system is set up for it.
//!
//! ```text
//!   panic ---------------> hook ----------------.
//!   SIGSEGV SIGBUS                               >--> report --> end by the signal
//!   SIGFPE SIGILL  ------> handler, on its own --'      |
//!   SIGABRT                stack (I1)                   '--> 5 s at most: SIGALRM ends it (I2)
//! ```
//!
//! What a handler may do is little, and a report needs more than that (memory, a file, symbols). A process that is about to die may
//! try, if nothing depends on its success:
//!
//! I1  The handler runs on the thread's alternative stack: [`guard_thread`] gives a thread one that is large enough for
//!     symbols; other threads have the small one of the standard library, and may die in the middle of the stack trace.
//! I2  Before anything that may wait for ever (an allocator's or a log's lock that the dying thread holds) one line goes to standard
//!     error by a bare `write`, and an alarm is set that ends the process.
//! I3  Only the first thread that gets here reports; others wait for the end.
//! I4  Handlers are installed with SA_RESETHAND: a fault inside the handler ends the process at once.
//! I5  `SETUP` is written once, before any handler is installed.
//!
//! Unsafe code: this module only, for `sigaction`, `sigaltstack`, `alarm`, `write`, `raise` and for reading `siginfo_t`.
//! There is no safe interface to these for SIGSEGV and its like: crates that offer safe signal handling refuse them.

use std::backtrace::Backtrace;
use std::fmt::Write as _;
use std::marker::PhantomData;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

/// Signals that are a bug of the program, and their names.
const SIGNALS: [(libc::c_int, &str); 5] = [
    (libc::SIGSEGV, "SIGSEGV"),
    (libc::SIGBUS, "SIGBUS"),
    (libc::SIGFPE, "SIGFPE"),
    (libc::SIGILL, "SIGILL"),
    (libc::SIGABRT, "SIGABRT"),
];

/// Size of the stack on which a report is made: reading symbols was seen to take some 60 KB.
const STACK_BYTES: usize = 512 * 1024;

/// How long a report may take.
const REPORT_SECONDS_MAX: libc::c_uint = 5;

/// Who reports and how.
#[derive(Clone, Copy)]
pub struct Setup {
    /// Name and version of the program.
    pub program: &'static str,
    /// Writes text to the log as it is.
    pub write: fn(&[u8]),
    /// Adds sections of the program's own to the report (settings, counters). It must cope with anything being locked: what waits
    /// for ever loses the rest of the report (I2).
    pub sections: fn(&mut String),
}

static SETUP: OnceLock<Setup> = OnceLock::new();
static ENABLED: AtomicBool = AtomicBool::new(true);
/// A report has begun (I3).
static BEGUN: AtomicBool = AtomicBool::new(false);

/// Installs the panic hook and the signal handlers. Call once, before other threads start; later calls do nothing. A panic ends
/// the process after its report: a broken invariant must not reach the disk.
pub fn install(setup: Setup) {
    if SETUP.set(setup).is_err() {
        return;
    }
    std::panic::set_hook(Box::new(|info| {
        if !begin() {
            wait_for_the_end();
        }
        let cause = match info.location() {
            Some(place) => format!("{} at {place}", panic_text(info.payload())),
            None => panic_text(info.payload()).to_owned(),
        };
        report(&format!("panic: {cause}"));
        std::process::abort();
    }));
    for (signal, _) in SIGNALS {
        set_handler(signal);
    }
}

/// Switches reports on or off (option `crash-log-enabled`). Without a report the process dies just the same.
pub fn set_enabled(enabled: bool) {
    ENABLED.store(enabled, Ordering::Relaxed);
}

/// Gives the calling thread a stack to report on; keep the guard until the thread ends.
#[must_use]
pub fn guard_thread() -> ThreadGuard {
    // Zeroed memory comes from the kernel page by page as it is touched, which it never is without a crash.
    let mut stack = vec![0u8; STACK_BYTES].into_boxed_slice();
    let alternative = libc::stack_t { ss_sp: stack.as_mut_ptr().cast(), ss_flags: 0, ss_size: stack.len() };
    let mut before = no_stack();
    // SAFETY: I1. The memory is `STACK_BYTES` long and stays alive until the guard puts `before` back in its drop, on this same
    // thread (the guard is not Send); both pointers are to valid structs.
    unsafe { libc::sigaltstack(&alternative, &mut before) };
    ThreadGuard { stack, before, on_this_thread: PhantomData }
}

/// Keeps a thread's alternative stack alive.
pub struct ThreadGuard {
    stack: Box<[u8]>,
    before: libc::stack_t,
    on_this_thread: PhantomData<*const ()>,
}

impl Drop for ThreadGuard {
    fn drop(&mut self) {
        debug_assert_eq!(self.stack.len(), STACK_BYTES);
        let mut before = self.before;
        before.ss_flags &= libc::SS_DISABLE;
        // SAFETY: I1. `before` is what this thread had when the guard was made: none, or the standard library's, which
        // lives until after thread-locals and locals of the thread are gone.
        unsafe { libc::sigaltstack(&before, std::ptr::null_mut()) };
    }
}

fn no_stack() -> libc::stack_t {
    libc::stack_t { ss_sp: std::ptr::null_mut(), ss_flags: libc::SS_DISABLE, ss_size: 0 }
}

fn set_handler(signal: libc::c_int) {
    // SAFETY: I4, I5. `action` is a plain struct for which all zeros is a valid value; every field that matters is set; the
    // handler has the signature that SA_SIGINFO asks for.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handle as *const () as libc::sighandler_t;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_RESETHAND;
        libc::sigemptyset(&mut action.sa_mask);
        libc::sigaction(signal, &action, std::ptr::null_mut());
    }
}

extern "C" fn handle(signal: libc::c_int, info: *mut libc::siginfo_t, _context: *mut libc::c_void) {
    if begin() {
        let name = SIGNALS.iter().find(|(number, _)| *number == signal).map_or("signal", |(_, name)| name);
        write_plainly(b"\nFatal signal ");
        write_plainly(name.as_bytes());
        write_plainly(b", writing a crash report\n");
        // SAFETY: I2. Only sets a timer.
        unsafe { libc::alarm(REPORT_SECONDS_MAX) };
        report(&signal_cause(signal, name, info));
    } else if signal != libc::SIGABRT {
        wait_for_the_end();
    }
    // The handler is the default one again (I4) and this signal is blocked until the handler returns; so the process ends by it
    // as soon as we return. SIGABRT after a panic's report comes straight here.
    // SAFETY: `raise` is allowed in a handler.
    unsafe { libc::raise(signal) };
}

fn signal_cause(signal: libc::c_int, name: &str, info: *mut libc::siginfo_t) -> String {
    if info.is_null() {
        return format!("crashed by signal: {signal} ({name})");
    }
    // SAFETY: the kernel gives a handler installed with SA_SIGINFO a valid `siginfo_t`; which of the fields is meaningful follows
    // from `si_code`, and reading the others gives a number without meaning, nothing worse.
    let (code, address, sender) = unsafe { ((*info).si_code, (*info).si_addr(), (*info).si_pid()) };
    let origin = if code <= 0 {
        format!("Killed by PID: {sender}")
    } else {
        format!("Accessing address: {address:?}")
    };
    format!("crashed by signal: {signal} ({name}), si_code: {code}\n{origin}")
}

/// True for the first caller, if reports are wanted (I3).
fn begin() -> bool {
    ENABLED.load(Ordering::Relaxed) && !BEGUN.swap(true, Ordering::SeqCst)
}

/// Lets another thread finish its report; the process ends with it.
fn wait_for_the_end() {
    if ENABLED.load(Ordering::Relaxed) {
        std::thread::sleep(std::time::Duration::from_secs(u64::from(REPORT_SECONDS_MAX)));
    }
}

fn report(cause: &str) {
    let Some(setup) = SETUP.get() else { return };
    let thread = std::thread::current();
    let head = format!(
        "\n\n=== EVENKEEL BUG REPORT START: Cut & paste starting from here ===\n{} {cause}\n\
         pid {}, thread '{}'\n\n------ STACK TRACE ------\n",
        setup.program,
        std::process::id(),
        thread.name().unwrap_or("unnamed"),
    );
    // In pieces, so that what is there is there if a later piece fails.
    (setup.write)(head.as_bytes());
    (setup.write)(format!("{}\n", Backtrace::force_capture()).as_bytes());
    let mut rest = String::from("\n------ SYSTEM ------\n");
    // Writing to a String cannot fail.
    let _ = writeln!(rest, "os: {}", std::fs::read_to_string("/proc/version").unwrap_or_default().trim());
    let _ = writeln!(rest, "arch: {}", std::env::consts::ARCH);
    (setup.sections)(&mut rest);
    rest.push_str(
        "\n=== EVENKEEL BUG REPORT END. Make sure to include from START to END. ===\n\n\
         Please report the crash with this text and what led to it. Memory that fails looks like this, too: if it\n\
         happens at different places each time, test the machine's memory.\n",
    );
    (setup.write)(rest.as_bytes());
}

fn panic_text(payload: &(dyn std::any::Any + Send)) -> &str {
    match (payload.downcast_ref::<&str>(), payload.downcast_ref::<String>()) {
        (Some(text), _) => text,
        (_, Some(text)) => text,
        _ => "no message",
    }
}

/// Standard error, with nothing in between.
fn write_plainly(text: &[u8]) {
    // SAFETY: pointer and length are those of a slice; `write` is allowed in a handler. A failure is not looked at: nothing
    // could be done.
    unsafe { libc::write(2, text.as_ptr().cast(), text.len()) };
}

#[cfg(test)]
mod tests;
