//! Hashes: every command against what live servers answer.
