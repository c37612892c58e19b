//! A batch: the requests that a turn's connections have sent, parsed, and what all of them share.
//!
//! It executes nothing (`worker.rs`, `request.rs`).
//!
//! Bounds: a batch has at most [`BATCH_MAX`] requests; what a connection sent beyond stays in its buffer for the next.

use std::sync::Arc;

use config::EvictionPolicy;
use keyspace::{Inside, KeyHash, Keyspace, WorkerId};
use net::Conn;
use quanta::Instant;
use resp::{Limits, ProtocolError};

use crate::clock::{Clock, Lfu};
use crate::engine::Engine;
use crate::observe::Watch;
use crate::session::Session;
use crate::table::Registered;

/// Requests executed between two entries into the gate.
const BATCH_MAX: usize = 64;

/// A request of a batch.
pub(crate) struct Request<'b> {
    pub(crate) place: Place,
    /// Where its arguments begin among those of the batch, and how many they are.
    first: u32,
    count: u32,
    pub(crate) registered: Option<&'b Registered>,
    /// The first key's hash, if the key's place is known.
    pub(crate) hash: Option<KeyHash>,
    /// Set for what is not a list of arguments in the batch.
    pub(crate) odd: Option<Box<Odd>>,
}

/// Where a request was found.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    /// Which connection of the batch.
    pub(crate) item: usize,
    /// Bytes from the connection's input start to the request's start.
    pub(crate) starts_at: usize,
}

/// What is not a list of arguments in the batch.
pub(crate) enum Odd {
    /// An inline request.
    Words(Vec<Vec<u8>>),
    /// Not RESP; the connection is closed after the error.
    Malformed(ProtocolError),
}

/// A connection of a batch and the input it brought.
pub(crate) struct Item<'c, 'b> {
    pub(crate) conn: &'c mut Conn<Session>,
    pub(crate) input: &'b [u8],
    /// Nothing follows this input.
    pub(crate) ends: bool,
}

/// How far the input of an item is read.
#[derive(Clone, Copy)]
pub(crate) struct Reading {
    /// Where its next request begins.
    pub(crate) at: usize,
    /// Requests that may still be read in this turn.
    pub(crate) left: usize,
}

/// What is the same for all requests of a batch, but for the settings, which a request may change.
pub(crate) struct Batch<'t> {
    pub(crate) visit: Visit<'t>,
    pub(crate) now_ms: i64,
    pub(crate) clock: Clock,
    pub(crate) config: Arc<config::Config>,
    /// What makes a command remarkable.
    pub(crate) watch: Watch,
    /// The end of the last request, the beginning of the next.
    pub(crate) instant: Instant,
}

impl<'b> Request<'b> {
    /// Its arguments, the command's name first.
    #[inline]
    pub(crate) fn args<'a>(&self, of_batch: &'a [&'b [u8]]) -> &'a [&'b [u8]] {
        &of_batch[self.first as usize..][..self.count as usize]
    }
}

impl<'t> Batch<'t> {
    /// A batch that begins now.
    pub(crate) fn new(engine: &'t Engine, config: Arc<config::Config>, now_ms: i64) -> Batch<'t> {
        Batch {
            visit: Visit { keyspace: &engine.keyspace, inside: None, alone: engine.workers.len() == 1 },
            now_ms,
            clock: Clock::new(now_ms, lfu_of(&config)),
            watch: Watch::new(&config.latency),
            config,
            instant: Instant::now(),
        }
    }

    /// The settings may have changed: the next request goes by those in force now.
    #[cold]
    pub(crate) fn follow(&mut self, config: &Arc<config::Config>) {
        if !Arc::ptr_eq(&self.config, config) {
            self.clock = Clock::new(self.now_ms, lfu_of(config));
            self.watch = Watch::new(&config.latency);
            self.config = Arc::clone(config);
        }
    }
}

/// A batch's presence in the keyspace.
pub(crate) struct Visit<'t> {
    pub(crate) keyspace: &'t Keyspace,
    pub(crate) inside: Option<Inside<'t>>,
    /// Whether there is only one reactor, which then needs no locks inside a batch.
    alone: bool,
}

impl<'t> Visit<'t> {
    /// The gate, entered if it is not held.
    #[inline]
    pub(crate) fn inside(&mut self, worker: WorkerId) -> &mut Inside<'t> {
        let (keyspace, alone) = (self.keyspace, self.alone);
        self.inside
            .get_or_insert_with(|| if alone { keyspace.enter_alone(worker) } else { keyspace.enter(worker) })
    }
}

