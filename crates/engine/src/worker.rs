//! A reactor's half of the engine: bytes from its connections in, requests in batches, replies out.
//!
//! Executes through [`crate::request`]; does no I/O itself (`net` does) and owns no data.
//!
//! ```text
//!  turn(ready connections)
//!    parse    every complete request of every connection, slices into the receive buffers
//!    prefetch all their buckets, then all their entries
//!    enter    the gate, shared, once
//!      process one request after the other (request.rs)
//!    leave
//!    keep     what is incomplete or held up in Session::pending
//! ```
//! Invariants
//! - B1: requests of one connection are executed in their order; when one holds the connection up, the bytes from the
//!   next request on are kept and nothing behind it is executed.
//! - B2: the gate is left between batches: who wants it exclusively waits for one at most, of [`BATCH_MAX`](crate::batch) requests.
//! - B3: while a snapshot is taken, a turn executes only a portion of what each connection has sent, so that it takes some 300 us at most,
//!   and the rest in the turns that follow: a write may cost several times of what it costs otherwise, or has to wait for memory,
//!   and who sends one request should not wait for all that others have sent at once.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use keyspace::{Expected, Sighting, WorkerId};
use net::{CloseReason, Conn, ConnId, Conns, Out, Peer, Ready, Service};
use quanta::Instant;
use value::member_hash;
use value::near::Sought;

use crate::batch::{Batch, Item, Odd, Reading, Request, Requests};
use crate::command::Flags;
use crate::data::Near;
use crate::effect::Effects;
use crate::engine::{Engine, WorkerShare, now_ms};
use crate::mailbox::Message;
use crate::pace::{PORTION_MIN, Pace};
use crate::persistence::Walk;
use crate::session::{Client, Gauges, Session, Waiting};

/// Kept input from which on a connection with requests left is not read from. More may have been received with it.
const LEFT_BYTES_MAX: usize = 64 << 10;

/// Milliseconds between two rounds of what is done by the clock.
const TICK_MS: i64 = 100;

/// Output up to here is taken to have been sent when the turn has ended, until the clock shows otherwise: a socket has room for it
/// unless its peer does not read.
const OUTPUT_AT_ONCE: u64 = 64 << 10;

/// One reactor's engine.
pub struct Worker {
    /// Through a count of its own: that of the engine lies where all reactors read.
    #[expect(clippy::redundant_allocation, reason = "counted by this reactor alone")]
    pub(crate) engine: Arc<Arc<Engine>>,
    pub(crate) id: WorkerId,
    pub(crate) effects: Effects,
    /// Where replies go that nobody wants (CLIENT REPLY OFF).
    pub(crate) discard: Out,
    pub(crate) config: config::Reader,
    next_tick_ms: i64,
    /// The keys of a batch, to be brought near.
    keys: Vec<Expected>,
    /// Those that are looked for in them.
    members: Vec<(Expected, Sought)>,
    /// Whether deadlines may have come up that have not been looked after.
    has_due: bool,
    /// Changes not reported to persistence yet.
    pub(crate) changes: u64,
    /// How much of a running snapshot is walked between turns.
    pace: Pace,
    /// Connections held up by CLIENT PAUSE.
    pub(crate) paused: Vec<ConnId>,
    /// Connections with requests left for the next turn.
    unfinished: Vec<ConnId>,
    /// When replies that are known already are due (`Session::later`), ms since the epoch, and to which connections.
    later: BinaryHeap<Reverse<(i64, u64)>>,
}

impl Worker {
    /// The engine of reactor `id`.
    pub fn new(engine: Arc<Engine>, id: WorkerId) -> Worker {
        Worker {
            config: engine.config.reader(),
            engine: Arc::new(engine),
            id,
            effects: Effects::default(),
            discard: Out::default(),
            next_tick_ms: 0,
            paused: Vec::new(),
            unfinished: Vec::new(),
            keys: Vec::new(),
            members: Vec::new(),
            has_due: false,
            changes: 0,
            pace: Pace::default(),
            later: BinaryHeap::new(),
        }
    }

