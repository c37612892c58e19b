//! Object types as they are numbered in files: which kind of object, in which layout. Reads and writes nothing.

use crate::format::Family;
use crate::object::Kind;

/// The layout of an object other than a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    /// Elements.
    List,
    /// Members.
    Set,
    /// Members with scores as text.
    ZsetText,
    /// Fields and values.
    Hash,
    /// Members with scores in binary.
    Zset,
    /// A zipmap.
    HashZipmap,
    /// A ziplist.
    ListZiplist,
    /// An intset.
    SetIntset,
    /// A ziplist.
    ZsetZiplist,
    /// A ziplist.
    HashZiplist,
    /// Ziplists.
    ListQuicklist,
    /// A stream: nodes, length, last ID, groups.
    Stream1,
    /// A listpack.
    HashListpack,
    /// A listpack.
    ZsetListpack,
    /// Listpacks and long elements.
    ListQuicklist2,
    /// A stream with first ID, deletions, counters.
    Stream2,
    /// A listpack.
    SetListpack,
    /// A stream with active times.
    Stream3,
    /// Fields, values, and when they expire, as Valkey writes them.
    HashExpiring,
    /// When fields expire, fields, values, as release candidates of Redis 7.4 wrote them.
    HashMetadataPreGa,
    /// A listpack of fields, values, and when they expire, as release candidates of Redis 7.4 wrote it.
    HashListpackExPreGa,
    /// The first expiry; then when fields expire relative to it, fields, values, as Redis writes them.
    HashMetadata,
    /// The first expiry; then a listpack of fields, values, and when they expire, as Redis writes it.
    HashListpackEx,
    /// A stream with what is known of idempotent producers (Redis 8.6).
    Stream4,
    /// A stream with pending entries that nobody owns (Redis 8.8).
    Stream5,
}

/// First version in which Redis numbers hashes with field expiry. Files of lower versions with type 22 come from Valkey.
const REDIS_FIELD_EXPIRY_SINCE: u32 = 12;

impl Wire {
    /// The layout with this number in a file or payload of this version.
    pub(crate) fn of(number: u8, family: Family, version: u32) -> Option<Self> {
        let is_redis = family == Family::Redis;
        Some(match number {
            1 => Self::List,
            2 => Self::Set,
            3 => Self::ZsetText,
            4 => Self::Hash,
            5 => Self::Zset,
            9 => Self::HashZipmap,
            10 => Self::ListZiplist,
            11 => Self::SetIntset,
            12 => Self::ZsetZiplist,
            13 => Self::HashZiplist,
            14 => Self::ListQuicklist,
            15 => Self::Stream1,
            16 => Self::HashListpack,
            17 => Self::ZsetListpack,
            18 => Self::ListQuicklist2,
            19 => Self::Stream2,
            20 => Self::SetListpack,
            21 => Self::Stream3,
            22 if !is_redis || version < REDIS_FIELD_EXPIRY_SINCE => Self::HashExpiring,
            22 => Self::HashMetadataPreGa,
            23 if is_redis => Self::HashListpackExPreGa,
            24 if is_redis => Self::HashMetadata,
            25 if is_redis => Self::HashListpackEx,
            26 if is_redis => Self::Stream4,
            27 if is_redis => Self::Stream5,
            _ => return None,
        })
    }

    /// The number.
    pub fn number(self) -> u8 {
        match self {
            Self::List => 1,
            Self::Set => 2,
            Self::ZsetText => 3,
            Self::Hash => 4,
            Self::Zset => 5,
            Self::HashZipmap => 9,
            Self::ListZiplist => 10,
            Self::SetIntset => 11,
            Self::ZsetZiplist => 12,
            Self::HashZiplist => 13,
            Self::ListQuicklist => 14,
            Self::Stream1 => 15,
            Self::HashListpack => 16,
            Self::ZsetListpack => 17,
            Self::ListQuicklist2 => 18,
            Self::Stream2 => 19,
            Self::SetListpack => 20,
            Self::Stream3 => 21,
            Self::HashExpiring | Self::HashMetadataPreGa => 22,
            Self::HashListpackExPreGa => 23,
            Self::HashMetadata => 24,
            Self::HashListpackEx => 25,
            Self::Stream4 => 26,
            Self::Stream5 => 27,
        }
    }

    /// The kind of object.
    pub fn kind(self) -> Kind {
        match self {
            Self::List | Self::ListZiplist | Self::ListQuicklist | Self::ListQuicklist2 => Kind::List,
            Self::Set | Self::SetIntset | Self::SetListpack => Kind::Set,
            Self::ZsetText | Self::Zset | Self::ZsetZiplist | Self::ZsetListpack => Kind::Zset,
            Self::Stream1 | Self::Stream2 | Self::Stream3 | Self::Stream4 | Self::Stream5 => Kind::Stream,
            Self::Hash
            | Self::HashZipmap
            | Self::HashZiplist
            | Self::HashListpack
            | Self::HashExpiring
            | Self::HashMetadataPreGa
            | Self::HashListpackExPreGa
            | Self::HashMetadata
            | Self::HashListpackEx => Kind::Hash,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::type_name;

    #[test]
    fn numbers_and_layouts_agree() {
        for (family, version) in [(Family::Redis, 10), (Family::Redis, 12), (Family::Valkey, 80)] {
            for number in 0..=255 {
                if let Some(wire) = Wire::of(number, family, version) {
                    assert_eq!(wire.number(), number);
                    assert!(type_name(number, family).is_some());
                }
            }
        }
        assert_eq!(Wire::of(22, Family::Redis, 11), Some(Wire::HashExpiring));
        assert_eq!(Wire::of(22, Family::Redis, 12), Some(Wire::HashMetadataPreGa));
        assert_eq!(Wire::of(24, Family::Valkey, 80), None);
    }
}