/// The requests of a batch, as slices of what the connections have sent.
#[derive(Default)]
pub(crate) struct Requests<'b> {
    pub(crate) list: Vec<Request<'b>>,
    /// The arguments of all of them.
    pub(crate) args: Vec<&'b [u8]>,
}

impl<'b> Requests<'b> {
    /// Parses what the connections have sent, each from where its reading has come to. Returns whether there may be more, but for those who
    /// may read no more requests.
    pub(crate) fn parse(
        &mut self,
        engine: &'b Engine,
        config: &config::Config,
        items: &mut [Item<'_, '_>],
        inputs: &[&'b [u8]],
        readings: &mut [Reading],
    ) -> bool {
        self.list.clear();
        self.args.clear();
        let mut former = None;
        for (item, (input, reading)) in inputs.iter().zip(readings).enumerate() {
            let session = &mut items[item].conn.session;
            while !session.is_held_up() && reading.left > 0 {
                if self.list.len() >= BATCH_MAX {
                    return true;
                }
                let place = Place { item, starts_at: reading.at };
                let bytes = &input[place.starts_at..];
                let limits = Limits {
                    bulk_bytes_max: config.clients.bulk_bytes_max,
                    authenticated: session.authenticated,
                };
                let first = self.args.len();
                if session.parser.is_fresh()
                    && let Some(len) = resp::parse_whole(bytes, limits, &mut self.args)
                {
                    reading.at += len;
                    reading.left -= 1;
                    self.push(engine, place, first, &mut former);
                    continue;
                }
                match session.parser.parse(bytes, limits) {
                    Ok(None) => break,
                    Ok(Some((request, len))) => {
                        reading.at += len;
                        reading.left -= 1;
                        match request {
                            resp::Request::Empty => {}
                            resp::Request::Words(words) => self.push_odd(place, Odd::Words(words)),
                            resp::Request::Slices => {
                                let args = session.parser.args().iter().map(|range| &bytes[range.clone()]);
                                self.args.extend(args);
                                self.push(engine, place, first, &mut former);
                            }
                        }
                        session.parser.reset();
                    }
                    Err(error) => {
                        self.push_odd(place, Odd::Malformed(error));
                        reading.at = input.len();
                        session.parser.reset();
                        break;
                    }
                }
                if !session.authenticated {
                    // What a stranger may send next depends on what this request does.
                    return true;
                }
            }
        }
        false
    }

    /// Adds a request whose arguments are those of the batch from `first` on; `former` is the name that came last and what it stands for.
    #[inline]
    fn push(
        &mut self,
        engine: &'b Engine,
        place: Place,
        first: usize,
        former: &mut Option<(&'b [u8], &'b Registered)>,
    ) {
        let args = &self.args[first..];
        let name = args.first().copied().unwrap_or_default();
        // A pipeline mostly repeats its command, to the letter.
        let registered = match *former {
            Some((former, registered)) if former == name => Some(registered),
            _ => engine.commands.resolve(args),
        };
        *former = registered.filter(|r| r.is_alone).map(|registered| (name, registered));
        let hash = registered
            .filter(|r| r.first_key > 0)
            .and_then(|r| args.get(r.first_key))
            .map(|key| engine.keyspace.hash(key))
            .inspect(|hash| engine.keyspace.prefetch_stripe(*hash));
        let (first, count) = (first as u32, args.len() as u32);
        self.list.push(Request { place, first, count, registered, hash, odd: None });
    }

    fn push_odd(&mut self, place: Place, odd: Odd) {
        self.list.push(Request {
            place,
            first: 0,
            count: 0,
            registered: None,
            hash: None,
            odd: Some(Box::new(odd)),
        });
    }
}

fn lfu_of(config: &config::Config) -> Option<Lfu> {
    let memory = &config.memory;
    let counts = matches!(memory.policy, EvictionPolicy::AllkeysLfu | EvictionPolicy::VolatileLfu);
    counts.then_some(Lfu { log_factor: memory.lfu_log_factor, decay_minutes: memory.lfu_decay_minutes })
}
