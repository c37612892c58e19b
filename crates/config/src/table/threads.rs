//! Options about reactors and the keyspace; most of them are our own.

use super::FROM_ONE;
use crate::choices::ReactorChoice;
use crate::option::OptionSpec;
use crate::value::Value;

/// Most stripes: each has a mutex and a directory of its own, a few hundred bytes.
const STRIPES_MAX: i128 = 65536;

pub(super) const OPTIONS: &[OptionSpec] = &[
    OptionSpec::number(
        "databases",
        FROM_ONE,
        "16",
        "How many numbered databases there are; SELECT takes 0 to this minus one. An empty database costs nothing.",
    )
    .debug()
    .immutable(),
    OptionSpec::number(
        "io-threads",
        (1, 256),
        "1",
        "Reactor threads. Each serves its own connections and executes their commands itself; throughput grows with them.",
    )
    .machine(default_threads, "the number of processor cores, at most 8")
    .immutable()
    .debug()
    .unit("threads"),
    OptionSpec::bool("io-threads-do-reads", "no", "Redis 6 and 7: let the I/O threads read, too.")
        .immutable()
        .debug()
        .noted("has no effect here: reactor threads always read, execute and write"),
    OptionSpec::number(
        "min-string-size-avoid-copy-reply",
        super::UP_TO_INT,
        "16384",
        "Valkey: replies longer than this are sent without copying the value.",
    )
    .unit("bytes")
    .hidden()
    .noted("has no effect here: what is copied is decided by the size classes of the reply buffer"),
    OptionSpec::number(
        "prefetch-batch-max-size",
        (0, 128),
        "16",
        "Valkey: how many commands of pipelines have their keys prefetched together.",
    )
    .debug()
    .noted("has no effect here: a batch is what one read brought, and all of its keys are prefetched"),
    OptionSpec::choice(
        "reactor",
        ReactorChoice::WORDS,
        "auto",
        "Evenkeel: how bytes move: 'io_uring', 'epoll', or 'auto' for io_uring where the kernel permits it and epoll elsewhere.",
    )
    .debug()
    .immutable(),
    OptionSpec::number(
        "stripes",
        (1, STRIPES_MAX),
        "1024",
        "Evenkeel: into how many separately locked parts the keyspace is cut; a power of two. More let more threads work at \
         once; the default is plenty for 64 threads.",
    )
    .debug()
    .immutable()
    .rule(power_of_two),
];

fn default_threads() -> String {
    std::thread::available_parallelism().map_or(1, |cores| cores.get().min(8)).to_string()
}

fn power_of_two(value: Value) -> Result<Value, String> {
    match value {
        Value::Number(number) if number & (number - 1) != 0 => Err("argument must be a power of two".into()),
        value => Ok(value),
    }
}
