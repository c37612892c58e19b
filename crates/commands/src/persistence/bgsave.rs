//! BGSAVE: saves while everybody goes on. Its reply comes with the cut: the save's own thread has to find a file and memory first.

use engine::{Args, Argument, Command, Ctx, Docs, Error, Flags, Group, Scope, Waiting};

use crate::persistence::service;

/// `BGSAVE [SCHEDULE | CANCEL]`
pub static BGSAVE: Command = Command {
    name: "bgsave",
    arity: -1,
    flags: Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::NO_ASYNC_LOADING),
    scope: Scope::Outside,
    docs: Docs {
        summary: "Saves the data set while it is served.",
        since: "1.0.0",
        group: Group::Server,
        complexity: "O(1)",
        history: &[("3.2.2", "SCHEDULE."), ("8.1.0", "CANCEL (Valkey).")],
        ..Docs::NONE
    },
    arguments: &[Argument::one_of(
        "operation",
        &[
            Argument::token("schedule", "SCHEDULE").since("3.2.2"),
            Argument::token("cancel", "CANCEL").since("8.1.0"),
        ],
    )
    .optional()],
    execute: bgsave,
    ..Command::DEFAULT
};

fn bgsave(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let schedule = match args {
        [_] => false,
        [_, word] if word.eq_ignore_ascii_case(b"schedule") => true,
        [_, word] if word.eq_ignore_ascii_case(b"cancel") => {
            if !service(ctx)?.cancel() {
                return Err(Error::fixed("ERR Background saving is currently not in progress or scheduled"));
            }
            ctx.reply.write().simple("Background saving cancelled");
            return Ok(());
        }
        _ => return Err(Error::SYNTAX),
    };
    let (worker, client) = (ctx.data.access_ref().worker(), ctx.session.client.conn);
    match service(ctx)?.save_in_background(worker, client, schedule)? {
        Some(text) => ctx.reply.write().simple(text),
        None => ctx.session.waiting = Waiting::Reply,
    }
    Ok(())
}
