//! What watches commands go by: MONITOR, the slow log, the command log, the latency monitor.

use std::time::Duration;

use crate::engine::Engine;
use crate::session::Session;
use crate::table::Registered;
use crate::worker::Batch;

/// After a command has executed in `took` and written `output` bytes.
#[inline]
pub(crate) fn after(
    _engine: &Engine,
    _batch: &Batch<'_>,
    _session: &Session,
    _registered: &Registered,
    _args: &[&[u8]],
    _took: Duration,
    _output: usize,
) {
}