    pub(crate) fn share(engine: &Engine, id: WorkerId) -> &WorkerShare {
        &engine.workers[id.0]
    }

    /// Executes what the connections have sent, in batches, until it is incomplete or held up, or so many requests of each are executed (B3).
    fn serve(&mut self, items: &mut [Item<'_, '_>], portion: usize) {
        let engine = Arc::clone(&self.engine);
        let config = Arc::clone(self.config.get());
        let began = Instant::now();
        let counters = &Self::share(&engine, self.id).counters;
        let now_ms = now_ms();
        engine.keyspace.set_clock_ms(now_ms);

        // Input in front of which older bytes wait is joined with them; the rest is used where it lies.
        let mut kept: Vec<Vec<u8>> = Vec::with_capacity(items.len());
        for item in items.iter_mut() {
            counters.input_bytes.add(item.input.len() as u64);
            counters.reads.add(1);
            let gauges = &item.conn.session.client.gauges;
            gauges.descriptor.store(item.conn.descriptor(), Ordering::Relaxed);
            gauges.output_bytes.store(item.conn.out.pending_bytes() as u64, Ordering::Relaxed);
            gauges.note_input(item.conn.session.pending.len(), item.input.len(), now_ms);
            let mut pending = std::mem::take(&mut item.conn.session.pending);
            if !pending.is_empty() {
                pending.reserve(item.conn.session.parser.wanted().saturating_sub(pending.len()).min(1 << 20));
                pending.extend_from_slice(item.input);
            }
            kept.push(pending);
        }
        let inputs: Vec<&[u8]> =
            items.iter().zip(&kept).map(|(i, kept)| if kept.is_empty() { i.input } else { kept }).collect();
        let mut readings = vec![Reading { at: 0, left: portion }; items.len()];
        let mut executed = 0;
        let mut batch = Batch::new(&engine, config, now_ms);
        let mut requests = Requests::default();
        loop {
            let full = requests.parse(&engine, &batch.config, items, &inputs, &mut readings);
            self.prefetch(&mut batch, items, &requests);
            executed += requests.list.len() as u32;
            let keys = std::mem::take(&mut self.keys);
            let mut expected = keys.iter();
            for (number, request) in requests.list.iter().enumerate() {
                let item = request.place.item;
                let conn = &mut *items[item].conn;
                let seen = request.hash.and_then(|_| expected.next()?.seen());
                if !conn.session.is_held_up() {
                    self.execute(&engine, &mut batch, conn, request, &requests.args, seen);
                }
                // B1: the first request that is held up says where to go on.
                if conn.session.is_held_up() && !conn.session.is_rewound {
                    conn.session.is_rewound = true;
                    let next = requests.list[number + 1..].iter().find(|r| r.place.item == item);
                    let held = if conn.session.waiting == Waiting::Pause { Some(request) } else { next };
                    if let Some(held) = held {
                        readings[item].at = held.place.starts_at;
                        conn.session.parser.reset();
                    }
                }
            }
            self.keys = keys;
            batch.visit.inside = None;
            if !full {
                break;
            }
        }
        drop(requests);
        let rest: Vec<usize> =
            inputs.iter().zip(&readings).map(|(input, reading)| input.len() - reading.at).collect();
        drop(inputs);
        for (((item, mut kept), reading), rest) in items.iter_mut().zip(kept).zip(readings).zip(rest) {
            if rest > 0 && reading.left == 0 && !item.conn.session.is_held_up() {
                if !std::mem::replace(&mut item.conn.session.is_unfinished, true) {
                    self.unfinished.push(item.conn.id());
                }
                // While it is not read from, its end is not told either, and it is not closed.
                if item.ends || rest > LEFT_BYTES_MAX {
                    item.conn.pause_reading();
                }
            }
            if kept.is_empty() {
                kept.extend_from_slice(&item.input[item.input.len() - rest..]);
            } else {
                kept.drain(..reading.at);
            }
            self.keep(&engine, &batch.config, item.conn, kept, now_ms);
        }
        self.report_changes(&engine);
        let took = began.elapsed();
        self.pace.served((portion < usize::MAX).then(|| took / executed.max(1)));
        counters.loops.add(1);
        counters.loop_micros.add(took.as_micros() as u64);
    }

