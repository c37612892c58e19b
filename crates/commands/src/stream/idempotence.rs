//! What XADD is told of the producer of an entry, so that the entry is taken once (Redis 8.6).
//!
//! A name that the server makes of an entry's content is the same for the same pairs of fields and values in any order, on any server: a client may ask
//! a replica that was promoted meanwhile. The names themselves are kept by the stream.

use engine::{Args, Argument, ArgumentKind, Error};
use xxhash_rust::xxh3::Xxh3;

/// `IDMPAUTO producer-id | IDMP producer-id idempotent-id`
pub(super) const IDEMPOTENCE: Argument = Argument::one_of(
    "idmp",
    &[
        Argument::new("idmpauto-producer-id", ArgumentKind::String).display("producer-id").after("IDMPAUTO"),
        Argument::block(
            "idmp-explicit",
            &[
                Argument::new("idmp-producer-id", ArgumentKind::String).display("producer-id").after("IDMP"),
                Argument::new("idempotent-id", ArgumentKind::String),
            ],
        ),
    ],
)
.since("8.6.0")
.optional();

pub(super) const ID_GIVEN: Error = Error::fixed("ERR IDMP/IDMPAUTO can be used only with auto-generated IDs");
const TWICE: Error = Error::fixed("ERR IDMP/IDMPAUTO specified multiple times");
const NO_PRODUCER: Error = Error::fixed("ERR IDMP requires a non-empty producer ID");
const NO_NAME: Error = Error::fixed("ERR IDMP requires a non-empty idempotent ID");
const NO_PRODUCER_AUTO: Error = Error::fixed("ERR IDMPAUTO requires a non-empty producer ID");

/// The option being read.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Option_<'a>(Option<Produced<'a>>);

/// Who sent an entry, and what that calls it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Produced<'a> {
    /// Who sent it.
    pub producer: &'a [u8],
    /// The name of the entry; to be made of the content if there is none.
    given: Option<&'a [u8]>,
    /// What was made of the content.
    made: [u8; 16],
    /// Where among the arguments the option stands.
    at: usize,
}
