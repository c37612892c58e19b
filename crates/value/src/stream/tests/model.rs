//! Random changes of a stream and its groups beside a model of std collections, with clones taken and dropped on the way.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

#[derive(Clone, Default)]
struct ModelGroup {
    last_id: StreamId,
    /// ID to the consumer's name, time and count.
    pending: BTreeMap<StreamId, (String, u64, u64)>,
    consumers: BTreeSet<String>,
}

#[derive(Clone, Default)]
struct Model {
    entries: BTreeMap<StreamId, Pairs>,
    info: Info,
    groups: BTreeMap<String, ModelGroup>,
}

impl Model {
    fn refresh(&mut self) {
        self.info.first_id = self.entries.keys().next().copied().unwrap_or_default();
    }

    fn check(&self, stream: &Stream) {
        stream.check();
        let log = stream.log();
        assert_eq!(log.info(), self.info);
        assert_eq!(log.len(), self.entries.len() as u64);
        let expected = self.entries.iter().map(|(id, pairs)| (*id, pairs.clone()));
        assert!(log.range(StreamId::MIN, StreamId::MAX).map(owned).eq(expected.clone()));
        assert!(log.range_back(StreamId::MIN, StreamId::MAX).map(owned).eq(expected.rev()));
        assert!(stream.groups().map(Group::name).eq(self.groups.keys().map(String::as_bytes)));
        for (name, model) in &self.groups {
            let group = stream.group(name.as_bytes()).unwrap();
            assert_eq!(group.last_id, model.last_id);
            let names = group.consumers().map(|there| String::from_utf8(there.name().to_vec()).unwrap());
            assert!(names.eq(model.consumers.iter().cloned()));
            let pending = group.pending_from(StreamId::MIN).map(|there| {
                let name = group.consumer(there.consumer).unwrap().name().to_vec();
                (there.id, (String::from_utf8(name).unwrap(), there.delivered_at_ms, there.deliveries))
            });
            assert!(pending.eq(model.pending.iter().map(|(id, there)| (*id, there.clone()))));
            assert_eq!(group.first_pending().map(|there| there.id), model.pending.keys().next().copied());
            assert_eq!(group.last_pending().map(|there| there.id), model.pending.keys().next_back().copied());
        }
    }
}

struct Fuzz {
    rng: fastrand::Rng,
    stream: Stream,
    model: Model,
    limits: NodeLimits,
    /// How many groups and consumers there may be.
    names: u32,
}

impl Fuzz {
    fn some_id(&mut self) -> StreamId {
        let top = self.model.info.last_id.ms + 2;
        let near = id(self.rng.u64(0..top), self.rng.u64(0..4));
        if self.rng.bool() {
            return near;
        }
        self.model.entries.range(near..).next().map_or(near, |(id, _)| *id)
    }

    fn some_pairs(&mut self) -> Pairs {
        let rng = &mut self.rng;
        if rng.u32(0..3) > 0 {
            return [b"name", b"some", b"tail"]
                .map(|field| (field.to_vec(), rng.u32(0..1 << 20).to_string().into()))
                .into();
        }
        let text = |rng: &mut fastrand::Rng| match rng.u32(0..4) {
            0 => rng.i64(..).to_string().into_bytes(),
            1 => vec![b'x'; rng.usize(0..200)],
            _ => vec![rng.u8(..); rng.usize(0..12)],
        };
        (0..rng.usize(1..5)).map(|_| (text(rng), text(rng))).collect()
    }

    fn append(&mut self) {
        let last = self.model.info.last_id;
        let id = if self.rng.u32(0..3) == 0 {
            id(last.ms, last.seq + 1)
        } else {
            id(last.ms + self.rng.u64(1..4), self.rng.u64(0..3))
        };
        let pairs = self.some_pairs();
        assert_eq!(self.stream.log_mut().append(id, borrowed(&pairs), self.limits), Ok(()));
        assert_eq!(
            self.stream.log_mut().append(id, borrowed(&pairs), self.limits),
            Err(AppendError::NotAbove)
        );
        self.model.entries.insert(id, pairs);
        self.model.info.last_id = id;
        self.model.info.entries_added += 1;
        self.model.refresh();
    }

