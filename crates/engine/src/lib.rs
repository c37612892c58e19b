//! Sessions and the request path.
#![forbid(unsafe_code)]
