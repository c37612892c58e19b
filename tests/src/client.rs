//! A blocking RESP2/RESP3 client that keeps the exact bytes of every reply.
//!
//! It does not reconnect, pool or retry: tests want to see what the server did. A reply is first framed
//! (`reply_end`), so that byte-for-byte comparison is possible, and only then parsed into a [`Reply`].
//!
//! Bounds: a reply may be as long as memory allows; nesting deeper than [`DEPTH_MAX`] is an error.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Deepest nesting of aggregates that a reply may have.
pub const DEPTH_MAX: usize = 32;

/// Waiting longer than this for a reply is an error (`TimedOut` or `WouldBlock`).
pub const TIMEOUT: Duration = Duration::from_secs(60);

/// One parsed reply; byte strings stay bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// `+OK`
    Simple(Vec<u8>),
    /// `-ERR ...` without the sign (RESP3 `!` too)
    Error(Vec<u8>),
    /// `:1`
    Int(i64),
    /// `$n`
    Bulk(Vec<u8>),
    /// `$-1`, `*-1` and `_`
    Nil,
    /// `*n`
    Array(Vec<Reply>),
    /// `%n`
    Map(Vec<(Reply, Reply)>),
    /// `~n`
    Set(Vec<Reply>),
    /// `>n`
    Push(Vec<Reply>),
    /// `#t`, `#f`
    Bool(bool),
    /// `,1.5`, as text because tests compare text
    Double(Vec<u8>),
    /// `(123`, as text
    Big(Vec<u8>),
    /// `=n`, format included: `txt:...`
    Verbatim(Vec<u8>),
}

impl Reply {
    /// The text of a simple, bulk, double or verbatim reply or of an error; an integer in decimal;
    /// an empty string for everything else.
    pub fn text(&self) -> String {
        match self {
            Reply::Simple(b) | Reply::Error(b) | Reply::Bulk(b) | Reply::Double(b) | Reply::Big(b) => {
                String::from_utf8_lossy(b).into_owned()
            }
            Reply::Verbatim(b) => String::from_utf8_lossy(b.get(4..).unwrap_or_default()).into_owned(),
            Reply::Int(n) => n.to_string(),
            _ => String::new(),
        }
    }

    /// The integer of an integer reply.
    pub fn int(&self) -> Option<i64> {
        match self {
            Reply::Int(n) => Some(*n),
            _ => None,
        }
    }

