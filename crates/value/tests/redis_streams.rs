//! Streams beside a real server's: after the same requests the nodes are equal to the byte, and so are lengths, counters and lags.
//!
//! `data/streams.txt` was recorded with Valkey 9.1.2: random XADD, XDEL, XTRIM and XREADGROUP requests under several limits of nodes,
//! with what XTRIM and XINFO replied between and the nodes that DUMP showed at the end of each case.

use value::stream::{AppendError, Keep, NodeLimits, Stream, StreamId, Trim};

/// A recorded request or reply: its words.
struct Line<'a> {
    words: std::str::SplitWhitespace<'a>,
}

impl<'a> Line<'a> {
    fn word(&mut self) -> &'a str {
        self.words.next().expect("a word")
    }

    fn number(&mut self) -> u64 {
        self.word().parse().expect("a number")
    }

    fn maybe(&mut self) -> Option<i64> {
        self.word().parse().ok()
    }

    fn id(&mut self) -> StreamId {
        StreamId::new(self.number(), self.number())
    }

    fn bytes(&mut self) -> Vec<u8> {
        let digits = self.word();
        let pairs = (0..digits.len()).step_by(2).map(|at| &digits[at..at + 2]);
        pairs.map(|pair| u8::from_str_radix(pair, 16).expect("hexadecimal digits")).collect()
    }
}

fn add(stream: &mut Stream, line: Line, id: StreamId, limits: NodeLimits) -> Result<(), AppendError> {
    let texts: Vec<_> = line.words.map(str::as_bytes).collect();
    let pairs = texts.chunks(2).map(|pair| (pair[0], pair[1]));
    stream.log_mut().append(id, pairs, limits)
}

#[test]
fn nodes_and_counters_are_those_of_a_real_server() {
    let recorded = include_str!("data/streams.txt");
    let mut stream = Stream::new();
    let mut limits = NodeLimits::default();
    let mut nodes = Vec::new();
    let mut cases = 0;
    for (at, text) in recorded.lines().enumerate() {
        let mut line = Line { words: text.split_whitespace() };
        let lag = |stream: &Stream| stream.group(b"g").and_then(|group| group.lag(stream.log()));
        match line.word() {
            "limits" => {
                limits =
                    NodeLimits { bytes_max: line.number() as usize, entries_max: line.number() as usize };
                stream = Stream::new();
                stream.create_group(b"g", StreamId::MIN, None);
                nodes.clear();
            }
            "add" => {
                let id = line.id();
                assert_eq!(add(&mut stream, line, id, limits), Ok(()), "line {at}");
            }
            "del" => assert!(stream.log_mut().delete(line.id()), "line {at}"),
            "read" => {
                let count = line.number() as usize;
                stream.edit_group(b"g", |log, group| {
                    let next = group.last_id.next().expect("not the highest");
                    log.range(next, StreamId::MAX).take(count).for_each(|entry| group.advance(log, entry.id));
                });
                assert_eq!(lag(&stream), line.maybe(), "line {at}");
                let read = stream.group(b"g").and_then(|group| group.entries_read);
                assert_eq!(read.map(|read| read as i64), line.maybe(), "line {at}");
            }
            "lag" => assert_eq!(lag(&stream), line.maybe(), "line {at}"),
            by @ ("maxlen" | "minid") => {
                let is_approximate = line.word() == "~";
                let keep = if by == "maxlen" { Keep::Length(line.number()) } else { Keep::From(line.id()) };
                let trim = Trim { keep, is_approximate, limit: line.number() };
                assert_eq!(stream.log_mut().trim(trim).removed, line.number(), "line {at}");
            }
            "info" => {
                let (log, info) = (stream.log(), stream.log().info());
                assert_eq!(log.len(), line.number(), "line {at}");
                assert_eq!((info.last_id, info.max_deleted_id), (line.id(), line.id()), "line {at}");
                assert_eq!((info.entries_added, info.first_id), (line.number(), line.id()), "line {at}");
            }
            "node" => nodes.push((line.bytes(), line.bytes())),
            "end" => {
                cases += 1;
                let ours = stream.log().nodes().map(|node| (node.master_id().to_bytes(), node.listpack()));
                let ours: Vec<_> = ours.map(|(id, node)| (id.to_vec(), node)).collect();
                assert_eq!(ours, nodes, "case that ends in line {at}");
            }
            other => panic!("line {at}: {other}"),
        }
    }
    assert_eq!(cases, 60);
}
