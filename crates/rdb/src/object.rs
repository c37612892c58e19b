//! What an object other than a string consists of, in the form in which it is handed from a file to whoever keeps
//! it: a flat sequence of calls to an [`ObjectSink`].
//!
//! ```text
//!  list    begin  (packed | list_element)*  end
//!  set     begin  (packed | set_member)*  end
//!  zset    begin  (packed | zset_member)*  end
//!  hash    begin  (packed | hash_field)*  end
//!  stream  begin  stream_node*  stream_info
//!          ( stream_group  stream_pending*  ( stream_consumer  stream_owned* )*  stream_unowned*  stream_group_end )*
//!          end
//! ```
//!
//! What a sink may rely on, because it has been checked before: elements of one packed node are distinct where they
//! must be; scores are not NaN; nodes, entries and pending entries of a stream ascend; names of groups and consumers
//! are distinct; a pending entry is owned by exactly one consumer of its group or said to be unowned.
//!
//! What is left to the sink, because it would need the whole collection: that members and fields are distinct in the
//! collections that are not packed. A sink that finds one twice returns [`Fault::Structure`], as Redis refuses the file then.

use crate::element::Element;
use crate::error::Fault;
use crate::listpack::{self, Iter};

/// What kind of collection an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A list.
    List,
    /// A set.
    Set,
    /// A sorted set.
    Zset,
    /// A hash.
    Hash,
    /// A stream.
    Stream,
}

/// Whether a sink has taken a node as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It has; the node's elements are not handed over again.
    Whole,
    /// It has not; its elements follow one by one.
    No,
}

/// Elements in the bytes of a listpack's body, spelled canonically: equal elements have equal bytes. Those of a
/// sorted set ascend by score and member, those of sets and hashes are in no order.
#[derive(Clone, Copy, Debug)]
pub struct Packed<'a> {
    /// Of which collection.
    pub kind: Kind,
    /// The elements: members; members and scores in turn; fields and values in turn.
    pub body: &'a [u8],
    /// How many listpack elements, so twice the pairs.
    pub count: u64,
    /// Whether the collection has no other node.
    pub is_whole: bool,
}

/// Takes an object's parts in the order that the module's header shows. A fault that it returns ends the reading.
///
/// Each kind has its own calls; a sink for some kinds need not know the others, whose default is to refuse.
pub trait ObjectSink {
    /// An object begins. `count` is how many elements, members or pairs follow, as declared by the file: a hint, not
    /// to be allocated for unseen. Unknown for lists of packed nodes and for streams.
    fn begin(&mut self, kind: Kind, count: Option<u64>) -> Result<(), Fault>;

    /// A packed node that is canonical. By default its elements are asked for one by one.
    fn packed(&mut self, _node: Packed<'_>) -> Result<Taken, Fault> {
        Ok(Taken::No)
    }

    /// The next element at a list's tail.
    fn list_element(&mut self, _element: Element<'_>) -> Result<(), Fault> {
        Err(UNEXPECTED)
    }

    /// A member of a set.
    fn set_member(&mut self, _member: Element<'_>) -> Result<(), Fault> {
        Err(UNEXPECTED)
    }

    /// A member of a sorted set; they come in any order (Redis writes large ones by descending score).
    fn zset_member(&mut self, _member: Element<'_>, _score: f64) -> Result<(), Fault> {
        Err(UNEXPECTED)
    }

    /// A field of a hash, with the Unix time in milliseconds at which it expires, possibly in the past.
    fn hash_field(
        &mut self,
        _field: Element<'_>,
        _value: Element<'_>,
        _expire_at_ms: Option<u64>,
    ) -> Result<(), Fault> {
        Err(UNEXPECTED)
    }

    /// The next node of a stream.
    fn stream_node(&mut self, _node: StreamNode<'_>) -> Result<(), Fault> {
        Err(UNEXPECTED)
    }

    /// What a stream knows about itself; behind its nodes.
    fn stream_info(&mut self, _info: &StreamInfo) -> Result<(), Fault> {
        Err(UNEXPECTED)
    }

    /// A consumer group begins.
    fn stream_group(&mut self, _group: &StreamGroup<'_>) -> Result<(), Fault> {
        Err(UNEXPECTED)
    }

    /// The next entry that the group has delivered and that is not acknowledged.
    fn stream_pending(&mut self, _pending: &StreamPending) -> Result<(), Fault> {
        Err(UNEXPECTED)
    }

    /// A consumer of the group.
    fn stream_consumer(&mut self, _consumer: &StreamConsumer<'_>) -> Result<(), Fault> {
        Err(UNEXPECTED)
    }

    /// The next pending entry that is owned by the consumer.
    fn stream_owned(&mut self, _id: StreamId) -> Result<(), Fault> {
        Err(UNEXPECTED)
    }

    /// The next pending entry that no consumer owns (XNACK of Redis 8.8).
    fn stream_unowned(&mut self, _id: StreamId) -> Result<(), Fault> {
        Err(UNEXPECTED)
    }

