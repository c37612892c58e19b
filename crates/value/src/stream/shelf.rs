//! A copy-on-write map of a few kinds of things that a stream owns: groups by name, consumers by number, numbers by name.
//!
//! It is one sorted slice while small, which costs one allocation, and a tree of such slices beyond [`few_max`]. It knows of its items
//! no more than [`Item`] says.
//!
//! Invariants:
//!  1. Keys ascend and are unique.
//!  2. A slice's `heap` is the sum of its items' heap bytes.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::sync::Arc;

use crate::ordered::{self, Builder, Edit, KeyedLeaf, Leaf, Ordered};
use crate::packed::size_class;
use crate::room::ARC_HEADER;

/// What a shelf holds.
pub(super) trait Item: Clone + Send + Sync {
    /// What it is looked up by.
    type Key: Ord + ?Sized + 'static;

    /// A key that an inner node of a tree keeps.
    type Bound: Borrow<Self::Key> + Clone + Send + Sync;

    fn key(&self) -> &Self::Key;

    fn bound(&self) -> Self::Bound;

    /// Heap bytes that it points to, in O(1).
    fn heap_bytes(&self) -> u64;

    /// Bytes that were copied so far in what it points to.
    fn copied_bytes(&self) -> u64;

    /// Heap bytes that it points to and that clones hold too, estimated.
    fn shared_bytes_estimate(&self) -> u64;
}

/// Most items of a slice: about 4 KB, so that a change after a freeze copies no more than in other leaves.
const fn few_max<T>() -> usize {
    4096 / size_of::<T>()
}

/// A sorted slice of items; the leaf of a large shelf.
#[derive(Clone)]
pub(super) struct ShelfLeaf<T> {
    items: Arc<[T]>,
    heap: u64,
}

impl<T> Default for ShelfLeaf<T> {
    fn default() -> Self {
        Self { items: Arc::from([]), heap: 0 }
    }
}

impl<T: Item> ShelfLeaf<T> {
    fn of(items: impl Iterator<Item = T>) -> Self {
        let items: Arc<[T]> = items.collect();
        let heap = items.iter().map(T::heap_bytes).sum();
        Self { items, heap }
    }

    fn find(&self, key: &T::Key) -> Result<usize, usize> {
        self.items.binary_search_by(|item| item.key().cmp(key))
    }

    fn insert(&mut self, at: usize, item: T) {
        let (before, behind) = self.items.split_at(at);
        *self = Self::of(before.iter().cloned().chain(std::iter::once(item)).chain(behind.iter().cloned()));
    }

    fn remove(&mut self, at: usize) -> T {
        let item = self.items[at].clone();
        self.remove_range(at, at + 1);
        item
    }

    /// Changes an item in place. Returns what was copied below it with the result.
    fn edit<R>(&mut self, at: usize, change: impl FnOnce(&mut T) -> R) -> (R, u64) {
        let item = &mut Arc::make_mut(&mut self.items)[at];
        let (heap, copied) = (item.heap_bytes(), item.copied_bytes());
        let result = change(item);
        self.heap = self.heap - heap + item.heap_bytes();
        (result, item.copied_bytes().saturating_sub(copied))
    }

    /// Bytes that a change copies since a clone holds them too.
    fn shared_slice_bytes(&self) -> u64 {
        if self.is_shared() { self.slice_bytes() } else { 0 }
    }

    fn slice_bytes(&self) -> u64 {
        if self.items.is_empty() { 0 } else { size_class(size_of_val(&*self.items) + ARC_HEADER) as u64 }
    }
}

impl<T: Item> Leaf for ShelfLeaf<T> {
    type Separator = T::Bound;

    fn len(&self) -> usize {
        self.items.len()
    }

    fn heap_bytes(&self) -> usize {
        (self.slice_bytes() + self.heap) as usize
    }

    fn is_shared(&self) -> bool {
        !self.items.is_empty() && Arc::strong_count(&self.items) > 1
    }

    fn own(&mut self) -> u64 {
        let copied = self.shared_slice_bytes();
        if copied > 0 {
            Arc::make_mut(&mut self.items);
        }
        copied
    }

