//! Commands on geospatial indexes, which are sorted sets.
//!
//! | Module | Content |
//! |---|---|
//! | `cell` | places as scores, cells of the map, distances |
//! | `shape` | circles and boxes, and which cells cover them |
//! | `arguments` | coordinates, distances and units in requests and replies |
//! | `search` | what all searches share |

mod arguments;
mod cell;
mod geoadd;
mod georadius;
mod geosearch;
mod lookup;
mod search;
mod shape;
#[cfg(test)]
mod tests;

use engine::Command;

/// The family's commands, sorted.
pub const COMMANDS: &[&Command] = &[
    &geoadd::GEOADD,
    &lookup::GEODIST,
    &lookup::GEOHASH,
    &lookup::GEOPOS,
    &georadius::GEORADIUS,
    &georadius::GEORADIUS_RO,
    &georadius::GEORADIUSBYMEMBER,
    &georadius::GEORADIUSBYMEMBER_RO,
    &geosearch::GEOSEARCH,
    &geosearch::GEOSEARCHSTORE,
];