    /// The bytes of a bulk reply.
    pub fn bulk(&self) -> Option<&[u8]> {
        match self {
            Reply::Bulk(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The elements of an array, set or push; none for everything else.
    pub fn items(&self) -> &[Reply] {
        match self {
            Reply::Array(items) | Reply::Set(items) | Reply::Push(items) => items,
            _ => &[],
        }
    }

    /// True for an error reply.
    pub fn is_error(&self) -> bool {
        matches!(self, Reply::Error(_))
    }
}

/// One connection.
pub struct Client {
    stream: TcpStream,
    received: Vec<u8>,
    start: usize,
}

impl Client {
    /// Connects with [`TIMEOUT`] for every read and write, and without Nagle's delay.
    pub fn connect(addr: SocketAddr) -> io::Result<Client> {
        let stream = TcpStream::connect(addr)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        Ok(Client { stream, received: Vec::new(), start: 0 })
    }

    /// Changes how long a read waits.
    pub fn set_timeout(&mut self, timeout: Duration) -> io::Result<()> {
        self.stream.set_read_timeout(Some(timeout))
    }

    /// The socket, for tests that shut down one side or read the local address.
    pub fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Sends one command and waits for its reply.
    pub fn call<A: AsRef<[u8]>>(&mut self, args: &[A]) -> io::Result<Reply> {
        self.send(args)?;
        self.read()
    }

    /// Sends a command given as words separated by spaces. Panics with the command on an I/O error, which is
    /// what a test wants.
    pub fn run(&mut self, words: &str) -> Reply {
        let args: Vec<&str> = words.split(' ').filter(|word| !word.is_empty()).collect();
        self.call(&args).unwrap_or_else(|error| panic!("{words}: {error}"))
    }

    /// Sends one command without waiting.
    pub fn send<A: AsRef<[u8]>>(&mut self, args: &[A]) -> io::Result<()> {
        let mut out = Vec::new();
        encode(&mut out, args);
        self.send_raw(&out)
    }

    /// Sends bytes as they are.
    pub fn send_raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Reads and parses the next reply.
    pub fn read(&mut self) -> io::Result<Reply> {
        let raw = self.read_raw()?;
        parse(&raw)
    }

    /// The exact bytes of the next reply.
    pub fn read_raw(&mut self) -> io::Result<Vec<u8>> {
        loop {
            if let Some(len) = reply_end(&self.received[self.start..])? {
                let raw = self.received[self.start..self.start + len].to_vec();
                self.start += len;
                if self.start == self.received.len() {
                    self.received.clear();
                    self.start = 0;
                }
                return Ok(raw);
            }
            self.fill()?;
        }
    }

    /// Whether no byte and no end of stream arrives within `wait`: the server is silent and still there.
    pub fn is_silent(&mut self, wait: Duration) -> io::Result<bool> {
        if self.start < self.received.len() {
            return Ok(false);
        }
        self.stream.set_read_timeout(Some(wait))?;
        let result = self.fill();
        self.stream.set_read_timeout(Some(TIMEOUT))?;
        match result {
            Ok(()) => Ok(false),
            Err(error) if is_timeout(&error) => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// Reads everything until the server closes. A reset counts as the end.
    pub fn read_to_end(&mut self) -> io::Result<Vec<u8>> {
        let mut all = self.received.split_off(self.start);
        self.received.clear();
        self.start = 0;
        match self.stream.read_to_end(&mut all) {
            Ok(_) => Ok(all),
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => Ok(all),
            Err(error) => Err(error),
        }
    }

    /// Sends all commands in one write, then reads one reply for each.
    pub fn pipeline<A: AsRef<[u8]>>(&mut self, commands: &[Vec<A>]) -> io::Result<Vec<Reply>> {
        let mut out = Vec::new();
        for command in commands {
            encode(&mut out, command);
        }
        self.send_raw(&out)?;
        commands.iter().map(|_| self.read()).collect()
    }

    fn fill(&mut self) -> io::Result<()> {
        if self.start > 0 {
            self.received.drain(..self.start);
            self.start = 0;
        }
        let old = self.received.len();
        self.received.resize(old + 65536, 0);
        let result = self.stream.read(&mut self.received[old..]);
        self.received.truncate(old + *result.as_ref().unwrap_or(&0));
        match result {
            Ok(0) => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the server closed the connection")),
            Ok(_) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// Whether an error means that nothing came in time.
pub fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

/// Appends a command as a RESP array of bulk strings.
pub fn encode<A: AsRef<[u8]>>(out: &mut Vec<u8>, args: &[A]) {
    out.extend_from_slice(format!("*{}\r\n", args.len()).as_bytes());
    for arg in args {
        let arg = arg.as_ref();
        out.extend_from_slice(format!("${}\r\n", arg.len()).as_bytes());
        out.extend_from_slice(arg);
        out.extend_from_slice(b"\r\n");
    }
}

/// The length of the first complete reply in `bytes`; none while more bytes are needed.
pub fn reply_end(bytes: &[u8]) -> io::Result<Option<usize>> {
    let mut at = 0;
    let mut open = vec![1u64];
    while let Some(left) = open.last_mut() {
        if *left == 0 {
            open.pop();
            continue;
        }
        let Some(line_len) = line(&bytes[at..]) else { return Ok(None) };
        let head = &bytes[at..at + line_len];
        at += line_len + 2;
        let kind = head.first().copied().ok_or_else(|| bad("empty line instead of a reply"))?;
        // An attribute stands in front of the reply it describes and does not count as one.
        if kind != b'|' {
            *left -= 1;
        }
        match kind {
            b'+' | b'-' | b':' | b'_' | b'#' | b',' | b'(' => {}
            b'$' | b'!' | b'=' => {
                let len = number(&head[1..])?;
                if len >= 0 {
                    at += len as usize + 2;
                    if at > bytes.len() {
                        return Ok(None);
                    }
                }
            }
            b'*' | b'~' | b'>' | b'%' | b'|' => {
                let len = number(&head[1..])?.max(0) as u64;
                open.push(if matches!(kind, b'%' | b'|') { len * 2 } else { len });
                if open.len() > DEPTH_MAX {
                    return Err(bad("reply nested too deeply"));
                }
            }
            other => return Err(bad(&format!("unknown reply type {:?}", char::from(other)))),
        }
    }
    Ok(Some(at))
}

/// Parses one complete reply, as framed by [`reply_end`]. Attributes are dropped.
pub fn parse(bytes: &[u8]) -> io::Result<Reply> {
    let mut at = 0;
    parse_at(bytes, &mut at)
}

fn parse_at(bytes: &[u8], at: &mut usize) -> io::Result<Reply> {
    let rest = bytes.get(*at..).unwrap_or_default();
    let line_len = line(rest).ok_or_else(|| bad("reply cut short"))?;
    let (kind, body) = rest[..line_len].split_first().ok_or_else(|| bad("empty line instead of a reply"))?;
    *at += line_len + 2;
    Ok(match kind {
        b'+' => Reply::Simple(body.to_vec()),
        b'-' => Reply::Error(body.to_vec()),
        b':' => Reply::Int(number(body)?),
        b'_' => Reply::Nil,
        b'#' => Reply::Bool(body == b"t"),
        b',' => Reply::Double(body.to_vec()),
        b'(' => Reply::Big(body.to_vec()),
        b'$' | b'!' | b'=' => {
            let len = number(body)?;
            if len < 0 {
                return Ok(Reply::Nil);
            }
            let data = bytes.get(*at..*at + len as usize).ok_or_else(|| bad("reply cut short"))?.to_vec();
            *at += len as usize + 2;
            match kind {
                b'$' => Reply::Bulk(data),
                b'!' => Reply::Error(data),
                _ => Reply::Verbatim(data),
            }
        }
        b'*' | b'~' | b'>' => {
            let len = number(body)?;
            if len < 0 {
                return Ok(Reply::Nil);
            }
            let items = (0..len).map(|_| parse_at(bytes, at)).collect::<io::Result<Vec<_>>>()?;
            match kind {
                b'*' => Reply::Array(items),
                b'~' => Reply::Set(items),
                _ => Reply::Push(items),
            }
        }
        b'%' | b'|' => {
            let len = number(body)?.max(0);
            let pairs = (0..len)
                .map(|_| Ok((parse_at(bytes, at)?, parse_at(bytes, at)?)))
                .collect::<io::Result<Vec<_>>>()?;
            if *kind == b'|' { parse_at(bytes, at)? } else { Reply::Map(pairs) }
        }
        other => return Err(bad(&format!("unknown reply type {:?}", char::from(*other)))),
    })
}

fn line(bytes: &[u8]) -> Option<usize> {
    bytes.windows(2).position(|pair| pair == b"\r\n")
}

fn number(text: &[u8]) -> io::Result<i64> {
    std::str::from_utf8(text)
        .ok()
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| bad(&format!("not a number in a reply: {:?}", String::from_utf8_lossy(text))))
}

fn bad(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_at_every_cut() {
        let reply = b"*3\r\n$3\r\na\r\n\r\n%1\r\n+k\r\n:1\r\n*-1\r\n";
        for cut in 0..reply.len() {
            assert_eq!(reply_end(&reply[..cut]).unwrap(), None, "cut at {cut}");
        }
        let mut followed = reply.to_vec();
        followed.extend_from_slice(b"+next\r\n");
        assert_eq!(reply_end(&followed).unwrap(), Some(reply.len()));
        assert_eq!(
            parse(reply).unwrap(),
            Reply::Array(vec![
                Reply::Bulk(b"a\r\n".to_vec()),
                Reply::Map(vec![(Reply::Simple(b"k".to_vec()), Reply::Int(1))]),
                Reply::Nil,
            ])
        );
    }

    #[test]
    fn refuses_what_is_no_reply() {
        assert!(reply_end(b"hello\r\n").is_err());
        assert!(reply_end(b":x\r\n").unwrap().is_some() && parse(b":x\r\n").is_err());
        assert!(reply_end(&b"*1\r\n".repeat(DEPTH_MAX + 1)).is_err());
    }
}