    fn is_overfull(&self) -> bool {
        self.items.len() > few_max::<T>()
    }

    fn is_underfull(&self) -> bool {
        self.items.len() < few_max::<T>() / 4
    }

    fn joins(&self, right: &Self) -> bool {
        self.items.len() + right.items.len() <= few_max::<T>() / 4 * 3
    }

    fn middle(&self) -> usize {
        self.items.len() / 2
    }

    fn split_off(&mut self, at: usize) -> Self {
        let right = Self::of(self.items[at..].iter().cloned());
        *self = Self::of(self.items[..at].iter().cloned());
        right
    }

    fn absorb(&mut self, right: &Self) {
        *self = Self::of(self.items.iter().chain(&*right.items).cloned());
    }

    fn remove_range(&mut self, from: usize, to: usize) {
        *self = Self::of(self.items[..from].iter().chain(&self.items[to..]).cloned());
    }

    fn separator(_left: &Self, right: &Self) -> T::Bound {
        right.items[0].bound()
    }
}

impl<T: Item> KeyedLeaf for ShelfLeaf<T> {
    type Key<'k> = &'k T::Key;

    fn compare(separator: &T::Bound, key: &T::Key) -> Ordering {
        separator.borrow().cmp(key)
    }

    fn search(&self, key: &T::Key) -> Result<usize, usize> {
        self.find(key)
    }
}

#[derive(Clone)]
enum Form<T: Item> {
    Few(ShelfLeaf<T>),
    Many(Ordered<ShelfLeaf<T>>),
}

/// A map of items by their keys. `Clone` is O(1).
#[derive(Clone)]
pub(super) struct Shelf<T: Item> {
    form: Form<T>,
    /// Bytes copied so far below items, and in slices outside a tree. What items count themselves is gone with them; this is not.
    copied: u64,
}

impl<T: Item> Default for Shelf<T> {
    fn default() -> Self {
        Self { form: Form::Few(ShelfLeaf::default()), copied: 0 }
    }
}

impl<T: Item> Shelf<T> {
    /// A shelf without items; allocates nothing.
    pub fn new() -> Self {
        Self::default()
    }

    pub fn len(&self) -> u64 {
        match &self.form {
            Form::Few(leaf) => leaf.len() as u64,
            Form::Many(tree) => tree.len(),
        }
    }

    pub fn heap_bytes(&self) -> u64 {
        match &self.form {
            Form::Few(leaf) => leaf.heap_bytes() as u64,
            Form::Many(tree) => tree.heap_bytes(),
        }
    }

    pub fn copied_bytes(&self) -> u64 {
        match &self.form {
            Form::Few(_) => self.copied,
            Form::Many(tree) => self.copied + tree.copied_bytes(),
        }
    }

    pub fn shared_bytes_estimate(&self) -> u64 {
        match &self.form {
            Form::Few(leaf) if leaf.is_shared() => leaf.heap_bytes() as u64,
            Form::Few(leaf) => leaf.items.iter().map(T::shared_bytes_estimate).sum(),
            Form::Many(tree) => tree.shared_bytes_estimate(),
        }
    }

    pub fn get(&self, key: &T::Key) -> Option<&T> {
        let leaf = match &self.form {
            Form::Few(leaf) => leaf,
            Form::Many(tree) => tree.leaf_for(key)?.leaf,
        };
        leaf.items.get(leaf.find(key).ok()?)
    }

