//! Servers inside the test process, their clients, and what they hold.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use engine::{CommandTable, Engine, Session, Worker};
use keyspace::{Access, Keyspace, Options, ValueRef, WorkerId};
use net::{CloseReason, ConnId, Conns, Peer, Ready, Service};
use value::number::{IntText, append_f64_shortest};
use value::stream::Stream;

/// A key of a database.
pub type Place = (u32, Vec<u8>);
/// A value, as the request that makes it: the command's name, and what comes after the key (of a hash, each
/// field's deadline as well; of a stream, a payload). What has no order is sorted.
pub type Content = (&'static str, Vec<Vec<u8>>);
/// Values and deadlines of all keys.
pub type Image = BTreeMap<Place, (Content, Option<i64>)>;

/// Everything that is held.
pub fn image(access: &Access<'_>) -> Image {
    let keyspace = access.keyspace();
    let mut image = Image::new();
    for database in 0..keyspace.databases() {
        for stripe in 0..keyspace.stripes() {
            access.walk(database, stripe, 0, usize::MAX, |entry| {
                let content = content(entry.value);
                image.insert((database, entry.key.to_vec()), (content, entry.deadline_ms));
            });
        }
    }
    image
}

fn content(value: ValueRef<'_>) -> Content {
    match value {
        ValueRef::String(string) => {
            let (mut bytes, mut digits) = (Vec::new(), IntText::new(0));
            string.chunks(&mut digits).for_each(|chunk| bytes.extend_from_slice(chunk));
            ("SET", vec![bytes])
        }
        ValueRef::List(list) => {
            let mut texts = Vec::new();
            list.for_each_from(0, u64::MAX, |element| texts.push(element.to_vec()));
            ("RPUSH", texts)
        }
        ValueRef::Set(set) => {
            let mut members: Vec<Vec<u8>> = set.iter().map(|member| member.to_vec()).collect();
            members.sort_unstable();
            ("SADD", members)
        }
        ValueRef::Zset(zset) => {
            let pair = |(member, score): (value::packed::Element<'_>, f64)| {
                let mut text = Vec::new();
                append_f64_shortest(&mut text, score);
                [text, member.to_vec()]
            };
            ("ZADD", zset.iter_from(0).flat_map(pair).collect())
        }
        ValueRef::Hash(hash) => {
            let field = |field: value::fields::Field<'_>| {
                [field.field.to_vec(), field.value.to_vec(), field.deadline.to_string().into_bytes()]
            };
            let mut fields: Vec<_> = hash.iter().map(field).collect();
            fields.sort_unstable();
            ("HSET", fields.into_iter().flatten().collect())
        }
        ValueRef::Stream(stream) => {
            let mut payload = Vec::new();
            let mut writer = rdb::ObjectWriter::for_payload(11, None);
            let stream = without_visits(stream);
            let object = rdb::values::ObjectRef::Stream(&stream);
            rdb::values::whole(&mut writer, &mut payload, rdb::Place::Payload, object);
            rdb::dump::finish(&mut payload, 0, 11);
            ("RESTORE", vec![b"0".to_vec(), payload])
        }
    }
}

/// The stream without what replicas are not told, as in Redis: when consumers asked, and those that have nothing pending.
fn without_visits(stream: &Stream) -> Stream {
    let mut told = stream.clone();
    for group in stream.groups() {
        told.edit_group(group.name(), |_, told| {
            for consumer in group.consumers() {
                if consumer.pending_len() == 0 {
                    told.delete_consumer(consumer.name());
                } else {
                    told.touch_consumer(consumer.number(), 0, Some(0));
                }
            }
        });
    }
    told
}

/// A server of some reactors.
pub struct Server {
    pub engine: Arc<Engine>,
    handles: Vec<net::Handle>,
    threads: Vec<JoinHandle<()>>,
}

