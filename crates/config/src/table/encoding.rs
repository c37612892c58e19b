//! Options about how values are encoded, as OBJECT ENCODING reports it.

use super::{ANY_INT, UP_TO_INT, UP_TO_LONG};
use crate::option::OptionSpec;

const NEVER_COMPRESSED: &str = "a list is never compressed here; it has no effect";
pub(super) const OPTIONS: &[OptionSpec] = &[
    OptionSpec::number("hash-max-listpack-entries", UP_TO_LONG, "512", "Most fields of a hash in one block.")
        .aliases(&["hash-max-ziplist-entries"])
        .unit("fields"),
    OptionSpec::memory(
        "hash-max-listpack-value",
        UP_TO_LONG,
        "64",
        "Longest field or value of a hash in one block.",
    )
    .aliases(&["hash-max-ziplist-value"]),
    OptionSpec::memory(
        "hll-sparse-max-bytes",
        UP_TO_LONG,
        "3000",
        "Size at which a HyperLogLog goes over from its sparse to its dense form (12 KB). 0 means dense at once.",
    ),
    OptionSpec::number(
        "list-compress-depth",
        UP_TO_INT,
        "0",
        "Redis: nodes at a list's ends that are not compressed.",
    )
    .debug()
    .noted(NEVER_COMPRESSED),
    OptionSpec::number(
        "list-max-listpack-size",
        ANY_INT,
        "-2",
        "Size of a list's blocks: positive for elements, -1 to -5 for 4, 8, 16, 32, 64 KB.",
    )
    .aliases(&["list-max-ziplist-size"]),
    OptionSpec::number(
        "set-max-intset-entries",
        UP_TO_LONG,
        "512",
        "Most members of a set of integers in one block.",
    )
    .unit("members"),
    OptionSpec::number("set-max-listpack-entries", UP_TO_LONG, "128", "Most members of a set in one block.")
        .unit("members"),
    OptionSpec::number("set-max-listpack-value", UP_TO_LONG, "64", "Longest member of a set in one block.")
        .unit("bytes"),
    OptionSpec::number(
        "stream-idmp-duration",
        (1, 86_400),
        "100",
        "Redis 8.6: how long a stream knows what producers call their entries (IDMP of XADD), unless XCFGSET says otherwise. It counts for \
         streams that do not know such a name yet.",
    )
    .unit("seconds"),
    OptionSpec::number(
        "stream-idmp-maxsize",
        (1, 10_000),
        "100",
        "Redis 8.6: how many of these names a stream knows of a producer, the newest.",
    )
    .unit("names"),
    OptionSpec::memory(
        "stream-node-max-bytes",
        UP_TO_LONG,
        "4096",
        "Size of a stream's blocks; 0 means no limit.",
    ),
    OptionSpec::number(
        "stream-node-max-entries",
        UP_TO_LONG,
        "100",
        "Most entries of a stream in one block; 0 means no limit.",
    )
    .unit("entries"),
    OptionSpec::number(
        "zset-max-listpack-entries",
        UP_TO_LONG,
        "128",
        "Most members of a sorted set in one block.",
    )
    .aliases(&["zset-max-ziplist-entries"])
    .unit("members"),
    OptionSpec::memory(
        "zset-max-listpack-value",
        UP_TO_LONG,
        "64",
        "Longest member of a sorted set in one block.",
    )
    .aliases(&["zset-max-ziplist-value"]),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::option::Support;

    #[test]
    fn only_what_has_no_effect_says_so() {
        let noted = OPTIONS.iter().filter(|option| matches!(option.support, Support::Noted(_)));
        let names: Vec<_> = noted.map(|option| option.name).collect();
        assert_eq!(names, ["list-compress-depth"]);
    }
}
