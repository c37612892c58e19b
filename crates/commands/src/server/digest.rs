//! The digest of DEBUG DIGEST: the same 20 bytes as Redis computes for the same content.
//!
//! ```text
//!  xor(d, x)   d ^= SHA1(x)              mix(d, x)   d = SHA1(d ^ SHA1(x))
//!  value       mix(0, type as 4 bytes), mix(bytes), and xor("!!expire!!") if it has a deadline
//!  all         for each database with keys: mix(its number as 4 bytes), then for each of its keys, in any order:
//!              xor(the digest that starts with mix(0, key) and goes on as the value's)
//! ```
//! Numbers are big-endian. Source: the figures of live servers, which the tests compare with.

use std::fmt;

use keyspace::{Access, EntryView, ValueRef};
use sha1::{Digest as _, Sha1};
use value::number::IntText;
use value::stream::StreamId;

/// SHA1 sums folded together.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Digest([u8; 20]);

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Digest {
    /// Of nothing.
    pub const NONE: Digest = Digest([0; 20]);

    fn fold(&mut self, sum: Sha1) {
        self.0.iter_mut().zip(sum.finalize()).for_each(|(byte, other)| *byte ^= other);
    }

    fn xor(&mut self, bytes: &[u8]) {
        self.fold(Sha1::new_with_prefix(bytes));
    }

    fn mix(&mut self, bytes: &[u8]) {
        self.mix_sum(Sha1::new_with_prefix(bytes));
    }

    fn mix_sum(&mut self, sum: Sha1) {
        self.fold(sum);
        self.0 = Sha1::digest(self.0).into();
    }

    /// One member of what has no order.
    fn add_member(&mut self, parts: [&[u8]; 2]) {
        self.xor(&Digest::of_member(parts).0);
    }

    fn of_member(parts: [&[u8]; 2]) -> Digest {
        let mut member = Digest::NONE;
        parts.iter().for_each(|part| member.mix(part));
        member
    }

    fn add_value(&mut self, entry: EntryView<'_>) {
        // Redis's numbers of types.
        let number = entry.value.value_type() as u32;
        self.mix(&number.to_be_bytes());
        match entry.value {
            ValueRef::String(string) => {
                let mut digits = IntText::new(0);
                let mut sum = Sha1::new();
                string.chunks(&mut digits).for_each(|chunk| sum.update(chunk));
                self.mix_sum(sum);
            }
            ValueRef::List(list) => list.for_each_from(0, u64::MAX, |element| {
                self.mix(element.text(&mut None));
            }),
            ValueRef::Set(set) => set.iter().for_each(|member| {
                self.xor(member.text(&mut None));
            }),
            ValueRef::Zset(zset) => zset.iter_from(0).for_each(|(member, score)| {
                let mut text = Vec::new();
                value::number::append_f64_fixed17(&mut text, score);
                self.add_member([member.text(&mut None), &text]);
            }),
            ValueRef::Hash(hash) => hash.iter().for_each(|field| {
                let mut member =
                    Digest::of_member([field.field.text(&mut None), field.value.text(&mut None)]);
                if field.deadline != value::member_leaf::NO_DEADLINE {
                    member.xor(b"!!hexpire!!");
                }
                self.xor(&member.0);
            }),
            // Groups are not in it, as in Redis.
            ValueRef::Stream(stream) => {
                for entry in stream.log().range(StreamId::MIN, StreamId::MAX) {
                    self.mix(format!("{}.{}", entry.id.ms, entry.id.seq).as_bytes());
                    for (field, value) in entry.fields {
                        self.mix(field.text(&mut None));
                        self.mix(value.text(&mut None));
                    }
                }
            }
        }
        if entry.deadline_ms.is_some() {
            self.xor(b"!!expire!!");
        }
    }
}

/// Of one value (DEBUG DIGEST-VALUE).
pub fn of_value(entry: EntryView<'_>) -> Digest {
    let mut digest = Digest::NONE;
    digest.add_value(entry);
    digest
}