impl Server {
    /// Starts one; with `applies_stream` for a connection that applies one.
    pub fn start(reactors: usize, applies_stream: bool) -> Server {
        // Few stripes, so that clients meet in them; one worker more, to stand outside and look.
        let keyspace = Arc::new(Keyspace::new(Options { stripes: 8, databases: 16, workers: reactors + 1 }));
        let loaded = config::Loader::load(None, None, b"").expect("a sound configuration");
        let live = Arc::new(config::Live::new(loaded));
        let table = CommandTable::new(commands::all());
        let engine = Arc::new(Engine::new(keyspace, live, table, reactors));
        let group = net::Reactor::group(net::Config::default(), reactors).expect("reactors");
        let handles: Vec<net::Handle> = group.iter().map(net::Reactor::handle).collect();
        let mut threads = Vec::new();
        for (id, reactor) in group.into_iter().enumerate() {
            engine.workers[id].mailbox.attach(reactor.handle());
            let worker = Worker::new(Arc::clone(&engine), WorkerId(id));
            threads.push(std::thread::spawn(move || {
                if applies_stream {
                    drop(reactor.run(Applier(worker)).expect("the reactor runs"));
                } else {
                    drop(reactor.run(worker).expect("the reactor runs"));
                }
            }));
        }
        if applies_stream {
            engine.active_expire.store(false, std::sync::atomic::Ordering::Relaxed);
        }
        Server { engine, handles, threads }
    }

    /// The worker that is no reactor.
    pub fn outsider(&self) -> WorkerId {
        WorkerId(self.handles.len())
    }

    /// A new connection to one of the reactors.
    pub fn connect(&self, number: usize) -> Client {
        let (ours, theirs) = UnixStream::pair().expect("a socket pair");
        self.handles[number % self.handles.len()].adopt(theirs);
        ours.set_read_timeout(Some(Duration::from_secs(60))).expect("a time-out");
        Client { socket: ours, received: Vec::new(), at: 0 }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.handles.iter().for_each(net::Handle::stop);
        for thread in self.threads.drain(..) {
            let ended = thread.join();
            assert!(ended.is_ok() || std::thread::panicking(), "a reactor panicked");
        }
    }
}

/// A worker all of whose connections apply a stream.
struct Applier(Worker);

impl Service for Applier {
    type Session = Session;

    fn open(&mut self, id: ConnId, peer: &Peer) -> Result<Session, Vec<u8>> {
        let mut session = self.0.open(id, peer)?;
        session.applies_stream = true;
        Ok(session)
    }

    fn turn(&mut self, ready: &mut [Ready<'_, Session>], conns: &mut Conns<Session>) {
        self.0.turn(ready, conns);
    }

    fn woken(&mut self, conns: &mut Conns<Session>) {
        self.0.woken(conns);
    }

    fn after(&mut self, conns: &mut Conns<Session>) -> Option<Duration> {
        self.0.after(conns)
    }

    fn closed(&mut self, id: ConnId, session: Session, why: CloseReason) {
        self.0.closed(id, session, why);
    }
}

/// A request's words.
pub type Words = Vec<Vec<u8>>;

/// Appends a request.
pub fn encode(out: &mut Vec<u8>, words: &[impl AsRef<[u8]>]) {
    let mut writer = resp::Writer { out, protocol: resp::Protocol::Resp2 };
    writer.array(words.len());
    words.iter().for_each(|word| writer.bulk(word.as_ref()));
}

/// A connection.
pub struct Client {
    socket: UnixStream,
    received: Vec<u8>,
    at: usize,
}

impl Client {
    /// Sends bytes of requests.
    pub fn send(&mut self, requests: &[u8]) {
        self.socket.write_all(requests).expect("the server reads");
    }

    /// The next reply: a line with its first byte, or a bulk string's content.
    pub fn reply(&mut self) -> Vec<u8> {
        let line = self.line();
        let number = || std::str::from_utf8(&line[1..]).ok().and_then(|text| text.parse::<usize>().ok());
        match line[0] {
            b'$' => number().map_or(line.clone(), |len| self.bytes(len)),
            b'*' => {
                (0..number().unwrap_or(0)).for_each(|_| drop(self.reply()));
                line
            }
            _ => line,
        }
    }

    fn fill(&mut self) {
        self.received.drain(..self.at);
        self.at = 0;
        let mut buffer = [0; 65536];
        let len = loop {
            match self.socket.read(&mut buffer) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                read => break read.expect("a reply in time"),
            }
        };
        assert!(len > 0, "the server closed the connection");
        self.received.extend_from_slice(&buffer[..len]);
    }

    fn line(&mut self) -> Vec<u8> {
        loop {
            let rest = &self.received[self.at..];
            if let Some(end) = rest.windows(2).position(|pair| pair == b"\r\n") {
                let line = rest[..end].to_vec();
                self.at += end + 2;
                return line;
            }
            self.fill();
        }
    }

    fn bytes(&mut self, len: usize) -> Vec<u8> {
        while self.received.len() - self.at < len + 2 {
            self.fill();
        }
        let bytes = self.received[self.at..self.at + len].to_vec();
        self.at += len + 2;
        bytes
    }
}
