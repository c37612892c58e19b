//! Clients that send every command that writes, on few keys of few databases, as fast as the replayer lets them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use fastrand::Rng;

use crate::server::{Client, Server, Words, encode};

/// Requests sent before their replies are read.
const PIPELINE_MAX: usize = 24;
/// Bytes that the replayer may lag behind: half of the log's ring.
const LAG_MAX: u64 = 32 << 20;
/// A value that is kept as a tree of nodes.
const LARGE: usize = 70_000;

/// Requests as templates: `k` is a key, `h` that of a HyperLogLog, `l` that of a list, `v` a value, `n` a small integer, `f` a number with decimals, `d` a database, `S` that of a set, `w` one of many integers, `z` that of a sorted set, `H` that of a hash, `x` that of a stream, `i` a field,
/// `t` milliseconds from now, `T` ms since the epoch, `s` seconds from now, `o` an offset, `p` a payload of DUMP; others are themselves. The number
/// is the weight.
const REQUESTS: &[(u32, &str)] = &[
    (20, "set k v"),
    (20, "set k v px t"),
    (3, "set k v pxat T get"),
    (3, "set k v ex s nx"),
    (3, "set k v keepttl"),
    (3, "set k v xx"),
    (3, "set k v ifeq n"),
    (4, "setnx k v"),
    (3, "setex k s v"),
    (6, "psetex k t v"),
    (4, "getset k v"),
    (4, "getdel k"),
    (4, "getex k px t"),
    (2, "getex k pxat T"),
    (2, "getex k persist"),
    (6, "mset k v k v k v"),
    (4, "msetnx k v k v"),
    (4, "msetex 2 k v k v px t"),
    (2, "msetex 2 k v k v xx keepttl"),
    (10, "append k v"),
    (6, "setrange k o v"),
    (8, "incr k"),
    (4, "incrby k n"),
    (4, "decr k"),
    (4, "decrby k n"),
    (6, "incrbyfloat k f"),
    (6, "del k k k"),
    (6, "unlink k k"),
    (3, "delifeq k n"),
    (3, "delex k ifeq n"),
    (3, "delex k"),
    (6, "pexpire k t"),
    (3, "pexpire k t nx"),
    (3, "pexpire k t gt"),
    (2, "expire k s lt"),
    (2, "expire k -1"),
    (3, "pexpireat k T"),
    (2, "expireat k 1"),
    (2, "expireat k 99999999999"),
    (4, "persist k"),
    (6, "rename k k"),
    (4, "renamenx k k"),
    (6, "copy k k"),
    (4, "copy k k replace"),
    (6, "copy k k db d replace"),
    (6, "move k d"),
    (4, "restore k 0 p"),
    (4, "restore k t p replace"),
    (2, "restore k T p replace absttl"),
    (6, "setbit k o 1"),
    (4, "setbit k o 0"),
    (4, "bitfield k set u8 o n incrby i5 o n get u4 0"),
    (2, "bitfield k overflow fail incrby u2 o n"),
    (2, "bitop and k k k"),
    (2, "bitop xor k k k k"),
    (2, "bitop not k k"),
    (2, "bitop diff k k k"),
    (8, "pfadd h v v"),
    (4, "pfmerge h h h"),
    (3, "pfcount h"),
    (3, "pfcount h h"),
    (1, "pfdebug todense h"),
    (12, "rpush l v v v v v"),
    (8, "lpush l v v v"),
    (3, "rpushx l v v"),
    (3, "lpushx l v"),
    (3, "lpop l"),
    (3, "rpop l n"),
    (4, "lset l n v"),
    (4, "linsert l before n v"),
    (3, "lrem l n n"),
    (2, "ltrim l n -2"),
    (4, "lmove l l left right"),
    (2, "rpoplpush l l"),
    (2, "lmpop 2 l l right count n"),
    (2, "blpop l l 0.001"),
    (2, "brpop l 0.001"),
    (2, "blmove l l right left 0.001"),
    (2, "brpoplpush l l 0.001"),
    (2, "blmpop 0.001 2 l l left"),
    (3, "sort l alpha by k:* store l"),
    (2, "sort l limit n n alpha store l"),
    (10, "sadd S v v v"),
    (4, "sadd S n n n n"),
    (1, "sadd S w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w"),
    (4, "sadd k v"),
    (6, "srem S v n"),
    (4, "spop S"),
    (3, "spop S n"),
    (1, "spop S 60"),
    (4, "smove S S n"),
    (4, "smove S S v"),
    (3, "sinterstore S S S"),
    (3, "sunionstore S S S"),
    (2, "sunionstore k S S"),
    (3, "sdiffstore S S S"),
    (4, "rename S S"),
    (4, "copy S S replace"),
    (4, "pexpire S t"),
    (2, "sscan S 0"),
    (12, "zadd z n v n v n v n v"),
    (3, "zadd z xx ch n v n v"),
    (3, "zadd z gt incr n v"),
    (4, "zincrby z n v"),
    (4, "zrem z v v v"),
    (2, "zremrangebyrank z n n"),
    (2, "zremrangebyscore z n 3"),
    (2, "zremrangebylex z [a (b"),
    (3, "zpopmin z"),
    (2, "zpopmax z n"),
    (2, "bzpopmin z z 0.001"),
    (2, "bzpopmax z z 0.001"),
    (2, "zmpop 2 z z min count 3"),
    (2, "bzmpop 0.001 2 z z max"),
    (3, "zrangestore z z 0 n"),
    (3, "zrangestore z z -inf n byscore"),
    (3, "zunionstore z 2 z z weights n n"),
    (3, "zinterstore z 2 z z aggregate max"),
    (2, "zdiffstore z 2 z z"),
    (3, "geoadd z n 5 v n 9 v"),
    (2, "geosearchstore z z fromlonlat n n byradius 9000 km"),
    (2, "georadius z n n 5000 km storedist z"),
    (2, "georadiusbymember z n 5000 km store z"),
    (12, "hset H i v i n i v"),
    (4, "hmset H i n i v"),
    (4, "hsetnx H i v"),
    (4, "hincrby H i n"),
    (4, "hincrbyfloat H i f"),
    (6, "hdel H i i i"),
    (4, "hexpire H s fields 2 i i"),
    (8, "hpexpire H t fields 3 i i i"),
    (3, "hpexpire H t gt fields 2 i i"),
    (3, "hexpireat H 1 fields 1 i"),
    (4, "hpexpireat H T fields 2 i i"),
    (3, "hpersist H fields 2 i i"),
    (4, "hgetex H px t fields 2 i i"),
    (2, "hgetex H persist fields 2 i i"),
    (6, "hsetex H px t fields 2 i v i n"),
    (3, "hsetex H fnx keepttl fields 1 i v"),
    (3, "hgetdel H fields 2 i i"),
    (4, "hgetall H"),
    (16, "xadd x * v v i n"),
    (6, "xadd x nomkstream * i n"),
    (3, "xadd x maxlen ~ 20 * i v i n"),
    (2, "xadd x minid ~ 99999999999999 limit 10 * i v"),
    (2, "xadd x maxlen = n * i v"),
    (2, "xadd x 99999999999999-* i v"),
    (4, "xadd x idmp i i * i v"),
    (4, "xadd x idmpauto i maxlen ~ 20 * i n"),
    (1, "xcfgset x idmp-maxsize 3"),
    (1, "xcfgset x idmp-duration 5"),
    (3, "xtrim x maxlen ~ 30"),
    (2, "xtrim x maxlen = 50"),
    (2, "xtrim x minid ~ 99999999999999"),
    (2, "xdel x 99999999999999-1 99999999999999-n 99999999999999-2"),
    (2, "xsetid x 99999999999999-99999999 entriesadded 99999999"),
    (4, "xgroup create x g 0 mkstream"),
    (2, "xgroup setid x g $"),
    (1, "xgroup destroy x g"),
    (3, "xgroup createconsumer x g i"),
    (2, "xgroup delconsumer x g i"),
    (9, "xreadgroup group g i count n streams x >"),
    (4, "xreadgroup group g i noack count 3 streams x >"),
    (4, "xack x g 99999999999999-1 99999999999999-n"),
    (4, "xclaim x g i 0 99999999999999-1 99999999999999-n force"),
    (4, "xautoclaim x g i 0 0 count n"),
    (2, "xackdel x g delref ids 2 99999999999999-1 99999999999999-n"),
    (2, "xdelex x acked ids 2 99999999999999-1 99999999999999-n"),
    (2, "copy x x replace"),
    (1, "del x"),
    (10, "get k"),
    (6, "mget k k k k"),
    (3, "ttl k"),
    (3, "touch k k"),
    (2, "exists k k"),
    (2, "randomkey"),
    (2, "scan 0 count 50"),
    (1, "keys *"),
    (1, "dbsize"),
    (8, "select d"),
    (1, "swapdb d d"),
    (1, "flushdb"),
];

