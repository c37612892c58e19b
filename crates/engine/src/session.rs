//! A connection's state on its reactor, and the part of it that other threads may look at.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicI64, AtomicU32, AtomicU64, Ordering};

use net::ConnId;
use parking_lot::Mutex;
use resp::{Parser, Protocol};

use keyspace::WorkerId;

/// What CLIENT REPLY asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReplyMode {
    /// Everything is answered.
    #[default]
    On,
    /// Nothing is.
    Off,
    /// The next command is not (set by SKIP, becomes `SkipNow` when that command ends).
    SkipNext,
    /// The present command is not.
    SkipNow,
}

/// Why a session executes nothing for now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Waiting {
    /// It executes.
    #[default]
    No,
    /// CLIENT PAUSE holds it up; the command is executed when the pause ends.
    Pause,
    /// What it asked for (SAVE, BGSAVE, SHUTDOWN) takes its time; the reply comes in a [`Message::Reply`](crate::mailbox::Message).
    Reply,
}

/// A reply that is known but not due yet.
#[derive(Clone, Debug)]
pub struct LaterReply {
    /// When, ms since the epoch.
    pub at_ms: i64,
    /// The reply; empty if it is not wanted.
    pub bytes: Vec<u8>,
}

/// What the connection's reactor knows of it.
pub struct Session {
    /// The part that others see.
    pub client: Arc<Client>,
    /// Database that commands work on.
    pub database: u32,
    /// RESP version.
    pub protocol: Protocol,
    /// Past AUTH, or none needed.
    pub authenticated: bool,
    /// What CLIENT REPLY asked for.
    pub reply_mode: ReplyMode,
    /// CLIENT NO-TOUCH.
    pub no_touch: bool,
    /// CLIENT NO-EVICT.
    pub no_evict: bool,
    /// It applies a stream of effects: no key expires for it, since the stream says which have, and what it sends came to pass
    /// elsewhere whatever the time is here.
    pub applies_stream: bool,
    /// MONITOR.
    pub monitor: bool,
    /// What it waits for.
    pub waiting: Waiting,
    /// Whether it is told what it waits for (CLIENT REPLY).
    pub(crate) wants_reply: bool,
    /// The reply that it gets without anybody's doing when its time has come (WAIT).
    pub later: Option<LaterReply>,
    /// The present request has emptied the server: the empty data set is saved before it is answered (FLUSHALL).
    pub saves_flushed: bool,
    /// Close when the replies so far are sent.
    pub closing: bool,
    /// Bytes received and not executed yet, from the start of a request.
    pub pending: Vec<u8>,
    /// How far the first of them are understood.
    pub parser: Parser,
    /// Whether the present batch has noted where to go on with a connection that is held up.
    pub(crate) is_rewound: bool,
    /// Whether it has requests left for the next turn.
    pub(crate) is_unfinished: bool,
    /// When the soft output limit was first exceeded, ms; 0: it is not.
    pub over_soft_limit_since_ms: i64,
    /// CLIENT CAPA REDIRECT: it understands being sent elsewhere.
    pub can_redirect: bool,
    /// Indices of the present request's arguments that are secrets.
    pub(crate) redacted: Vec<usize>,
}

/// What every thread may know of a client.
#[derive(Debug)]
pub struct Client {
    /// CLIENT ID.
    pub id: u64,
    /// Whose connection it is.
    pub worker: WorkerId,
    /// Which one there.
    pub conn: ConnId,
    /// The peer's address.
    pub address: String,
    /// Our address.
    pub local_address: String,
    /// On this machine.
    pub is_local: bool,
    /// Over a unix socket.
    pub is_unix: bool,
    /// When it connected, ms since the epoch.
    pub created_ms: i64,
    /// Names that the client gave.
    pub names: Mutex<Names>,
    /// What changes with every batch.
    pub gauges: Gauges,
}

/// Names that a client gave itself.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// CLIENT SETNAME.
    pub name: Vec<u8>,
    /// CLIENT SETINFO LIB-NAME.
    pub library: Vec<u8>,
    /// CLIENT SETINFO LIB-VER.
    pub library_version: Vec<u8>,
}

/// Figures of a client, written by its reactor after each batch.
#[derive(Debug, Default)]
pub struct Gauges {
    /// The socket's descriptor; 0 until the reactor has looked at the connection for the first time.
    pub descriptor: AtomicI32,
    /// When it was last heard of, ms since the epoch.
    pub active_ms: AtomicI64,
    /// Selected database.
    pub database: AtomicU32,
    /// 2 or 3.
    pub protocol: AtomicU32,
    /// Statistics number of the last command, plus 1.
    pub command: AtomicU32,
    /// Unexecuted input in bytes.
    pub input_bytes: AtomicU64,
    /// Memory kept for input beyond that: free capacity and the parser's own.
    pub input_free_bytes: AtomicU64,
    /// Bytes of the receive buffers that its last input took. They are the reactor's, which counts them, and had gone back to it
    /// after the batch.
    pub receive_bytes: AtomicU64,
    /// Output in bytes that was still unsent when its reactor last looked: at the beginning of a turn, or by the clock.
    pub output_bytes: AtomicU64,
    /// Bytes of memory held by the output queue.
    pub output_memory_bytes: AtomicU64,
    /// Bytes received in all.
    pub received_bytes: AtomicU64,
    /// Bytes queued to be sent in all.
    pub sent_bytes: AtomicU64,
    /// Commands executed.
    pub commands: AtomicU64,
    /// Properties, see [`ClientFlags`].
    pub flags: AtomicU32,
}

