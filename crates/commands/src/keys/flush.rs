//! FLUSHALL, FLUSHDB and DBSIZE. What is removed is freed by a thread of its own, or kept by a running snapshot until it has
//! it; so SYNC and ASYNC differ in nothing that a client could see.

use engine::{Args, Argument, Categories, Command, Ctx, Docs, Error, Flags, Group, Scope};

/// `DBSIZE`
pub static DBSIZE: Command = Command {
    name: "dbsize",
    arity: 1,
    flags: Flags::READONLY.and(Flags::FAST),
    categories: Categories::KEYSPACE,
    scope: Scope::Exclusive,
    docs: Docs {
        summary: "Counts the keys of the database.",
        since: "1.0.0",
        group: Group::Server,
        complexity: "O(1)",
        ..Docs::NONE
    },
    tips: &["request_policy:all_shards", "response_policy:agg_sum"],
    execute: dbsize,
    ..Command::DEFAULT
};

/// `FLUSHALL [ASYNC | SYNC]`
pub static FLUSHALL: Command = Command {
    name: "flushall",
    arity: -1,
    flags: Flags::WRITE,
    categories: Categories::KEYSPACE.and(Categories::DANGEROUS),
    scope: Scope::Exclusive,
    docs: Docs {
        summary: "Removes all keys of all databases.",
        since: "1.0.0",
        group: Group::Server,
        complexity: "O(1) for clients; the keys are freed elsewhere",
        history: &[("4.0.0", "ASYNC."), ("6.2.0", "SYNC.")],
        ..Docs::NONE
    },
    arguments: &[Argument::one_of(
        "flush-type",
        &[Argument::token("async", "ASYNC").since("4.0.0"), Argument::token("sync", "SYNC").since("6.2.0")],
    )
    .optional()],
    tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
    execute: flushall,
    ..Command::DEFAULT
};

/// `FLUSHDB [ASYNC | SYNC]`
pub static FLUSHDB: Command = Command {
    name: "flushdb",
    arity: -1,
    flags: Flags::WRITE,
    categories: Categories::KEYSPACE.and(Categories::DANGEROUS),
    scope: Scope::Exclusive,
    docs: Docs {
        summary: "Removes all keys of the database.",
        since: "1.0.0",
        group: Group::Server,
        complexity: "O(1) for clients; the keys are freed elsewhere",
        history: &[("4.0.0", "ASYNC."), ("6.2.0", "SYNC.")],
        ..Docs::NONE
    },
    arguments: &[Argument::one_of(
        "flush-type",
        &[Argument::token("async", "ASYNC").since("4.0.0"), Argument::token("sync", "SYNC").since("6.2.0")],
    )
    .optional()],
    tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
    execute: flushdb,
    ..Command::DEFAULT
};

fn dbsize(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    let database = ctx.data.database();
    let keys = ctx.data.access_ref().len(database);
    ctx.reply.integer(keys as i64);
    Ok(())
}

fn check_words(args: Args<'_>) -> Result<(), Error> {
    match args {
        [_] => Ok(()),
        [_, word] if word.eq_ignore_ascii_case(b"SYNC") || word.eq_ignore_ascii_case(b"ASYNC") => Ok(()),
        _ => Err(Error::SYNTAX),
    }
}

fn flush(ctx: &mut Ctx<'_>, args: Args<'_>, databases: std::ops::Range<u32>) -> Result<(), Error> {
    check_words(args)?;
    for database in databases {
        ctx.data.dirty += ctx.data.access().flush(database) as u64;
    }
    // Told to replicas even if there was nothing to remove: they may have what we do not.
    ctx.data.effects.say(args);
    Ok(())
}

fn flushall(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let databases = ctx.data.keyspace().databases();
    flush(ctx, args, 0..databases)?;
    // As in Redis, the file on disk must not bring back what was removed.
    if ctx.engine.persistence.get().is_some_and(|persistence| persistence.has_save_points()) {
        ctx.session.saves_flushed = true;
    } else {
        ctx.reply.ok();
    }
    Ok(())
}

fn flushdb(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let database = ctx.data.database();
    flush(ctx, args, database..database + 1)?;
    ctx.reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::{check, check_effects};

    #[test]
    fn flushes() {
        check(&[
            ("SET a 1", "+OK"),
            ("COPY a a DB 1", ":1"),
            ("DBSIZE", ":1"),
            ("FLUSHDB", "+OK"),
            ("DBSIZE", ":0"),
            ("SWAPDB 0 1", "+OK"),
            ("DBSIZE", ":1"),
            ("FLUSHALL foo", "-ERR syntax error"),
            ("FLUSHALL SYNC ASYNC", "-ERR syntax error"),
            ("FLUSHALL ASYNC", "+OK"),
            ("DBSIZE", ":0"),
            ("FLUSHDB sync", "+OK"),
        ]);
    }

    #[test]
    fn effects_even_of_nothing() {
        check_effects(&[
            ("FLUSHALL", "SELECT 0;FLUSHALL"),
            ("FLUSHDB async", "FLUSHDB async"),
            ("FLUSHDB foo", ""),
        ]);
    }
}
