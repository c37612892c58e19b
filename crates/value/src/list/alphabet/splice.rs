//! Changing one element of the short form, without making a block of it: possible as long as what is put in has the common beginning and end and is made
//! of the symbols that are there. Most changes are of that kind, and cost less than a microsecond instead of ten.

use std::sync::Arc;

use super::{Coded, HEAD, MARK_EVERY, Part, part, skip, spell};
use crate::list::large::{LEAF_BYTES, LEAF_COUNT};
use crate::packed::{self, Element, HEADER, size_class};
use crate::room::ARC_HEADER;

/// Puts an element before the one with an index, in its place (`removes`), or only takes that one out. False, and nothing is changed, if the
/// result would not be a short form: the element has other symbols, the leaf would be overfull or empty, or no memory would be saved.
pub(in crate::list) fn splice(
    form: &mut Arc<[u8]>,
    index: usize,
    removes: bool,
    element: Option<Element>,
) -> bool {
    let coded = Coded::new(form);
    let head = coded.head();
    let Some(from) = coded.position(&head, index) else { return false };
    let (mut to, mut block_len) = (from, coded.block_len());
    if removes {
        let Some((part, end)) = part(form, from, head.bits) else { return false };
        to = end;
        block_len -= match part {
            Part::Int(value) => Element::Int(value).encoded_len(),
            Part::Text(chars, _) => packed::text_encoded_len(chars + head.prefix.len() + head.suffix.len()),
        };
    }
    let mut spelled = Vec::new();
    if let Some(element) = element {
        block_len += element.encoded_len();
        if !spell(&head, element, &mut spelled) {
            return false;
        }
    }
    let count = coded.count() - usize::from(removes) + usize::from(element.is_some());
    if block_len > LEAF_BYTES || count > LEAF_COUNT || count == 0 {
        return false;
    }
    let (bits, marks_at, old_body) = (head.bits, head.marks, head.body);
    let lens = [count, block_len].map(|n| (n as u16).to_le_bytes());
    if to - from == spelled.len()
        && let Some(bytes) = Arc::get_mut(form)
    {
        bytes[..2 * HEADER].copy_from_slice(lens.as_flattened());
        bytes[from..to].copy_from_slice(&spelled);
        return true;
    }
    let body = marks_at + 2 * ((count - 1) / MARK_EVERY);
    let len = body + (form.len() - old_body) - (to - from) + spelled.len();
    if size_class(len + ARC_HEADER) >= size_class(block_len) {
        return false;
    }
    let mut out = Vec::with_capacity(len);
    out.extend_from_slice(lens.as_flattened());
    out.extend_from_slice(&form[2 * HEADER..marks_at]);
    out.resize(body, 0);
    out.extend_from_slice(&form[old_body..from]);
    out.extend_from_slice(&spelled);
    out.extend_from_slice(&form[to..]);
    set_marks(&mut out, marks_at, body, bits);
    *form = Arc::from(out);
    true
}

/// Writes the marks of elements of `bits` bits that begin at `body`.
fn set_marks(form: &mut [u8], marks: usize, body: usize, bits: usize) {
    debug_assert!(marks >= HEAD);
    let mut at = body;
    for mark in (marks..body).step_by(2) {
        for _ in 0..MARK_EVERY {
            at = skip(form, at, bits).unwrap_or(at);
        }
        form[mark..mark + 2].copy_from_slice(&(at as u16).to_le_bytes());
    }
}
