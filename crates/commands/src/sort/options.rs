//! What a request to sort asks for, and which keys it touches. Looks at arguments only.

use engine::{Args, Error, Scope};

use crate::number::integer;

use super::pattern::Pattern;

/// The parsed options.
pub(super) struct Options<'a> {
    pub(super) descending: bool,
    pub(super) alphabetic: bool,
    /// Elements passed over, and how many are wanted at most (negative: all).
    pub(super) limit: (i64, i64),
    pub(super) store: Option<&'a [u8]>,
    pub(super) by: Option<Pattern<'a>>,
    /// Whether a BY without a star asked for the order in which the elements come.
    pub(super) unsorted: bool,
    pub(super) get: Vec<Pattern<'a>>,
}

impl<'a> Options<'a> {
    /// Of a whole request. `may_store` is false for SORT_RO.
    pub(super) fn parse(args: Args<'a>, may_store: bool) -> Result<Options<'a>, Error> {
        let mut options = Options {
            descending: false,
            alphabetic: false,
            limit: (0, -1),
            store: None,
            by: None,
            unsorted: false,
            get: Vec::new(),
        };
        let mut rest = args.get(2..).unwrap_or_default();
        while let [word, behind @ ..] = rest {
            let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
            rest = match behind {
                _ if is("ASC") => {
                    options.descending = false;
                    behind
                }
                _ if is("DESC") => {
                    options.descending = true;
                    behind
                }
                _ if is("ALPHA") => {
                    options.alphabetic = true;
                    behind
                }
                [start, count, behind @ ..] if is("LIMIT") => {
                    options.limit = (integer(start)?, integer(count)?);
                    behind
                }
                [key, behind @ ..] if may_store && is("STORE") => {
                    options.store = Some(key);
                    behind
                }
                [pattern, behind @ ..] if is("BY") => {
                    let pattern = Pattern::new(pattern);
                    options.unsorted |= !pattern.has_star();
                    options.by = Some(pattern);
                    behind
                }
                [pattern, behind @ ..] if is("GET") => {
                    options.get.push(Pattern::new(pattern));
                    behind
                }
                _ => return Err(Error::SYNTAX),
            };
        }
        Ok(options)
    }

    /// Whether patterns name keys.
    pub(super) fn looks_up(&self) -> bool {
        let by = self.by.as_ref().filter(|_| !self.unsorted);
        by.into_iter().chain(&self.get).any(Pattern::has_star)
    }

    /// The range of the sorted elements that is wanted, of `len`.
    pub(super) fn range(&self, len: usize) -> std::ops::Range<usize> {
        let within = |number: i64| usize::try_from(number).unwrap_or(usize::MAX).min(len);
        let start = within(self.limit.0.max(0));
        let end = if self.limit.1 < 0 { len } else { (start + within(self.limit.1)).min(len) };
        start..end
    }
}

/// What SORT has to hold.
pub(super) fn scope(args: Args<'_>) -> Scope {
    match Options::parse(args, true) {
        Ok(options) if options.looks_up() => Scope::Exclusive,
        _ => Scope::Keys,
    }
}

/// Shows the place of the key that STORE names, the last one if there are several. Words that are none of SORT's are passed over.
pub(super) fn show_destination(args: Args<'_>, show: &mut dyn FnMut(usize)) {
    let (mut at, mut found) = (2, None);
    while let Some(word) = args.get(at) {
        let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
        at += match () {
            () if is("LIMIT") => 3,
            () if is("GET") || is("BY") => 2,
            () if is("STORE") => {
                found = Some(at + 1).filter(|&key| key < args.len()).or(found);
                2
            }
            () => 1,
        };
    }
    found.into_iter().for_each(show);
}
