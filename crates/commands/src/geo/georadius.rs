//! GEORADIUS, GEORADIUSBYMEMBER and their read-only forms: places within a circle.

use engine::{Argument, ArgumentKind, Begin, Categories, Command, Docs, Flags, Group, KeyFlags, KeySpec};

use super::search::{Form, search};

/// `GEORADIUS key longitude latitude radius <M | KM | FT | MI> [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT count [ANY]] [ASC | DESC] [STORE key | STOREDIST key]`
pub static GEORADIUS: Command = Command {
    name: "georadius",
    arity: -6,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::MOVABLE_KEYS),
    categories: Categories::GEO,
    keys: &[
        KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS)),
        KeySpec { begin: Begin::Keyword("STORE", 6), ..KeySpec::one(0, KeyFlags::OW.and(KeyFlags::UPDATE)) },
        KeySpec {
            begin: Begin::Keyword("STOREDIST", 6),
            ..KeySpec::one(0, KeyFlags::OW.and(KeyFlags::UPDATE))
        },
    ],
    docs: Docs {
        summary: "Lists the places within a distance of a point, or stores them.",
        since: "3.2.0",
        group: Group::Geo,
        complexity: "O(N+log(M)) where N is the number of elements inside the bounding box of the circular area delimited by center and radius and M is the number of items inside the index.",
        history: &[("6.2.0", "ANY."), ("7.0.0", "Unit names in upper case.")],
        deprecated: Some(("6.2.0", "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` argument")),
        ..Docs::NONE
    },
    arguments: &[
        Argument::key(),
        Argument::new("longitude", ArgumentKind::Double),
        Argument::new("latitude", ArgumentKind::Double),
        Argument::new("radius", ArgumentKind::Double),
        Argument::one_of(
            "unit",
            &[
                Argument::token("m", "M"),
                Argument::token("km", "KM"),
                Argument::token("ft", "FT"),
                Argument::token("mi", "MI"),
            ],
        ),
        Argument::token("withcoord", "WITHCOORD").optional(),
        Argument::token("withdist", "WITHDIST").optional(),
        Argument::token("withhash", "WITHHASH").optional(),
        Argument::block(
            "count-block",
            &[
                Argument::new("count", ArgumentKind::Integer).after("COUNT"),
                Argument::token("any", "ANY").optional().since("6.2.0"),
            ],
        )
        .optional(),
        Argument::one_of("order", &[Argument::token("asc", "ASC"), Argument::token("desc", "DESC")])
            .optional(),
        Argument::one_of(
            "store",
            &[
                Argument {
                    key_spec: Some(1),
                    display: Some("key"),
                    ..Argument::new("storekey", ArgumentKind::Key)
                }
                .after("STORE"),
                Argument {
                    key_spec: Some(2),
                    display: Some("key"),
                    ..Argument::new("storedistkey", ArgumentKind::Key)
                }
                .after("STOREDIST"),
            ],
        )
        .optional(),
    ],
    execute: |ctx, args| search(ctx, args, Form::AroundPoint { stores: true }),
    ..Command::DEFAULT
};

