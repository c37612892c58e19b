//! What a command executes with: the data, the reply, the session, the server.

use resp::Writer;

use crate::data::Data;
use crate::engine::Engine;
use crate::reply::Reply;
use crate::session::{LaterReply, ReplyMode, Session, Waiting};

/// Everything that a command may touch. The parts are public so that a value borrowed from `data` can be written to `reply`.
pub struct Ctx<'a> {
    /// Keys and values.
    pub data: Data<'a>,
    /// The reply.
    pub reply: Reply<'a>,
    /// The connection's state.
    pub session: &'a mut Session,
    /// The server.
    pub engine: &'a Engine,
    /// The settings in force.
    pub config: &'a config::Config,
}

impl Ctx<'_> {
    /// Holds this stripe and nothing else, for commands of [`Scope::Slices`](crate::Scope). What was found expired so far is
    /// logged first, while its lock is still held.
    pub fn hold_stripe(&mut self, stripe: usize) {
        self.data.effects.flush(&self.engine.log);
        self.data.access().hold_only(stripe);
        // An exclusive entry that was let in may have begun to read the log, or ended it.
        self.data.effects.set_on(self.engine.log.is_read());
    }

    /// Enters the gate exclusively, for a command of [`Scope::Outside`](crate::Scope), which holds nothing.
    pub fn enter_exclusively(&mut self) {
        self.data.enter_exclusively();
        self.data.effects.set_on(self.engine.log.is_read());
    }

    /// The reply comes at `at_ms` since the epoch, or never: the session waits, and everything behind this command with it.
    pub fn reply_at(&mut self, at_ms: Option<i64>, reply: impl FnOnce(&mut Writer<'_>)) {
        self.session.waiting = Waiting::Reply;
        let Some(at_ms) = at_ms else { return };
        let mut bytes = Vec::new();
        // Whether a reply is wanted is decided when the command is called, as always.
        if self.session.reply_mode == ReplyMode::On {
            reply(&mut Writer { out: &mut bytes, protocol: self.reply.protocol() });
        }
        self.session.later = Some(LaterReply { at_ms, bytes });
    }
}
