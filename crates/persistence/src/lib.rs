//! RDB files on disk: saving, loading, save points.
#![forbid(unsafe_code)]