/// Of everything that is held.
pub fn of_all(access: &Access<'_>) -> Digest {
    let mut all = Digest::NONE;
    let keyspace = access.keyspace();
    for database in 0..keyspace.databases() {
        if access.len(database) == 0 {
            continue;
        }
        all.mix(&database.to_be_bytes());
        for stripe in 0..keyspace.stripes() {
            access.walk(database, stripe, 0, usize::MAX, |entry| {
                let mut digest = Digest::NONE;
                digest.mix(entry.key);
                digest.add_value(entry);
                all.xor(&digest.0);
            });
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Write};
    use std::net::{TcpListener, TcpStream};
    use std::process::{Child, Command, Stdio};
    use std::time::Duration;

    use crate::testing::{Server, check};

    #[test]
    fn as_redis_answered_once() {
        check(&[
            ("DEBUG DIGEST", "+0000000000000000000000000000000000000000"),
            ("SET a 5", "+OK"),
            ("SET b hello", "+OK"),
            (
                "DEBUG DIGEST-VALUE a b none",
                "*3 +f8c2498ca74cdde7d02de23246736a661485b50e +36b23a1456b2dce2c3ed252c456761301dba8060 +0000000000000000000000000000000000000000",
            ),
            // Redis 8.0.
            ("HSET h f 1 g 2", ":2"),
            ("DEBUG DIGEST-VALUE h", "*1 +d9779aa9c616692decaba51e4c41766464124c52"),
            ("HEXPIREAT h 4000000000 FIELDS 1 f", "*1 :1"),
            ("DEBUG DIGEST-VALUE h", "*1 +a9ecb69ff4c9af34f8d8cccaf033aec520c364cd"),
        ]);
    }

    /// A redis-server of our own, stopped when dropped.
    struct Reference {
        child: Child,
        socket: BufReader<TcpStream>,
    }

    impl Drop for Reference {
        fn drop(&mut self) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }

    impl Reference {
        fn start() -> Option<Reference> {
            let port = TcpListener::bind("127.0.0.1:0").ok()?.local_addr().ok()?.port();
            let port_text = port.to_string();
            let options =
                ["--port", &port_text, "--bind", "127.0.0.1", "--save", "", "--enable-debug-command", "yes"];
            let mut child = Command::new("redis-server").args(options).stdout(Stdio::null()).spawn().ok()?;
            for _ in 0..100 {
                if let Ok(socket) = TcpStream::connect(("127.0.0.1", port)) {
                    return Some(Reference { child, socket: BufReader::new(socket) });
                }
                std::thread::sleep(Duration::from_millis(50));
            }
            let _ = child.kill();
            panic!("redis-server did not start to listen");
        }

        /// Sends a request that is answered in one line.
        fn ask(&mut self, args: &[&[u8]]) -> String {
            let mut request = Vec::new();
            let mut writer = resp::Writer { out: &mut request, protocol: resp::Protocol::Resp2 };
            writer.array(args.len());
            args.iter().for_each(|arg| writer.bulk(arg));
            self.socket.get_mut().write_all(&request).expect("the reference reads");
            let mut line = String::new();
            self.socket.read_line(&mut line).expect("the reference answers");
            line.trim_end().to_string()
        }
    }

    #[test]
    fn as_a_live_server_answers() {
        let Some(mut reference) = Reference::start() else {
            println!("skipped: there is no redis-server");
            return;
        };
        let server = Server::start();
        let mut client = server.connect();
        let mut rng = fastrand::Rng::with_seed(7);
        for number in 0..300 {
            let key = format!("key:{number}");
            let len = [0, 1, 20, 44, 45, 3000, 5000, 70_000][number % 8];
            let value: Vec<u8> = match number % 5 {
                0 => rng.i64(..).to_string().into_bytes(),
                _ => (0..len).map(|_| rng.u8(..)).collect(),
            };
            let mut requests: Vec<Vec<&[u8]>> = vec![vec![b"SET", key.as_bytes(), &value]];
            if number % 3 == 0 {
                requests.push(vec![b"PEXPIREAT", key.as_bytes(), b"99999999999999"]);
            }
            let database = (number % 4).to_string();
            if number % 4 != 0 {
                requests.push(vec![b"MOVE", key.as_bytes(), database.as_bytes()]);
            }
            for request in requests {
                client.send_args(&request);
                assert_eq!(client.reply(), reference.ask(&request));
            }
            if number % 50 == 0 || number == 299 {
                client.send("DEBUG DIGEST");
                let digest = client.reply();
                assert_eq!(digest, reference.ask(&[b"DEBUG", b"DIGEST"]));
                assert_eq!(digest.len(), 41);
            }
        }
    }
}