    /// The group is complete.
    fn stream_group_end(&mut self) -> Result<(), Fault> {
        Ok(())
    }

    /// The object is complete. Not called for one that turns out to be empty.
    fn end(&mut self) -> Result<(), Fault>;
}

const UNEXPECTED: Fault = Fault::Feature { name: "an object of a kind that is not taken here" };

/// Takes everything and keeps nothing: for passing over an object.
#[derive(Clone, Copy, Debug, Default)]
pub struct Discard;

impl ObjectSink for Discard {
    fn begin(&mut self, _: Kind, _: Option<u64>) -> Result<(), Fault> {
        Ok(())
    }

    fn packed(&mut self, _: Packed<'_>) -> Result<Taken, Fault> {
        Ok(Taken::Whole)
    }

    fn list_element(&mut self, _: Element<'_>) -> Result<(), Fault> {
        Ok(())
    }

    fn set_member(&mut self, _: Element<'_>) -> Result<(), Fault> {
        Ok(())
    }

    fn zset_member(&mut self, _: Element<'_>, _: f64) -> Result<(), Fault> {
        Ok(())
    }

    fn hash_field(&mut self, _: Element<'_>, _: Element<'_>, _: Option<u64>) -> Result<(), Fault> {
        Ok(())
    }

    fn stream_node(&mut self, _: StreamNode<'_>) -> Result<(), Fault> {
        Ok(())
    }

    fn stream_info(&mut self, _: &StreamInfo) -> Result<(), Fault> {
        Ok(())
    }

    fn stream_group(&mut self, _: &StreamGroup<'_>) -> Result<(), Fault> {
        Ok(())
    }

    fn stream_pending(&mut self, _: &StreamPending) -> Result<(), Fault> {
        Ok(())
    }

    fn stream_consumer(&mut self, _: &StreamConsumer<'_>) -> Result<(), Fault> {
        Ok(())
    }

    fn stream_owned(&mut self, _: StreamId) -> Result<(), Fault> {
        Ok(())
    }

    fn stream_unowned(&mut self, _: StreamId) -> Result<(), Fault> {
        Ok(())
    }

    fn end(&mut self) -> Result<(), Fault> {
        Ok(())
    }
}

/// The ID of a stream's entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId {
    /// Usually Unix time in milliseconds.
    pub ms: u64,
    /// Distinguishes entries of one millisecond.
    pub seq: u64,
}

impl StreamId {
    /// The 16 bytes that sort like the IDs.
    pub fn to_bytes(self) -> [u8; 16] {
        (u128::from(self.ms) << 64 | u128::from(self.seq)).to_be_bytes()
    }

    /// Of the 16 bytes that sort like the IDs.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        let number = u128::from_be_bytes(bytes);
        Self { ms: (number >> 64) as u64, seq: number as u64 }
    }
}

/// What a stream knows about itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StreamInfo {
    /// Entries in it that are not deleted, as stored. Redis does not compare it with the nodes; see `counted`.
    pub length: u64,
    /// Entries that are not deleted, counted in the nodes. Writing ignores it.
    pub counted: u64,
    /// The highest ID ever given.
    pub last_id: StreamId,
    /// The first entry's ID; unknown in streams of version 1.
    pub first_id: Option<StreamId>,
    /// The highest ID of a deleted entry; 0-0 in streams of version 1.
    pub max_deleted_id: StreamId,
    /// Entries ever added; the length in streams of version 1.
    pub entries_added: u64,
}

/// A consumer group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamGroup<'a> {
    /// Its name.
    pub name: &'a [u8],
    /// The last ID delivered.
    pub last_id: StreamId,
    /// Entries read since the stream's first one, if known; never in streams of version 1.
    pub entries_read: Option<u64>,
}

/// An entry that was delivered and is not acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamPending {
    /// Its ID.
    pub id: StreamId,
    /// Unix time in milliseconds of the last delivery.
    pub delivered_at_ms: i64,
    /// How often it was delivered.
    pub deliveries: u64,
}

/// A consumer of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamConsumer<'a> {
    /// Its name.
    pub name: &'a [u8],
    /// Unix time in milliseconds at which it last asked.
    pub seen_at_ms: i64,
    /// Unix time in milliseconds at which it last got something; -1 for never; that of `seen_at_ms` before version 3.
    pub active_at_ms: i64,
}

/// A node of a stream: entries that refer to a master ID and to master fields, in a listpack.
///
/// ```text
///  entries  deleted  fields  field*  0  ( flags  ms - master  seq - master
///                                         [fields (field value)* | value*]  elements of this entry )*
/// ```
#[derive(Clone, Copy, Debug)]
pub struct StreamNode<'a> {
    /// The master ID.
    pub id: StreamId,
    /// The listpack's elements.
    pub body: &'a [u8],
    /// How many listpack elements.
    pub count: u64,
    /// Entries that are not deleted.
    pub live: u64,
}

