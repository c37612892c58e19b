//! What a command executes with: the data, the reply, the session, the server.

use std::time::Instant;

use crate::data::Data;
use crate::engine::Engine;
use crate::reply::Reply;
use crate::session::Session;

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
    /// When the command began.
    pub began: Instant,
}
