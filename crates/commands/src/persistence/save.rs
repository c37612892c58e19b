//! SAVE: saves and answers when that is done. LASTSAVE: when that was.
//!
//! Other clients are served meanwhile: the save is the same snapshot as BGSAVE's, only the asking client waits for it.

use engine::{Args, Categories, Command, Ctx, Docs, Error, Flags, Group, Scope, Waiting};

use crate::persistence::service;

/// `SAVE`
pub static SAVE: Command = Command {
    name: "save",
    arity: 1,
    flags: Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::NO_ASYNC_LOADING).and(Flags::NO_MULTI),
    scope: Scope::Outside,
    docs: Docs {
        summary: "Saves the data set and answers when the file is in place.",
        since: "1.0.0",
        group: Group::Server,
        complexity: "O(N) where N is the number of keys",
        ..Docs::NONE
    },
    execute: save,
    ..Command::DEFAULT
};

fn save(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    let client = ctx.session.client.conn;
    service(ctx)?.save_for(ctx.data.access_ref().worker(), client)?;
    ctx.session.waiting = Waiting::Reply;
    Ok(())
}

/// `LASTSAVE`
pub static LASTSAVE: Command = Command {
    name: "lastsave",
    arity: 1,
    flags: Flags::LOADING.and(Flags::STALE).and(Flags::FAST),
    categories: Categories::ADMIN.and(Categories::DANGEROUS),
    docs: Docs {
        summary: "Answers when the last good save ended, in seconds since the epoch.",
        since: "1.0.0",
        group: Group::Server,
        complexity: "O(1)",
        ..Docs::NONE
    },
    tips: &["nondeterministic_output"],
    execute: lastsave,
    ..Command::DEFAULT
};

fn lastsave(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    let at = service(ctx)?.last_save_s();
    ctx.reply.integer(at);
    Ok(())
}
