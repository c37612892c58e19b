//! Saves, failures and loads through real files, read back by this crate and by redis-server.