    /// The items in order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        let (few, many) = match &self.form {
            Form::Few(leaf) => (Some(leaf), None),
            Form::Many(tree) => (None, Some(tree.leaves_from(0).map(|found| found.leaf))),
        };
        few.into_iter().chain(many.into_iter().flatten()).flat_map(|leaf| leaf.items.iter())
    }

    /// The item with the highest key.
    pub fn last(&self) -> Option<&T> {
        match &self.form {
            Form::Few(leaf) => leaf.items.last(),
            Form::Many(tree) => tree.last_leaf()?.items.last(),
        }
    }

    /// Changes the item with a key, but not its key. `None` if there is none.
    pub fn edit<R>(&mut self, key: &T::Key, change: impl FnOnce(&mut T) -> R) -> Option<R> {
        let (result, copied) = match &mut self.form {
            Form::Few(leaf) => {
                let at = leaf.find(key).ok()?;
                self.copied += leaf.own();
                leaf.edit(at, change)
            }
            Form::Many(tree) => tree.edit_key(key, |mut leaf, _| {
                let Ok(at) = leaf.get().find(key) else { return Edit::Done(None, 0) };
                Edit::Done(Some(leaf.own().edit(at, change)), at)
            })?,
        };
        self.copied += copied;
        Some(result)
    }

    /// Puts an item in. False, and nothing is changed, if there is one with this key.
    pub fn insert(&mut self, item: T) -> bool {
        match &mut self.form {
            Form::Few(leaf) => {
                let Err(at) = leaf.find(item.key()) else { return false };
                self.copied += leaf.shared_slice_bytes();
                leaf.insert(at, item);
                if leaf.is_overfull() {
                    let right = leaf.split_off(leaf.middle());
                    let mut builder = Builder::new();
                    builder.push(std::mem::take(leaf));
                    builder.push(right);
                    self.form = Form::Many(builder.finish());
                }
                true
            }
            Form::Many(tree) => {
                let key = item.bound();
                tree.edit_key(key.borrow(), |mut leaf, _| {
                    let Err(at) = leaf.get().find(item.key()) else { return Edit::Done(false, 0) };
                    leaf.own().insert(at, item);
                    Edit::Done(true, at)
                })
            }
        }
    }

    /// Takes the item with a key out.
    pub fn remove(&mut self, key: &T::Key) -> Option<T> {
        match &mut self.form {
            Form::Few(leaf) => {
                let at = leaf.find(key).ok()?;
                self.copied += leaf.shared_slice_bytes();
                Some(leaf.remove(at))
            }
            Form::Many(tree) => tree.edit_key(key, |mut leaf, _| {
                let Ok(at) = leaf.get().find(key) else { return Edit::Done(None, 0) };
                Edit::Done(Some(leaf.own().remove(at)), at)
            }),
        }
    }

    /// The items in order, taken out one by one.
    pub fn into_drain(self) -> ShelfDrain<T> {
        let (few, many) = match self.form {
            Form::Few(leaf) => (Some(leaf), None),
            Form::Many(tree) => (None, Some(tree.into_drain())),
        };
        ShelfDrain { leaf: few.map(items_of).unwrap_or_default(), rest: many }
    }

    /// Verifies the invariants and panics with the broken one.
    #[cfg(any(test, debug_assertions))]
    pub fn check(&self) {
        let check = |leaf: &ShelfLeaf<T>| {
            assert!(leaf.items.is_sorted_by(|a, b| a.key() < b.key()), "invariant 1");
            assert_eq!(leaf.heap, leaf.items.iter().map(T::heap_bytes).sum::<u64>(), "invariant 2");
        };
        match &self.form {
            Form::Few(leaf) => check(leaf),
            Form::Many(tree) => {
                tree.check(check);
                tree.check_separators(|left, bound, right| {
                    let last = &left.items[left.items.len() - 1];
                    last.key() < bound.borrow() && bound.borrow() <= right.items[0].key()
                });
            }
        }
    }
}

fn items_of<T: Item>(leaf: ShelfLeaf<T>) -> std::vec::IntoIter<T> {
    // Items are clones of references; with the slice gone, what they point to is held once less.
    leaf.items.iter().cloned().collect::<Vec<_>>().into_iter()
}

/// The items of a shelf that is read for the last time.
pub(super) struct ShelfDrain<T: Item> {
    leaf: std::vec::IntoIter<T>,
    rest: Option<ordered::Drain<ShelfLeaf<T>>>,
}

impl<T: Item> ShelfDrain<T> {
    pub fn remaining(&self) -> u64 {
        self.leaf.len() as u64 + self.rest.as_ref().map_or(0, ordered::Drain::remaining)
    }
}

impl<T: Item> Iterator for ShelfDrain<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        loop {
            if let Some(item) = self.leaf.next() {
                return Some(item);
            }
            let leaf = self.rest.as_mut()?.next()?;
            self.leaf = items_of((*leaf).clone());
        }
    }
}
