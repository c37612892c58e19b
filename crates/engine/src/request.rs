//! The way of one request: admit, lock, execute, log, unlock, finish. This file is the path; each stage is short or lives elsewhere.

use std::sync::atomic::Ordering;

use keyspace::{Access, KeyHash};
use net::Conn;
use quanta::Instant;
use resp::ProtocolError;

use crate::batch::{Batch, Visit};
use crate::command::{Flags, Scope};
use crate::context::Ctx;
use crate::data::{Data, Near};
use crate::engine::Engine;
use crate::error::Error;
use crate::reply::Reply;
use crate::session::{ReplyMode, Session, Waiting};
use crate::table::{Registered, keys_of};
use crate::worker::Worker;

/// What admission decided.
enum Admission<'e> {
    /// Execute it.
    Execute(&'e Registered),
    /// Answer with an error.
    Refuse(Error),
    /// Execute it later.
    HoldUp,
}

impl Worker {
    /// Takes one request from its arguments to its reply.
    #[inline]
    pub(crate) fn drive(
        &mut self,
        engine: &Engine,
        batch: &mut Batch<'_>,
        conn: &mut Conn<Session>,
        args: &[&[u8]],
        registered: Option<&Registered>,
        near: Option<Near<'_>>,
    ) {
        let registered = match self.admit(engine, batch, &mut conn.session, args, registered) {
            Admission::Execute(registered) => registered,
            Admission::Refuse(error) => return self.refuse(engine, conn, registered, &error),
            Admission::HoldUp => return self.hold_up(conn),
        };
        let counters = &Worker::share(engine, self.id).counters;
        let muted = conn.session.reply_mode != ReplyMode::On;
        let out = if muted { &mut self.discard } else { &mut conn.out };
        let output_before = out.pending_bytes();

        let (clock, config) = (batch.clock, &*batch.config);
        // For who applies a stream no deadline passes; the stream says when a key goes.
        let now_ms = if conn.session.applies_stream { 0 } else { batch.now_ms };
        let keeps_expired = engine.clients.pause.until_ms(batch.now_ms).is_some();
        let (database, protocol) = (conn.session.database, conn.session.protocol);
        let access = lock(&mut batch.visit, self.id, registered, args, near.map(|near| near.hash));
        let mut ctx = Ctx {
            data: Data::new(access, database, now_ms, clock, counters, &mut self.effects, near),
            reply: Reply::new(out, protocol),
            session: &mut conn.session,
            engine,
            config,
        };
        // Asked inside the gate: a reader that begins at a cut must miss nothing of what comes behind it.
        ctx.data.effects.begin(engine.log.is_read(), database);
        ctx.data.touch = !ctx.session.no_touch;
        ctx.data.keeps_expired = keeps_expired;
        let result = (registered.command.execute)(&mut ctx, args);
        if let Err(error) = &result {
            ctx.reply.error(error);
        }
        let dirty = ctx.data.dirty;
        let apart = matches!(registered.command.scope, Scope::Slices);
        ctx.data.effects.finish(&engine.log, args, dirty > 0, apart);
        // The locks are given back here, after the effects are in the log.
        drop(ctx);
        counters.dirty.add(dirty);
        self.changes += dirty;
        if registered.command.flags.has(Flags::ADMIN) {
            // It may have been CONFIG SET: what follows in the batch, and what watches this command, goes by the new settings.
            batch.follow(self.config.get());
        }
        if std::mem::take(&mut conn.session.saves_flushed) {
            self.save_flushed(engine, conn);
        }
        let output = if muted { 0 } else { conn.out.pending_bytes() - output_before };
        self.finish(engine, batch, conn, registered, args, &result, output);
    }

    /// FLUSHALL with save points set: its reply waits for the save, unless nobody wants one. Outside the gate.
    #[cold]
    fn save_flushed(&mut self, engine: &Engine, conn: &mut Conn<Session>) {
        // Counted before the cut, or the save would leave them uncounted.
        self.report_changes(engine);
        let wanted = conn.session.reply_mode == ReplyMode::On;
        let saved = engine.persistence.get().map(|p| p.save_flushed(self.id, wanted.then_some(conn.id())));
        match saved {
            Some(true) => conn.session.waiting = Waiting::Reply,
            _ if wanted => Reply::new(&mut conn.out, conn.session.protocol).ok(),
            _ => {}
        }
    }

