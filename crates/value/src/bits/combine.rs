//! Combining strings bit by bit, a block at a time, without copying a source.
//!
//! ```text
//!  source 0   [ data ][ hole ....................... ][ data ]
//!  source 1   [ data ][ data ][ hole ............................. ]   a source's end is a hole without end
//!              step    step    one step over what is a hole in all     step
//! ```
//! Bounds: two blocks of scratch memory whatever the number of sources; the result has no block where every source has a hole.

use crate::block_tree::{BLOCK, BlockTree, Run, Runs};
use crate::number::IntText;
use crate::string::{FLAT_MAX, Shared, StrRef};

/// How bits of several strings become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Set in all.
    And,
    /// Set in any.
    Or,
    /// Set in an odd number.
    Xor,
    /// Not set in the only one.
    Not,
    /// Set in the first and in no other.
    Diff,
    /// Set in another and not in the first.
    Diff1,
    /// Set in the first and in another.
    AndOr,
    /// Set in exactly one.
    One,
}

/// The combination of `sources`, as long as the longest; shorter ones count as if zeros followed. [`Operation::Not`] uses only the
/// first.
pub fn combine(operation: Operation, sources: &[StrRef<'_>]) -> Shared {
    let len = sources.iter().map(|source| source.len()).max().unwrap_or(0);
    let mut texts: Vec<IntText> = sources.iter().map(|_| IntText::new(0)).collect();
    let mut sources: Vec<Source<'_>> =
        sources.iter().zip(&mut texts).map(|(source, text)| Source::new(*source, text)).collect();
    let mut work = Box::new(Work { block: [0; BLOCK], other: [0; BLOCK] });
    if len <= FLAT_MAX as u64 {
        let mut flat = vec![0; len as usize];
        each_block(operation, &mut sources, len, &mut work, |at, block| {
            flat[at as usize..at as usize + block.len()].copy_from_slice(block);
        });
        return Shared::from_vec(flat);
    }
    let mut tree = BlockTree::new();
    tree.resize_zero(len);
    each_block(operation, &mut sources, len, &mut work, |at, block| tree.write(at, block));
    Shared::from_tree(tree)
}

/// Scratch memory: the block in the making, and what the sources behind the first gather (or the bits seen twice).
struct Work {
    block: [u8; BLOCK],
    other: [u8; BLOCK],
}

/// Calls `emit` with the offset and bytes of each block of the result, except for those that are known to be zero.
fn each_block(
    operation: Operation,
    sources: &mut [Source<'_>],
    len: u64,
    work: &mut Work,
    mut emit: impl FnMut(u64, &[u8]),
) {
    let mut at = 0;
    while at < len {
        let zeros = sources.iter_mut().map(Source::zeros).min().unwrap_or(u64::MAX);
        // Zeros in every source are zeros in every result but that of NOT.
        let skip = zeros - zeros % BLOCK as u64;
        let step = if skip > 0 && operation != Operation::Not {
            skip.min(len - at)
        } else {
            let count = (BLOCK as u64).min(len - at) as usize;
            if work.block(operation, sources, count) {
                emit(at, &work.block[..count]);
            }
            count as u64
        };
        sources.iter_mut().for_each(|source| source.advance(step));
        at += step;
    }
}

impl Work {
    /// Computes a block of `count` bytes; false if it is known to be zero.
    fn block(&mut self, operation: Operation, sources: &mut [Source<'_>], count: usize) -> bool {
        let (block, other) = (&mut self.block[..count], &mut self.other[..count]);
        let Some((first, rest)) = sources.split_first_mut() else { return false };
        put(block, first.piece());
        match operation {
            Operation::And => {
                for source in rest {
                    let Some(piece) = source.piece() else { return false };
                    let (with, without) = block.split_at_mut(piece.len().min(count));
                    apply(with, piece, |a, b| a & b);
                    without.fill(0);
                }
            }
            Operation::Or => each_piece(rest, |piece| apply(block, piece, |a, b| a | b)),
            Operation::Xor => each_piece(rest, |piece| apply(block, piece, |a, b| a ^ b)),
            Operation::Not => block.iter_mut().for_each(|byte| *byte = !*byte),
            Operation::Diff | Operation::Diff1 | Operation::AndOr => {
                other.fill(0);
                each_piece(rest, |piece| apply(other, piece, |a, b| a | b));
                match operation {
                    Operation::Diff => apply(block, other, |x, y| x & !y),
                    Operation::Diff1 => apply(block, other, |x, y| !x & y),
                    _ => apply(block, other, |x, y| x & y),
                }
            }
            Operation::One => {
                // `block` has the bits seen at least once, `other` those seen more often.
                other.fill(0);
                each_piece(rest, |piece| {
                    for ((once, more), byte) in block.iter_mut().zip(&mut *other).zip(piece) {
                        *more |= *once & byte;
                        *once |= byte;
                    }
                });
                apply(block, other, |once, more| once & !more);
            }
        }
        true
    }
}

/// Fills `block` with a piece and zeros.
fn put(block: &mut [u8], piece: Option<&[u8]>) {
    let piece = piece.unwrap_or_default();
    let (with, without) = block.split_at_mut(piece.len().min(block.len()));
    with.copy_from_slice(&piece[..with.len()]);
    without.fill(0);
}

fn each_piece(sources: &mut [Source<'_>], mut each: impl FnMut(&[u8])) {
    sources.iter_mut().filter_map(|source| source.piece()).for_each(&mut each);
}

#[inline]
fn apply(into: &mut [u8], from: &[u8], operation: impl Fn(u8, u8) -> u8) {
    into.iter_mut().zip(from).for_each(|(a, b)| *a = operation(*a, *b));
}

/// A source, read from one block to the next.
enum Source<'a> {
    /// What is left of a string in one piece.
    Flat(&'a [u8]),
    /// A tree: the run at the present offset, and those behind it.
    Tree { run: Run<'a>, next: Runs<'a> },
}

impl<'a> Source<'a> {
    fn new(string: StrRef<'a>, digits: &'a mut IntText) -> Source<'a> {
        match string {
            StrRef::Shared(Shared::Tree(tree)) => Source::Tree { run: Run::Zeros(0), next: tree.runs(..) },
            other => Source::Flat(other.read(.., digits).next().unwrap_or_default()),
        }
    }

    /// How many zeros are known to follow.
    fn zeros(&mut self) -> u64 {
        match self {
            Source::Flat([]) => u64::MAX,
            Source::Flat(_) => 0,
            Source::Tree { run, next } => {
                if *run == Run::Zeros(0) {
                    *run = next.next().unwrap_or(Run::Zeros(u64::MAX));
                }
                match run {
                    Run::Zeros(count) => *count,
                    Run::Data(_) => 0,
                }
            }
        }
    }

    /// The bytes of the present block, fewer where the source ends; `None` if all are zero.
    fn piece(&mut self) -> Option<&'a [u8]> {
        if self.zeros() > 0 {
            return None;
        }
        match self {
            Source::Flat(rest) => Some(&rest[..rest.len().min(BLOCK)]),
            Source::Tree { run: Run::Data(data), .. } => Some(data),
            Source::Tree { .. } => None,
        }
    }

    /// Goes on to the next block, or over the end of a hole at a block's border.
    fn advance(&mut self, step: u64) {
        self.zeros();
        match self {
            Source::Flat(rest) => {
                *rest = &rest[rest.len().min(usize::try_from(step).unwrap_or(usize::MAX))..]
            }
            Source::Tree { run, .. } => {
                *run = match *run {
                    // The unknown number of zeros behind the end never runs out.
                    Run::Zeros(u64::MAX) => Run::Zeros(u64::MAX),
                    Run::Zeros(count) => Run::Zeros(count.saturating_sub(step)),
                    // A run of data ends with its block, or with the string inside of it.
                    Run::Data(_) => Run::Zeros(0),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Operation; 8] = [
        Operation::And,
        Operation::Or,
        Operation::Xor,
        Operation::Not,
        Operation::Diff,
        Operation::Diff1,
        Operation::AndOr,
        Operation::One,
    ];

    fn model(operation: Operation, sources: &[Vec<u8>]) -> Vec<u8> {
        let len = sources.iter().map(Vec::len).max().unwrap_or(0);
        let bit =
            |source: &Vec<u8>, at: usize| source.get(at / 8).is_some_and(|b| b >> (7 - at % 8) & 1 == 1);
        let mut result = vec![0; len];
        for at in 0..len * 8 {
            let set = sources.iter().filter(|s| bit(s, at)).count();
            let first = bit(&sources[0], at);
            let others = set - usize::from(first);
            let on = match operation {
                Operation::And => set == sources.len(),
                Operation::Or => set > 0,
                Operation::Xor => set % 2 == 1,
                Operation::Not => !first,
                Operation::Diff => first && others == 0,
                Operation::Diff1 => !first && others > 0,
                Operation::AndOr => first && others > 0,
                Operation::One => set == 1,
            };
            result[at / 8] |= u8::from(on) << (7 - at % 8);
        }
        result
    }

    #[test]
    fn matches_a_model() {
        let seed = fastrand::u64(..);
        println!("seed {seed}");
        let mut rng = fastrand::Rng::with_seed(seed);
        for round in 0..160 {
            let operation = ALL[round % ALL.len()];
            let count = if operation == Operation::Not { 1 } else { rng.usize(1..6) };
            let len_max = [10, 5000, 80_000][rng.usize(0..3)];
            let strings: Vec<Shared> = (0..count)
                .map(|_| {
                    let mut string = Shared::new();
                    string.resize_zero(rng.u64(0..len_max));
                    for _ in 0..rng.usize(0..5) {
                        let (at, len) = (rng.u64(0..len_max), rng.usize(1..3000));
                        let data: Vec<u8> = (0..len).map(|_| rng.u8(..)).collect();
                        string.write(at, &data);
                    }
                    string
                })
                .collect();
            let views: Vec<StrRef<'_>> = strings.iter().map(StrRef::Shared).collect();
            let bytes: Vec<Vec<u8>> = strings.iter().map(Shared::to_vec).collect();
            let result = combine(operation, &views);
            assert!(result.eq_bytes(&model(operation, &bytes)), "{operation:?}");
            let long = result.len() > FLAT_MAX as u64;
            assert_eq!(matches!(result, Shared::Tree(_)), long);
        }
    }

    #[test]
    fn integers_are_their_digits() {
        let result = combine(Operation::Xor, &[StrRef::Int(12), StrRef::Bytes(b"abc"), StrRef::Int(-1)]);
        assert_eq!(result.to_vec(), [b'1' ^ b'a' ^ b'-', b'2' ^ b'b' ^ b'1', b'c']);
        assert!(combine(Operation::Or, &[]).is_empty());
    }

    #[test]
    fn common_holes_cost_nothing() {
        let mut a = Shared::new();
        a.write(1 << 40, b"\x0F");
        let mut b = Shared::new();
        b.write(1 << 39, b"\xFF");
        for operation in [Operation::Or, Operation::Xor, Operation::One] {
            let result = combine(operation, &[StrRef::Shared(&a), StrRef::Shared(&b)]);
            assert_eq!(result.len(), (1 << 40) + 1);
            assert_eq!((result.byte(1 << 40), result.byte(1 << 39)), (Some(0x0F), Some(0xFF)));
            assert!(result.heap_bytes() < 100_000);
        }
    }
}
