//! Objects as plain std collections: collected from the codec, made at random, and written with it. Tests nothing itself.
#![allow(dead_code, reason = "each of the test programs that include this uses a part")]

use std::collections::{BTreeMap, BTreeSet};

use rdb::listpack::{self, Body};
use rdb::object::{
    Packed, StreamConsumer, StreamGroup, StreamId, StreamInfo, StreamNode, StreamNodeBuilder, StreamPending,
    Taken,
};
use rdb::{Element, Fault, Kind, ObjectSink, ObjectWriter, Place};

pub type Bytes = Vec<u8>;

#[derive(Clone, Debug, PartialEq)]
pub enum Object {
    List(Vec<Bytes>),
    Set(BTreeSet<Bytes>),
    /// Scores by their bits.
    Zset(BTreeMap<Bytes, u64>),
    Hash(BTreeMap<Bytes, (Bytes, Option<u64>)>),
    Stream(Stream),
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stream {
    pub entries: Vec<Entry>,
    pub info: StreamInfo,
    pub groups: Vec<Group>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Entry {
    pub id: StreamId,
    pub is_deleted: bool,
    pub fields: Vec<(Bytes, Bytes)>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Group {
    pub name: Bytes,
    pub last_id: StreamId,
    pub entries_read: Option<u64>,
    pub pending: Vec<StreamPending>,
    pub consumers: Vec<Consumer>,
    pub unowned: Vec<StreamId>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Consumer {
    pub name: Bytes,
    pub seen_at_ms: i64,
    pub active_at_ms: i64,
    pub owned: Vec<StreamId>,
}

/// Collects an object. Packed nodes are taken whole or not, as `takes_packed` says.
#[derive(Debug, Default)]
pub struct Collect {
    pub takes_packed: bool,
    pub object: Option<Object>,
    pub count: Option<u64>,
    pub is_ended: bool,
    pub packed: u32,
    /// Bodies taken whole.
    pub bodies: Vec<(Bytes, u64)>,
    /// Nodes of a stream.
    pub nodes: Vec<(StreamId, Bytes, u64)>,
}

impl Collect {
    pub fn new(takes_packed: bool) -> Self {
        Self { takes_packed, ..Self::default() }
    }

    pub fn finish(self) -> Object {
        assert!(self.is_ended);
        self.object.unwrap()
    }

    fn stream(&mut self) -> &mut Stream {
        match self.object.as_mut().unwrap() {
            Object::Stream(stream) => stream,
            other => panic!("{other:?}"),
        }
    }
}

fn twice() -> Fault {
    Fault::Structure { what: "an element twice" }
}

fn score(text: Element<'_>) -> f64 {
    value::number::parse_f64(&text.to_cow()).expect("scores of packed nodes are numbers")
}

impl ObjectSink for Collect {
    fn begin(&mut self, kind: Kind, count: Option<u64>) -> Result<(), Fault> {
        assert!(self.object.is_none());
        self.count = count;
        self.object = Some(match kind {
            Kind::List => Object::List(Vec::new()),
            Kind::Set => Object::Set(BTreeSet::new()),
            Kind::Zset => Object::Zset(BTreeMap::new()),
            Kind::Hash => Object::Hash(BTreeMap::new()),
            Kind::Stream => Object::Stream(Stream::default()),
        });
        Ok(())
    }

    fn packed(&mut self, node: Packed<'_>) -> Result<Taken, Fault> {
        self.packed += 1;
        if !self.takes_packed {
            return Ok(Taken::No);
        }
        self.bodies.push((node.body.to_vec(), node.count));
        let elements: Vec<_> = listpack::Iter::new(node.body).collect();
        assert_eq!(elements.len() as u64, node.count);
        match node.kind {
            Kind::List => elements.into_iter().try_for_each(|element| self.list_element(element))?,
            Kind::Set => elements.into_iter().try_for_each(|member| self.set_member(member))?,
            Kind::Zset => {
                let mut last = None;
                for pair in elements.chunks(2) {
                    let here = (score(pair[1]), pair[0].to_cow().into_owned());
                    assert!(last.is_none_or(|last| last < here), "packed sorted sets are sorted");
                    self.zset_member(pair[0], here.0)?;
                    last = Some(here);
                }
            }
            Kind::Hash => elements.chunks(2).try_for_each(|pair| self.hash_field(pair[0], pair[1], None))?,
            Kind::Stream => unreachable!(),
        }
        Ok(Taken::Whole)
    }

    fn list_element(&mut self, element: Element<'_>) -> Result<(), Fault> {
        match self.object.as_mut().unwrap() {
            Object::List(list) => list.push(element.to_cow().into_owned()),
            other => panic!("{other:?}"),
        }
        Ok(())
    }

    fn set_member(&mut self, member: Element<'_>) -> Result<(), Fault> {
        match self.object.as_mut().unwrap() {
            Object::Set(set) => set.insert(member.to_cow().into_owned()).then_some(()).ok_or_else(twice),
            other => panic!("{other:?}"),
        }
    }

    fn zset_member(&mut self, member: Element<'_>, score: f64) -> Result<(), Fault> {
        assert!(!score.is_nan());
        match self.object.as_mut().unwrap() {
            Object::Zset(zset) => match zset.insert(member.to_cow().into_owned(), score.to_bits()) {
                None => Ok(()),
                Some(_) => Err(twice()),
            },
            other => panic!("{other:?}"),
        }
    }

    fn hash_field(
        &mut self,
        field: Element<'_>,
        value: Element<'_>,
        expire_at_ms: Option<u64>,
    ) -> Result<(), Fault> {
        let pair = (value.to_cow().into_owned(), expire_at_ms);
        match self.object.as_mut().unwrap() {
            Object::Hash(hash) => match hash.insert(field.to_cow().into_owned(), pair) {
                None => Ok(()),
                Some(_) => Err(twice()),
            },
            other => panic!("{other:?}"),
        }
    }

    fn stream_node(&mut self, node: StreamNode<'_>) -> Result<(), Fault> {
        self.nodes.push((node.id, node.body.to_vec(), node.count));
        let mut live = 0;
        for entry in node.entries() {
            live += u64::from(!entry.is_deleted);
            let fields = entry.fields.map(|(field, value)| (field.to_cow().into(), value.to_cow().into()));
            let fields = fields.collect();
            self.stream().entries.push(Entry { id: entry.id, is_deleted: entry.is_deleted, fields });
        }
        assert_eq!(live, node.live);
        Ok(())
    }

    fn stream_info(&mut self, info: &StreamInfo) -> Result<(), Fault> {
        self.stream().info = *info;
        Ok(())
    }

    fn stream_group(&mut self, group: &StreamGroup<'_>) -> Result<(), Fault> {
        let (name, last_id, entries_read) = (group.name.to_vec(), group.last_id, group.entries_read);
        self.stream().groups.push(Group { name, last_id, entries_read, ..Group::default() });
        Ok(())
    }

    fn stream_pending(&mut self, pending: &StreamPending) -> Result<(), Fault> {
        self.stream().groups.last_mut().unwrap().pending.push(*pending);
        Ok(())
    }

    fn stream_consumer(&mut self, consumer: &StreamConsumer<'_>) -> Result<(), Fault> {
        let &StreamConsumer { name, seen_at_ms, active_at_ms } = consumer;
        let consumer = Consumer { name: name.to_vec(), seen_at_ms, active_at_ms, owned: Vec::new() };
        self.stream().groups.last_mut().unwrap().consumers.push(consumer);
        Ok(())
    }

    fn stream_owned(&mut self, id: StreamId) -> Result<(), Fault> {
        self.stream().groups.last_mut().unwrap().consumers.last_mut().unwrap().owned.push(id);
        Ok(())
    }

    fn stream_unowned(&mut self, id: StreamId) -> Result<(), Fault> {
        self.stream().groups.last_mut().unwrap().unowned.push(id);
        Ok(())
    }

    fn stream_group_end(&mut self) -> Result<(), Fault> {
        let group = self.stream().groups.last().unwrap();
        let owned: usize = group.consumers.iter().map(|consumer| consumer.owned.len()).sum();
        assert_eq!(owned + group.unowned.len(), group.pending.len());
        Ok(())
    }

    fn end(&mut self) -> Result<(), Fault> {
        assert!(!self.is_ended);
        self.is_ended = true;
        Ok(())
    }
}

/// How an object is to be spelled.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Form {
    Packed,
    Plain,
}

/// Writes an object in a form.
pub fn write(
    object: &Object,
    writer: &mut ObjectWriter<'_>,
    out: &mut Vec<u8>,
    place: Place<'_>,
    form: Form,
) {
    let mut body = Body::new();
    match object {
        Object::List(list) => {
            writer.whole_list(out, place, list.iter().map(|element| Element::Bytes(element)))
        }
        Object::Set(set) if form == Form::Packed => {
            let mut ints: Vec<_> = set.iter().map_while(|member| Element::Bytes(member).as_int()).collect();
            if ints.len() == set.len() {
                ints.sort_unstable();
                return writer.intset(out, place, &ints);
            }
            set.iter().for_each(|member| body.push(Element::Bytes(member)));
            writer.packed_set(out, place, body.bytes(), body.count());
        }
        Object::Set(set) => {
            writer.set(out, place, set.len() as u64);
            set.iter().for_each(|member| writer.set_member(out, Element::Bytes(member)));
        }
        Object::Zset(zset) => {
            let mut pairs: Vec<_> =
                zset.iter().map(|(member, bits)| (f64::from_bits(*bits), member)).collect();
            pairs.sort_by(|a, b| a.partial_cmp(b).unwrap());
            if form == Form::Packed {
                for (score, member) in pairs {
                    body.push(Element::Bytes(member));
                    body.push_score(score, writer.version());
                }
                return writer.packed_zset(out, place, body.bytes(), body.count());
            }
            writer.zset(out, place, zset.len() as u64);
            for (score, member) in pairs.into_iter().rev() {
                writer.zset_member(out, Element::Bytes(member), score);
            }
        }
        Object::Hash(hash) if hash.values().any(|(_, expiry)| expiry.is_some()) => {
            writer.expiring_hash(out, place, hash.len() as u64);
            for (field, (value, expiry)) in hash {
                writer.expiring_field(out, Element::Bytes(field), Element::Bytes(value), *expiry);
            }
        }
        Object::Hash(hash) if form == Form::Packed => {
            for (field, (value, _)) in hash {
                body.push(Element::Bytes(field));
                body.push(Element::Bytes(value));
            }
            writer.packed_hash(out, place, body.bytes(), body.count());
        }
        Object::Hash(hash) => {
            writer.hash(out, place, hash.len() as u64);
            for (field, (value, _)) in hash {
                writer.hash_field(out, Element::Bytes(field), Element::Bytes(value));
            }
        }
        Object::Stream(stream) => write_stream(stream, writer, out, place),
    }
}

fn write_stream(stream: &Stream, writer: &mut ObjectWriter<'_>, out: &mut Vec<u8>, place: Place<'_>) {
    let nodes: Vec<_> = stream.entries.chunks(50).collect();
    writer.stream(out, place, nodes.len() as u64);
    for node in nodes {
        let first = &node[0];
        let names: Vec<&[u8]> = first.fields.iter().map(|(field, _)| field.as_slice()).collect();
        let mut builder = StreamNodeBuilder::new(first.id, names);
        for entry in node {
            let pairs: Vec<_> = entry.fields.iter().map(|(f, v)| (f.as_slice(), v.as_slice())).collect();
            builder.push(entry.id, entry.is_deleted, &pairs);
        }
        let node = builder.node();
        writer.stream_node(out, node.id, node.body, node.count);
    }
    writer.stream_info(out, &stream.info);
    writer.stream_groups(out, stream.groups.len() as u64);
    for group in &stream.groups {
        let Group { name, last_id, entries_read, pending, consumers, .. } = group;
        let head = StreamGroup { name, last_id: *last_id, entries_read: *entries_read };
        writer.stream_group(out, &head, pending.len() as u64);
        pending.iter().for_each(|pending| writer.stream_pending(out, pending));
        writer.stream_consumers(out, consumers.len() as u64);
        for Consumer { name, seen_at_ms, active_at_ms, owned } in consumers {
            let head = StreamConsumer { name, seen_at_ms: *seen_at_ms, active_at_ms: *active_at_ms };
            writer.stream_consumer(out, &head, owned.len() as u64);
            owned.iter().for_each(|&id| writer.stream_owned(out, id));
        }
    }
}

/// Random objects.
pub struct Random(pub fastrand::Rng);

impl Random {
    /// With the seed in FUZZ_SEED or another, which is printed.
    pub fn new() -> Self {
        let seed = std::env::var("FUZZ_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = seed.unwrap_or_else(|| fastrand::u64(..));
        println!("seed {seed}");
        Self(fastrand::Rng::with_seed(seed))
    }

    /// Integers of any size, text that compresses, noise.
    pub fn text(&mut self, len_max: usize) -> Bytes {
        let rng = &mut self.0;
        let len = rng.usize(0..=len_max);
        match rng.u8(0..5) {
            0 | 1 => (rng.i64(..) >> rng.u32(0..64)).to_string().into_bytes(),
            2 => (0..len).map(|_| rng.u8(..)).collect(),
            3 => vec![rng.u8(b'a'..=b'z'); len],
            _ => (0..len).map(|_| rng.u8(b'a'..=b'f')).collect(),
        }
    }

    fn count(&mut self, count_max: usize) -> usize {
        let few = self.0.bool();
        self.0.usize(1..=if few { count_max.min(20) } else { count_max })
    }

    pub fn score(&mut self) -> f64 {
        match self.0.u8(0..6) {
            0 => f64::from(self.0.i32(-1000..1000)),
            1 => self.0.f64(),
            2 => (self.0.i64(..) >> self.0.u32(0..60)) as f64,
            3 => f64::INFINITY,
            4 => f64::NEG_INFINITY,
            _ => loop {
                let score = f64::from_bits(self.0.u64(..));
                if !score.is_nan() && score != 0.0 {
                    break score;
                }
            },
        }
    }

    pub fn list(&mut self) -> Object {
        let count = self.count(300);
        let list = (0..count).map(|_| {
            let len = [30, 30, 30, 30, 30, 30, 500, 500, 20_000][self.0.usize(0..9)];
            self.text(len)
        });
        Object::List(list.collect())
    }

    pub fn set(&mut self) -> Object {
        let (count, ints) = (self.count(200), self.0.bool());
        let shift = self.0.u32(0..60);
        let set = (0..count)
            .map(|_| if ints { (self.0.i64(..) >> shift).to_string().into_bytes() } else { self.text(60) });
        Object::Set(set.collect())
    }

    pub fn zset(&mut self) -> Object {
        let count = self.count(120);
        Object::Zset((0..count).map(|_| (self.text(60), self.score().to_bits())).collect())
    }

    pub fn hash(&mut self, is_expiring: bool) -> Object {
        let count = self.count(200);
        let hash = (0..count).map(|_| {
            let expiry =
                (is_expiring && self.0.bool()).then(|| 4_000_000_000_000 + self.0.u64(0..1_000_000_000));
            (self.text(60), (self.text(60), expiry))
        });
        Object::Hash(hash.collect())
    }

    pub fn stream(&mut self) -> Object {
        let names: Vec<Bytes> = (0..self.0.usize(1..4)).map(|_| self.text(10)).collect();
        let (mut id, mut stream) =
            (StreamId { ms: self.0.u64(1..1 << 41), seq: self.0.u64(0..5) }, Stream::default());
        for _ in 0..self.0.usize(0..200) {
            if self.0.bool() {
                id.seq += self.0.u64(1..4);
            } else {
                id.ms += self.0.u64(1..100_000);
                id.seq = self.0.u64(0..3);
            }
            let fields = if self.0.u8(0..4) > 0 {
                names.iter().map(|name| (name.clone(), self.text(40))).collect()
            } else {
                (0..self.0.usize(1..4)).map(|_| (self.text(10), self.text(40))).collect()
            };
            stream.entries.push(Entry { id, is_deleted: self.0.u8(0..10) == 0, fields });
        }
        let live: Vec<_> =
            stream.entries.iter().filter(|entry| !entry.is_deleted).map(|entry| entry.id).collect();
        let deleted = stream.entries.iter().filter(|entry| entry.is_deleted).map(|entry| entry.id).max();
        stream.info = StreamInfo {
            length: live.len() as u64,
            counted: live.len() as u64,
            last_id: id,
            first_id: Some(live.first().copied().unwrap_or_default()),
            max_deleted_id: deleted.unwrap_or_default(),
            entries_added: stream.entries.len() as u64 + 3,
        };
        for g in 0..self.0.usize(0..4) {
            let mut group = Group {
                name: [format!("{g}").into_bytes(), self.text(20)].concat(),
                last_id: live.last().copied().unwrap_or_default(),
                entries_read: self.0.bool().then(|| self.0.u64(0..100)),
                ..Group::default()
            };
            for c in 0..self.0.usize(0..4) {
                let seen_at_ms = self.0.i64(1..1 << 41);
                let active_at_ms = if self.0.bool() { -1 } else { seen_at_ms };
                let name = [format!("{c}").into_bytes(), self.text(20)].concat();
                group.consumers.push(Consumer { name, seen_at_ms, active_at_ms, owned: Vec::new() });
            }
            for &id in &live {
                if !group.consumers.is_empty() && self.0.u8(0..3) == 0 {
                    let delivered_at_ms = self.0.i64(1..1 << 41);
                    group.pending.push(StreamPending {
                        id,
                        delivered_at_ms,
                        deliveries: self.0.u64(0..70_000),
                    });
                    let consumer = self.0.usize(0..group.consumers.len());
                    group.consumers[consumer].owned.push(id);
                }
            }
            stream.groups.push(group);
        }
        Object::Stream(stream)
    }

    /// One of each kind but hashes with expiries.
    pub fn objects(&mut self) -> Vec<Object> {
        vec![self.list(), self.set(), self.zset(), self.hash(false), self.stream()]
    }
}

/// What version 10 keeps of an object.
pub fn as_of_version_10(object: &Object) -> Object {
    let mut object = object.clone();
    if let Object::Stream(stream) = &mut object {
        for consumer in stream.groups.iter_mut().flat_map(|group| &mut group.consumers) {
            consumer.active_at_ms = consumer.seen_at_ms;
        }
    }
    object
}
