//! Objects of all types against real servers: theirs read here, ours read there, and the bytes of payloads compared.

use std::collections::BTreeMap;

use rdb::object::{StreamId, StreamInfo};
use rdb::write::EntryHead;
use rdb::{Compressor, Event, Limits, ObjectWriter, Place, Reader, Usage, crc64, dump};

use crate::model::{Bytes, Collect, Entry, Form, Group, Object, Random, Stream, as_of_version_10, write};
use crate::old;
use crate::server::{Folder, Reply, Server, reference_servers};

/// A consumer group's name, and its pending entries with consumer and number of deliveries.
type ShownGroup = (Bytes, Vec<(StreamId, Bytes, u64)>);

/// What a server can do, told by its version.
struct Abilities {
    /// The version of its payloads.
    version: u16,
    expires_fields: bool,
}

fn abilities(server: &mut Server) -> Abilities {
    server.ask_text("SET probe x");
    let Reply::Bulk(payload) = server.ask_text("DUMP probe") else { panic!() };
    server.ask_text("DEL probe");
    let version = u16::from_le_bytes(payload[payload.len() - 10..payload.len() - 8].try_into().unwrap());
    Abilities { version, expires_fields: version >= 12 }
}

/// Makes an object by commands. A stream gets entries, deletions, groups and deliveries of its own.
fn make(server: &mut Server, random: &mut Random, key: &[u8], object: &Object) {
    fn all(server: &mut Server, head: &[&[u8]], items: &[&[u8]], step: usize) {
        for chunk in items.chunks(step) {
            let reply = server.ask(&[&[head, chunk].concat()]).remove(0);
            assert!(!reply.is_error(), "{reply:?}");
        }
    }
    match object {
        Object::List(list) => {
            all(server, &[b"RPUSH", key], &list.iter().map(Vec::as_slice).collect::<Vec<_>>(), 100);
        }
        Object::Set(set) => {
            all(server, &[b"SADD", key], &set.iter().map(Vec::as_slice).collect::<Vec<_>>(), 100);
        }
        Object::Zset(zset) => {
            let scores: Vec<Bytes> = zset.values().map(|&bits| score_text(f64::from_bits(bits))).collect();
            let items: Vec<&[u8]> =
                zset.keys().zip(&scores).flat_map(|(member, score)| [score.as_slice(), member]).collect();
            all(server, &[b"ZADD", key], &items, 100);
        }
        Object::Hash(hash) => {
            let items: Vec<&[u8]> =
                hash.iter().flat_map(|(field, (value, _))| [field.as_slice(), value]).collect();
            all(server, &[b"HSET", key], &items, 100);
            for (field, (_, expiry)) in hash {
                if let Some(at) = expiry {
                    let at = at.to_string();
                    let reply = server.ask(&[&[b"HPEXPIREAT", key, at.as_bytes(), b"FIELDS", b"1", field]]);
                    assert_eq!(reply[0].texts(), [b"1"]);
                }
            }
        }
        Object::Stream(stream) => {
            for entry in &stream.entries {
                let id = format!("{}-{}", entry.id.ms, entry.id.seq);
                let mut command: Vec<&[u8]> = vec![b"XADD", key, id.as_bytes()];
                command.extend(entry.fields.iter().flat_map(|(field, value)| [field.as_slice(), value]));
                assert!(!server.ask(&[&command])[0].is_error());
            }
            for (g, group) in stream.groups.iter().enumerate() {
                server.ask(&[&[b"XGROUP", b"CREATE", key, &group.name, b"0", b"MKSTREAM"]]);
                for consumer in &group.consumers {
                    let count = random.0.usize(1..30).to_string();
                    let read: [&[u8]; 9] = [
                        b"XREADGROUP",
                        b"GROUP",
                        &group.name,
                        &consumer.name,
                        b"COUNT",
                        count.as_bytes(),
                        b"STREAMS",
                        key,
                        b">",
                    ];
                    assert!(!server.ask(&[&read])[0].is_error());
                }
                if g == 0 {
                    server.ask(&[&[b"XGROUP", b"CREATECONSUMER", key, &group.name, b"idle one"]]);
                }
            }
            for entry in stream.entries.iter().filter(|entry| entry.is_deleted) {
                let id = format!("{}-{}", entry.id.ms, entry.id.seq);
                server.ask(&[&[b"XDEL", key, id.as_bytes()]]);
            }
        }
    }
}

