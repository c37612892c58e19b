//! What a crash report says about this program, beside what `crash` says about the process.

use std::sync::{Arc, OnceLock};

use config::Live;

use crate::invocation::PROGRAM;

static LIVE: OnceLock<Arc<Live>> = OnceLock::new();

/// Installs the crash reports.
pub(crate) fn install(live: &Arc<Live>) {
    // A second call, which only tests make, keeps the first settings.
    let _ = LIVE.set(Arc::clone(live));
    crash::set_enabled(live.load().process.crash_log);
    crash::install(crash::Setup { program: PROGRAM, write: journal::raw, sections });
}

/// The options that help to understand a crash; none of them is a secret.
fn sections(text: &mut String) {
    let Some(live) = LIVE.get() else { return };
    text.push_str("\n------ CONFIG DEBUG OUTPUT ------\n");
    for (name, value) in live.debug_options() {
        text.push_str(&format!("{name} {}\n", String::from_utf8_lossy(&value)));
    }
}
