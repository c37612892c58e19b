//! Signals that ask the server to end.
//!
//! It ends nothing itself, but for the user who insists: a second SIGINT exits at once, without saving. Fatal signals
//! are `crash`'s.
//!
//! ```text
//!   SIGTERM, SIGINT --> handler of signal-hook: one byte --> thread "signals" --> channel --> whoever serves
//!   SIGHUP: ignored     SIGPIPE: ignored (by the standard library)     SIGUSR1 and others: as the system has them
//! ```
//!
//! As in redis-server, SIGUSR1 is left alone, which ends the process.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{SystemTime, UNIX_EPOCH};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// A signal that asks for an orderly end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Termination {
    /// SIGINT: `shutdown-on-sigint` says how.
    Interrupt,
    /// SIGTERM: `shutdown-on-sigterm` says how.
    Terminate,
}

/// What arrives.
#[derive(Debug)]
pub(crate) struct SignalWatch {
    /// One message for each signal.
    pub(crate) terminations: Receiver<Termination>,
    ending: Arc<AtomicBool>,
    loading: Arc<AtomicBool>,
}

impl SignalWatch {
    /// Installs handlers and the thread behind them.
    pub(crate) fn install() -> std::io::Result<SignalWatch> {
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
        let (sender, terminations) = channel();
        let ending = Arc::new(AtomicBool::new(false));
        let loading = Arc::new(AtomicBool::new(false));
        let (seen, is_loading) = (Arc::clone(&ending), Arc::clone(&loading));
        std::thread::Builder::new().name("signals".into()).spawn(move || {
            for signal in signals.forever() {
                let termination = match signal {
                    SIGINT => Termination::Interrupt,
                    SIGTERM => Termination::Terminate,
                    _ => continue,
                };
                let ending_already = seen.swap(true, Ordering::SeqCst);
                if ending_already && termination == Termination::Interrupt {
                    say("You insist... exiting now.");
                    std::process::exit(1);
                }
                say(match termination {
                    _ if is_loading.load(Ordering::SeqCst) => {
                        "Received shutdown signal during loading, scheduling shutdown."
                    }
                    Termination::Interrupt => "Received SIGINT scheduling shutdown...",
                    Termination::Terminate => "Received SIGTERM scheduling shutdown...",
                });
                // Nobody listens any more: the server is ending already.
                let _ = sender.send(termination);
            }
        })?;
        Ok(SignalWatch { terminations, ending, loading })
    }

    /// The file is being loaded at start, or is not any more. It only makes a difference to what is said.
    pub(crate) fn set_loading(&self, loading: bool) {
        self.loading.store(loading, Ordering::SeqCst);
    }

    /// The end that was asked for is not going to happen (saving failed): the next SIGINT is a first one again.
    pub(crate) fn not_ending(&self) {
        self.ending.store(false, Ordering::SeqCst);
    }
}

/// A line in the form that redis-server's handler uses; it has no time to format a date.
fn say(what: &str) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    if journal::enabled(journal::Level::Warning) {
        journal::raw(format!("{}:signal-handler ({now}) {what}\n", std::process::id()).as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHILD: &str = "EVENKEEL_SIGNALS_CHILD";

    fn send(pid: u32, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_raw(pid as i32).expect("a process");
        rustix::process::kill_process(pid, signal).expect("sent");
    }

    /// Starts itself anew as a child that takes its time to end, and insists.
    #[test]
    fn who_insists_is_heard() {
        if std::env::var_os(CHILD).is_some() {
            let watch = SignalWatch::install().expect("installed");
            send(std::process::id(), rustix::process::Signal::HUP);
            send(std::process::id(), rustix::process::Signal::INT);
            assert_eq!(watch.terminations.recv(), Ok(Termination::Interrupt));
            watch.not_ending();
            send(std::process::id(), rustix::process::Signal::INT);
            assert_eq!(watch.terminations.recv(), Ok(Termination::Interrupt));
            send(std::process::id(), rustix::process::Signal::TERM);
            assert_eq!(watch.terminations.recv(), Ok(Termination::Terminate));
            watch.set_loading(true);
            send(std::process::id(), rustix::process::Signal::TERM);
            assert_eq!(watch.terminations.recv(), Ok(Termination::Terminate));
            send(std::process::id(), rustix::process::Signal::INT);
            std::thread::sleep(std::time::Duration::from_secs(20));
            std::process::exit(7);
        }
        let output = std::process::Command::new(std::env::current_exe().expect("a test has a binary"))
            .args(["--exact", "signals::tests::who_insists_is_heard", "--nocapture", "--test-threads=1"])
            .env(CHILD, "1")
            .output()
            .expect("the child runs");
        let text = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(1), "{text}");
        assert_eq!(text.matches("Received SIGINT scheduling shutdown...").count(), 2, "{text}");
        assert_eq!(text.matches("Received SIGTERM scheduling shutdown...").count(), 1, "{text}");
        assert_eq!(text.matches("during loading, scheduling shutdown.").count(), 1, "{text}");
        assert!(text.trim_end().ends_with("You insist... exiting now."), "{text}");
    }
}