/// Rare enough for something to be there in between.
const RARE: &[&str] = &["flushall", "flushall async", "flushdb sync"];

/// The names of all commands that are sent.
pub fn names() -> BTreeSet<&'static str> {
    let templates = REQUESTS.iter().map(|(_, template)| *template).chain(RARE.iter().copied());
    templates.filter_map(|template| template.split(' ').next()).collect()
}

/// Running clients.
pub struct Writers(Vec<JoinHandle<()>>);

impl Writers {
    /// Starts them; they pause while `lag` is too large and end when `stop` is set.
    pub fn start(
        server: &Server,
        count: usize,
        seed: u64,
        lag: &Arc<AtomicU64>,
        stop: &Arc<AtomicBool>,
    ) -> Writers {
        let payloads = Arc::new(payloads(&mut server.connect(0)));
        let threads = (0..count).map(|number| {
            let (client, lag, stop) = (server.connect(number), Arc::clone(lag), Arc::clone(stop));
            let rng = Rng::with_seed(seed.wrapping_add(number as u64));
            let mut writer = Writer { client, rng, payloads: Arc::clone(&payloads) };
            std::thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    if lag.load(Ordering::Relaxed) > LAG_MAX {
                        std::thread::sleep(Duration::from_millis(1));
                    } else {
                        writer.exchange();
                    }
                }
            })
        });
        Writers(threads.collect())
    }

    /// Waits for their end.
    pub fn join(self) {
        self.0.into_iter().for_each(|thread| thread.join().expect("clients do not panic"));
    }
}

