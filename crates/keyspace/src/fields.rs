//! Whether any hash has a field with a deadline: asked at a snapshot's cut, since that decides in which version a file can be written.
//!
//! Not counted exactly: that it has is noted at each change, and forgotten once a snapshot has seen every entry and found none.
//!
//! Invariant F1: if at a cut a hash has a field with a deadline, `since_cut` or `at_cut` is set. For the hash was there at the cut before, and
//! then that snapshot finds it; or it came or was changed since. Written inside the gate or alone in it, which orders everything.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::keyspace::{Access, Keyspace};

/// What is known of deadlines of fields.
#[derive(Default)]
pub(crate) struct FieldDeadlines {
    since_cut: AtomicBool,
    at_cut: AtomicBool,
}

impl FieldDeadlines {
    /// A hash has a field with a deadline now.
    #[inline]
    pub(crate) fn note(&self) {
        // Looked at first: everybody shares this line.
        if !self.since_cut.load(Ordering::Relaxed) {
            self.since_cut.store(true, Ordering::Relaxed);
        }
    }
}

impl Access<'_> {
    /// For a cut, alone in the gate: whether a hash may have a field with a deadline now.
    pub fn cut_field_deadlines(&mut self) -> bool {
        let fields = &self.keyspace().fields;
        if fields.since_cut.swap(false, Ordering::Relaxed) {
            fields.at_cut.store(true, Ordering::Relaxed);
        }
        fields.at_cut.load(Ordering::Relaxed)
    }
}

impl Keyspace {
    /// No hash had a field with a deadline at the last [cut](Access::cut_field_deadlines).
    pub fn no_field_deadlines(&self) {
        self.fields.at_cut.store(false, Ordering::Relaxed);
    }
}
