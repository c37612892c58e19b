//! Blocks against a vector of texts, against listpacks of a real server, and against damaged bytes.

use super::*;

/// The element's text, whatever its storage.
fn texts(block: &[u8]) -> Vec<Vec<u8>> {
    Packed::new(block).iter().map(|(_, element)| element.to_vec()).collect()
}

fn random_text(rng: &mut fastrand::Rng) -> Vec<u8> {
    match rng.u32(0..10) {
        0 => rng.i64(..).to_string().into_bytes(),
        1 => rng.i64(-5000..5000).to_string().into_bytes(),
        2 => (rng.i64(..) >> rng.u32(0..64)).to_string().into_bytes(),
        3 => rng.u8(..).to_string().into_bytes(),
        4 => vec![b'x'; rng.usize(0..300)],
        5 if rng.u32(0..30) == 0 => vec![b'y'; rng.usize(4000..20_000)],
        6 => [&b"0"[..], b"-0", b"01", b"+1", b"", b"-", b"9223372036854775808"][rng.usize(0..7)].to_vec(),
        _ => format!("member:{}", rng.u32(0..100)).into_bytes(),
    }
}

#[test]
fn behaves_like_a_vector_of_texts() {
    for seed in 0..60 {
        println!("seed {seed}");
        let mut rng = fastrand::Rng::with_seed(seed);
        let (mut block, mut model) = (EMPTY.to_vec(), Vec::<Vec<u8>>::new());
        for _ in 0..400 {
            let index = rng.usize(0..=model.len());
            let at = Packed::new(&block).position(index).unwrap();
            let text = random_text(&mut rng);
            let element = Element::of(&text);
            match rng.u32(0..8) {
                0 => {
                    push_back(&mut block, element);
                    model.push(text);
                }
                1 => {
                    push_front(&mut block, element);
                    model.insert(0, text);
                }
                2 => {
                    insert(&mut block, at, element);
                    model.insert(index, text);
                }
                3 if index < model.len() => {
                    replace(&mut block, at, element);
                    model[index] = text;
                }
                4 => {
                    let more = random_text(&mut rng);
                    insert_all(&mut block, at, &[element, Element::of(&more)]);
                    model.splice(index..index, [text, more]);
                }
                5 => {
                    let count = rng.usize(0..5);
                    let removed = remove(&mut block, at, count);
                    assert_eq!(removed, count.min(model.len() - index));
                    model.drain(index..index + removed);
                }
                6 if model.len() > 40 => {
                    let to = Packed::new(&block).position(index / 2).unwrap();
                    remove_between(&mut block, to, at, index - index / 2);
                    model.drain(index / 2..index);
                }
                _ => {
                    let stride = rng.usize(1..3);
                    let found = Packed::new(&block).find(element, at, stride);
                    let wanted = (index..model.len()).step_by(stride).find(|&i| model[i] == text);
                    assert_eq!(found, wanted.map(|i| Packed::new(&block).position(i).unwrap()));
                }
            }
            assert_eq!(validate(&block), Ok(()));
            assert!(block.capacity() <= block.len().max(64) * 3 / 2 + 8, "slack");
        }
        assert_eq!(texts(&block), model);
        let backwards: Vec<_> = Packed::new(&block).iter().rev().map(|(_, e)| e.to_vec()).collect();
        assert!(backwards.iter().eq(model.iter().rev()));
        let sizes: usize = Packed::new(&block).iter().map(|(_, e)| e.encoded_len()).sum();
        assert_eq!(sizes + HEADER, block.len());
        for (index, text) in model.iter().enumerate() {
            let element = Packed::new(&block).element(index).unwrap();
            assert_eq!(element, Element::of(text));
            assert_eq!(element.len(), text.len());
        }
        let mut listpack = Vec::new();
        Packed::new(&block).append_listpack(&mut listpack);
        assert_eq!(from_listpack(&listpack), Ok(block));
    }
}

/// The listpack inside `DUMP` of the list in the next test, from redis-server 7.0.15.
const SERVER_HEX: &str = "49000000100000017f01c08002dfff02cfff02d00002f1001003f1008003f200800004f2000080\
    04f30000800005f30000008005f400000080000000000980018161028330303704ff";

#[test]
fn bytes_are_those_of_a_listpack() {
    let texts = ["0", "127", "128", "-1", "4095", "-4096", "4096", "-32768", "32768", "-8388608", "8388608"];
    let more = ["-2147483648", "2147483648", "", "a", "007"];
    let mut block = EMPTY.to_vec();
    for text in texts.iter().chain(&more) {
        push_back(&mut block, Element::of(text.as_bytes()));
    }
    let mut listpack = Vec::new();
    Packed::new(&block).append_listpack(&mut listpack);
    let hex: String = listpack.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, SERVER_HEX);
}

#[test]
fn damaged_bytes_are_refused_and_read_without_panic() {
    let mut rng = fastrand::Rng::with_seed(7);
    let mut refused = 0;
    for _ in 0..20_000 {
        let mut block = EMPTY.to_vec();
        for _ in 0..rng.usize(0..6) {
            push_back(&mut block, Element::of(&random_text(&mut rng)[..]));
        }
        let mut listpack = Vec::new();
        Packed::new(&block).append_listpack(&mut listpack);
        for _ in 0..rng.usize(1..4) {
            let at = rng.usize(0..listpack.len());
            listpack[at] = rng.u8(..);
        }
        listpack.truncate(rng.usize(0..=listpack.len()).max(rng.usize(0..=listpack.len())));
        match from_listpack(&listpack) {
            Ok(block) => assert_eq!(validate(&block), Ok(())),
            Err(_) => refused += 1,
        }
        let view = Packed::new(&listpack);
        assert!(view.iter().count() <= listpack.len());
        assert!(view.iter().rev().count() <= listpack.len());
        view.find(Element::Int(5), view.start(), 2);
        view.find(Element::Bytes(b"member:5"), view.start(), 1);
        view.position(view.count() / 2);
        view.position(view.count());
    }
    assert!(refused > 10_000, "{refused}");
}

#[test]
fn integers_that_others_stored_as_text_become_integers() {
    let listpack = [11, 0, 0, 0, 1, 0, 0x82, b'1', b'2', 3, 0xFF];
    let block = from_listpack(&listpack).unwrap();
    assert_eq!(Packed::new(&block).element(0), Some(Element::Int(12)));
}

#[test]
fn size_classes_are_the_allocators() {
    for (bytes, class) in [(1, 8), (128, 128), (129, 160), (160, 160), (161, 192), (256, 256), (257, 320)] {
        assert_eq!(size_class(bytes), class, "{bytes}");
    }
    assert_eq!((size_class(2049), size_class(4096), size_class(4097)), (2560, 4096, 5120));
}
