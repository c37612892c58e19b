//! A reactor with a scriptable service, and clients for it.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::io::Read;
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use net::{
    CloseReason, Config, ConnId, Conns, Handle, Peer, Reactor, ReactorKind, Ready, Service, TcpOptions,
    bind_tcp, bind_unix,
};

pub const KINDS: [ReactorKind; 2] = [ReactorKind::Epoll, ReactorKind::IoUring];

/// What the service does with input.
#[derive(Clone)]
pub enum Mode {
    Echo,
    /// Any input is answered by this many bytes, a multiple of 1 MiB.
    Reply(usize),
    ReplyAndClose(usize),
    CloseNow,
    Refuse,
    /// 200 short copied pieces with shared ones between them.
    Shared(Arc<Vec<u8>>),
    /// Echo, and pause when this byte was in it.
    PauseOn(u8),
    /// Echo into a corked connection.
    Cork,
}

/// What the service saw.
#[derive(Default)]
pub struct Facts {
    pub opened: AtomicUsize,
    pub closed: Mutex<Vec<CloseReason>>,
    pub peers: Mutex<Vec<String>>,
    /// Of the connections in the order of their first input.
    pub descriptors: Mutex<Vec<i32>>,
    pub inputs: AtomicUsize,
    pub ends: AtomicUsize,
    pub most_input: AtomicUsize,
    pub pending: AtomicUsize,
    pub iterations: AtomicUsize,
    pub warnings: Mutex<Vec<String>>,
    pub mailbox: AtomicU64,
    pub seen: AtomicU64,
    /// Background work to do.
    pub busy: AtomicBool,
    /// Nothing to do by the clock: only what happens may wake the reactor.
    pub asleep: AtomicBool,
    /// Resume all paused connections whenever something happens.
    pub resume: AtomicBool,
    resume_once: AtomicBool,
    uncork: AtomicBool,
    broadcast: Mutex<Vec<u8>>,
    /// Write something to everybody in the iteration in which the reactor is stopped.
    pub farewell: AtomicBool,
}

struct Tester {
    mode: Arc<Mutex<Mode>>,
    facts: Arc<Facts>,
}

impl Service for Tester {
    type Session = ConnId;

    fn open(&mut self, id: ConnId, peer: &Peer) -> Result<ConnId, Vec<u8>> {
        if matches!(*self.mode.lock().unwrap(), Mode::Refuse) {
            return Err(b"-ERR no\r\n".to_vec());
        }
        assert!(peer.is_local());
        self.facts.peers.lock().unwrap().push(peer.to_string());
        self.facts.opened.fetch_add(1, Ordering::Relaxed);
        Ok(id)
    }

    fn turn(&mut self, ready: &mut [Ready<'_, ConnId>], conns: &mut Conns<ConnId>) {
        let mode = self.mode.lock().unwrap().clone();
        self.facts.most_input.fetch_max(ready.iter().map(|r| r.input.len()).sum(), Ordering::Relaxed);
        let mut ids: Vec<ConnId> = ready.iter().map(|r| r.conn.id()).collect();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), ready.len(), "at most once per turn");
        for Ready { conn, input, end } in ready {
            assert_eq!(conn.session, conn.id());
            assert!(conns.get(conn.id()).is_none());
            assert!(!input.is_empty() || *end);
            self.facts.ends.fetch_add(usize::from(*end), Ordering::Relaxed);
            if input.is_empty() {
                continue;
            }
            self.facts.inputs.fetch_add(1, Ordering::Relaxed);
            self.facts.descriptors.lock().unwrap().push(conn.descriptor());
            match &mode {
                Mode::Echo | Mode::Refuse => conn.out.buf().extend_from_slice(input),
                Mode::Reply(size) | Mode::ReplyAndClose(size) => {
                    for block in 0..size >> 20 {
                        conn.out.buf().extend_from_slice(&pattern(1 << 20, block as u64));
                    }
                    if matches!(mode, Mode::ReplyAndClose(_)) {
                        conn.close_after_flush();
                    }
                }
                Mode::CloseNow => {
                    conn.out.buf().extend_from_slice(b"lost");
                    conn.close_now();
                }
                Mode::Shared(shared) => {
                    for i in 0..200usize {
                        conn.out.buf().extend_from_slice(format!("<{i}>").as_bytes());
                        conn.out.push_shared(shared.clone(), i..i + 5000 * (i % 7));
                    }
                    conn.out.buf().extend_from_slice(b"end");
                }
                Mode::PauseOn(byte) => {
                    assert!(!conn.is_reading_paused(), "no input while paused");
                    conn.out.buf().extend_from_slice(input);
                    if input.contains(byte) {
                        conn.pause_reading();
                    }
                }
                Mode::Cork => {
                    conn.cork();
                    conn.out.buf().extend_from_slice(input);
                }
            }
            self.facts.pending.store(conn.out.pending_bytes(), Ordering::Relaxed);
        }
    }

    fn woken(&mut self, conns: &mut Conns<ConnId>) {
        let mail = self.facts.mailbox.load(Ordering::SeqCst);
        self.facts.seen.store(mail, Ordering::SeqCst);
        if self.facts.resume_once.swap(false, Ordering::SeqCst) {
            conns.iter_mut().for_each(|conn| conn.resume_reading());
        }
        if self.facts.uncork.swap(false, Ordering::SeqCst) {
            conns.iter_mut().for_each(|conn| conn.uncork());
        }
        let news = std::mem::take(&mut *self.facts.broadcast.lock().unwrap());
        if !news.is_empty() {
            let ids: Vec<ConnId> = conns.iter().map(|conn| conn.id()).collect();
            for id in ids {
                conns.get_mut(id).unwrap().out.buf().extend_from_slice(&news);
            }
        }
    }

    fn after(&mut self, conns: &mut Conns<ConnId>) -> Option<Duration> {
        self.facts.iterations.fetch_add(1, Ordering::Relaxed);
        if self.facts.resume.load(Ordering::Relaxed) {
            conns.iter_mut().for_each(|conn| conn.resume_reading());
        }
        if self.facts.farewell.load(Ordering::Relaxed) {
            for conn in conns.iter_mut() {
                if conn.out.pending_bytes() == 0 {
                    conn.out.buf().extend_from_slice(b"bye");
                }
            }
            self.facts.farewell.store(false, Ordering::Relaxed);
        }
        if self.facts.asleep.load(Ordering::Relaxed) {
            None
        } else if self.facts.busy.load(Ordering::Relaxed) {
            Some(Duration::ZERO)
        } else {
            Some(Duration::from_millis(100))
        }
    }

    fn closed(&mut self, id: ConnId, session: ConnId, why: CloseReason) {
        assert_eq!(id, session);
        self.facts.closed.lock().unwrap().push(why);
    }

    fn warn(&mut self, text: &str) {
        self.facts.warnings.lock().unwrap().push(text.to_owned());
    }
}

