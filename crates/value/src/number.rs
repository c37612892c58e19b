//! Numbers as Redis reads and prints them, to the byte. Knows no reply format and no command.
//!
//! | Module | Content |
//! |---|---|
//! | `integer` | the 64-bit integers of INCR, of the `int` encoding and of arguments |
//! | `double` | scores and float arguments |
//! | `long_double` | the 80-bit numbers of INCRBYFLOAT and HINCRBYFLOAT |
//! | `scan` | the grammar of C's strtod, which both floating-point types share |
//! | `round` | rounding an exact value to a binary format, half to even |
//! | `limbs` | unsigned integers of any size |

mod double;
mod integer;
mod limbs;
mod long_double;
mod round;
mod scan;

pub use double::{
    append_f64, append_f64_fixed17, append_f64_shortest, as_integer, parse_f64, parse_f64_bound,
};
pub use integer::{IntText, append_i64, append_u64, parse_i64, parse_u64};
pub use long_double::LongDouble;