    /// How many requests of each of the connections that share a turn are executed in it (B3); without a snapshot, any number.
    fn portion(&self, among: usize) -> usize {
        match self.engine.saving() {
            None => usize::MAX,
            Some(persistence) if persistence.is_short() => PORTION_MIN,
            Some(_) => self.pace.portion(among),
        }
    }

    /// Goes on with connections that had requests left.
    fn serve_unfinished(&mut self, conns: &mut Conns<Session>) {
        let portion = self.portion(self.unfinished.len());
        for id in std::mem::take(&mut self.unfinished) {
            if let Some(conn) = conns.get_mut(id) {
                conn.session.is_unfinished = false;
                if !conn.session.is_held_up() {
                    self.go_on(conn, portion);
                }
            }
        }
    }

    /// Executes what a connection has sent before.
    fn go_on(&mut self, conn: &mut Conn<Session>, portion: usize) {
        let ends = conn.is_reading_paused();
        conn.resume_reading();
        self.serve(&mut [Item { conn, input: &[], ends }], portion);
    }

    /// Tells persistence how much has changed.
    pub(crate) fn report_changes(&mut self, engine: &Engine) {
        if self.changes > 0
            && let Some(persistence) = engine.persistence.get()
        {
            persistence.note_changes(std::mem::take(&mut self.changes));
        }
    }

    /// Walks a running snapshot for a share of the time that serving took. Returns true when there is more to walk.
    fn walk_snapshot(&mut self) -> bool {
        let engine = &self.engine;
        let Some(persistence) = engine.saving() else {
            self.pace.rest();
            return false;
        };
        persistence.wait_for_room();
        let begin = Instant::now();
        let Some(slice) = self.pace.slice(begin) else { return true };
        let walk = persistence.step(&mut engine.keyspace.enter(self.id), slice);
        self.pace.walked(begin.elapsed());
        if walk == Walk::Settle {
            self.settle();
        }
        walk == Walk::More
    }

    /// Cuts or ends a snapshot.
    fn settle(&mut self) {
        if let Some(persistence) = self.engine.persistence.get() {
            persistence.settle(self.id);
            self.engine.judge_trouble();
        }
    }

    /// Brings the memory of all keys of a batch near, station by station, so that the misses overlap. `keys` are then those of the requests with
    /// a hash, in their order, or none.
    fn prefetch(&mut self, batch: &mut Batch<'_>, items: &[Item<'_, '_>], requests: &Requests<'_>) {
        let (requests, args) = (&requests.list, &requests.args);
        self.keys.clear();
        if requests.len() < 2 {
            return;
        }
        self.keys.extend(requests.iter().filter_map(|r| {
            let database = items[r.place.item].conn.session.database;
            Some(Expected::new(database, r.hash?))
        }));
        let inside = batch.visit.inside(self.id);
        inside.prefetch(&mut self.keys);
        let hashed = requests.iter().filter(|r| r.hash.is_some());
        self.members.extend(hashed.zip(&mut self.keys).filter_map(|(request, key)| {
            let registered = request.registered.filter(|r| r.command.member > 0)?;
            let args = request.args(args);
            let member = args.get(registered.command.member)?;
            inside.look_for(key, args[registered.first_key]);
            let is_changed = registered.command.flags.has(Flags::WRITE);
            Some((*key, Sought::new(member_hash(member), is_changed)))
        }));
        inside.prefetch_members(&mut self.members);
    }

