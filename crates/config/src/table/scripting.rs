//! Options about scripts and functions.

use super::UP_TO_LONG;
use crate::option::OptionSpec;

pub(super) const OPTIONS: &[OptionSpec] = &[
    OptionSpec::number(
        "busy-reply-threshold",
        UP_TO_LONG,
        "5000",
        "How long a script or function may run before other clients are told BUSY; 0 means for ever.",
    )
    .aliases(&["lua-time-limit"])
    .unit("milliseconds")
    .noted("kept for scripts, which this version does not have yet"),
    OptionSpec::bool("lua-enable-insecure-api", "no", "Valkey: give scripts deprecated functions of Lua.")
        .hidden()
        .refused("scripts are not in this version; leave 'lua-enable-insecure-api no'"),
];