    fn delete(&mut self) {
        let id = self.some_id();
        let was_there = self.model.entries.remove(&id).is_some();
        assert_eq!(self.stream.log_mut().delete(id), was_there);
        if was_there {
            self.model.info.max_deleted_id = self.model.info.max_deleted_id.max(id);
            self.model.refresh();
        }
    }

    fn trim(&mut self) {
        let len = self.model.entries.len() as u64;
        let (keep, keeps) = if self.rng.bool() {
            let length = len.saturating_sub(self.rng.u64(0..=len / 4 + 2));
            (Keep::Length(length), length.min(len))
        } else {
            let low = self.model.info.first_id.ms;
            let high = self.model.info.last_id.ms + 2;
            let from = id(low + (high - low) / 8 * self.rng.u64(0..3), self.rng.u64(0..4));
            (Keep::From(from), self.model.entries.range(from..).count() as u64)
        };
        let is_approximate = self.rng.bool();
        let limit = if is_approximate && self.rng.bool() { self.rng.u64(1..40) } else { 0 };
        let trimmed = self.stream.log_mut().trim(Trim { keep, is_approximate, limit });
        assert!(limit == 0 || trimmed.removed <= limit);
        if is_approximate {
            assert!(trimmed.removed <= len - keeps);
            // No whole node more could have gone.
            if let Some(first) = self.stream.log().nodes().next() {
                let live = first.places().filter(|place| place.is_live()).count() as u64;
                let stays = match keep {
                    Keep::Length(length) => len - trimmed.removed - live < length,
                    Keep::From(id) => first.last_id() >= id,
                };
                assert!(stays || limit > 0 && trimmed.removed + live > limit);
            }
        } else {
            assert_eq!(trimmed.removed, len - keeps);
        }
        for _ in 0..trimmed.removed {
            self.model.entries.pop_first();
        }
        self.model.refresh();
    }

    fn read(&mut self) {
        let (start, end) = (self.some_id(), self.some_id());
        let log = self.stream.log();
        let expected: Vec<_> = if start <= end {
            self.model.entries.range(start..=end).map(|(id, pairs)| (*id, pairs.clone())).collect()
        } else {
            Vec::new()
        };
        assert!(log.range(start, end).map(owned).eq(expected.iter().cloned()));
        assert!(log.range_back(start, end).map(owned).eq(expected.iter().rev().cloned()));
        assert_eq!(log.get(end).map(owned).map(|there| there.1), self.model.entries.get(&end).cloned());
        assert_eq!(log.contains(start), self.model.entries.contains_key(&start));
        assert_eq!(log.last().map(|entry| entry.id), self.model.entries.keys().next_back().copied());
    }

    fn change_groups(&mut self) {
        let name = format!("group:{}", self.rng.u32(0..self.names));
        if self.rng.u32(0..4) > 0 {
            let created = self.stream.create_group(name.as_bytes(), StreamId::MIN, None);
            assert_eq!(created, !self.model.groups.contains_key(&name));
            self.model.groups.entry(name).or_default();
        } else {
            let destroyed = self.stream.destroy_group(name.as_bytes());
            assert_eq!(destroyed.is_some(), self.model.groups.remove(&name).is_some());
            destroyed.into_iter().for_each(|mut rest| while !rest.step(3) {});
        }
    }

