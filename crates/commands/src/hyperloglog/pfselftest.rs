//! PFSELFTEST: tries the HyperLogLog algorithms on this machine.

use engine::{Args, Categories, Command, Ctx, Docs, Error, Flags, Group};
use value::hyperloglog::{
    Cursor, HEADER, REGISTERS, count, dense_set, empty, merge_into, place, raise, to_dense,
};

/// `PFSELFTEST`
pub static PFSELFTEST: Command = Command {
    name: "pfselftest",
    arity: 1,
    flags: Flags::ADMIN,
    categories: Categories::HYPERLOGLOG,
    docs: Docs {
        summary: "Tries out whether registers and estimates are right on this machine.",
        since: "2.8.9",
        group: Group::HyperLogLog,
        complexity: "N/A",
        syscmd: true,
        ..Docs::NONE
    },
    execute: pfselftest,
    ..Command::DEFAULT
};

/// Rounds of writing all registers.
const REGISTER_ROUNDS: usize = 50;

/// Elements that are counted. Redis counts ten times as many, which keeps everybody else waiting.
const ELEMENTS: u64 = 1_000_000;

/// The length up to which the sparse form is kept, so that the comparison of both covers some thousand elements.
const SPARSE_BYTES_MAX: u64 = 8000;

fn pfselftest(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    registers()?;
    estimates(fastrand::u64(..))?;
    ctx.reply.ok();
    Ok(())
}

fn failed(what: impl std::fmt::Display) -> Error {
    Error::new(format!("TESTFAILED {what}"))
}

/// What is written to a register is read back, and the others stay.
fn registers() -> Result<(), Error> {
    let corrupted = |_| failed("a dense HyperLogLog reads as corrupted");
    let mut dense = to_dense(&empty()).map_err(corrupted)?;
    let mut expected = Box::new([0; REGISTERS]);
    for _ in 0..REGISTER_ROUNDS {
        for (index, value) in expected.iter_mut().enumerate() {
            *value = fastrand::u8(0..64);
            dense_set(&mut dense[HEADER..], index, *value);
        }
        let mut found = Box::new([0; REGISTERS]);
        merge_into(&mut found, &dense).map_err(corrupted)?;
        if let Some(index) = (0..REGISTERS).find(|&index| found[index] != expected[index]) {
            return Err(failed(format!(
                "Register {index} should be {} but is {}",
                expected[index], found[index]
            )));
        }
    }
    Ok(())
}

/// The error at every power of ten is within six standard errors, and both forms agree.
fn estimates(seed: u64) -> Result<(), Error> {
    let corrupted = |_| failed("a HyperLogLog reads as corrupted");
    let mut sparse = empty();
    let mut dense = to_dense(&sparse).map_err(corrupted)?;
    let relative_error = 1.04 / (REGISTERS as f64).sqrt();
    let mut checkpoint = 1;
    for number in 1..=ELEMENTS {
        let (index, rank) = place(&(number ^ seed).to_ne_bytes());
        raise(&mut dense, index, rank, 0, &mut Cursor::default()).map_err(corrupted)?;
        if checkpoint <= 10_000 {
            raise(&mut sparse, index, rank, SPARSE_BYTES_MAX, &mut Cursor::default()).map_err(corrupted)?;
        }
        if number == checkpoint {
            let estimate = count(&dense).map_err(corrupted)?;
            if number <= 10_000 && count(&sparse).map_err(corrupted)? != estimate {
                return Err(failed("dense/sparse disagree"));
            }
            let error = estimate.abs_diff(number);
            // Of ten elements or fewer, one may be missed when two share a register.
            let error_max =
                if number <= 10 { 1 } else { (relative_error * 6.0 * number as f64).ceil() as u64 };
            if error > error_max {
                return Err(failed(format!("Too big error. card:{number} abserr:{error}")));
            }
            checkpoint *= 10;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn pfselftest() {
        check(&[("PFSELFTEST", "+OK")]);
    }
}