    /// Known, complete, permitted, and not to wait?
    #[inline]
    fn admit<'e>(
        &mut self,
        engine: &Engine,
        batch: &Batch<'_>,
        session: &mut Session,
        args: &[&[u8]],
        registered: Option<&'e Registered>,
    ) -> Admission<'e> {
        let Some(registered) = registered else {
            let container = args.first().is_some_and(|name| engine.commands.get(name).is_some());
            let error =
                if container { Error::unknown_subcommand(args) } else { Error::unknown_command(args) };
            return Admission::Refuse(error);
        };
        let command = registered.command;
        let (given, arity) = (args.len() as i64, i64::from(command.arity));
        if (arity > 0 && given != arity) || given < -arity {
            return Admission::Refuse(Error::wrong_arity(&registered.full_name));
        }
        if (!session.authenticated || session.monitor)
            && let Err(error) = check_standing(&batch.config, session, command.flags)
        {
            return Admission::Refuse(error);
        }
        if command.flags.has(Flags::PROTECTED)
            && let Err(error) = crate::protect::check(&batch.config, session, registered)
        {
            return Admission::Refuse(error);
        }
        if engine.has_trouble.load(Ordering::Relaxed)
            && let Err(error) = engine.check_trouble(command)
        {
            return Admission::Refuse(error);
        }
        if engine.clients.pause.until_ms(batch.now_ms).is_some() && engine.clients.pause.holds(command.flags)
        {
            return Admission::HoldUp;
        }
        Admission::Execute(registered)
    }

    /// Answers a request that is not executed.
    fn refuse(
        &mut self,
        engine: &Engine,
        conn: &mut Conn<Session>,
        registered: Option<&Registered>,
        error: &Error,
    ) {
        let share = Worker::share(engine, self.id);
        if let Some(stats) = registered.and_then(|r| share.commands.get(r.id)) {
            stats.rejected.add(1);
        }
        share.counters.error_replies.add(1);
        engine.count_error(error.code());
        if conn.session.reply_mode == ReplyMode::On {
            Reply::new(&mut conn.out, conn.session.protocol).error(error);
        }
        conn.session.after_reply();
    }

    /// The connection waits for the end of a pause; the request will be taken up again from its bytes.
    fn hold_up(&mut self, conn: &mut Conn<Session>) {
        conn.session.waiting = Waiting::Pause;
        self.paused.push(conn.id());
    }

    /// Answers bytes that are not RESP, and closes.
    pub(crate) fn refuse_bytes(&mut self, engine: &Engine, conn: &mut Conn<Session>, error: ProtocolError) {
        let mut text = b"ERR ".to_vec();
        text.extend_from_slice(&error.text());
        self.refuse(engine, conn, None, &Error::new(text));
        conn.session.closing = true;
    }

    /// Statistics, and everything that watches commands go by.
    #[inline]
    #[allow(clippy::too_many_arguments)]
    fn finish(
        &mut self,
        engine: &Engine,
        batch: &mut Batch<'_>,
        conn: &mut Conn<Session>,
        registered: &Registered,
        args: &[&[u8]],
        result: &Result<(), Error>,
        output: usize,
    ) {
        let now = Instant::now();
        let took = now - batch.instant;
        batch.instant = now;
        let share = Worker::share(engine, self.id);
        let stats = &share.commands[registered.id];
        stats.note(took.as_nanos() as u64, batch.config.latency.tracking);
        share.counters.commands.add(1);
        share.counters.output_bytes.add(output as u64);
        if let Err(error) = result {
            stats.failed.add(1);
            share.counters.error_replies.add(1);
            engine.count_error(error.code());
        }
        let gauges = &conn.session.client.gauges;
        gauges.command.store(registered.id as u32 + 1, Ordering::Relaxed);
        gauges.commands.store(gauges.commands.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        gauges.sent_bytes.store(gauges.sent_bytes.load(Ordering::Relaxed) + output as u64, Ordering::Relaxed);
        crate::observe::after(engine, batch, &mut conn.session, registered, args, took, output);
        if self.discard.pending_bytes() > 0 {
            // A command that ended CLIENT REPLY OFF is the first to be answered again.
            if conn.session.reply_mode == ReplyMode::On {
                conn.out.buf().append(self.discard.buf());
            }
            self.discard.clear();
        }
        if conn.session.waiting == Waiting::Reply {
            conn.session.wants_reply = conn.session.reply_mode == ReplyMode::On;
            self.note_later(conn);
        }
        conn.session.after_reply();
    }
}

/// Whether a stranger, or a client that monitors, may call a command with these flags.
#[cold]
fn check_standing(config: &config::Config, session: &Session, flags: Flags) -> Result<(), Error> {
    if !session.authenticated && !flags.has(Flags::NO_AUTH) && config.security.password.is_some() {
        return Err(Error::NO_AUTH);
    }
    let about_data = [Flags::READONLY, Flags::WRITE, Flags::MAY_REPLICATE];
    if session.monitor && about_data.iter().any(|flag| flags.has(*flag)) {
        return Err(Error::fixed("ERR Replica can't interact with the keyspace"));
    }
    Ok(())
}

/// Takes the locks of a command.
#[inline]
fn lock<'a>(
    visit: &'a mut Visit<'_>,
    worker: keyspace::WorkerId,
    registered: &Registered,
    args: &[&[u8]],
    hash: Option<KeyHash>,
) -> Access<'a> {
    let command = registered.command;
    let keyspace = visit.keyspace;
    let scope = match command.scope {
        Scope::ByArguments(decide) => decide(args),
        scope => scope,
    };
    match scope {
        Scope::Exclusive => {
            visit.inside = None;
            keyspace.exclusive(worker)
        }
        Scope::Outside => {
            visit.inside = None;
            keyspace.outside(worker)
        }
        Scope::Slices => visit.inside(worker).lock_none(),
        Scope::Keys | Scope::ByArguments(_) => match (hash, command.is_single_key()) {
            (Some(hash), true) => visit.inside(worker).lock_key(hash),
            _ if command.keys.is_empty() => visit.inside(worker).lock_none(),
            _ => {
                let mut hashes = Vec::with_capacity(args.len());
                keys_of(command, args, |at| hashes.push(keyspace.hash(args[at])));
                visit.inside(worker).lock_keys(hashes.into_iter())
            }
        },
    }
}