/// `GEORADIUS_RO key longitude latitude radius <M | KM | FT | MI> [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT count [ANY]] [ASC | DESC]`
pub static GEORADIUS_RO: Command = Command {
    name: "georadius_ro",
    arity: -6,
    flags: Flags::READONLY,
    categories: Categories::GEO,
    keys: &[KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    docs: Docs {
        summary: "Lists the places within a distance of a point.",
        since: "3.2.10",
        group: Group::Geo,
        complexity: "O(N+log(M)) where N is the number of elements inside the bounding box of the circular area delimited by center and radius and M is the number of items inside the index.",
        history: &[("6.2.0", "ANY."), ("7.0.0", "Unit names in upper case.")],
        deprecated: Some(("6.2.0", "`GEOSEARCH` with the `BYRADIUS` argument")),
        ..Docs::NONE
    },
    arguments: &[
        Argument::key(),
        Argument::new("longitude", ArgumentKind::Double),
        Argument::new("latitude", ArgumentKind::Double),
        Argument::new("radius", ArgumentKind::Double),
        Argument::one_of(
            "unit",
            &[
                Argument::token("m", "M"),
                Argument::token("km", "KM"),
                Argument::token("ft", "FT"),
                Argument::token("mi", "MI"),
            ],
        ),
        Argument::token("withcoord", "WITHCOORD").optional(),
        Argument::token("withdist", "WITHDIST").optional(),
        Argument::token("withhash", "WITHHASH").optional(),
        Argument::block(
            "count-block",
            &[
                Argument::new("count", ArgumentKind::Integer).after("COUNT"),
                Argument::token("any", "ANY").optional().since("6.2.0"),
            ],
        )
        .optional(),
        Argument::one_of("order", &[Argument::token("asc", "ASC"), Argument::token("desc", "DESC")])
            .optional(),
    ],
    execute: |ctx, args| search(ctx, args, Form::AroundPoint { stores: false }),
    ..Command::DEFAULT
};

/// `GEORADIUSBYMEMBER key member radius <M | KM | FT | MI> [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT count [ANY]] [ASC | DESC] [STORE key | STOREDIST key]`
pub static GEORADIUSBYMEMBER: Command = Command {
    name: "georadiusbymember",
    arity: -5,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::MOVABLE_KEYS),
    categories: Categories::GEO,
    keys: &[
        KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS)),
        KeySpec { begin: Begin::Keyword("STORE", 5), ..KeySpec::one(0, KeyFlags::OW.and(KeyFlags::UPDATE)) },
        KeySpec {
            begin: Begin::Keyword("STOREDIST", 5),
            ..KeySpec::one(0, KeyFlags::OW.and(KeyFlags::UPDATE))
        },
    ],
    docs: Docs {
        summary: "Lists the places within a distance of another place, or stores them.",
        since: "3.2.0",
        group: Group::Geo,
        complexity: "O(N+log(M)) where N is the number of elements inside the bounding box of the circular area delimited by center and radius and M is the number of items inside the index.",
        history: &[("6.2.0", "ANY."), ("7.0.0", "Unit names in upper case.")],
        deprecated: Some((
            "6.2.0",
            "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` and `FROMMEMBER` arguments",
        )),
        ..Docs::NONE
    },
    arguments: &[
        Argument::key(),
        Argument::new("member", ArgumentKind::String),
        Argument::new("radius", ArgumentKind::Double),
        Argument::one_of(
            "unit",
            &[
                Argument::token("m", "M"),
                Argument::token("km", "KM"),
                Argument::token("ft", "FT"),
                Argument::token("mi", "MI"),
            ],
        ),
        Argument::token("withcoord", "WITHCOORD").optional(),
        Argument::token("withdist", "WITHDIST").optional(),
        Argument::token("withhash", "WITHHASH").optional(),
        Argument::block(
            "count-block",
            &[
                Argument::new("count", ArgumentKind::Integer).after("COUNT"),
                Argument::token("any", "ANY").optional(),
            ],
        )
        .optional(),
        Argument::one_of("order", &[Argument::token("asc", "ASC"), Argument::token("desc", "DESC")])
            .optional(),
        Argument::one_of(
            "store",
            &[
                Argument {
                    key_spec: Some(1),
                    display: Some("key"),
                    ..Argument::new("storekey", ArgumentKind::Key)
                }
                .after("STORE"),
                Argument {
                    key_spec: Some(2),
                    display: Some("key"),
                    ..Argument::new("storedistkey", ArgumentKind::Key)
                }
                .after("STOREDIST"),
            ],
        )
        .optional(),
    ],
    execute: |ctx, args| search(ctx, args, Form::AroundMember { stores: true }),
    ..Command::DEFAULT
};

/// `GEORADIUSBYMEMBER_RO key member radius <M | KM | FT | MI> [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT count [ANY]] [ASC | DESC]`
pub static GEORADIUSBYMEMBER_RO: Command = Command {
    name: "georadiusbymember_ro",
    arity: -5,
    flags: Flags::READONLY,
    categories: Categories::GEO,
    keys: &[KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    docs: Docs {
        summary: "Lists the places within a distance of another place.",
        since: "3.2.10",
        group: Group::Geo,
        complexity: "O(N+log(M)) where N is the number of elements inside the bounding box of the circular area delimited by center and radius and M is the number of items inside the index.",
        history: &[("6.2.0", "ANY."), ("7.0.0", "Unit names in upper case.")],
        deprecated: Some(("6.2.0", "`GEOSEARCH` with the `BYRADIUS` and `FROMMEMBER` arguments")),
        ..Docs::NONE
    },
    arguments: &[
        Argument::key(),
        Argument::new("member", ArgumentKind::String),
        Argument::new("radius", ArgumentKind::Double),
        Argument::one_of(
            "unit",
            &[
                Argument::token("m", "M"),
                Argument::token("km", "KM"),
                Argument::token("ft", "FT"),
                Argument::token("mi", "MI"),
            ],
        ),
        Argument::token("withcoord", "WITHCOORD").optional(),
        Argument::token("withdist", "WITHDIST").optional(),
        Argument::token("withhash", "WITHHASH").optional(),
        Argument::block(
            "count-block",
            &[
                Argument::new("count", ArgumentKind::Integer).after("COUNT"),
                Argument::token("any", "ANY").optional(),
            ],
        )
        .optional(),
        Argument::one_of("order", &[Argument::token("asc", "ASC"), Argument::token("desc", "DESC")])
            .optional(),
    ],
    execute: |ctx, args| search(ctx, args, Form::AroundMember { stores: false }),
    ..Command::DEFAULT
};
