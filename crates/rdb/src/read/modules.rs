//! Passing over the data of modules, which describes itself: opcodes for primitive values until a 0. Understands none of it.

use std::io::Read;

use super::input::Input;
use crate::error::{Error, Fault};

/// The object type of a module's value.
pub(super) const TYPE: u8 = 7;

const END: u64 = 0;
const SIGNED: u64 = 1;
const UNSIGNED: u64 = 2;
const FLOAT: u64 = 3;
const DOUBLE: u64 = 4;
const STRING: u64 = 5;

const EXPECTED: &str = "a module's data";

/// Passes over what a module keeps beside the keys. Returns the module type's name.
pub(super) fn pass_over_aux<R: Read>(input: &mut Input<R>, scratch: &mut Vec<u8>) -> Result<String, Error> {
    let module = name(input.length("a module type")?);
    if input.length(EXPECTED)? != UNSIGNED {
        return input.fail(Fault::ModuleData { module });
    }
    input.length(EXPECTED)?;
    pass_over(input, module, scratch)
}

/// Passes over a module's value. Returns the module type's name.
pub(super) fn pass_over_value<R: Read>(input: &mut Input<R>, scratch: &mut Vec<u8>) -> Result<String, Error> {
    let module = name(input.length("a module type")?);
    pass_over(input, module, scratch)
}

fn pass_over<R: Read>(input: &mut Input<R>, module: String, scratch: &mut Vec<u8>) -> Result<String, Error> {
    loop {
        match input.length(EXPECTED)? {
            END => return Ok(module),
            SIGNED | UNSIGNED => {
                input.length(EXPECTED)?;
            }
            FLOAT => {
                input.array::<4>(EXPECTED)?;
            }
            DOUBLE => {
                input.array::<8>(EXPECTED)?;
            }
            STRING => input.string(EXPECTED, scratch)?,
            _ => return input.fail(Fault::ModuleData { module }),
        }
    }
}

/// A module type's number is its name, nine characters of 6 bits each, above 10 bits of version.
fn name(number: u64) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    (0..9).map(|i| char::from(ALPHABET[(number >> (58 - 6 * i)) as usize & 63])).collect()
}
