//! Coordinates, distances and units among the arguments, and how they are answered.

use engine::Error;
use resp::Writer;

use super::cell::{LATITUDE_MAX, LONGITUDE_MAX, Point};
use crate::number::double;

/// `longitude latitude`
pub(super) fn point(longitude: &[u8], latitude: &[u8]) -> Result<Point, Error> {
    let (longitude, latitude) = (double(longitude)?, double(latitude)?);
    if longitude.abs() > LONGITUDE_MAX || latitude.abs() > LATITUDE_MAX {
        return Err(Error::new(format!("ERR invalid longitude,latitude pair {longitude:.6},{latitude:.6}")));
    }
    Ok(Point { longitude, latitude })
}

/// Metres in a unit.
pub(super) fn unit(word: &[u8]) -> Result<f64, Error> {
    match word.to_ascii_lowercase().as_slice() {
        b"m" => Ok(1.0),
        b"km" => Ok(1000.0),
        b"ft" => Ok(0.3048),
        b"mi" => Ok(1609.34),
        _ => Err(Error::fixed("ERR unsupported unit provided. please use M, KM, FT, MI")),
    }
}

/// `radius unit`
pub(super) fn radius(radius: &[u8], word: &[u8]) -> Result<(f64, f64), Error> {
    let radius = double(radius).map_err(|_| Error::fixed("ERR need numeric radius"))?;
    if radius < 0.0 {
        return Err(Error::fixed("ERR radius cannot be negative"));
    }
    Ok((radius, unit(word)?))
}

/// `width height unit`
pub(super) fn box_of(width: &[u8], height: &[u8], word: &[u8]) -> Result<(f64, f64, f64), Error> {
    let width = double(width).map_err(|_| Error::fixed("ERR need numeric width"))?;
    let height = double(height).map_err(|_| Error::fixed("ERR need numeric height"))?;
    if width < 0.0 || height < 0.0 {
        return Err(Error::fixed("ERR height or width cannot be negative"));
    }
    Ok((width, height, unit(word)?))
}

/// Writes a distance, with four decimals.
pub(super) fn reply_distance(writer: &mut Writer<'_>, distance: f64) {
    let scaled = (distance * 10_000.0).round_ties_even() as i64;
    writer.bulk(format!("{}.{:04}", scaled / 10_000, scaled % 10_000).as_bytes());
}

/// Writes a place's coordinates.
pub(super) fn reply_point(writer: &mut Writer<'_>, point: Point) {
    writer.array(2);
    reply_coordinate(writer, point.longitude);
    reply_coordinate(writer, point.latitude);
}

/// In full, without an exponent.
fn reply_coordinate(writer: &mut Writer<'_>, degrees: f64) {
    let text = format!("{degrees:.17}");
    let text = match text.trim_end_matches('0').trim_end_matches('.') {
        "-0" => "0",
        text => text,
    };
    writer.double_text(text);
}
