//! What a write did, in the form in which a replica would be sent it.
//!
//! A command that changed something propagates its own arguments unless it said something else. Effects are gathered
//! while the command executes and handed to the log in one piece before its locks are given back, so that the log's order is the order
//! of execution. With nobody reading the log nothing is gathered.

/// The effects of the command that is executing.
#[derive(Default)]
pub struct Effects {
    on: bool,
    /// Deletions of keys that were found expired; they come first.
    before: Vec<u8>,
    /// The same in other databases than the session's.
    elsewhere: Vec<(u32, Vec<u8>)>,
    /// What the command said instead of its arguments.
    said: Vec<u8>,
    count: usize,
    silent: bool,
}

/// Appends a request in RESP.
pub(crate) fn append_request(out: &mut Vec<u8>, args: &[&[u8]]) {
    let mut writer = resp::Writer { out, protocol: resp::Protocol::Resp2 };
    writer.array(args.len());
    args.iter().for_each(|arg| writer.bulk(arg));
}

impl Effects {
    /// Forgets the last command; `on` if the log has readers.
    #[inline]
    pub(crate) fn begin(&mut self, on: bool) {
        self.on = on;
        if self.count > 0 || self.silent {
            self.before.clear();
            self.elsewhere.clear();
            self.said.clear();
            self.count = 0;
            self.silent = false;
        }
    }

    /// States an effect in place of the command's own arguments. May be called several times.
    pub fn say(&mut self, args: &[&[u8]]) {
        self.count += 1;
        if self.on {
            append_request(&mut self.said, args);
        }
    }

    /// The command has no effect of its own, whatever it changed.
    pub fn say_nothing(&mut self) {
        self.silent = true;
    }

    /// A key was found expired and removed.
    pub(crate) fn expired(&mut self, key: &[u8]) {
        self.count += 1;
        if self.on {
            append_request(&mut self.before, &[b"DEL", key]);
        }
    }

    /// A key of another database than the session's was found expired and removed.
    pub(crate) fn expired_elsewhere(&mut self, database: u32, key: &[u8]) {
        self.count += 1;
        if self.on {
            let mut deletion = Vec::new();
            append_request(&mut deletion, &[b"DEL", key]);
            self.elsewhere.push((database, deletion));
        }
    }

    /// What happened in other databases; logged before everything else.
    pub(crate) fn take_elsewhere(&mut self) -> Vec<(u32, Vec<u8>)> {
        std::mem::take(&mut self.elsewhere)
    }

    /// What was gathered so far of keys found expired, to be logged before their locks are given back.
    pub(crate) fn take_before(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.before)
    }

    /// Everything to log for a command that was called with `args` and changed something if `dirty`. Empty with the log off.
    pub(crate) fn finish(&mut self, args: &[&[u8]], dirty: bool) -> &[u8] {
        if !self.on {
            return &[];
        }
        if self.said.is_empty() && dirty && !self.silent {
            self.count += 1;
            append_request(&mut self.before, args);
        } else {
            self.before.append(&mut self.said);
        }
        &self.before
    }
}
