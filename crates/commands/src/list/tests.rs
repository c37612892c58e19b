//! Random list commands against a plain model, with settings under which lists change form and name all the time.

use std::collections::VecDeque;

use crate::testing::Server;

const STEPS: usize = 3000;

/// A text: mostly short, at times longer than a leaf of a large list or than a block.
fn text(rng: &mut fastrand::Rng) -> Vec<u8> {
    match rng.u8(..100) {
        0 => vec![b'x'; rng.usize(8100..8300)],
        1..4 => vec![b'y'; rng.usize(..3000)],
        4..40 => rng.u8(..4).to_string().into_bytes(),
        _ => (0..rng.usize(..8)).map(|_| rng.u8(b'a'..b'c')).collect(),
    }
}

fn bulk(text: &[u8]) -> String {
    format!("${} {}", text.len(), text.escape_ascii())
}

#[test]
fn commands_against_a_model() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut rng = fastrand::Rng::with_seed(seed);
    for setting in ["-2", "-5", "-1", "1", "4", "128"] {
        let server = Server::start();
        let mut client = server.connect();
        client.check(&[(&format!("CONFIG SET list-max-listpack-size {setting}"), "+OK")]);
        let mut model: VecDeque<Vec<u8>> = VecDeque::new();
        for step in 0..STEPS {
            let (a, len) = (text(&mut rng), model.len());
            let index = rng.i64(-(len as i64) - 1..=len as i64);
            let (request, expected): (Vec<Vec<u8>>, String) = match rng.u8(..12) {
                name @ 0..4 => {
                    let texts: Vec<Vec<u8>> = (0..rng.usize(1..6)).map(|_| text(&mut rng)).collect();
                    for text in &texts {
                        if name < 2 { model.push_front(text.clone()) } else { model.push_back(text.clone()) }
                    }
                    let name = if name < 2 { "LPUSH" } else { "RPUSH" };
                    let words = [name.into(), b"k".to_vec()].into_iter().chain(texts).collect();
                    (words, format!(":{}", model.len()))
                }
                4 => (words("LPOP k"), model.pop_front().map_or("$-1".into(), |text| bulk(&text))),
                5 => (words("RPOP k"), model.pop_back().map_or("$-1".into(), |text| bulk(&text))),
                6 => {
                    let count = rng.usize(1..20).min(len.max(1));
                    let gone: Vec<String> = model.drain(..count.min(len)).map(|text| bulk(&text)).collect();
                    let all = format!("*{} {}", gone.len(), gone.join(" "));
                    (words(&format!("LPOP k {count}")), if len == 0 { "*-1".into() } else { all })
                }
                7 => {
                    let reply = match usize::try_from(if index < 0 { index + len as i64 } else { index }) {
                        _ if len == 0 => "-ERR no such key",
                        Ok(at) if at < len => {
                            model[at] = a.clone();
                            "+OK"
                        }
                        _ => "-ERR index out of range",
                    };
                    let mut request = words(&format!("LSET k {index}"));
                    request.push(a);
                    (request, reply.into())
                }
                8 => {
                    let pivot = text(&mut rng);
                    let reply = match model.iter().position(|text| *text == pivot) {
                        _ if len == 0 => 0,
                        Some(at) => {
                            model.insert(at + 1, a.clone());
                            len as i64 + 1
                        }
                        None => -1,
                    };
                    let mut request = words("LINSERT k AFTER");
                    request.extend([pivot, a]);
                    (request, format!(":{reply}"))
                }
                9 => {
                    let max = rng.usize(..3);
                    let mut left = if max == 0 { usize::MAX } else { max };
                    model.retain(|text| {
                        let goes = *text == a && left > 0;
                        left -= usize::from(goes);
                        !goes
                    });
                    let mut request = words(&format!("LREM k {max}"));
                    request.push(a);
                    (request, format!(":{}", len - model.len()))
                }
                10 if rng.u8(..8) == 0 => {
                    let (from, to) = (rng.usize(..=len), rng.usize(..=len));
                    model = model.iter().take(to + 1).skip(from).cloned().collect();
                    (words(&format!("LTRIM k {from} {to}")), "+OK".into())
                }
                _ => {
                    if let Some(text) = model.pop_back() {
                        model.push_front(text);
                    }
                    let reply = model.front().map_or("$-1".into(), |text| bulk(text));
                    (words("RPOPLPUSH k k"), reply)
                }
            };
            let request: Vec<&[u8]> = request.iter().map(Vec::as_slice).collect();
            client.send_args(&request);
            let shown = || request.join(&b' ').escape_ascii().to_string();
            assert_eq!(client.reply(), expected, "setting {setting}, step {step}: {}", shown());
            if step % 50 == 0 {
                client.send("LRANGE k 0 -1");
                let all: Vec<String> = model.iter().map(|text| bulk(text)).collect();
                let all = all.iter().fold(format!("*{}", model.len()), |sum, text| sum + " " + text);
                assert_eq!(client.reply(), all, "setting {setting}, step {step}");
            }
        }
    }
}

fn words(line: &str) -> Vec<Vec<u8>> {
    line.split(' ').map(|word| word.as_bytes().to_vec()).collect()
}

#[test]
fn encodings() {
    let server = Server::start();
    let mut client = server.connect();
    client.check(&[
        ("CONFIG SET list-max-listpack-size 4", "+OK"),
        ("RPUSH k 1 2 3 4", ":4"),
        ("OBJECT ENCODING k", "$8 listpack"),
        ("RPUSH k 5", ":5"),
        ("OBJECT ENCODING k", "$9 quicklist"),
        ("LPOP k 2", "*2 $1 1 $1 2"),
        ("OBJECT ENCODING k", "$9 quicklist"),
        ("RPOP k", "$1 5"),
        ("OBJECT ENCODING k", "$8 listpack"),
        ("LINSERT k BEFORE none x", ":-1"),
        ("RPUSH k 5 6", ":4"),
        ("OBJECT ENCODING k", "$8 listpack"),
        ("LINSERT k BEFORE none x", ":-1"),
        ("OBJECT ENCODING k", "$9 quicklist"),
        ("SORT k STORE d", ":4"),
        ("OBJECT ENCODING d", "$8 listpack"),
        ("SORT k GET # GET # STORE d", ":8"),
        ("OBJECT ENCODING d", "$9 quicklist"),
    ]);
}
