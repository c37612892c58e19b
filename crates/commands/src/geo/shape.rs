//! What a search looks for, and which cells of the map it has to look into.

use super::cell::{Cell, MERCATOR_MAX, Point, STEPS_MAX};

/// A shape around a place, its sizes in the unit of the request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub center: Point,
    pub outline: Outline,
    /// Metres in a unit.
    pub unit: f64,
}

/// The kind of a shape.
#[derive(Clone, Copy, Debug)]
pub(super) enum Outline {
    Circle { radius: f64 },
    Box { width: f64, height: f64 },
}

impl Shape {
    /// Metres from the centre to a place in the shape; `None` if it is outside.
    pub(super) fn distance(&self, place: Point) -> Option<f64> {
        match self.outline {
            Outline::Circle { radius } => {
                let distance = self.center.distance(place);
                (distance <= radius * self.unit).then_some(distance)
            }
            Outline::Box { width, height } => {
                if self.center.latitude_distance(place) > height * self.unit / 2.0 {
                    return None;
                }
                // Along the parallel of the place.
                let beside = Point { latitude: place.latitude, ..self.center };
                if place.distance(beside) > width * self.unit / 2.0 {
                    return None;
                }
                Some(self.center.distance(place))
            }
        }
    }

    /// The cells that cover the shape, in the order in which they are searched: the one around the centre and those beside it, but
    /// for those that the shape does not reach.
    pub(super) fn cells(&self) -> Vec<Cell> {
        let (height, width, radius) = match self.outline {
            Outline::Circle { radius } => (radius, radius, radius),
            Outline::Box { width, height } => {
                let half = |size: f64| (size / 2.0) * (size / 2.0);
                (height / 2.0, width / 2.0, (half(width) + half(height)).sqrt())
            }
        };
        let bounds = self.center.around(self.unit * height, self.unit * width);
        let mut steps = steps_for(radius * self.unit, self.center.latitude);
        let mut cell = self.center.cell(steps);
        let falls_short = cell.moved(0, 1).area().north < bounds.north
            || cell.moved(0, -1).area().south > bounds.south
            || cell.moved(1, 0).area().east < bounds.east
            || cell.moved(-1, 0).area().west > bounds.west;
        if steps > 1 && falls_short {
            steps -= 1;
            cell = self.center.cell(steps);
        }
        let area = cell.area();
        let is_useless = |east: i32, north: i32| {
            steps >= 2
                && ((north < 0 && area.south < bounds.south)
                    || (north > 0 && area.north > bounds.north)
                    || (east < 0 && area.west < bounds.west)
                    || (east > 0 && area.east > bounds.east))
        };
        let mut cells = vec![cell];
        for (east, north) in [(0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, 1), (1, -1), (-1, -1)] {
            let beside = cell.moved(east, north);
            // On a map of four cells those on both sides are the same.
            let is_last = cells.len() > 1 && cells.last() == Some(&beside);
            if !is_useless(east, north) && !is_last {
                cells.push(beside);
            }
        }
        cells
    }
}

/// The finest resolution at which a cell and its neighbours cover so many metres around a place.
fn steps_for(mut metres: f64, latitude: f64) -> u32 {
    if metres == 0.0 {
        return STEPS_MAX;
    }
    let mut steps = 1;
    while metres < MERCATOR_MAX {
        metres *= 2.0;
        steps += 1;
    }
    // So that the range is included in most cases; cells are narrower towards the poles.
    steps -= 2;
    if latitude.abs() > 66.0 {
        steps -= 1;
        if latitude.abs() > 80.0 {
            steps -= 1;
        }
    }
    steps.clamp(1, STEPS_MAX as i32) as u32
}