impl<'a> StreamNode<'a> {
    /// The entries, deleted ones included.
    pub fn entries(&self) -> StreamEntries<'a> {
        let mut rest = Iter::new(self.body);
        let mut number = || rest.next().and_then(Element::as_int).unwrap_or(0);
        let left = (number() as u64).wrapping_add(number() as u64);
        let fields = number() as u64;
        let master = rest.clone();
        let mut left_of_fields = fields;
        while left_of_fields > 0 && rest.next().is_some() {
            left_of_fields -= 1;
        }
        rest.next();
        StreamEntries { id: self.id, master, fields, rest, left }
    }
}

/// Walks the entries of a node.
#[derive(Clone, Debug)]
pub struct StreamEntries<'a> {
    id: StreamId,
    master: Iter<'a>,
    fields: u64,
    rest: Iter<'a>,
    left: u64,
}

/// Flags of an entry.
const DELETED: i64 = 1;
const SAME_FIELDS: i64 = 2;

impl<'a> Iterator for StreamEntries<'a> {
    type Item = StreamEntry<'a>;

    fn next(&mut self) -> Option<StreamEntry<'a>> {
        self.left = self.left.checked_sub(1)?;
        let mut number = || self.rest.next().and_then(Element::as_int);
        let (flags, ms, seq) = (number()?, number()?, number()?);
        let id =
            StreamId { ms: self.id.ms.wrapping_add(ms as u64), seq: self.id.seq.wrapping_add(seq as u64) };
        let (names, left) = if flags & SAME_FIELDS != 0 {
            (Some(self.master.clone()), self.fields)
        } else {
            (None, number()? as u64)
        };
        let pairs = StreamFields { names, values: self.rest.clone(), left };
        let mut all = pairs.clone();
        all.by_ref().for_each(drop);
        self.rest = all.values;
        self.rest.next();
        Some(StreamEntry { id, is_deleted: flags & DELETED != 0, fields: pairs })
    }
}

/// An entry of a stream.
#[derive(Clone, Debug)]
pub struct StreamEntry<'a> {
    /// Its ID.
    pub id: StreamId,
    /// Whether it only waits for its node to be rewritten.
    pub is_deleted: bool,
    /// Its fields with their values.
    pub fields: StreamFields<'a>,
}

/// Walks the fields of an entry.
#[derive(Clone, Debug)]
pub struct StreamFields<'a> {
    /// The master fields, if the entry has those.
    names: Option<Iter<'a>>,
    values: Iter<'a>,
    left: u64,
}

impl<'a> Iterator for StreamFields<'a> {
    type Item = (Element<'a>, Element<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let field = match &mut self.names {
            Some(names) => names.next()?,
            None => self.values.next()?,
        };
        Some((field, self.values.next()?))
    }
}

/// Builds the body of a node.
#[derive(Clone, Debug)]
pub struct StreamNodeBuilder {
    id: StreamId,
    fields: Vec<Vec<u8>>,
    entries: listpack::Body,
    live: u64,
    deleted: u64,
    whole: listpack::Body,
}

impl StreamNodeBuilder {
    /// For a node whose first entry has this ID and these fields.
    pub fn new<'f>(id: StreamId, fields: impl IntoIterator<Item = &'f [u8]>) -> Self {
        Self {
            id,
            fields: fields.into_iter().map(<[u8]>::to_vec).collect(),
            entries: listpack::Body::new(),
            live: 0,
            deleted: 0,
            whole: listpack::Body::new(),
        }
    }

    /// Appends an entry, whose ID must be above those before. Master fields are not spelled again.
    pub fn push(&mut self, id: StreamId, is_deleted: bool, pairs: &[(&[u8], &[u8])]) {
        let same = pairs.len() == self.fields.len()
            && pairs.iter().zip(&self.fields).all(|((field, _), master)| field == master);
        let flags = if same { SAME_FIELDS } else { 0 } | if is_deleted { DELETED } else { 0 };
        let mut int = |value: i64| self.entries.push(Element::Int(value));
        int(flags);
        int(id.ms.wrapping_sub(self.id.ms) as i64);
        int(id.seq.wrapping_sub(self.id.seq) as i64);
        let count = pairs.len() as i64;
        if !same {
            int(count);
        }
        for (field, value) in pairs {
            if !same {
                self.entries.push(Element::Bytes(field));
            }
            self.entries.push(Element::Bytes(value));
        }
        self.entries.push(Element::Int(if same { count + 3 } else { 2 * count + 4 }));
        *(if is_deleted { &mut self.deleted } else { &mut self.live }) += 1;
    }

    /// Bytes of the entries so far.
    pub fn size(&self) -> usize {
        self.entries.bytes().len()
    }

    /// The node as far as it is built.
    pub fn node(&mut self) -> StreamNode<'_> {
        self.whole.clear();
        for number in [self.live, self.deleted, self.fields.len() as u64] {
            self.whole.push(Element::Int(number as i64));
        }
        self.fields.iter().for_each(|field| self.whole.push(Element::Bytes(field)));
        self.whole.push(Element::Int(0));
        self.whole.append(&self.entries);
        StreamNode { id: self.id, body: self.whole.bytes(), count: self.whole.count(), live: self.live }
    }
}