    fn execute(
        &mut self,
        engine: &Engine,
        batch: &mut Batch<'_>,
        conn: &mut Conn<Session>,
        request: &Request<'_>,
        args: &[&[u8]],
        seen: Option<Sighting>,
    ) {
        match request.odd.as_deref() {
            None => {
                let args = request.args(args);
                let first = request.registered.and_then(|r| args.get(r.first_key));
                let near = request.hash.zip(first).map(|(hash, argument)| Near { argument, hash, seen });
                self.drive(engine, batch, conn, args, request.registered, near);
            }
            Some(Odd::Words(words)) => {
                let args: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
                self.drive(engine, batch, conn, &args, engine.commands.resolve(&args), None);
            }
            Some(Odd::Malformed(error)) => self.refuse_bytes(engine, conn, *error),
        }
    }

    /// After a batch: keeps what was not executed, looks at the limits, tells others how the client stands.
    fn keep(
        &mut self,
        engine: &Engine,
        config: &config::Config,
        conn: &mut Conn<Session>,
        pending: Vec<u8>,
        now_ms: i64,
    ) {
        conn.session.is_rewound = false;
        conn.session.parser.shrink();
        let counters = &Self::share(engine, self.id).counters;
        let is_incomplete = conn.session.waiting == Waiting::No && !conn.session.is_unfinished;
        if is_incomplete && pending.len() as u64 > config.clients.query_bytes_max {
            counters.query_limit_disconnections.add(1);
            conn.close_now();
        }
        // A client that waits for nothing keeps nothing: idle connections would hold on to their largest request.
        conn.session.pending = if pending.is_empty() { Vec::new() } else { pending };
        if conn.session.closing {
            conn.close_after_flush();
        } else if conn.session.waiting != Waiting::No {
            conn.pause_reading();
        }
        let output = conn.out.pending_bytes() as u64;
        if output > 0 {
            counters.writes.add(1);
            self.limit_output(engine, config, conn, output, now_ms);
        }
        conn.session.publish();
        let gauges = &conn.session.client.gauges;
        if output > OUTPUT_AT_ONCE {
            gauges.output_bytes.store(output, Ordering::Relaxed);
        }
        gauges.output_memory_bytes.store(conn.out.memory_bytes() as u64, Ordering::Relaxed);
    }

    /// `client-output-buffer-limit` of normal clients.
    fn limit_output(
        &mut self,
        engine: &Engine,
        config: &config::Config,
        conn: &mut Conn<Session>,
        output: u64,
        now_ms: i64,
    ) {
        let limit = &config.clients.output_normal;
        let over_hard = limit.hard_bytes > 0 && output >= limit.hard_bytes;
        let over_soft = limit.soft_bytes > 0 && output >= limit.soft_bytes;
        let since = &mut conn.session.over_soft_limit_since_ms;
        *since = match (over_soft, *since) {
            (false, _) => 0,
            (true, 0) => now_ms,
            (true, since) => since,
        };
        let soft_ms = limit.soft_seconds as i64 * 1000;
        if over_hard || (over_soft && now_ms - *since > soft_ms) {
            Self::share(engine, self.id).counters.output_limit_disconnections.add(1);
            conn.close_now();
        }
    }

    /// Work that is done by the clock: idle clients, the limits of those who do not read.
    fn tick(&mut self, conns: &mut Conns<Session>, now_ms: i64) {
        let engine = Arc::clone(&self.engine);
        let config = Arc::clone(self.config.get());
        engine.keyspace.set_clock_ms(now_ms);
        if engine.clients.pause.until_ms(now_ms).is_none() && !self.paused.is_empty() {
            self.resume_paused(conns);
        }
        self.look_after_connections(&engine, &config, conns, now_ms);
        if self.id.0 == 0
            && let Some(persistence) = engine.persistence.get()
        {
            persistence.tick(self.id);
            engine.judge_trouble();
        }
    }

