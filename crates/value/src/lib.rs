//! Types and encodings of values, and the copy-on-write trees behind large ones.