/// Running reactors, listening on a TCP port.
pub struct Rig {
    pub kind: ReactorKind,
    pub handles: Vec<Handle>,
    pub facts: Arc<Facts>,
    pub address: SocketAddr,
    mode: Arc<Mutex<Mode>>,
    threads: Vec<JoinHandle<()>>,
    folder: PathBuf,
}

/// Runs a test against each back end.
pub fn both(test: impl Fn(&Rig)) {
    for kind in KINDS {
        eprintln!("{kind:?}");
        test(&Rig::new(kind));
    }
}

impl Rig {
    pub fn new(kind: ReactorKind) -> Rig {
        Rig::group(kind, 1)
    }

    pub fn group(kind: ReactorKind, count: usize) -> Rig {
        Rig::with(Config { kind, ..Config::default() }, count)
    }

    pub fn with(config: Config, count: usize) -> Rig {
        let kind = config.kind;
        let mut reactors = Reactor::group(config, count).unwrap();
        let bound = bind_tcp(&["127.0.0.1"], 0, TcpOptions::default()).unwrap();
        let address = bound.listeners[0].address().unwrap();
        reactors[0].listen(bound.listeners);
        let mode = Arc::new(Mutex::new(Mode::Echo));
        let facts = Arc::new(Facts::default());
        let handles = reactors.iter().map(Reactor::handle).collect();
        let threads = reactors
            .into_iter()
            .map(|reactor| {
                assert_eq!(reactor.kind(), kind);
                let (mode, facts) = (mode.clone(), facts.clone());
                thread::spawn(move || {
                    reactor.run(Tester { mode, facts }).unwrap();
                })
            })
            .collect();
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("net-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Rig { kind, handles, facts, address, mode, threads, folder }
    }

    pub fn handle(&self) -> &Handle {
        &self.handles[0]
    }

    pub fn set(&self, mode: Mode) {
        *self.mode.lock().unwrap() = mode;
    }

    pub fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).unwrap()
    }

    pub fn connect_unix(&self) -> (UnixStream, PathBuf) {
        let path = self.folder.join("socket");
        let listener = bind_unix(&path, Some(0o700), 16).unwrap();
        self.handle().add_listeners(vec![listener]);
        (UnixStream::connect(&path).unwrap(), path)
    }

    pub fn wait_closed(&self, reasons: &[CloseReason]) {
        wait_for("connections to be closed", || self.facts.closed.lock().unwrap().len() >= reasons.len());
        assert_eq!(self.facts.closed.lock().unwrap().as_slice(), reasons);
    }

    pub fn resume_once(&self) {
        self.facts.resume_once.store(true, Ordering::SeqCst);
        self.handle().wake();
    }

    pub fn uncork(&self) {
        self.facts.uncork.store(true, Ordering::SeqCst);
        self.handle().wake();
    }

    pub fn broadcast(&self, news: &[u8]) {
        *self.facts.broadcast.lock().unwrap() = news.to_vec();
        self.handle().wake();
    }

    /// Resumes reading after each pause, until dropped.
    pub fn resume_always(&self) -> impl Drop + '_ {
        struct Always<'r>(&'r Rig);
        impl Drop for Always<'_> {
            fn drop(&mut self) {
                self.0.facts.resume.store(false, Ordering::Relaxed);
            }
        }
        self.facts.resume.store(true, Ordering::Relaxed);
        self.handle().wake();
        Always(self)
    }

    pub fn stop(&mut self) {
        self.handles.iter().for_each(Handle::stop);
        for thread in self.threads.drain(..) {
            thread.join().unwrap();
        }
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.handles.iter().for_each(Handle::stop);
        let results: Vec<_> = self.threads.drain(..).map(JoinHandle::join).collect();
        let left: Vec<_> = std::fs::read_dir(&self.folder).unwrap().collect();
        std::fs::remove_dir_all(&self.folder).unwrap();
        if !thread::panicking() {
            assert!(results.iter().all(Result::is_ok));
            assert!(left.is_empty(), "socket files are removed at the end");
        }
    }
}

/// Bytes that differ by position and seed.
pub fn pattern(len: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}

pub fn read_exactly(client: &mut impl Read, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    client.read_exact(&mut bytes).unwrap();
    bytes
}

pub fn read_to_end(client: &mut impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    client.read_to_end(&mut bytes).unwrap();
    bytes
}

#[track_caller]
pub fn wait_for(what: &str, mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < Duration::from_secs(20), "waited in vain for {what}");
        thread::sleep(Duration::from_micros(200));
    }
}
