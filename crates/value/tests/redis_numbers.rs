//! Number grammar and printing compared with a running redis-server, byte for byte.
//!
//! Needs `redis-server` (7.0, which prints doubles with `%.17g`) on PATH; without it each test says that it was
//! skipped. Random inputs come from a seed that is printed and can be set as FUZZ_SEED.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use value::number::{LongDouble, append_f64_fixed17, parse_f64};

/// A redis-server of its own, stopped on drop.
struct Server {
    process: Child,
    stream: BufReader<TcpStream>,
    folder: std::path::PathBuf,
}

impl Server {
    /// `None`, with a line saying so, where there is no redis-server.
    fn start() -> Option<Self> {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let folder = std::env::temp_dir().join(format!("value-numbers-{}-{port}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let process = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--dir"])
            .arg(&folder)
            .stdout(Stdio::null())
            .spawn();
        let Ok(process) = process else {
            println!("SKIPPED: no redis-server on PATH");
            return None;
        };
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            match TcpStream::connect(("127.0.0.1", port)) {
                Ok(stream) => return Some(Self { process, stream: BufReader::new(stream), folder }),
                Err(error) => assert!(Instant::now() < deadline, "redis-server does not listen: {error}"),
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Sends all commands at once and returns their replies, errors as text.
    fn ask(&mut self, commands: &[Vec<Vec<u8>>]) -> Vec<String> {
        let mut request = Vec::new();
        for command in commands {
            request.extend(format!("*{}\r\n", command.len()).into_bytes());
            for argument in command {
                request.extend(format!("${}\r\n", argument.len()).into_bytes());
                request.extend(argument);
                request.extend(b"\r\n");
            }
        }
        self.stream.get_mut().write_all(&request).unwrap();
        commands.iter().map(|_| self.reply()).collect()
    }

    fn reply(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).unwrap();
        let line = line.trim_end();
        match line.as_bytes()[0] {
            b'$' if line != "$-1" => {
                let mut body = vec![0; line[1..].parse::<usize>().unwrap() + 2];
                self.stream.read_exact(&mut body).unwrap();
                body.truncate(body.len() - 2);
                String::from_utf8(body).unwrap()
            }
            _ => line.to_string(),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn command(words: &[&str]) -> Vec<Vec<u8>> {
    words.iter().map(|word| word.as_bytes().to_vec()).collect()
}

fn seed() -> u64 {
    let seed = std::env::var("FUZZ_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| fastrand::u64(..));
    println!("seed {seed}");
    seed
}

/// A number's text of some shape: integers, decimals, exponents, hexadecimal, extremes and near misses.
fn text(rng: &mut fastrand::Rng) -> String {
    let sign = ["", "-", "+"][rng.usize(0..3)];
    let digits = |rng: &mut fastrand::Rng, most: usize| -> String {
        (0..rng.usize(1..=most)).map(|_| rng.digit(10)).collect()
    };
    let body = match rng.u8(0..12) {
        0 => (rng.u64(..) >> rng.u32(0..64)).to_string(),
        1..=3 => format!("{}.{}", digits(rng, 6), digits(rng, 4)),
        4 => format!("{}.{}", digits(rng, 25), digits(rng, 40)),
        5 => format!("{}.{}e{}", digits(rng, 3), digits(rng, 20), rng.i32(-30..30)),
        6 => format!("{}e{}", digits(rng, 25), rng.i32(-5000..5000)),
        7 => format!("0x{:x}.{:x}p{}", rng.u64(..), rng.u64(..), rng.i32(-80..80)),
        8 => format!("0X{:X}p{}", rng.u64(..) >> rng.u32(0..64), rng.i32(-17000..17000)),
        9 => format!("0.{}{}", "0".repeat(rng.usize(0..25)), digits(rng, 30)),
        10 => format!("{}{}", digits(rng, 3), "0".repeat(rng.usize(0..40))),
        _ => {
            let pick = ["inf", "nan", "", ".", "1e", "0x", "1e+", "infinity", "1 ", "e1", "0x1p", "-1"];
            pick[rng.usize(0..pick.len())].to_string()
        }
    };
    format!("{sign}{body}")
}

#[test]
fn incrbyfloat_matches() {
    let Some(mut server) = Server::start() else { return };
    let mut rng = fastrand::Rng::with_seed(seed());
    for batch in 0..40 {
        let pairs: Vec<_> = (0..500)
            .map(|_| {
                let base = text(&mut rng);
                // Near cancellation needs the same magnitude with the other sign.
                let step = match rng.u8(0..4) {
                    0 => format!("-{}", base.trim_start_matches(['-', '+'])),
                    1 => format!("-{}1", base.trim_start_matches(['-', '+'])),
                    _ => text(&mut rng),
                };
                (base, step)
            })
            .collect();
        let commands: Vec<_> = pairs
            .iter()
            .flat_map(|(base, step)| [command(&["SET", "k", base]), command(&["INCRBYFLOAT", "k", step])])
            .collect();
        let replies = server.ask(&commands);
        for (pair, reply) in pairs.iter().zip(replies.chunks(2)) {
            let (base, step) = (LongDouble::parse(pair.0.as_bytes()), LongDouble::parse(pair.1.as_bytes()));
            let ours = match (base, step) {
                (Some(base), Some(step)) => match base.checked_add(step) {
                    Some(sum) => String::from_utf8(sum.to_human()).unwrap(),
                    None => "-ERR increment would produce NaN or Infinity".to_string(),
                },
                _ => "-ERR value is not a valid float".to_string(),
            };
            assert_eq!(ours, reply[1], "batch {batch}: {pair:?}");
        }
    }
}

#[test]
fn scores_match() {
    let Some(mut server) = Server::start() else { return };
    let mut rng = fastrand::Rng::with_seed(seed());
    for batch in 0..40 {
        let texts: Vec<_> = (0..500)
            .map(|_| match rng.u8(0..4) {
                0 => format!("{:e}", f64::from_bits(rng.u64(..))),
                1 => format!("{}", rng.i32(..) as f64 / f64::from(1 << rng.u32(0..30))),
                2 => format!("0x{:x}.{:x}p{}", rng.u64(..), rng.u64(..), rng.i32(-1200..1200)),
                _ => text(&mut rng),
            })
            .collect();
        let commands: Vec<_> = texts
            .iter()
            .flat_map(|text| [command(&["ZADD", "k", text, "m"]), command(&["ZSCORE", "k", "m"])])
            .collect();
        let replies = server.ask(&commands);
        for (text, reply) in texts.iter().zip(replies.chunks(2)) {
            match parse_f64(text.as_bytes()) {
                None => assert_eq!(reply[0], "-ERR value is not a valid float", "batch {batch}: {text}"),
                Some(value) => {
                    let mut ours = Vec::new();
                    // Redis keeps small scores as integers, which loses the sign of zero; that is no matter of
                    // printing.
                    append_f64_fixed17(&mut ours, if value == 0.0 { 0.0 } else { value });
                    assert_eq!(String::from_utf8(ours).unwrap(), reply[1], "batch {batch}: {text}");
                }
            }
        }
    }
}
