//! Reactors: sockets in, bytes out. Knows no command.
