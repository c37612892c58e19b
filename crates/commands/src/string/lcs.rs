//! LCS: the longest common subsequence of two strings.
//!
//! The recurrence is the classic one, row by row. For walking back through it one bit for each pair of positions is enough: whether the
//! way leads up or left where the bytes differ. That is a 32nd of the table of lengths which Redis allocates, and which
//! `proto-max-bulk-len` limits here as there: 2^27 pairs and 16 MiB of bits with the default of 512 MiB.
//!
//! The values are copied or frozen first, and computed on after the keys' locks are given back.

use engine::{
    Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec,
};
use value::string::{Shared, StrRef};

use crate::number::integer;

const NOT_STRINGS: Error = Error::fixed("ERR The specified keys must contain string values");
const LEN_AND_IDX: Error = Error::fixed("ERR If you want both the length and indexes, please just use IDX.");
const TOO_LONG: Error = Error::fixed("ERR String too long for LCS");
const TOO_LARGE: Error =
    Error::fixed("ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len");

/// `LCS key1 key2 [LEN] [IDX] [MINMATCHLEN min-match-len] [WITHMATCHLEN]`
pub static LCS: Command = Command {
    name: "lcs",
    arity: -3,
    flags: Flags::READONLY,
    categories: Categories::STRING,
    keys: &[KeySpec::range(1, 1, 1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    docs: Docs {
        summary: "Answers the longest subsequence that two strings have in common.",
        since: "7.0.0",
        group: Group::String,
        complexity: "O(N*M) where N and M are the lengths of the strings.",
        ..Docs::NONE
    },
    arguments: &[
        Argument { name: "key1", ..Argument::key() },
        Argument { name: "key2", ..Argument::key() },
        Argument::token("len", "LEN").optional(),
        Argument::token("idx", "IDX").optional(),
        Argument::new("min-match-len", ArgumentKind::Integer).after("MINMATCHLEN").optional(),
        Argument::token("withmatchlen", "WITHMATCHLEN").optional(),
    ],
    execute: lcs,
    ..Command::DEFAULT
};

/// What is asked for.
#[derive(Default)]
struct Options {
    len: bool,
    idx: bool,
    with_match_len: bool,
    match_len_min: u64,
}

impl Options {
    fn parse(words: Args<'_>) -> Result<Options, Error> {
        let mut options = Options::default();
        let mut rest = words.iter();
        while let Some(word) = rest.next() {
            let is = |text: &str| word.eq_ignore_ascii_case(text.as_bytes());
            match () {
                () if is("IDX") => options.idx = true,
                () if is("LEN") => options.len = true,
                () if is("WITHMATCHLEN") => options.with_match_len = true,
                () if is("MINMATCHLEN") => {
                    let min = integer(rest.next().ok_or(Error::SYNTAX)?)?;
                    options.match_len_min = min.max(0) as u64;
                }
                () => return Err(Error::SYNTAX),
            }
        }
        if options.len && options.idx { Err(LEN_AND_IDX) } else { Ok(options) }
    }
}

fn lcs(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let mut read = |key| {
        let value = ctx.data.read_string(key).map_err(|_| NOT_STRINGS)?;
        Ok::<Shared, Error>(value.map_or_else(Shared::new, StrRef::to_shared))
    };
    let (a, b) = (read(args[1]), read(args[2]));
    let (a, b) = (a?, b?);
    let options = Options::parse(&args[3..])?;
    let too_long = u64::from(u32::MAX) - 1;
    if a.len() >= too_long || b.len() >= too_long {
        return Err(TOO_LONG);
    }
    // Four bytes for each pair, the empty prefixes among them: what Redis counts. No overflow: (2^32)^2 * 4 fits 128 bits.
    if u128::from(a.len() + 1) * u128::from(b.len() + 1) * 4 > u128::from(ctx.config.clients.bulk_bytes_max) {
        return Err(TOO_LARGE);
    }
    ctx.data.release();
    let (a, b) = (a.to_vec(), b.to_vec());
    if options.len {
        let len = Table::new(&a, &b, false).len;
        ctx.reply.integer(i64::from(len));
    } else if options.idx {
        let table = Table::new(&a, &b, true);
        reply_matches(ctx, &table, &options);
    } else {
        let table = Table::new(&a, &b, true);
        let mut common = Vec::with_capacity(table.len as usize);
        table.walk_back(|run| common.extend(a[run.a..run.a + run.len].iter().rev()));
        common.reverse();
        ctx.reply.bulk(&common);
    }
    Ok(())
}

fn reply_matches(ctx: &mut Ctx<'_>, table: &Table<'_>, options: &Options) {
    let mut runs = Vec::new();
    table.walk_back(|run| {
        if run.len as u64 >= options.match_len_min {
            runs.push(run);
        }
    });
    let mut reply = ctx.reply.write();
    reply.map(2);
    reply.bulk(b"matches");
    reply.array(runs.len());
    for run in runs {
        reply.array(if options.with_match_len { 3 } else { 2 });
        for start in [run.a, run.b] {
            reply.array(2);
            reply.integer(start as i64);
            reply.integer((start + run.len - 1) as i64);
        }
        if options.with_match_len {
            reply.integer(run.len as i64);
        }
    }
    reply.bulk(b"len");
    reply.integer(i64::from(table.len));
}

/// Bytes that both strings have in a row, by where they begin.
struct Run {
    a: usize,
    b: usize,
    len: usize,
}

/// The recurrence, solved.
struct Table<'a> {
    a: &'a [u8],
    b: &'a [u8],
    /// Length of the longest common subsequence.
    len: u32,
    /// For each position of `a` and each of `b`: whether leaving out the byte of `a` is better than leaving out that of `b`. Empty
    /// if only the length was wanted.
    ups: Vec<u64>,
}

impl<'a> Table<'a> {
    fn new(a: &'a [u8], b: &'a [u8], with_way: bool) -> Table<'a> {
        let words = b.len().div_ceil(64);
        let mut ups = vec![0u64; if with_way { words * a.len() } else { 0 }];
        // row[j]: length for the bytes of `a` so far and the first j + 1 of `b`.
        let mut row = vec![0u32; b.len()];
        for (i, &byte) in a.iter().enumerate() {
            let (mut diagonal, mut left) = (0, 0);
            for (word, (row, b)) in row.chunks_mut(64).zip(b.chunks(64)).enumerate() {
                let mut bits = 0;
                for (j, (here, &other)) in row.iter_mut().zip(b).enumerate() {
                    let up = *here;
                    let equal = byte == other;
                    bits |= u64::from(up > left) << j;
                    left = if equal { diagonal + 1 } else { up.max(left) };
                    *here = left;
                    diagonal = up;
                }
                if with_way {
                    ups[i * words + word] = bits;
                }
            }
        }
        Table { a, b, len: row.last().copied().unwrap_or(0), ups }
    }

    /// Shows the runs of one longest common subsequence from the last to the first.
    fn walk_back(&self, mut each: impl FnMut(Run)) {
        let words = self.b.len().div_ceil(64);
        let (mut i, mut j) = (self.a.len(), self.b.len());
        let mut len = 0;
        while i > 0 && j > 0 {
            if self.a[i - 1] == self.b[j - 1] {
                (i, j, len) = (i - 1, j - 1, len + 1);
                continue;
            }
            if len > 0 {
                each(Run { a: i, b: j, len });
                len = 0;
            }
            if self.ups[(i - 1) * words + (j - 1) / 64] >> ((j - 1) % 64) & 1 == 1 {
                i -= 1;
            } else {
                j -= 1;
            }
        }
        if len > 0 {
            each(Run { a: i, b: j, len });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Server, check};

    #[test]
    fn options() {
        check(&[
            ("MSET a ohmytext b mynewtext", "+OK"),
            ("LCS a b", "$6 mytext"),
            ("LCS a b LEN", ":6"),
            ("LCS a b IDX", "*4 $7 matches *2 *2 *2 :4 :7 *2 :5 :8 *2 *2 :2 :3 *2 :0 :1 $3 len :6"),
            ("LCS a b IDX MINMATCHLEN 4", "*4 $7 matches *1 *2 *2 :4 :7 *2 :5 :8 $3 len :6"),
            ("LCS a b IDX MINMATCHLEN 4 WITHMATCHLEN", "*4 $7 matches *1 *3 *2 :4 :7 *2 :5 :8 :4 $3 len :6"),
            ("LCS a b MINMATCHLEN 4 WITHMATCHLEN", "$6 mytext"),
            ("LCS a nothing", "$0 "),
            ("LCS a nothing IDX", "*4 $7 matches *0 $3 len :0"),
            ("LCS a nothing LEN", ":0"),
            (
                "LCS a b IDX MINMATCHLEN -4",
                "*4 $7 matches *2 *2 *2 :4 :7 *2 :5 :8 *2 *2 :2 :3 *2 :0 :1 $3 len :6",
            ),
            ("LCS a b IDX LEN", "-ERR If you want both the length and indexes, please just use IDX."),
            ("LCS a b MINMATCHLEN", "-ERR syntax error"),
            ("LCS a b MINMATCHLEN x", "-ERR value is not an integer or out of range"),
            ("LCS a b BOGUS", "-ERR syntax error"),
            ("LCS a", "-ERR wrong number of arguments for 'lcs' command"),
        ]);
    }

    #[test]
    fn memory_is_bounded_as_in_redis() {
        // (n + 1)^2 * 4 is 512 MiB for n = 11584.2.
        let (fits, does_not) = (b"x".repeat(11584), b"x".repeat(11585));
        let server = Server::start();
        let mut client = server.connect();
        for (key, value) in [("a", &fits), ("b", &does_not)] {
            client.send_args(&[b"SET", key.as_bytes(), value]);
            assert_eq!(client.reply(), "+OK");
        }
        client.send("LCS a a LEN");
        assert_eq!(client.reply(), ":11584");
        client.send("LCS b b LEN");
        assert_eq!(
            client.reply(),
            "-ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len"
        );
    }

    #[test]
    fn agrees_with_the_plain_table() {
        let seed = fastrand::u64(..);
        println!("seed {seed}");
        let mut rng = fastrand::Rng::with_seed(seed);
        for _ in 0..200 {
            let mut text = |len: usize| (0..rng.usize(..len)).map(|_| rng.u8(b'a'..b'e')).collect::<Vec<_>>();
            let (a, b) = (text(200), text(140));
            let mut plain = vec![vec![0u32; b.len() + 1]; a.len() + 1];
            for i in 1..=a.len() {
                for j in 1..=b.len() {
                    plain[i][j] = if a[i - 1] == b[j - 1] {
                        plain[i - 1][j - 1] + 1
                    } else {
                        plain[i - 1][j].max(plain[i][j - 1])
                    };
                }
            }
            let table = Table::new(&a, &b, true);
            assert_eq!(table.len, plain[a.len()][b.len()]);
            assert_eq!(Table::new(&a, &b, false).len, table.len);
            let (mut total, mut ends) = (0, (a.len(), b.len()));
            table.walk_back(|run| {
                assert_eq!(a[run.a..run.a + run.len], b[run.b..run.b + run.len]);
                assert!(run.a + run.len <= ends.0 && run.b + run.len <= ends.1);
                ends = (run.a, run.b);
                total += run.len;
            });
            assert_eq!(total, table.len as usize);
        }
    }
}
