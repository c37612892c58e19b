//! SHUTDOWN: saves as configured and ends the server.

use engine::{Args, Argument, Command, Ctx, Docs, Ending, Error, Flags, Group, Scope, Waiting};

use crate::persistence::service;

/// `SHUTDOWN [NOSAVE | SAVE] [NOW] [FORCE] [ABORT]`
pub static SHUTDOWN: Command = Command {
    name: "shutdown",
    arity: -1,
    flags: Flags::ADMIN
        .and(Flags::NOSCRIPT)
        .and(Flags::LOADING)
        .and(Flags::STALE)
        .and(Flags::NO_MULTI)
        .and(Flags::ALLOW_BUSY),
    scope: Scope::Outside,
    docs: Docs {
        summary: "Saves if there are save points, and ends the server.",
        since: "1.0.0",
        group: Group::Server,
        complexity: "O(N) when saving, where N is the number of keys, otherwise O(1)",
        history: &[("7.0.0", "NOW, FORCE and ABORT.")],
        ..Docs::NONE
    },
    arguments: &[
        Argument::one_of(
            "save-selector",
            &[Argument::token("nosave", "NOSAVE"), Argument::token("save", "SAVE")],
        )
        .optional(),
        Argument::token("now", "NOW").optional().since("7.0.0"),
        Argument::token("force", "FORCE").optional().since("7.0.0"),
        Argument::token("abort", "ABORT").optional().since("7.0.0"),
    ],
    execute: shutdown,
    ..Command::DEFAULT
};

/// A parsed request.
enum Request {
    End(Ending),
    CallOff,
}

fn parse(args: Args<'_>) -> Result<Request, Error> {
    let mut ending = Ending::default();
    let (mut now, mut abort) = (false, false);
    for word in args.iter().skip(1) {
        match word.to_ascii_lowercase().as_slice() {
            b"nosave" if ending.save != Some(true) => ending.save = Some(false),
            b"save" if ending.save != Some(false) => ending.save = Some(true),
            // There are no replicas to wait for: NOW changes nothing, but may not stand beside ABORT.
            b"now" => now = true,
            b"force" => ending.force = true,
            b"abort" => abort = true,
            _ => return Err(Error::SYNTAX),
        }
    }
    match (abort, now || ending.force || ending.save.is_some()) {
        (true, true) => Err(Error::SYNTAX),
        (true, false) => Ok(Request::CallOff),
        (false, _) => Ok(Request::End(ending)),
    }
}

fn shutdown(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let service = service(ctx)?;
    match parse(args)? {
        Request::CallOff => {
            if !service.call_off_end() {
                return Err(Error::fixed("ERR No shutdown in progress."));
            }
            ctx.reply.ok();
        }
        Request::End(ending) => {
            let client = (ctx.data.access_ref().worker(), ctx.session.client.conn);
            service.end(Ending { client: Some(client), ..ending });
            ctx.session.waiting = Waiting::Reply;
        }
    }
    Ok(())
}