fn score_text(score: f64) -> Bytes {
    let mut text = Vec::new();
    value::number::append_f64_shortest(&mut text, score);
    text
}

fn pairs(texts: Vec<Bytes>) -> Vec<(Bytes, Bytes)> {
    texts.chunks(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect()
}

fn stream_id(text: &[u8]) -> StreamId {
    let (ms, seq) = std::str::from_utf8(text).unwrap().split_once('-').unwrap();
    StreamId { ms: ms.parse().unwrap(), seq: seq.parse().unwrap() }
}

/// A key's content as commands show it. Streams without what commands do not show.
fn ask(server: &mut Server, key: &[u8], like: &Object) -> Object {
    let mut one = |command: &[&[u8]]| server.ask(&[command]).remove(0);
    match like {
        Object::List(_) => Object::List(one(&[b"LRANGE", key, b"0", b"-1"]).texts()),
        Object::Set(_) => Object::Set(one(&[b"SMEMBERS", key]).texts().into_iter().collect()),
        Object::Zset(_) => {
            let pairs = pairs(one(&[b"ZRANGE", key, b"0", b"-1", b"WITHSCORES"]).texts());
            let bits = |text: Bytes| value::number::parse_f64(&text).unwrap().to_bits();
            Object::Zset(pairs.into_iter().map(|(member, score)| (member, bits(score))).collect())
        }
        Object::Hash(like) => {
            let mut hash: BTreeMap<_, _> = pairs(one(&[b"HGETALL", key]).texts())
                .into_iter()
                .map(|(field, value)| (field, (value, None)))
                .collect();
            if like.values().any(|(_, expiry)| expiry.is_some()) {
                for (field, (_, expiry)) in &mut hash {
                    let at = one(&[b"HPEXPIRETIME", key, b"FIELDS", b"1", field]).texts().remove(0);
                    *expiry = std::str::from_utf8(&at).unwrap().parse().ok();
                }
            }
            Object::Hash(hash)
        }
        Object::Stream(_) => {
            let Reply::Array(items) = one(&[b"XRANGE", key, b"-", b"+"]) else { panic!() };
            let entries = items.iter().map(|item| {
                let Reply::Array(item) = item else { panic!() };
                Entry { id: stream_id(&item[0].text()), is_deleted: false, fields: pairs(item[1].texts()) }
            });
            let mut stream = Stream { entries: entries.collect(), ..Stream::default() };
            let Reply::Array(items) = one(&[b"XINFO", b"STREAM", key]) else { panic!() };
            let info = |name: &[u8]| {
                let at = items.iter().position(|item| *item == Reply::Bulk(name.to_vec()));
                at.map(|at| items[at + 1].text())
            };
            let number = |text: Bytes| std::str::from_utf8(&text).unwrap().parse::<u64>().unwrap();
            stream.info = StreamInfo {
                length: number(info(b"length").unwrap()),
                counted: 0,
                last_id: stream_id(&info(b"last-generated-id").unwrap()),
                first_id: Some(stream_id(&info(b"recorded-first-entry-id").unwrap())),
                max_deleted_id: stream_id(&info(b"max-deleted-entry-id").unwrap()),
                entries_added: number(info(b"entries-added").unwrap()),
            };
            stream.info.counted = stream.info.length;
            Object::Stream(stream)
        }
    }
}

/// What [`ask`] can show of an object: of a stream no deleted entries and no groups.
fn shown(object: &Object) -> Object {
    let mut object = object.clone();
    if let Object::Stream(stream) = &mut object {
        stream.entries.retain(|entry| !entry.is_deleted);
        stream.groups.clear();
    }
    object
}

/// The groups of a stream as commands show them: name, last ID, and pending entries with consumer and deliveries.
fn ask_groups(server: &mut Server, key: &[u8], groups: &[Group]) -> Vec<ShownGroup> {
    let names: Vec<_> = groups.iter().map(|group| group.name.clone()).collect();
    let mut seen = Vec::new();
    for name in names {
        let Reply::Array(items) = server.ask(&[&[b"XPENDING", key, &name, b"-", b"+", b"100000"]]).remove(0)
        else {
            panic!()
        };
        let pending = items.iter().map(|item| {
            let texts = item.texts();
            (stream_id(&texts[0]), texts[1].clone(), std::str::from_utf8(&texts[3]).unwrap().parse().unwrap())
        });
        seen.push((name, pending.collect()));
    }
    seen
}

fn groups_of(object: &Object) -> Vec<ShownGroup> {
    let Object::Stream(stream) = object else { return Vec::new() };
    let group = |group: &Group| {
        let owner = |id: StreamId| {
            group.consumers.iter().find(|consumer| consumer.owned.contains(&id)).unwrap().name.clone()
        };
        let pending = group.pending.iter().map(|entry| (entry.id, owner(entry.id), entry.deliveries));
        (group.name.clone(), pending.collect())
    };
    stream.groups.iter().map(group).collect()
}

/// Objects with names, those with field expiry if asked for.
fn objects(random: &mut Random, with_expiry: bool) -> BTreeMap<Bytes, Object> {
    let mut objects = BTreeMap::new();
    for round in 0..12 {
        let mut made = random.objects();
        if with_expiry {
            made.push(random.hash(true));
        }
        for object in made {
            objects.insert(format!("{round}:{}", objects.len()).into_bytes(), object);
        }
    }
    objects
}

fn load(payload: &[u8]) -> Object {
    let mut sink = Collect::new(true);
    dump::load_object(payload, Limits::default(), &mut sink).unwrap();
    sink.finish()
}

/// Reads a file into objects.
fn read_file(file: &[u8]) -> BTreeMap<Bytes, Object> {
    let mut reader = Reader::new(file, Limits::default()).unwrap();
    let mut objects = BTreeMap::new();
    while let Some(event) = reader.next_part().unwrap() {
        if let Event::Object(head) = event {
            let key = head.key.to_vec();
            let mut sink = Collect::new(objects.len() % 2 == 0);
            assert!(reader.object(&mut sink).unwrap());
            objects.insert(key, sink.finish());
        }
    }
    objects
}

#[test]
fn their_objects_are_read_here() {
    let mut random = Random::new();
    for program in reference_servers() {
        let folder = Folder::new();
        let mut server = Server::start(&program, &folder);
        let abilities = abilities(&mut server);
        // Packed and not, by the limits that decide.
        for limit in ["0", "128"] {
            for kind in ["hash", "zset", "set"] {
                server.ask_text(&format!("CONFIG SET {kind}-max-listpack-entries {limit}"));
            }
            server.ask_text(&format!("CONFIG SET set-max-intset-entries {limit}"));
            server.ask_text("FLUSHALL");
            let mut objects = objects(&mut random, abilities.expires_fields);
            for (key, object) in &objects {
                make(&mut server, &mut random, key, object);
            }
            // A stream without anything cannot be made by the commands above.
            objects.retain(|key, _| server.ask(&[&[b"EXISTS", key]])[0] == Reply::Line(":1".into()));
            assert_eq!(server.ask_text("SAVE"), Reply::Line("+OK".into()));
            let read = read_file(&std::fs::read(folder.dump()).unwrap());
            assert_eq!(read.len(), objects.len());
            let mut kinds = BTreeMap::new();
            for (key, made) in &objects {
                let Reply::Bulk(payload) = server.ask(&[&[b"DUMP", key]]).remove(0) else { panic!() };
                *kinds.entry(payload[0]).or_insert(0) += 1;
                let object = load(&payload);
                assert_eq!(read[key], object, "{program}: file and payload");
                assert_eq!(shown(&object), ask(&mut server, key, made), "{program}: {}", key.escape_ascii());
                let groups = ask_groups(
                    &mut server,
                    key,
                    match &object {
                        Object::Stream(stream) => &stream.groups,
                        _ => &[],
                    },
                );
                assert_eq!(groups_of(&object), groups, "{program}");
                if !matches!(object, Object::Stream(_)) {
                    assert_eq!(object, *made);
                }
            }
            println!("{program}: number of payloads by type {kinds:?}");
        }
    }
}

#[test]
fn our_objects_are_read_there() {
    let mut random = Random::new();
    let mut compressor = Compressor::new();
    for program in reference_servers() {
        let folder = Folder::new();
        let Abilities { version: theirs, .. } = abilities(&mut Server::start(&program, &folder));
        // Redis 7.0 knows 10; others 11; Valkey 9 its own as well, and with it expiring fields.
        let versions: &[u16] = if theirs == 10 {
            &[10]
        } else if theirs >= 80 {
            &[10, 11, 80]
        } else {
            &[10, 11]
        };
        for &version in versions {
            let objects = objects(&mut random, version == 80);
            let mut file = Vec::new();
            rdb::write::header(&mut file, version);
            let mut writer = ObjectWriter::for_file(version, Some(&mut compressor));
            for (i, (key, object)) in objects.iter().enumerate() {
                let head = EntryHead { key, expire_at_ms: None, usage: Usage::Unknown };
                let form = [Form::Packed, Form::Plain][i % 2];
                write(object, &mut writer, &mut file, Place::Entry(&head), form);
            }
            let mut signed = file.clone();
            signed.extend(rdb::write::END);
            rdb::write::end(&mut file, crc64::crc64(&signed));
            std::fs::write(folder.dump(), &file).unwrap();
            let mut server = Server::start_with(&program, &folder, &["--sanitize-dump-payload", "yes"]);
            assert_eq!(server.ask_text("DBSIZE"), Reply::Line(format!(":{}", objects.len())), "{program}");
            for (i, (key, object)) in objects.iter().enumerate() {
                let expected = if version == 10 { as_of_version_10(object) } else { object.clone() };
                let mut payload = Vec::new();
                let mut writer = ObjectWriter::for_payload(version, Some(&mut compressor));
                let form = [Form::Plain, Form::Packed][i % 2];
                write(object, &mut writer, &mut payload, Place::Payload, form);
                dump::finish(&mut payload, 0, version);
                let reply = server.ask(&[&[b"RESTORE", b"restored", b"0", &payload, b"REPLACE"]]).remove(0);
                assert_eq!(reply, Reply::Line("+OK".into()), "{program} {version}: {object:?}");
                for key in [key, &b"restored"[..]] {
                    assert_eq!(shown(&expected), ask(&mut server, key, object), "{program} {version}");
                    // Their payload of our object has everything, groups and consumers too.
                    let Reply::Bulk(theirs) = server.ask(&[&[b"DUMP", key]]).remove(0) else { panic!() };
                    assert_eq!(load(&theirs), expected, "{program} {version}");
                }
            }
        }
    }
}

#[test]
fn old_layouts_are_read_alike() {
    for program in reference_servers() {
        let folder = Folder::new();
        let mut server = Server::start_with(&program, &folder, &["--sanitize-dump-payload", "yes"]);
        for case in old::cases() {
            let mut payload = case.body.clone();
            dump::finish(&mut payload, 0, case.version);
            let reply = server.ask(&[&[b"RESTORE", b"k", b"0", &payload, b"REPLACE"]]).remove(0);
            assert_eq!(reply, Reply::Line("+OK".into()), "{program}: {}", case.name);
            match &case.object {
                Object::Stream(stream) => {
                    let Object::Stream(seen) = ask(&mut server, b"k", &case.object) else { unreachable!() };
                    assert_eq!(seen.info.length, stream.info.length);
                    assert_eq!(seen.entries.len(), 2);
                    assert_eq!(ask_groups(&mut server, b"k", &stream.groups), groups_of(&case.object));
                }
                object => assert_eq!(ask(&mut server, b"k", object), *object, "{program}: {}", case.name),
            }
        }
        // And from a file of the first version, which has no checksum.
        let mut file = b"REDIS0001\xfe\x00".to_vec();
        let cases: Vec<_> = old::cases().into_iter().filter(|case| case.version == 1).collect();
        for case in &cases {
            file.push(case.body[0]);
            file.extend(old::string(case.name.as_bytes()));
            file.extend(&case.body[1..]);
        }
        file.push(0xff);
        std::fs::write(folder.dump(), &file).unwrap();
        let mut server = Server::start(&program, &folder);
        let read = read_file(&file);
        assert_eq!(read.len(), cases.len());
        for case in cases {
            assert_eq!(ask(&mut server, case.name.as_bytes(), &case.object), case.object);
            assert_eq!(read[case.name.as_bytes()], case.object);
        }
    }
}

#[test]
fn payloads_of_small_objects_have_the_same_bytes() {
    let mut random = Random::new();
    let mut compressor = Compressor::new();
    for program in reference_servers() {
        let folder = Folder::new();
        let mut server = Server::start(&program, &folder);
        let Abilities { version, .. } = abilities(&mut server);
        let version = version.min(11);
        let (mut same, mut digits, mut by_type) = (0, 0, BTreeMap::new());
        for round in 0..400 {
            let object = match round % 4 {
                0 => random.list(),
                1 => random.set(),
                2 => random.zset(),
                _ => random.hash(false),
            };
            server.ask_text("DEL k");
            make(&mut server, &mut random, b"k", &object);
            let Reply::Bulk(theirs) = server.ask_text("DUMP k") else { panic!() };
            let mut sink = Collect::new(true);
            dump::load_object(&theirs, Limits::default(), &mut sink).unwrap();
            let mut ours = Vec::new();
            let mut writer = ObjectWriter::for_payload(version, Some(&mut compressor));
            match (theirs[0], sink.bodies.as_slice(), &object) {
                // Before 7.2 an element was packed whatever its length.
                (18, [_], Object::List(list))
                    if version < 11 && list.iter().any(|long| long.len() > 8000) =>
                {
                    continue;
                }
                // One node, written again from its elements.
                (18, [_], Object::List(_)) | (11, ..) => {
                    write(&object, &mut writer, &mut ours, Place::Payload, Form::Packed);
                }
                (17, ..) => write(&object, &mut writer, &mut ours, Place::Payload, Form::Packed),
                (16, [(body, count)], _) => writer.packed_hash(&mut ours, Place::Payload, body, *count),
                (20, [(body, count)], _) => writer.packed_set(&mut ours, Place::Payload, body, *count),
                _ => continue,
            }
            let theirs = &theirs[..theirs.len() - 10];
            // For about one fraction in a thousand, newer servers print a digit more than needed.
            if ours != theirs && theirs[0] == 17 && version > 10 {
                digits += 1;
                continue;
            }
            assert!(
                ours == theirs,
                "{program}: type {}: {} ours {}",
                theirs[0],
                theirs.escape_ascii(),
                ours.escape_ascii()
            );
            same += 1;
            *by_type.entry(theirs[0]).or_insert(0) += 1;
        }
        println!(
            "{program}: {same} payloads with the same bytes, by type {by_type:?}; {digits} with another score's text"
        );
        assert!(same > 100 && digits < 30);
    }
}
