//! LPOS: where in a list an element is.

use engine::{
    Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec,
};
use value::list::{End, ListRef};
use value::number::parse_i64;
use value::packed::Element;

use crate::number::signed_count;

/// `LPOS key element [RANK rank] [COUNT num-matches] [MAXLEN len]`
pub static LPOS: Command = Command {
    name: "lpos",
    arity: -3,
    flags: Flags::READONLY,
    categories: Categories::LIST,
    keys: &[KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    docs: Docs {
        summary: "Answers the indexes of elements of a list that are equal to one.",
        since: "6.0.6",
        group: Group::List,
        complexity: "O(N), N being the elements that are looked at",
        ..Docs::NONE
    },
    arguments: &[
        Argument::key(),
        Argument::new("element", ArgumentKind::String),
        Argument::new("rank", ArgumentKind::Integer).after("RANK").optional(),
        Argument::new("num-matches", ArgumentKind::Integer).after("COUNT").optional(),
        Argument::new("len", ArgumentKind::Integer).after("MAXLEN").optional(),
    ],
    execute: lpos,
    ..Command::DEFAULT
};

const RANK_ZERO: Error = Error::fixed(
    "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the end of the list",
);
const COUNT_NEGATIVE: Error = Error::fixed("ERR COUNT can't be negative");
const LEN_NEGATIVE: Error = Error::fixed("ERR MAXLEN can't be negative");

/// What is asked for.
struct Search {
    from: End,
    /// Matches that are passed over.
    skipped: u64,
    /// Matches wanted at most (0: all); `None` asks for one, not in an array.
    count: Option<u64>,
    /// Elements that are looked at; 0: all.
    len_max: u64,
}

impl Search {
    fn parse(options: Args<'_>) -> Result<Search, Error> {
        let mut search = Search { from: End::Head, skipped: 0, count: None, len_max: 0 };
        for option in options.chunks(2) {
            let [word, arg] = option else { return Err(Error::SYNTAX) };
            let natural = |error| parse_i64(arg).and_then(|n| u64::try_from(n).ok()).ok_or(error);
            if word.eq_ignore_ascii_case(b"RANK") {
                let rank = signed_count(arg)?;
                (search.from, search.skipped) = match rank {
                    0 => return Err(RANK_ZERO),
                    1.. => (End::Head, rank as u64 - 1),
                    _ => (End::Tail, rank.unsigned_abs() - 1),
                };
            } else if word.eq_ignore_ascii_case(b"COUNT") {
                search.count = Some(natural(COUNT_NEGATIVE)?);
            } else if word.eq_ignore_ascii_case(b"MAXLEN") {
                search.len_max = natural(LEN_NEGATIVE)?;
            } else {
                return Err(Error::SYNTAX);
            }
        }
        Ok(search)
    }

    /// The indexes of the matches in a list, in the order of the search.
    fn matches(&self, list: ListRef<'_>, wanted: Element<'_>) -> Vec<u64> {
        let all_if_0 = |n: u64| if n == 0 { u64::MAX } else { n };
        let (len, looked_at) = (list.len(), all_if_0(self.len_max));
        let range = match self.from {
            End::Head => 0..len.min(looked_at),
            End::Tail => len.saturating_sub(looked_at)..len,
        };
        let (mut skipped, count) = (0, all_if_0(self.count.unwrap_or(1)));
        let mut found = Vec::new();
        list.matches(wanted, range, self.from, |index| {
            if skipped < self.skipped {
                skipped += 1;
                return true;
            }
            found.push(index);
            (found.len() as u64) < count
        });
        found
    }
}

fn lpos(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let search = Search::parse(&args[3..])?;
    let found = match ctx.data.read_list(args[1])? {
        None => Vec::new(),
        Some(list) => search.matches(list, Element::of(args[2])),
    };
    match (search.count, &found[..]) {
        (None, []) => ctx.reply.null(),
        (None, [first, ..]) => ctx.reply.integer(*first as i64),
        (Some(_), found) => {
            ctx.reply.write().array(found.len());
            found.iter().for_each(|index| ctx.reply.integer(*index as i64));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn lpos() {
        check(&[
            ("LPOS k a", "$-1"),
            ("LPOS k a COUNT 1", "*0"),
            ("RPUSH k a b c 1 2 3 c c", ":8"),
            ("LPOS k c", ":2"),
            ("LPOS k 2", ":4"),
            ("LPOS k 02", "$-1"),
            ("LPOS k c RANK 2", ":6"),
            ("LPOS k c RANK -1", ":7"),
            ("LPOS k c RANK 9223372036854775807", "$-1"),
            ("LPOS k c COUNT 2", "*2 :2 :6"),
            ("LPOS k c COUNT 0", "*3 :2 :6 :7"),
            ("LPOS k c RANK -2 COUNT 5", "*2 :6 :2"),
            ("LPOS k c COUNT 0 MAXLEN 7", "*2 :2 :6"),
            ("LPOS k c MAXLEN 2 RANK 1", "$-1"),
            ("LPOS k c COUNT 0 RANK -1 MAXLEN 2", "*2 :7 :6"),
            ("LPOS k c MAXLEN 9223372036854775807", ":2"),
            ("LPOS k c RANK 5 RANK 1 COUNT 7 COUNT 1", "*1 :2"),
        ]);
    }

    #[test]
    fn errors() {
        check(&[
            (
                "LPOS k a RANK 0",
                "-ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the end of the list",
            ),
            (
                "LPOS k a RANK -9223372036854775808",
                "-ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807",
            ),
            ("LPOS k a RANK x", "-ERR value is not an integer or out of range"),
            ("LPOS k a COUNT -1", "-ERR COUNT can't be negative"),
            ("LPOS k a COUNT x", "-ERR COUNT can't be negative"),
            ("LPOS k a MAXLEN -1", "-ERR MAXLEN can't be negative"),
            ("LPOS k a FOO 1", "-ERR syntax error"),
            ("LPOS k a RANK", "-ERR syntax error"),
            ("LPOS k", "-ERR wrong number of arguments for 'lpos' command"),
            ("SET s v", "+OK"),
            ("LPOS s a", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("LPOS s a RANK x", "-ERR value is not an integer or out of range"),
        ]);
    }
}
