//! Follows the log and applies what it says to a second server; compares at the samples.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use log::{Log, Reader};

use crate::server::{Client, Image, Server, Words, encode, image};

/// Bytes of the stream applied at a time.
const CHUNK: usize = 64 << 10;
/// What a canary's effect is.
const CANARY: &[&[u8]] = &[b"INCR", b"canary"];

/// What the data were at an offset.
pub struct Sample {
    pub offset: u64,
    pub image: Image,
}

/// Where samples are handed over.
pub struct Samples(Sender<Option<Sample>>);

impl Samples {
    /// Hands one over, with the gate of the first server held exclusively.
    pub fn send(&self, sample: Sample) {
        let _ = self.0.send(Some(sample));
    }

    /// There are no more.
    pub fn end(self) {
        let _ = self.0.send(None);
    }
}

/// What the stream consisted of.
#[derive(Default)]
pub struct Counts {
    pub effects: u64,
    pub transactions: u64,
}

/// The thread that follows.
pub struct Replayer(JoinHandle<Result<Counts, String>>);

impl Replayer {
    /// Fills a second server with an image and follows from there on.
    pub fn start(
        log: &Arc<Log>,
        reader: Reader,
        image: Image,
        lag: Arc<AtomicU64>,
        drop_one: bool,
    ) -> (Replayer, Samples) {
        let (sender, samples) = channel();
        let log = Arc::clone(log);
        let run = move || {
            let server = Server::start(1, true);
            let client = server.connect(0);
            let mut applier = Applier {
                server,
                client,
                log,
                reader,
                lag,
                drop_one,
                bytes: Vec::new(),
                parser: resp::Parser::default(),
                inside: None,
                counts: Counts::default(),
            };
            applier.load(image);
            applier.run(&samples).map(|()| applier.counts)
        };
        (Replayer(std::thread::spawn(run)), Samples(sender))
    }

    /// Whether it has come to an end, which before the last sample means a failure.
    pub fn has_ended(&self) -> bool {
        self.0.is_finished()
    }

    /// What it has found.
    pub fn join(self) -> Result<Counts, String> {
        self.0.join().expect("the replayer does not panic")
    }
}

struct Applier {
    server: Server,
    client: Client,
    log: Arc<Log>,
    reader: Reader,
    lag: Arc<AtomicU64>,
    drop_one: bool,
    /// Bytes read and not yet a whole request.
    bytes: Vec<u8>,
    parser: resp::Parser,
    /// Effects since MULTI.
    inside: Option<u64>,
    counts: Counts,
}

impl Applier {
    fn load(&mut self, image: Image) {
        let mut requests = Vec::new();
        let mut count = 0;
        for ((database, key), ((command, rest), deadline_ms)) in image {
            encode(&mut requests, &[b"SELECT".to_vec(), database.to_string().into_bytes()]);
            let begin = |name: &str| vec![name.as_bytes().to_vec(), key.clone()];
            count += 1;
            if command == "HSET" {
                // Field, value, deadline: the first two are set, the last follows if there is one.
                let forever = value::member_leaf::NO_DEADLINE.to_string().into_bytes();
                for field in rest.chunks_exact(3) {
                    encode(&mut requests, &[&begin("HSET"), &field[..2]].concat());
                    count += 1;
                    if field[2] != forever {
                        let words = [field[2].clone(), b"FIELDS".to_vec(), b"1".to_vec(), field[0].clone()];
                        encode(&mut requests, &[&begin("HPEXPIREAT")[..], &words].concat());
                        count += 1;
                    }
                }
            } else {
                encode(&mut requests, &[begin(command), rest].concat());
                count += 1;
            }
            if let Some(at) = deadline_ms {
                encode(&mut requests, &[b"PEXPIREAT".to_vec(), key, at.to_string().into_bytes()]);
                count += 1;
            }
        }
        self.client.send(&requests);
        (0..count).for_each(|_| assert_ne!(self.client.reply()[0], b'-'));
    }

