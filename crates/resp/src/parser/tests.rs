//! The parser, whole and byte by byte.

use super::*;

const OPEN: Limits = Limits { bulk_bytes_max: 512 << 20, authenticated: true };

/// Parses `bytes` as they stand and a byte at a time; both must agree, and [`parse_whole`] with them. Returns the requests, or the error.
fn requests(bytes: &[u8], limits: Limits) -> Result<Vec<Vec<Vec<u8>>>, ProtocolError> {
    let mut whole = Vec::new();
    let mut parser = Parser::default();
    let mut rest = bytes;
    let mut outcome = Ok(());
    loop {
        match parser.parse(rest, limits) {
            Ok(Some((request, len))) => {
                let mut args = vec![&b"from before"[..]];
                let at_once = parse_whole(rest, limits, &mut args);
                whole.push(words(&parser, request, rest));
                if let Some(at_once) = at_once {
                    assert_eq!(at_once, len);
                    assert_eq!(args[1..], whole[whole.len() - 1]);
                }
                assert_eq!((at_once.is_some(), args[0]), (args.len() > 1, &b"from before"[..]));
                rest = &rest[len..];
                parser.reset();
            }
            Ok(None) => break,
            Err(error) => {
                outcome = Err(error);
                break;
            }
        }
    }
    assert_eq!(parse_whole(rest, limits, &mut Vec::new()), None);
    let mut bytewise = Vec::new();
    let mut parser = Parser::default();
    let (mut from, mut slow) = (0, Ok(()));
    'all: for to in 1..=bytes.len() {
        loop {
            match parser.parse(&bytes[from..to], limits) {
                Ok(Some((request, len))) => {
                    bytewise.push(words(&parser, request, &bytes[from..to]));
                    from += len;
                    parser.reset();
                }
                Ok(None) => break,
                Err(error) => {
                    slow = Err(error);
                    break 'all;
                }
            }
            if from == to {
                break;
            }
        }
    }
    assert_eq!((&whole, &outcome), (&bytewise, &slow));
    outcome.map(|()| whole)
}

fn words(parser: &Parser, request: Request, bytes: &[u8]) -> Vec<Vec<u8>> {
    match request {
        Request::Slices => parser.args().iter().map(|r| bytes[r.clone()].to_vec()).collect(),
        Request::Words(words) => words,
        Request::Empty => Vec::new(),
    }
}

fn check(bytes: &[u8], expected: &[&[&str]]) {
    let got = requests(bytes, OPEN).unwrap();
    let expected: Vec<Vec<Vec<u8>>> =
        expected.iter().map(|r| r.iter().map(|w| w.as_bytes().to_vec()).collect()).collect();
    assert_eq!(got, expected);
}

#[test]
fn requests_of_every_shape() {
    check(b"*1\r\n$4\r\nPING\r\n", &[&["PING"]]);
    check(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$12\r\nhello\r\nworld\r\n", &[&["SET", "k", "hello\r\nworld"]]);
    check(
        b"*2\r\n$3\r\nGET\r\n$0\r\n\r\nPING\r\n\r\n*0\r\n*-1\r\nget 'a b'\n",
        &[&["GET", ""], &["PING"], &[], &[], &[], &["get", "a b"]],
    );
    check(b"*1\r\n$4\r\nPI", &[]);
}

#[test]
fn what_is_there_from_end_to_end_is_taken_at_once() {
    let long = [b"*2\r\n$3\r\nGET\r\n$100\r\n".as_slice(), &[b'x'; 100], b"\r\n"].concat();
    for bytes in
        [&b"*1\r\n$4\r\nPING\r\n"[..], b"*3\r\n$3\r\nSET\r\n$0\r\n\r\n$12\r\nhello\r\nworld\r\n", &*long]
    {
        let mut args = Vec::new();
        assert_eq!(parse_whole(bytes, OPEN, &mut args), Some(bytes.len()));
        assert_eq!(
            vec![args.iter().map(|arg| arg.to_vec()).collect::<Vec<_>>()],
            requests(bytes, OPEN).unwrap()
        );
        let mut parser = Parser::default();
        assert!(parser.is_fresh());
        for cut in 0..bytes.len() {
            assert_eq!(parse_whole(&bytes[..cut], OPEN, &mut Vec::new()), None, "{cut}");
            assert_eq!(parser.parse(&bytes[..cut], OPEN), Ok(None));
            assert_eq!(parser.is_fresh(), cut == 0);
        }
    }
}

#[test]
fn errors_are_redis_texts() {
    let fails = |bytes: &[u8], text: &str| {
        let error = requests(bytes, OPEN).unwrap_err();
        assert_eq!(String::from_utf8(error.text()).unwrap(), format!("Protocol error: {text}"));
    };
    fails(b"*x\r\n", "invalid multibulk length");
    fails(b"*3000000000\r\n", "invalid multibulk length");
    fails(b"*01\r\n", "invalid multibulk length");
    fails(b"*1\r\nPING\r\n", "expected '$', got 'P'");
    fails(b"*1\r\n$-1\r\n", "invalid bulk length");
    fails(b"*1\r\n$9999999999\r\n", "invalid bulk length");
    fails(b"GET \"x\r\n", "unbalanced quotes in request");
    fails(&[b'a'; 70_000], "too big inline request");
    let mut line = b"*1\r\n$".to_vec();
    line.extend([b'1'; 70_000]);
    fails(&line, "too big bulk count string");
    let mut line = b"*".to_vec();
    line.extend([b'1'; 70_000]);
    fails(&line, "too big mbulk count string");
}

#[test]
fn strangers_may_send_little() {
    let closed = Limits { authenticated: false, ..OPEN };
    assert_eq!(requests(b"*11\r\n", closed), Err(ProtocolError::UnauthenticatedMultibulkLength));
    assert_eq!(requests(b"*1\r\n$16385\r\n", closed), Err(ProtocolError::UnauthenticatedBulkLength));
    assert!(requests(b"*10\r\n$16384\r\n", closed).is_ok());
}

#[test]
fn random_bytes_never_panic() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut rng = fastrand::Rng::with_seed(seed);
    let alphabet = b"*$\r\n0123456789-PINGx\"' \x00\xff";
    for _ in 0..20_000 {
        let bytes: Vec<u8> = (0..rng.usize(..60)).map(|_| alphabet[rng.usize(..alphabet.len())]).collect();
        let _ = requests(&bytes, OPEN);
    }
}

#[test]
fn an_announced_length_allocates_nothing() {
    let mut parser = Parser::default();
    assert_eq!(parser.parse(b"*1000000000\r\n$536870912\r\n", OPEN), Ok(None));
    assert!(parser.memory_bytes() < 1000);
    assert_eq!(parser.wanted(), 25 + 536870912 + 2);
}