/// Properties of a client as CLIENT LIST shows them.
pub struct ClientFlags;

impl ClientFlags {
    /// MONITOR.
    pub const MONITOR: u32 = 1;
    /// CLIENT NO-EVICT.
    pub const NO_EVICT: u32 = 2;
    /// CLIENT NO-TOUCH.
    pub const NO_TOUCH: u32 = 4;
    /// Waits for something.
    pub const BLOCKED: u32 = 8;
    /// Will be closed.
    pub const CLOSING: u32 = 16;
    /// CLIENT CAPA REDIRECT.
    pub const CAN_REDIRECT: u32 = 32;
}

impl Gauges {
    /// Notes `input` new bytes behind `pending` older ones that were not executed yet.
    pub(crate) fn note_input(&self, pending: usize, input: usize, now_ms: i64) {
        let taken = (pending + input).next_multiple_of(net::INPUT_BUFFER_BYTES);
        self.receive_bytes.store(taken as u64, Ordering::Relaxed);
        self.active_ms.store(now_ms, Ordering::Relaxed);
        self.received_bytes.fetch_add(input as u64, Ordering::Relaxed);
    }

    /// Memory that is the client's own: input kept, output queued.
    pub fn memory_bytes(&self) -> u64 {
        [&self.input_bytes, &self.input_free_bytes, &self.output_memory_bytes]
            .iter()
            .map(|gauge| gauge.load(Ordering::Relaxed))
            .sum()
    }

    /// What CLIENT LIST calls the free part of the query buffer: what is left of the receive buffers that the last input took, as
    /// long as that was less than [`QUERY_BUFFER_MS`] ago. Redis gives an idle client's buffer back after that time.
    pub fn query_buffer_free_bytes(&self, input_bytes: u64, now_ms: i64) -> u64 {
        let idle_ms = now_ms - self.active_ms.load(Ordering::Relaxed);
        if idle_ms > QUERY_BUFFER_MS {
            return 0;
        }
        self.receive_bytes.load(Ordering::Relaxed).saturating_sub(input_bytes)
    }
}

/// How long a client's last input still counts as its query buffer, ms.
const QUERY_BUFFER_MS: i64 = 2000;

impl Session {
    /// A new connection's state.
    pub fn new(client: Arc<Client>, authenticated: bool) -> Session {
        Session {
            client,
            database: 0,
            protocol: Protocol::Resp2,
            authenticated,
            reply_mode: ReplyMode::On,
            no_touch: false,
            no_evict: false,
            applies_stream: false,
            monitor: false,
            waiting: Waiting::No,
            wants_reply: true,
            later: None,
            saves_flushed: false,
            closing: false,
            pending: Vec::new(),
            parser: Parser::default(),
            is_rewound: false,
            is_unfinished: false,
            over_soft_limit_since_ms: 0,
            can_redirect: false,
            redacted: Vec::new(),
        }
    }

    /// Keeps an argument of the present request out of MONITOR and the logs.
    pub fn redact(&mut self, index: usize) {
        self.redacted.push(index);
    }

    /// Whether nothing more of it may be executed for now.
    #[inline]
    pub fn is_held_up(&self) -> bool {
        self.waiting != Waiting::No || self.closing
    }

    /// RESET: back to the state of a new connection.
    pub fn reset(&mut self, authenticated: bool) {
        self.database = 0;
        self.protocol = Protocol::Resp2;
        self.authenticated = authenticated;
        self.reply_mode = ReplyMode::On;
        self.no_touch = false;
        self.no_evict = false;
        self.monitor = false;
        self.client.names.lock().name.clear();
    }

    /// A request has been answered, or not: CLIENT REPLY SKIP covers one.
    #[inline]
    pub(crate) fn after_reply(&mut self) {
        self.reply_mode = match self.reply_mode {
            ReplyMode::SkipNext => ReplyMode::SkipNow,
            ReplyMode::SkipNow => ReplyMode::On,
            mode => mode,
        };
    }

    /// Brings what others see up to date.
    pub fn publish(&self) {
        let gauges = &self.client.gauges;
        let mut flags = 0;
        flags |= if self.monitor { ClientFlags::MONITOR } else { 0 };
        flags |= if self.no_evict { ClientFlags::NO_EVICT } else { 0 };
        flags |= if self.no_touch { ClientFlags::NO_TOUCH } else { 0 };
        flags |= if self.waiting != Waiting::No { ClientFlags::BLOCKED } else { 0 };
        flags |= if self.closing { ClientFlags::CLOSING } else { 0 };
        flags |= if self.can_redirect { ClientFlags::CAN_REDIRECT } else { 0 };
        gauges.flags.store(flags, Ordering::Relaxed);
        gauges.database.store(self.database, Ordering::Relaxed);
        gauges.protocol.store(if self.protocol == Protocol::Resp3 { 3 } else { 2 }, Ordering::Relaxed);
        gauges.input_bytes.store(self.pending.len() as u64, Ordering::Relaxed);
        let free = self.pending.capacity() - self.pending.len() + self.parser.memory_bytes();
        gauges.input_free_bytes.store(free as u64, Ordering::Relaxed);
    }
}