    fn run(&mut self, samples: &Receiver<Option<Sample>>) -> Result<(), String> {
        let mut next: Option<Sample> = None;
        loop {
            // Noted before looking for a sample: one that comes later lies behind it.
            let end = self.log.end();
            if next.is_none() {
                match samples.try_recv() {
                    Ok(Some(sample)) => next = Some(sample),
                    Ok(None) => return Ok(()),
                    Err(_) => {}
                }
            }
            let end = next.as_ref().map_or(end, |sample| sample.offset);
            let limit = ((end - self.reader.offset()) as usize).min(CHUNK);
            let taken = self.reader.read(&mut self.bytes, limit).map_err(|lost| format!("{lost:?}"))?;
            let at_sample = next.take_if(|sample| sample.offset == self.reader.offset());
            if taken > 0 {
                self.apply()?;
            } else if at_sample.is_none() {
                self.reader.wait(Duration::from_millis(1));
            }
            self.lag.store(self.log.end() - self.reader.offset(), Ordering::Relaxed);
            if let Some(sample) = at_sample {
                self.compare(&sample)?;
            }
        }
    }

    /// Applies the whole requests that have been read.
    fn apply(&mut self) -> Result<(), String> {
        let limits = resp::Limits { bulk_bytes_max: 1 << 30, authenticated: true };
        let (mut requests, mut at): (Vec<Words>, usize) = (Vec::new(), 0);
        while let Some((_, len)) =
            self.parser.parse(&self.bytes[at..], limits).map_err(|error| format!("not RESP: {error:?}"))?
        {
            let words =
                self.parser.args().iter().map(|range| self.bytes[at..][range.clone()].to_vec()).collect();
            self.parser.reset();
            at += len;
            self.note(&words)?;
            requests.push(words);
        }
        self.bytes.drain(..at);
        requests.retain(|words| words[0] != b"MULTI" && words[0] != b"EXEC");
        if self.drop_one {
            requests.retain(|words| words != CANARY);
        }
        let mut bytes = Vec::new();
        requests.iter().for_each(|words| encode(&mut bytes, words));
        self.client.send(&bytes);
        for words in &requests {
            let reply = self.client.reply();
            if reply.starts_with(b"-") {
                return Err(format!("{} => {}", show(words), show(&[reply])));
            }
        }
        Ok(())
    }

    /// Counts, and checks the form of transactions.
    fn note(&mut self, words: &Words) -> Result<(), String> {
        match (words[0].as_slice(), &mut self.inside) {
            (b"MULTI", None) => self.inside = Some(0),
            (b"EXEC", Some(2..)) => {
                self.inside = None;
                self.counts.transactions += 1;
            }
            (b"MULTI" | b"EXEC", inside) => {
                return Err(format!("{} with {inside:?} effects since MULTI", show(words)));
            }
            (b"SELECT", _) => {}
            (_, inside) => {
                self.counts.effects += 1;
                inside.iter_mut().for_each(|count| *count += 1);
            }
        }
        Ok(())
    }

    fn compare(&self, sample: &Sample) -> Result<(), String> {
        if !self.bytes.is_empty() || self.inside.is_some() {
            return Err("the log's end is inside a request or a transaction".to_string());
        }
        let here = image(&self.server.engine.keyspace.exclusive(self.server.outsider()));
        if here == sample.image {
            return Ok(());
        }
        let mut report = format!("the data differ at offset {}", sample.offset);
        let places: std::collections::BTreeSet<_> = here.keys().chain(sample.image.keys()).collect();
        let differ = |place: &&&_| here.get(**place) != sample.image.get(**place);
        for place in places.iter().filter(differ).take(5) {
            let value = |image: &Image| {
                image.get(*place).map(|((command, rest), at)| {
                    let some = &rest[..rest.len().min(20)];
                    format!("{command} {} ({} words) until {at:?}", show(some), rest.len())
                })
            };
            let (first, second) = (value(&sample.image), value(&here));
            report += &format!(
                "\n  {} {}: {first:?}, replayed {second:?}",
                place.0,
                show(std::slice::from_ref(&place.1))
            );
        }
        Err(report)
    }
}

fn show(words: &[Vec<u8>]) -> String {
    let words = words.iter().map(|word| word[..word.len().min(60)].escape_ascii().to_string());
    words.collect::<Vec<_>>().join(" ")
}