fn payloads(client: &mut Client) -> Vec<Vec<u8>> {
    let values = [b"17".to_vec(), b"a short string".to_vec(), vec![b'x'; 5000], vec![b'y'; LARGE]];
    let dump = |value: Vec<u8>| {
        let mut bytes = Vec::new();
        encode(&mut bytes, &[b"SET".to_vec(), b"payload".to_vec(), value]);
        encode(&mut bytes, &["DUMP", "payload"]);
        client.send(&bytes);
        client.reply();
        client.reply()
    };
    values.into_iter().map(dump).collect()
}

struct Writer {
    client: Client,
    rng: Rng,
    payloads: Arc<Vec<Vec<u8>>>,
}

impl Writer {
    /// Sends some requests and reads their replies.
    fn exchange(&mut self) {
        let count = 1 + self.rng.usize(..PIPELINE_MAX);
        let mut bytes = Vec::new();
        for _ in 0..count {
            let words = self.request();
            encode(&mut bytes, &words);
        }
        self.client.send(&bytes);
        (0..count).for_each(|_| drop(self.client.reply()));
    }

    fn request(&mut self) -> Words {
        let total: u32 = REQUESTS.iter().map(|(weight, _)| weight).sum();
        let mut left = self.rng.u32(..total);
        let mut template = REQUESTS[0].1;
        for (weight, request) in REQUESTS {
            template = request;
            match left.checked_sub(*weight) {
                Some(less) => left = less,
                None => break,
            }
        }
        if self.rng.u32(..20_000) == 0 {
            template = RARE[self.rng.usize(..RARE.len())];
        }
        let mut words = template.split(' ');
        let name = words.next().unwrap_or_default().as_bytes().to_vec();
        std::iter::once(name).chain(words.map(|word| self.word(word))).collect()
    }

    fn word(&mut self, word: &str) -> Vec<u8> {
        let rng = &mut self.rng;
        match word {
            "k" if rng.u8(..) < 10 => format!("h:{}", rng.u8(..10)),
            "k" => format!("k:{}", rng.u8(..100)),
            "l" => format!("l:{}", rng.u8(..12)),
            "z" => format!("z:{}", rng.u8(..12)),
            "h" => format!("h:{}", rng.u8(..10)),
            "x" => format!("x:{}", rng.u8(..6)),
            "S" => format!("S:{}", rng.u8(..6)),
            "w" => rng.u8(..).to_string(),
            "H" => format!("H:{}", rng.u8(..8)),
            "i" => format!("i:{}", rng.u8(..40)),
            "v" => return self.value(),
            "n" => rng.u8(..5).to_string(),
            "f" => format!("{}.25", rng.i8(..)),
            "d" => rng.u8(..4).to_string(),
            "t" => rng.u8(1..).to_string(),
            "T" => (engine::now_ms() + rng.i64(-20..200)).to_string(),
            "s" => rng.u8(1..3).to_string(),
            "o" if rng.u8(..) == 0 => (LARGE + rng.usize(..10)).to_string(),
            "o" => rng.u8(..200).to_string(),
            "p" => return self.payloads[rng.usize(..self.payloads.len())].clone(),
            other => other.to_string(),
        }
        .into_bytes()
    }

    /// None begins with a dash, so that no reply looks like an error.
    fn value(&mut self) -> Vec<u8> {
        let rng = &mut self.rng;
        match rng.u16(..400) {
            0 => vec![rng.u8(..) | 64; LARGE],
            1..20 => vec![rng.u8(..) | 64; rng.usize(..6000)],
            20..250 => rng.u8(..5).to_string().into_bytes(),
            _ => (0..rng.usize(..30)).map(|_| rng.u8(b'a'..b'e')).collect(),
        }
    }
}
