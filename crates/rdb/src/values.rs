//! Between the codec and the collections of the crate `value`: what is in memory is written, what is read becomes a value.
//!
//! It knows neither keys nor entries: who keeps a value says where it comes from and where it goes.
//!
//! ```text
//!  in memory                     spelled as                              read as
//!  small list                    one packed node                         small while the limits allow
//!  large list                    a node for each leaf                    large
//!  small set                     intset | listpack (10: members)         small while the limits allow
//!  large set                     members, in hash order                  as many as they are
//!  small sorted set              listpack                                small while the limits allow
//!  large sorted set              members and scores, ascending           as many as they are
//!  small hash                    listpack | expiring fields              small while the limits allow
//!  large hash                    fields | expiring fields, in hash order as many as they are
//!  stream                        nodes, groups                           nodes as they are
//! ```
//!
//! | Module | Content |
//! |---|---|
//! | `encode` | a whole value into a vector: small ones, DUMP |
//! | `drain` | a frozen value in pieces, let go on the way: files |
//! | `build` | a value from what a reader hands over: files, RESTORE |
//!
//! A further type is one more arm in each of the three.

mod build;
mod drain;
mod encode;
#[cfg(test)]
mod tests;

pub use build::{Builder, Built, Small, Thresholds};
pub use drain::{Draining, Pieces, Store};
pub use encode::{ObjectRef, has_deadlines, whole};
