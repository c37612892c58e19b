//! A service that answers each input with one PONG per CRLF-terminated line pair, to measure what the reactor
//! alone costs.
//!
//! `echo [epoll|uring] [port] [gather-us]`: understands just enough to serve `redis-benchmark -t ping_mbulk`
//! and `valkey-benchmark`: every `PING` in the input is answered with `+PONG`. CPU time is printed at the end
//! (a client that sends `QUIT` stops it).

use std::time::Duration;

use net::{
    CloseReason, Config, ConnId, Conns, Handle, Peer, Reactor, ReactorKind, Ready, Service, TcpOptions,
    bind_tcp,
};

struct Ping {
    handle: Handle,
    requests: u64,
    turns: u64,
    iterations: u64,
}

impl Service for Ping {
    type Session = ();

    fn open(&mut self, _: ConnId, _: &Peer) -> Result<(), Vec<u8>> {
        Ok(())
    }

    fn turn(&mut self, ready: &mut [Ready<'_, ()>], _: &mut Conns<()>) {
        self.turns += 1;
        for Ready { conn, input, .. } in ready {
            // Whole requests only: a benchmark's client sends them so. `*1\r\n$4\r\nPING\r\n` is 14 bytes.
            let pings = if input.starts_with(b"*1\r\n$4\r\nPING") || input.starts_with(b"*1\r\n$4\r\nping") {
                input.len() / 14
            } else {
                1
            };
            self.requests += pings as u64;
            for _ in 0..pings {
                conn.out.buf().extend_from_slice(b"+PONG\r\n");
            }
            if input.windows(4).next_back().is_some_and(|_| input.starts_with(b"QUIT")) {
                self.handle.stop();
            }
        }
    }

    fn woken(&mut self, _: &mut Conns<()>) {}

    fn after(&mut self, _: &mut Conns<()>) -> Option<Duration> {
        self.iterations += 1;
        Some(Duration::from_millis(100))
    }

    fn closed(&mut self, _: ConnId, _: (), _: CloseReason) {}
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let kind = match args.next().as_deref() {
        Some("epoll") => ReactorKind::Epoll,
        Some("uring") => ReactorKind::IoUring,
        _ => ReactorKind::Auto,
    };
    let port = args.next().and_then(|port| port.parse().ok()).unwrap_or(7000);
    let mut config = Config { kind, ..Config::default() };
    if let Some(us) = args.next().and_then(|us| us.parse().ok()) {
        config.gather = Duration::from_micros(us);
    }
    let mut reactor = Reactor::new(config)?;
    reactor.listen(bind_tcp(&["127.0.0.1"], port, TcpOptions::default())?.listeners);
    println!("{:?} on port {port}", reactor.kind());
    let service = Ping { handle: reactor.handle(), requests: 0, turns: 0, iterations: 0 };
    let service = reactor.run(service)?;
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: getrusage fills the structure that it is given; zeroes are a valid value of it.
    let usage = unsafe {
        libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr());
        usage.assume_init()
    };
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    let (user, system) = (seconds(usage.ru_utime), seconds(usage.ru_stime));
    println!(
        "{} requests, {} turns, {} iterations, {user:.3} s user, {system:.3} s system, {:.0} ns per request",
        service.requests,
        service.turns,
        service.iterations,
        (user + system) * 1e9 / service.requests.max(1) as f64
    );
    Ok(())
}
