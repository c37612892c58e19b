//! The whole content of a server, read over the wire: for comparing two servers, or a server with a model.

use std::collections::BTreeMap;
use std::io;

use crate::client::{Client, Reply};

/// Keys with value and absolute deadline in milliseconds, for each database by number. Only strings.
pub type Contents = BTreeMap<(u32, Vec<u8>), (Vec<u8>, Option<i64>)>;

/// Reads databases `0..databases`. Deadlines must be far away.
pub fn read(client: &mut Client, databases: u32) -> io::Result<Contents> {
    let mut contents = Contents::new();
    for db in 0..databases {
        client.call(&["SELECT", &db.to_string()])?;
        let keys = client.call(&["KEYS", "*"])?;
        for batch in keys.items().chunks(500) {
            let names: Vec<&[u8]> = batch.iter().filter_map(Reply::bulk).collect();
            let gets: Vec<Vec<&[u8]>> = names.iter().map(|name| vec![b"GET".as_slice(), *name]).collect();
            let deadlines: Vec<Vec<&[u8]>> =
                names.iter().map(|name| vec![b"PEXPIRETIME".as_slice(), *name]).collect();
            let values = client.pipeline(&gets)?;
            let deadlines = client.pipeline(&deadlines)?;
            for ((name, value), deadline) in names.iter().zip(values).zip(deadlines) {
                let value = match value {
                    Reply::Bulk(value) => value,
                    other => format!("{other:?}").into_bytes(),
                };
                contents.insert((db, name.to_vec()), (value, deadline.int().filter(|&at| at >= 0)));
            }
        }
    }
    Ok(contents)
}

/// The first few differences of two contents, in words; empty when they are equal.
pub fn differences(a: &Contents, b: &Contents) -> Vec<String> {
    let mut found = Vec::new();
    for key in a.keys().chain(b.keys().filter(|key| !a.contains_key(*key))) {
        if a.get(key) != b.get(key) {
            let show = |side: Option<&(Vec<u8>, Option<i64>)>| {
                side.map_or_else(
                    || "nothing".to_string(),
                    |(value, at)| {
                        format!(
                            "{:.60} ({} bytes) until {at:?}",
                            value.escape_ascii().to_string(),
                            value.len()
                        )
                    },
                )
            };
            found.push(format!(
                "db {} {}: {} / {}",
                key.0,
                key.1.escape_ascii(),
                show(a.get(key)),
                show(b.get(key))
            ));
        }
        if found.len() == 10 {
            break;
        }
    }
    found
}
