//! Saving and the end: SAVE, BGSAVE, LASTSAVE, SHUTDOWN.

mod bgsave;
mod save;
mod shutdown;

use std::sync::Arc;

use engine::{Command, Ctx, Error, Persistence};

/// The family's commands, sorted.
pub const COMMANDS: &[&Command] = &[&bgsave::BGSAVE, &save::LASTSAVE, &save::SAVE, &shutdown::SHUTDOWN];

/// Whoever saves; a server without one (in a test) says so.
pub(crate) fn service(ctx: &Ctx<'_>) -> Result<Arc<dyn Persistence>, Error> {
    ctx.engine.persistence.get().map(Arc::clone).ok_or(Error::fixed("ERR this server has nobody who saves"))
}
