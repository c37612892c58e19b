//! Building a stream from nodes that come from outside, after a check of every byte and every count.

use std::fmt;

use crate::ordered::Builder;
use crate::packed::{self, Element};

use super::convert::{Master, SpelledEntries, block_of};
use super::{Info, Log, Shelf, Stream, StreamId, StreamNode};

/// What a valid node has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeSummary {
    /// Entries that are not deleted.
    pub live: u32,
    /// Entries that are.
    pub deleted: u32,
    /// The first and the last ID, of deleted entries too; `None` of a node without entries.
    pub ids: Option<(StreamId, StreamId)>,
}

/// What is wrong with bytes that should be a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// They are no listpack.
    Listpack(packed::Damage),
    /// The master entry is cut off, or has something other than numbers where they must be.
    Master,
    /// So is an entry, or it does not say how many elements it has.
    Entry,
    /// There are more or fewer entries, live or deleted, than the master entry says.
    Count,
    /// IDs do not ascend, or are below the master ID or those of the node before.
    Order,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Listpack(_) => "a stream's node that is no listpack",
            Self::Master => "a stream's node with a damaged master entry",
            Self::Entry => "a stream's node with a damaged entry",
            Self::Count => "a stream's node with another number of entries than it says",
            Self::Order => "a stream whose IDs do not ascend",
        })
    }
}

impl std::error::Error for Damage {}

/// Checks a node's listpack in depth.
pub fn validate_node(master: StreamId, listpack: &[u8]) -> Result<NodeSummary, Damage> {
    packed::validate_listpack(listpack).map_err(Damage::Listpack)?;
    let block = block_of(listpack).ok_or(Damage::Master)?;
    let head = Master::read(block).ok_or(Damage::Master)?;
    if block.get(head.zero_at) != Some(Element::Int(0)) {
        return Err(Damage::Master);
    }
    let (mut live, mut deleted, mut ids) = (0, 0, None::<(StreamId, StreamId)>);
    let mut entries = SpelledEntries::new(block, master, head);
    for entry in entries.by_ref() {
        let id = entry.id;
        if id < ids.map_or(master, |(_, last)| last) || ids.is_some_and(|(_, last)| last == id) {
            return Err(Damage::Order);
        }
        ids = Some((ids.map_or(id, |(first, _)| first), id));
        if entry.is_live { live += 1 } else { deleted += 1 }
    }
    if !entries.is_at_end() {
        return Err(Damage::Entry);
    }
    if i64::from(live) != head.live || i64::from(deleted) != head.deleted {
        return Err(Damage::Count);
    }
    Ok(NodeSummary { live, deleted, ids })
}

/// A stream that is being built from its first node to its last; groups are added when it is finished.
#[derive(Default)]
pub struct StreamBuilder {
    nodes: Builder<StreamNode>,
    node_count: u64,
    live: u64,
    first: Option<StreamId>,
    last: Option<StreamId>,
}

impl StreamBuilder {
    /// A stream without nodes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the next node after checking it in depth. One without live entries is checked and left out.
    pub fn push(&mut self, master: StreamId, listpack: &[u8]) -> Result<NodeSummary, Damage> {
        let summary = validate_node(master, listpack)?;
        if self.last.is_some_and(|last| last >= master) {
            return Err(Damage::Order);
        }
        self.last = Some(summary.ids.map_or(master, |(_, last)| last));
        if summary.live > 0 {
            let node = StreamNode::from_listpack(master, listpack);
            self.first = self.first.or_else(|| node.places().next_live().map(|entry| entry.id));
            self.nodes.push(node);
            self.node_count += 1;
            self.live += u64::from(summary.live);
        }
        Ok(summary)
    }

    /// Number of live entries so far.
    pub fn len(&self) -> u64 {
        self.live
    }

    /// Whether there is no live entry so far.
    pub fn is_empty(&self) -> bool {
        self.live == 0
    }

    /// The finished stream. The first ID is found out rather than taken from `info`, and the last one is at least that of the last entry.
    pub fn finish(self, info: Info) -> Stream {
        let info = Info {
            first_id: self.first.unwrap_or_default(),
            last_id: info.last_id.max(self.last.unwrap_or_default()),
            ..info
        };
        let log = Log { nodes: self.nodes.finish(), node_count: self.node_count, info };
        Stream { log, groups: Shelf::new(), idempotence: None }
    }
}
