//! Options about who may do what.

use super::UP_TO_LONG;
use crate::choices::{ACL_PUBSUB_DEFAULT, Access};
use crate::option::OptionSpec;

pub(super) const OPTIONS: &[OptionSpec] = &[
    OptionSpec::choice(
        "acl-pubsub-default",
        ACL_PUBSUB_DEFAULT,
        "resetchannels",
        "Channels of a new user: none ('resetchannels') or all ('allchannels').",
    )
    .noted("kept for access control lists, which this version does not have yet"),
    OptionSpec::text("aclfile", "", "File with users and their rights.")
        .immutable()
        .refused("access control lists are not in this version; protect the server with requirepass"),
    OptionSpec::number("acllog-max-len", UP_TO_LONG, "128", "How many refusals ACL LOG remembers.")
        .unit("entries")
        .noted("kept for access control lists, which this version does not have yet"),
    OptionSpec::choice(
        "enable-debug-command",
        Access::WORDS,
        "no",
        "Who may use DEBUG: nobody ('no'), everybody ('yes'), or connections from this machine ('local').",
    )
    .immutable(),
    OptionSpec::choice("enable-module-command", Access::WORDS, "no", "Who may use MODULE: no, yes or local.")
        .immutable()
        .noted("MODULE LIST is always allowed and always empty; modules cannot be loaded"),
    OptionSpec::choice(
        "enable-protected-configs",
        Access::WORDS,
        "no",
        "Who may CONFIG SET dir and dbfilename, with which a client could write any file: no, yes or local.",
    )
    .immutable(),
    OptionSpec::optional(
        "requirepass",
        "Password of the default user, asked for by AUTH. Not set: none. Choose a long one: a fast server lets an \
         attacker try many.",
    )
    .sensitive(),
];