    /// Closes idle connections and those that do not read, and tells others how the rest stand.
    fn look_after_connections(
        &mut self,
        engine: &Engine,
        config: &config::Config,
        conns: &mut Conns<Session>,
        now_ms: i64,
    ) {
        let idle_ms = i64::from(config.network.timeout_seconds) * 1000;
        let mut idle = Vec::new();
        let mut unread = Vec::new();
        for conn in conns.iter() {
            let session = &conn.session;
            let gauges = &session.client.gauges;
            let active_ms = gauges.active_ms.load(Ordering::Relaxed);
            // Redis lets those live for ever that wait, or only listen.
            let may_idle = session.waiting != Waiting::No || session.monitor;
            if idle_ms > 0 && now_ms - active_ms > idle_ms && !may_idle {
                idle.push(conn.id());
            }
            let output = conn.out.pending_bytes() as u64;
            gauges.descriptor.store(conn.descriptor(), Ordering::Relaxed);
            gauges.output_bytes.store(output, Ordering::Relaxed);
            gauges.output_memory_bytes.store(conn.out.memory_bytes() as u64, Ordering::Relaxed);
            if output > 0 {
                unread.push(conn.id());
            }
        }
        for id in idle {
            if let Some(conn) = conns.get_mut(id) {
                conn.close_now();
            }
        }
        for id in unread {
            if let Some(conn) = conns.get_mut(id) {
                let output = conn.out.pending_bytes() as u64;
                self.limit_output(engine, config, conn, output, now_ms);
            }
        }
    }

    /// Goes on with connections that CLIENT PAUSE held up.
    fn resume_paused(&mut self, conns: &mut Conns<Session>) {
        for id in std::mem::take(&mut self.paused) {
            self.resume(conns, id);
        }
    }

    /// Goes on with a connection that waited.
    fn resume(&mut self, conns: &mut Conns<Session>, id: ConnId) {
        if let Some(conn) = conns.get_mut(id) {
            conn.session.waiting = Waiting::No;
            self.go_on(conn, self.portion(1));
        }
    }

    /// Notes when the reply is due that a connection waits for.
    pub(crate) fn note_later(&mut self, conn: &Conn<Session>) {
        if let Some(later) = &conn.session.later {
            self.later.push(Reverse((later.at_ms, conn.id().as_u64())));
        }
    }

    /// Sends the replies that are due. A connection that got another reply in the meantime is left alone.
    fn send_later(&mut self, conns: &mut Conns<Session>, now_ms: i64) {
        while let Some(&Reverse((at_ms, id))) = self.later.peek()
            && at_ms <= now_ms
        {
            self.later.pop();
            let id = ConnId::from_u64(id);
            let Some(conn) = conns.get_mut(id) else { continue };
            if conn.session.waiting == Waiting::Reply
                && let Some(later) = conn.session.later.take_if(|later| later.at_ms == at_ms)
            {
                conn.out.buf().extend_from_slice(&later.bytes);
                self.resume(conns, id);
            }
        }
    }

    fn receive(&mut self, conns: &mut Conns<Session>, message: Message) {
        match message {
            Message::Kill(id) => {
                if let Some(conn) = conns.get_mut(id) {
                    conn.close_now();
                }
            }
            Message::Monitor(line) => {
                for conn in conns.iter_mut().filter(|conn| conn.session.monitor) {
                    conn.out.buf().extend_from_slice(&line);
                }
            }
            Message::Unpaused => self.resume_paused(conns),
            Message::Settle => self.settle(),
            Message::Reply(id, reply) => {
                if let Some(conn) = conns.get_mut(id) {
                    conn.session.later = None;
                    if conn.session.wants_reply {
                        conn.out.buf().extend_from_slice(&reply);
                    }
                    self.resume(conns, id);
                }
            }
            Message::Stop => {
                if let Some(handle) = Self::share(&self.engine, self.id).mailbox.handle() {
                    handle.stop();
                }
            }
        }
    }
}

impl Service for Worker {
    type Session = Session;

