//! Places as numbers: a longitude and a latitude interleaved bit by bit, as scores of a sorted set.
//!
//! ```text
//!   latitude  -85.05112878 ... 85.05112878  -> 26 bits   . x . x . x        score = 52 bits, which a double holds exactly
//!   longitude        -180 ... 180           -> 26 bits   y . y . y .        a common prefix is a common cell of the map
//! ```
//! Every operation is Redis's own sequence of roundings, so that scores, coordinates and distances are equal to the bit.

/// Highest latitude that has a place, as in Web Mercator.
pub(super) const LATITUDE_MAX: f64 = 85.05112878;
/// Highest longitude.
pub(super) const LONGITUDE_MAX: f64 = 180.0;
/// Bits for each coordinate in a score.
pub(super) const STEPS_MAX: u32 = 26;
/// Radius of the earth in metres.
const EARTH_RADIUS: f64 = 6372797.560856;
/// Degrees to radians.
const DEGREE: f64 = std::f64::consts::PI / 180.0;
/// Half the circumference in metres, as the search estimates it.
pub(super) const MERCATOR_MAX: f64 = 20037726.37;

/// A place on the map, in degrees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Point {
    pub longitude: f64,
    pub latitude: f64,
}

/// A cell of the map at some resolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cell {
    /// `2 * steps` bits.
    pub bits: u64,
    /// Bits for each coordinate.
    pub steps: u32,
}

/// What a cell covers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Area {
    pub south: f64,
    pub north: f64,
    pub west: f64,
    pub east: f64,
}

/// Spreads the bits of a number to the even places.
fn spread(number: u32) -> u64 {
    let mut bits = u64::from(number);
    bits = (bits | bits << 16) & 0x0000_FFFF_0000_FFFF;
    bits = (bits | bits << 8) & 0x00FF_00FF_00FF_00FF;
    bits = (bits | bits << 4) & 0x0F0F_0F0F_0F0F_0F0F;
    bits = (bits | bits << 2) & 0x3333_3333_3333_3333;
    (bits | bits << 1) & 0x5555_5555_5555_5555
}

/// Collects the bits at the even places.
fn collect(bits: u64) -> u32 {
    let mut bits = bits & 0x5555_5555_5555_5555;
    bits = (bits | bits >> 1) & 0x3333_3333_3333_3333;
    bits = (bits | bits >> 2) & 0x0F0F_0F0F_0F0F_0F0F;
    bits = (bits | bits >> 4) & 0x00FF_00FF_00FF_00FF;
    bits = (bits | bits >> 8) & 0x0000_FFFF_0000_FFFF;
    (bits | bits >> 16) as u32
}

impl Point {
    /// The cell around a place, where latitudes reach to `latitude_max`.
    pub(super) fn cell_in(self, latitude_max: f64, steps: u32) -> Cell {
        let scale = (1u64 << steps) as f64;
        let latitude = (self.latitude + latitude_max) / (latitude_max + latitude_max) * scale;
        let longitude = (self.longitude + LONGITUDE_MAX) / (LONGITUDE_MAX + LONGITUDE_MAX) * scale;
        Cell { bits: spread(latitude as u32) | spread(longitude as u32) << 1, steps }
    }

    /// The cell around a place.
    pub(super) fn cell(self, steps: u32) -> Cell {
        self.cell_in(LATITUDE_MAX, steps)
    }

    /// The score that stands for a place.
    pub(super) fn score(self) -> u64 {
        self.cell(STEPS_MAX).bits
    }

    /// The place that a score stands for: the middle of its cell. Any number is a score here, as in Redis.
    pub(super) fn of_score(score: f64) -> Point {
        let area = Cell { bits: bits_of(score), steps: STEPS_MAX }.area();
        Point {
            longitude: ((area.west + area.east) / 2.0).clamp(-LONGITUDE_MAX, LONGITUDE_MAX),
            latitude: ((area.south + area.north) / 2.0).clamp(-LATITUDE_MAX, LATITUDE_MAX),
        }
    }

    /// Metres between two places on the sphere.
    pub(super) fn distance(self, other: Point) -> f64 {
        let (here, there) = (self.longitude * DEGREE, other.longitude * DEGREE);
        let v = ((there - here) / 2.0).sin();
        if v == 0.0 {
            return self.latitude_distance(other);
        }
        let (here, there) = (self.latitude * DEGREE, other.latitude * DEGREE);
        let u = ((there - here) / 2.0).sin();
        let a = u * u + here.cos() * there.cos() * v * v;
        2.0 * EARTH_RADIUS * a.sqrt().asin()
    }

    /// Metres between the parallels of two places.
    pub(super) fn latitude_distance(self, other: Point) -> f64 {
        EARTH_RADIUS * (other.latitude * DEGREE - self.latitude * DEGREE).abs()
    }

    /// The area that contains everything within so many metres to the north and south, and to the west and east.
    pub(super) fn around(self, height: f64, width: f64) -> Area {
        let degrees = |angle: f64| angle / DEGREE;
        let latitude = degrees(height / EARTH_RADIUS);
        let longitude_at = |edge: f64| degrees(width / EARTH_RADIUS / (edge * DEGREE).cos());
        // Meridians are closest to each other at the edge that is nearer to a pole.
        let longitude = if self.latitude < 0.0 {
            longitude_at(self.latitude - latitude)
        } else {
            longitude_at(self.latitude + latitude)
        };
        Area {
            south: self.latitude - latitude,
            north: self.latitude + latitude,
            west: self.longitude - longitude,
            east: self.longitude + longitude,
        }
    }
}

/// C's conversion to an unsigned integer as processors do it that have only a signed one: negative numbers wrap.
fn bits_of(score: f64) -> u64 {
    const HALF: f64 = (1u64 << 63) as f64;
    let convert = |number: f64| if number < HALF { number as i64 as u64 } else { 1 << 63 };
    if score < HALF { convert(score) } else { convert(score - HALF) ^ 1 << 63 }
}

impl Cell {
    /// What the cell covers.
    pub(super) fn area(self) -> Area {
        let scale = (1u64 << self.steps) as f64;
        let (y, x) = (collect(self.bits), collect(self.bits >> 1));
        let at = |number: u32, max: f64| -max + (f64::from(number) / scale) * (max + max);
        Area {
            south: at(y, LATITUDE_MAX),
            north: at(y.wrapping_add(1), LATITUDE_MAX),
            west: at(x, LONGITUDE_MAX),
            east: at(x.wrapping_add(1), LONGITUDE_MAX),
        }
    }

    /// The cell so many cells to the east and to the north; the map goes round.
    pub(super) fn moved(self, east: i32, north: i32) -> Cell {
        let moved = |number: u32, by: i32| match by {
            // The highest coordinate of all is one step beyond, and stays there until it is moved.
            0 => number,
            _ => number.wrapping_add_signed(by) & (u32::MAX >> (32 - self.steps)),
        };
        let (x, y) = (moved(collect(self.bits >> 1), east), moved(collect(self.bits), north));
        Cell { bits: spread(y) | spread(x) << 1, steps: self.steps }
    }

    /// The scores of places in the cell: from one up to another, which is excluded.
    pub(super) fn scores(self) -> (f64, f64) {
        let shift = 2 * (STEPS_MAX - self.steps);
        ((self.bits << shift) as f64, ((self.bits + 1) << shift) as f64)
    }
}
