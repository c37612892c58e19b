//! GEOSEARCH, GEOSEARCHSTORE: places within a circle or a box.

use engine::{Argument, ArgumentKind, Categories, Command, Docs, Flags, Group, KeyFlags, KeySpec};

use super::search::{Form, search};

/// `GEOSEARCH key <FROMMEMBER member | FROMLONLAT longitude latitude> <BYRADIUS radius <M | KM | FT | MI> | BYBOX width height <M | KM | FT | MI>> [ASC | DESC] [COUNT count [ANY]] [WITHCOORD] [WITHDIST] [WITHHASH]`
pub static GEOSEARCH: Command = Command {
    name: "geosearch",
    arity: -7,
    flags: Flags::READONLY,
    categories: Categories::GEO,
    keys: &[KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    docs: Docs {
        summary: "Lists the places within a circle or a box.",
        since: "6.2.0",
        group: Group::Geo,
        complexity: "O(N+log(M)) where N is the number of elements in the grid-aligned bounding box area around the shape provided as the filter and M is the number of items inside the shape",
        history: &[("7.0.0", "Unit names in upper case.")],
        ..Docs::NONE
    },
    arguments: &[
        Argument::key(),
        Argument::one_of(
            "from",
            &[
                Argument::new("member", ArgumentKind::String).after("FROMMEMBER"),
                Argument::block(
                    "fromlonlat",
                    &[
                        Argument::new("longitude", ArgumentKind::Double),
                        Argument::new("latitude", ArgumentKind::Double),
                    ],
                )
                .after("FROMLONLAT"),
            ],
        ),
        Argument::one_of(
            "by",
            &[
                Argument::block(
                    "circle",
                    &[
                        Argument::new("radius", ArgumentKind::Double).after("BYRADIUS"),
                        Argument::one_of(
                            "unit",
                            &[
                                Argument::token("m", "M"),
                                Argument::token("km", "KM"),
                                Argument::token("ft", "FT"),
                                Argument::token("mi", "MI"),
                            ],
                        ),
                    ],
                ),
                Argument::block(
                    "box",
                    &[
                        Argument::new("width", ArgumentKind::Double).after("BYBOX"),
                        Argument::new("height", ArgumentKind::Double),
                        Argument::one_of(
                            "unit",
                            &[
                                Argument::token("m", "M"),
                                Argument::token("km", "KM"),
                                Argument::token("ft", "FT"),
                                Argument::token("mi", "MI"),
                            ],
                        ),
                    ],
                ),
            ],
        ),
        Argument::one_of("order", &[Argument::token("asc", "ASC"), Argument::token("desc", "DESC")])
            .optional(),
        Argument::block(
            "count-block",
            &[
                Argument::new("count", ArgumentKind::Integer).after("COUNT"),
                Argument::token("any", "ANY").optional(),
            ],
        )
        .optional(),
        Argument::token("withcoord", "WITHCOORD").optional(),
        Argument::token("withdist", "WITHDIST").optional(),
        Argument::token("withhash", "WITHHASH").optional(),
    ],
    execute: |ctx, args| search(ctx, args, Form::Search),
    ..Command::DEFAULT
};

/// `GEOSEARCHSTORE destination source <FROMMEMBER member | FROMLONLAT longitude latitude> <BYRADIUS radius <M | KM | FT | MI> | BYBOX width height <M | KM | FT | MI>> [ASC | DESC] [COUNT count [ANY]] [STOREDIST]`
pub static GEOSEARCHSTORE: Command = Command {
    name: "geosearchstore",
    arity: -8,
    flags: Flags::WRITE.and(Flags::DENYOOM),
    categories: Categories::GEO,
    keys: &[
        KeySpec::one(1, KeyFlags::OW.and(KeyFlags::UPDATE)),
        KeySpec::one(2, KeyFlags::RO.and(KeyFlags::ACCESS)),
    ],
    docs: Docs {
        summary: "Stores the places within a circle or a box under another key.",
        since: "6.2.0",
        group: Group::Geo,
        complexity: "O(N+log(M)) where N is the number of elements in the grid-aligned bounding box area around the shape provided as the filter and M is the number of items inside the shape",
        history: &[("7.0.0", "Unit names in upper case.")],
        ..Docs::NONE
    },
    arguments: &[
        Argument { key_spec: Some(0), ..Argument::new("destination", ArgumentKind::Key) },
        Argument { key_spec: Some(1), ..Argument::new("source", ArgumentKind::Key) },
        Argument::one_of(
            "from",
            &[
                Argument::new("member", ArgumentKind::String).after("FROMMEMBER"),
                Argument::block(
                    "fromlonlat",
                    &[
                        Argument::new("longitude", ArgumentKind::Double),
                        Argument::new("latitude", ArgumentKind::Double),
                    ],
                )
                .after("FROMLONLAT"),
            ],
        ),
        Argument::one_of(
            "by",
            &[
                Argument::block(
                    "circle",
                    &[
                        Argument::new("radius", ArgumentKind::Double).after("BYRADIUS"),
                        Argument::one_of(
                            "unit",
                            &[
                                Argument::token("m", "M"),
                                Argument::token("km", "KM"),
                                Argument::token("ft", "FT"),
                                Argument::token("mi", "MI"),
                            ],
                        ),
                    ],
                ),
                Argument::block(
                    "box",
                    &[
                        Argument::new("width", ArgumentKind::Double).after("BYBOX"),
                        Argument::new("height", ArgumentKind::Double),
                        Argument::one_of(
                            "unit",
                            &[
                                Argument::token("m", "M"),
                                Argument::token("km", "KM"),
                                Argument::token("ft", "FT"),
                                Argument::token("mi", "MI"),
                            ],
                        ),
                    ],
                ),
            ],
        ),
        Argument::one_of("order", &[Argument::token("asc", "ASC"), Argument::token("desc", "DESC")])
            .optional(),
        Argument::block(
            "count-block",
            &[
                Argument::new("count", ArgumentKind::Integer).after("COUNT"),
                Argument::token("any", "ANY").optional(),
            ],
        )
        .optional(),
        Argument::token("storedist", "STOREDIST").optional(),
    ],
    execute: |ctx, args| search(ctx, args, Form::SearchStore),
    ..Command::DEFAULT
};