    fn change_pending(&mut self) {
        let name = format!("group:{}", self.rng.u32(0..self.names));
        let who = format!("consumer:{}", self.rng.u32(0..self.names));
        let (id, now, what) = (self.some_id(), self.rng.u64(0..1 << 48), self.rng.u32(0..20));
        let count = self.rng.usize(0..9);
        let Some(model) = self.model.groups.get_mut(&name) else { return };
        let done = self.stream.edit_group(name.as_bytes(), |log, group| match what {
            0..8 => {
                let created = group.create_consumer(who.as_bytes(), 1);
                assert_eq!(created.is_some(), model.consumers.insert(who.clone()));
                let consumer = group.consumer_named(who.as_bytes()).unwrap().number();
                let Some(next) = group.last_id.next() else { return };
                for entry in log.range(next, StreamId::MAX).take(count) {
                    group.advance(log, entry.id);
                    assert!(group.deliver(entry.id, consumer, now));
                    model.pending.insert(entry.id, (who.clone(), now, 1));
                    model.last_id = entry.id;
                }
            }
            8..11 => {
                let Some(consumer) = group.consumer_named(who.as_bytes()).map(Consumer::number) else {
                    return;
                };
                let pending = Pending { id, consumer, delivered_at_ms: now, deliveries: now };
                assert!(group.assign(pending));
                assert_eq!(group.pending(id), Some(pending));
                model.pending.insert(id, (who, now, now));
            }
            11 => {
                let redelivered = group.redeliver(id, now).map(|there| there.deliveries);
                let model = model.pending.get_mut(&id).map(|there| {
                    (there.1, there.2) = (now, (there.2 + 1).min((1 << 48) - 1));
                    there.2
                });
                assert_eq!(redelivered.map(|count| count.min((1 << 48) - 1)), model);
            }
            12 if count == 0 => {
                let deleted = group.delete_consumer(who.as_bytes());
                let before = model.pending.len();
                model.pending.retain(|_, there| there.0 != who);
                let expected = model.consumers.remove(&who).then_some((before - model.pending.len()) as u64);
                assert_eq!(deleted, expected);
            }
            13 => {
                let ids = group.consumer_named(who.as_bytes()).map(|there| there.pending_from(id));
                let own = model.pending.range(id..).filter(|(_, there)| there.0 == who).map(|(id, _)| *id);
                assert!(ids.into_iter().flatten().eq(own));
                let all = group.pending_from(id).map(|there| there.id);
                assert!(all.eq(model.pending.range(id..).map(|(id, _)| *id)));
            }
            _ => {
                let next = group.pending_from(id).next().map_or(id, |there| there.id);
                let acknowledged = group.acknowledge(next);
                assert_eq!(acknowledged.is_some(), model.pending.remove(&next).is_some());
                assert_eq!(group.acknowledge(next), None);
            }
        });
        assert!(done.is_some());
    }

    fn run(mut self, steps: u32) {
        let mut frozen: Vec<(Stream, Model)> = Vec::new();
        for step in 0..steps {
            match self.rng.u32(0..100) {
                0..40 => self.append(),
                40..50 => self.delete(),
                50 if self.rng.u32(0..4) == 0 => self.trim(),
                51..54 => self.read(),
                54..58 => self.change_groups(),
                58..98 => self.change_pending(),
                98 if frozen.len() < 3 => frozen.push((self.stream.clone(), self.model.clone())),
                _ if !frozen.is_empty() && self.rng.u32(0..4) == 0 => {
                    let (stream, model) = frozen.swap_remove(self.rng.usize(0..frozen.len()));
                    model.check(&stream);
                }
                _ => {}
            }
            if step % 200 == 0 {
                self.model.check(&self.stream);
            }
        }
        self.model.check(&self.stream);
        let copied = self.stream.copied_bytes();
        frozen.iter().for_each(|(stream, model)| model.check(stream));
        drop(frozen);
        self.append();
        assert_eq!(self.stream.copied_bytes(), copied, "nothing is shared");
        let heap = self.stream.clone().heap_bytes();
        assert_eq!(heap, self.stream.heap_bytes());
    }
}

#[test]
fn streams_behave_like_the_model() {
    for seed in 0..24 {
        println!("seed {seed}");
        let mut rng = fastrand::Rng::with_seed(seed);
        let limits = NodeLimits {
            bytes_max: [0, 100, 300, 4096][rng.usize(0..4)],
            entries_max: [0, 1, 5, 100][rng.usize(0..4)],
        };
        let names = [3, 60, 300][rng.usize(0..3)];
        let fuzz = Fuzz { rng, stream: Stream::new(), model: Model::default(), limits, names };
        fuzz.run(3000);
    }
}