    fn open(&mut self, id: ConnId, peer: &Peer) -> Result<Session, Vec<u8>> {
        let engine = &self.engine;
        let config = self.config.get();
        let counters = &engine.workers[self.id.0].counters;
        counters.connections.add(1);
        if engine.clients.connected() >= u64::from(config.network.clients_max) {
            counters.rejected_connections.add(1);
            return Err(b"-ERR max number of clients reached\r\n".to_vec());
        }
        if config.network.protected_mode && config.security.password.is_none() && !peer.is_local() {
            counters.rejected_connections.add(1);
            return Err(PROTECTED.as_bytes().to_vec());
        }
        let now_ms = now_ms();
        let client = Arc::new(Client {
            id: engine.clients.next_id(),
            worker: self.id,
            conn: id,
            address: peer.to_string(),
            local_address: peer.local(),
            is_local: peer.is_local(),
            is_unix: matches!(peer, Peer::Unix { .. }),
            created_ms: now_ms,
            names: Default::default(),
            gauges: Gauges::default(),
        });
        client.gauges.active_ms.store(now_ms, Ordering::Relaxed);
        engine.clients.add(Arc::clone(&client));
        let session = Session::new(client, config.security.password.is_none());
        session.publish();
        Ok(session)
    }

    fn turn(&mut self, ready: &mut [Ready<'_, Session>], _: &mut Conns<Session>) {
        // It goes on with what is left before its end is told again.
        for Ready { conn, input, end } in ready.iter_mut() {
            if *end && input.is_empty() && conn.session.is_unfinished {
                conn.pause_reading();
            }
        }
        let mut items: Vec<Item<'_, '_>> = ready
            .iter_mut()
            .filter(|ready| !ready.input.is_empty())
            .map(|ready| Item { input: ready.input, conn: &mut ready.conn, ends: ready.end })
            .collect();
        let portion = self.portion(items.len() + self.unfinished.len());
        self.serve(&mut items, portion);
    }

    fn woken(&mut self, conns: &mut Conns<Session>) {
        for message in Self::share(&self.engine, self.id).mailbox.take() {
            self.receive(conns, message);
        }
    }

    fn after(&mut self, conns: &mut Conns<Session>) -> Option<Duration> {
        let now_ms = now_ms();
        if now_ms >= self.next_tick_ms {
            self.tick(conns, now_ms);
            self.next_tick_ms = now_ms + TICK_MS;
            self.has_due = true;
            if !self.paused.is_empty()
                && let Some(until_ms) = self.engine.clients.pause.until_ms(now_ms)
            {
                self.next_tick_ms = self.next_tick_ms.min(until_ms);
            }
        }
        self.send_later(conns, now_ms);
        if self.has_due {
            self.has_due = self.expire_due(now_ms);
        }
        let more_to_walk = self.walk_snapshot();
        self.serve_unfinished(conns);
        if more_to_walk || self.has_due || !self.unfinished.is_empty() {
            return Some(Duration::ZERO);
        }
        let next_ms =
            self.later.peek().map_or(self.next_tick_ms, |Reverse((at_ms, _))| self.next_tick_ms.min(*at_ms));
        Some(Duration::from_millis((next_ms - now_ms).clamp(0, TICK_MS) as u64))
    }

    fn closed(&mut self, _: ConnId, session: Session, _: CloseReason) {
        if session.monitor {
            self.engine.monitors.fetch_sub(1, Ordering::Relaxed);
        }
        self.engine.clients.remove(session.client.id);
    }
}

/// What a client from another machine is told while there is no password.
const PROTECTED: &str = "-DENIED Redis is running in protected mode because protected mode is enabled and no password is set for the default user. In this mode connections are only accepted from the loopback interface. If you want to connect from external computers to Redis you may adopt one of the following solutions: 1) Just disable protected mode sending the command 'CONFIG SET protected-mode no' from the loopback interface by connecting to Redis from the same host the server is running, however MAKE SURE Redis is not publicly accessible from internet if you do so. Use CONFIG REWRITE to make this change permanent. 2) Alternatively you can just disable the protected mode by editing the Redis configuration file, and setting the protected mode option to 'no', and then restarting the server. 3) If you started the server manually just for testing, restart it with the '--protected-mode no' option. 4) Set up an authentication password for the default user. NOTE: You only need to do one of the above things in order for the server to start accepting connections from the outside.\r\n";
