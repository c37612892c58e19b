//! What a write did, in the form in which a replica would be sent it.
//!
//! A command that changed something propagates its own arguments unless it said something else. Effects are gathered
//! while the command executes and handed to the log in one piece before its locks are given back, so that the log's order is the order
//! of execution. Several effects of one request stand between MULTI and EXEC, so that who applies the stream never shows a part of
//! them. With nobody reading the log nothing is gathered.

use log::Log;

/// The effects of the command that is executing, in the order in which they happened.
#[derive(Default)]
pub struct Effects {
    on: bool,
    /// The session's database: that of everything but some keys found expired.
    home: u32,
    /// The requests of all effects, one behind the other.
    bytes: Vec<u8>,
    /// Database and end in `bytes` of each.
    ends: Vec<(u32, usize)>,
    /// Whether the command stated effects in place of its arguments.
    said: bool,
    silent: bool,
    /// Effects so far, whether they are gathered or not.
    count: usize,
}

/// Appends a request in RESP.
pub(crate) fn append_request(out: &mut Vec<u8>, args: &[&[u8]]) {
    let mut writer = resp::Writer { out, protocol: resp::Protocol::Resp2 };
    writer.array(args.len());
    args.iter().for_each(|arg| writer.bulk(arg));
}

impl Effects {
    /// Forgets the last command; `on` if the log has readers, which does not change while the gate is held. `home` is the database
    /// of the command's session.
    #[inline]
    pub(crate) fn begin(&mut self, on: bool, home: u32) {
        self.on = on;
        self.home = home;
        if self.count > 0 || self.silent {
            self.bytes.clear();
            self.ends.clear();
            self.said = false;
            self.silent = false;
            self.count = 0;
        }
    }

    /// Takes note that the log has readers or not, after the gate was left and entered again.
    pub(crate) fn set_on(&mut self, on: bool) {
        self.on = on;
    }

    /// States an effect in place of the command's own arguments. May be called several times.
    pub fn say(&mut self, args: &[&[u8]]) {
        self.said = true;
        self.add(self.home, args);
    }

    /// The command has no effect of its own, whatever it changed.
    pub fn say_nothing(&mut self) {
        self.silent = true;
    }

    /// Whether nothing has been stated so far.
    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// A key was found expired and removed.
    pub(crate) fn expired(&mut self, database: u32, key: &[u8]) {
        self.add(database, &[b"DEL", key]);
    }

    /// Fields of a hash were found expired and removed.
    pub(crate) fn expired_fields(&mut self, database: u32, key: &[u8], fields: &[Vec<u8>]) {
        let mut effect: Vec<&[u8]> = vec![b"HDEL", key];
        effect.extend(fields.iter().map(Vec::as_slice));
        self.add(database, &effect);
    }

    fn add(&mut self, database: u32, args: &[&[u8]]) {
        self.count += 1;
        if self.on {
            append_request(&mut self.bytes, args);
            self.ends.push((database, self.bytes.len()));
        }
    }

    /// Logs what was gathered so far, each effect by itself, before the locks under which it happened are given back and others
    /// are taken. Only for keys that were met and found expired one by one, as real servers log those of SCAN.
    pub(crate) fn flush(&mut self, log: &Log) {
        self.each(|database, effect| {
            log.append(database, effect);
        });
        self.bytes.clear();
        self.ends.clear();
    }

    /// Logs everything for a command that was called with `args` and changed something if `dirty`; `apart` if its effects are
    /// on keys that have nothing to do with each other.
    pub(crate) fn finish(&mut self, log: &Log, args: &[&[u8]], dirty: bool, apart: bool) {
        if !self.on {
            return;
        }
        if dirty && !self.said && !self.silent {
            self.add(self.home, args);
        }
        if apart || self.ends.len() < 2 {
            self.flush(log);
        } else {
            let mut parts = Vec::with_capacity(self.ends.len());
            self.each(|database, effect| parts.push((database, effect)));
            log.append_together(&parts);
        }
    }

    fn each<'s>(&'s self, mut visit: impl FnMut(u32, &'s [u8])) {
        let mut from = 0;
        for &(database, end) in &self.ends {
            visit(database, &self.bytes[from..end]);
            from = end;
        }
    }
}
