//! Searching for places: what GEOSEARCH, GEOSEARCHSTORE and the four older GEORADIUS forms share.

use engine::{Args, Ctx, Error};
use value::packed::Element;
use value::zset::ZsetRef;

use super::arguments::{box_of, point, radius, reply_distance, reply_point};
use super::cell::Point;
use super::shape::{Outline, Shape};
use crate::number::integer;
use crate::zset::interval::{Interval, Order, ScoreEdge};
use crate::zset::place::Gathered;

/// Which command it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// GEORADIUS: `key longitude latitude radius unit`; whether it may store.
    AroundPoint { stores: bool },
    /// GEORADIUSBYMEMBER: `key member radius unit`; whether it may store.
    AroundMember { stores: bool },
    /// GEOSEARCH: `key`, all else by words.
    Search,
    /// GEOSEARCHSTORE: `destination source`.
    SearchStore,
}

/// The order of results.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sort {
    None,
    Nearest,
    Farthest,
}

/// A parsed request.
struct Search<'a> {
    center: Option<Point>,
    outline: Option<Outline>,
    unit: f64,
    from_member: bool,
    from_point: bool,
    with_distance: bool,
    with_score: bool,
    with_point: bool,
    sort: Sort,
    /// Whether any that match will do.
    is_any: bool,
    /// All if 0.
    count: usize,
    destination: Option<&'a [u8]>,
    /// Whether distances are stored for scores.
    stores_distance: bool,
}

/// Places that were found, their names in one block of bytes.
#[derive(Default)]
struct Found {
    names: Vec<u8>,
    places: Vec<Place>,
}

#[derive(Clone, Copy)]
struct Place {
    point: Point,
    /// In metres.
    distance: f64,
    score: f64,
    start: usize,
    len: usize,
}

/// Executes a search.
pub(super) fn search(ctx: &mut Ctx<'_>, args: Args<'_>, form: Form) -> Result<(), Error> {
    let key = if form == Form::SearchStore { args[2] } else { args[1] };
    let zset = ctx.data.read_zset(key)?;
    let mut search = Search::parse(args, form, zset)?;
    let found = match (zset, search.shape()) {
        (Some(zset), Some(shape)) => {
            if search.count != 0 && search.sort == Sort::None && !search.is_any {
                search.sort = Sort::Nearest;
            }
            search.find(zset, &shape)
        }
        _ => Found::default(),
    };
    match search.destination {
        Some(destination) => search.store(ctx, destination, &found),
        None => search.reply(ctx, &found),
    }
    Ok(())
}

fn place_of(zset: ZsetRef<'_>, member: &[u8]) -> Result<Point, Error> {
    let score = zset.score(member).ok_or(Error::fixed("ERR could not decode requested zset member"))?;
    Ok(Point::of_score(score))
}

impl<'a> Search<'a> {
    fn parse(args: Args<'a>, form: Form, zset: Option<ZsetRef<'_>>) -> Result<Search<'a>, Error> {
        let mut search = Search {
            center: None,
            outline: None,
            unit: 1.0,
            from_member: false,
            from_point: false,
            with_distance: false,
            with_score: false,
            with_point: false,
            sort: Sort::None,
            is_any: false,
            count: 0,
            destination: None,
            stores_distance: false,
        };
        let rest = match form {
            Form::AroundPoint { .. } => {
                search.center = Some(point(args[2], args[3])?);
                search.circle(args[4], args[5])?;
                &args[6..]
            }
            Form::AroundMember { .. } => {
                // Without a key the rest only has to be well formed from the options on.
                if let Some(zset) = zset {
                    search.center = Some(place_of(zset, args[2])?);
                    search.circle(args[3], args[4])?;
                }
                &args[5..]
            }
            Form::Search => &args[2..],
            Form::SearchStore => {
                search.destination = Some(args[1]);
                &args[3..]
            }
        };
        let mut rest = rest;
        while let [word, behind @ ..] = rest {
            let taken = search.option(word, behind, form, zset)?;
            rest = behind.get(taken..).unwrap_or_default();
        }
        search.check(args[0], form)?;
        Ok(search)
    }

    fn circle(&mut self, size: &[u8], unit: &[u8]) -> Result<(), Error> {
        let (radius, unit) = radius(size, unit)?;
        self.outline = Some(Outline::Circle { radius });
        self.unit = unit;
        Ok(())
    }

    /// Takes an option in; the number of words behind it that belong to it.
    fn option(
        &mut self,
        word: &[u8],
        behind: Args<'a>,
        form: Form,
        zset: Option<ZsetRef<'_>>,
    ) -> Result<usize, Error> {
        let is_search = matches!(form, Form::Search | Form::SearchStore);
        let stores = matches!(form, Form::AroundPoint { stores: true } | Form::AroundMember { stores: true });
        match (word.to_ascii_lowercase().as_slice(), behind) {
            (b"withdist", _) => self.with_distance = true,
            (b"withhash", _) => self.with_score = true,
            (b"withcoord", _) => self.with_point = true,
            (b"any", _) => self.is_any = true,
            (b"asc", _) => self.sort = Sort::Nearest,
            (b"desc", _) => self.sort = Sort::Farthest,
            (b"count", [count, ..]) => {
                let count = integer(count)?;
                self.count = usize::try_from(count)
                    .ok()
                    .filter(|&count| count > 0)
                    .ok_or(Error::fixed("ERR COUNT must be > 0"))?;
                return Ok(1);
            }
            (b"store", [key, ..]) if stores => {
                (self.destination, self.stores_distance) = (Some(*key), false);
                return Ok(1);
            }
            (b"storedist", [key, ..]) if stores => {
                (self.destination, self.stores_distance) = (Some(*key), true);
                return Ok(1);
            }
            (b"storedist", _) if form == Form::SearchStore => self.stores_distance = true,
            (b"frommember", [member, ..]) if is_search && !self.from_point => {
                if let Some(zset) = zset {
                    self.center = Some(place_of(zset, member)?);
                }
                self.from_member = true;
                return Ok(1);
            }
            (b"fromlonlat", [longitude, latitude, ..]) if is_search && !self.from_member => {
                self.center = Some(point(longitude, latitude)?);
                self.from_point = true;
                return Ok(2);
            }
            (b"byradius", [size, unit, ..])
                if is_search && !matches!(self.outline, Some(Outline::Box { .. })) =>
            {
                self.circle(size, unit)?;
                return Ok(2);
            }
            (b"bybox", [width, height, unit, ..])
                if is_search && !matches!(self.outline, Some(Outline::Circle { .. })) =>
            {
                let (width, height, unit) = box_of(width, height, unit)?;
                self.outline = Some(Outline::Box { width, height });
                self.unit = unit;
                return Ok(3);
            }
            _ => return Err(Error::SYNTAX),
        }
        Ok(0)
    }

    /// Refuses options that do not go together.
    fn check(&self, name: &[u8], form: Form) -> Result<(), Error> {
        let is_search = matches!(form, Form::Search | Form::SearchStore);
        if self.destination.is_some() && (self.with_distance || self.with_score || self.with_point) {
            return Err(Error::fixed(if form == Form::SearchStore {
                "ERR GEOSEARCHSTORE is not compatible with WITHDIST, WITHHASH and WITHCOORD options"
            } else {
                "ERR STORE option in GEORADIUS is not compatible with WITHDIST, WITHHASH and WITHCOORD options"
            }));
        }
        if is_search && !self.from_member && !self.from_point {
            let text = "ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for ";
            return Err(Error::naming(text, name, ""));
        }
        if is_search && self.outline.is_none() {
            return Err(Error::naming(
                "ERR exactly one of BYRADIUS and BYBOX can be specified for ",
                name,
                "",
            ));
        }
        if self.is_any && self.count == 0 {
            return Err(Error::fixed("ERR the ANY argument requires COUNT argument"));
        }
        Ok(())
    }

    /// What is searched for; `None` where there is no key.
    fn shape(&self) -> Option<Shape> {
        Some(Shape { center: self.center?, outline: self.outline?, unit: self.unit })
    }

    /// All places in the shape, sorted and cut to the count.
    fn find(&self, zset: ZsetRef<'_>, shape: &Shape) -> Found {
        let enough = if self.is_any { self.count } else { usize::MAX };
        let mut found = Found::default();
        'search: for cell in shape.cells() {
            let (low, high) = cell.scores();
            let range = Interval::Scores(ScoreEdge::included(low), ScoreEdge::excluded(high));
            let range = range.of(zset, Order::Ascending);
            let len = (range.end - range.start) as usize;
            for (member, score) in zset.iter_from(range.start).take(len) {
                if found.places.len() >= enough {
                    break 'search;
                }
                let point = Point::of_score(score);
                if let Some(distance) = shape.distance(point) {
                    found.push(member, point, distance, score);
                }
            }
        }
        match self.sort {
            Sort::None => {}
            Sort::Nearest => found.places.sort_by(|a, b| a.distance.total_cmp(&b.distance)),
            Sort::Farthest => found.places.sort_by(|a, b| b.distance.total_cmp(&a.distance)),
        }
        if self.count != 0 {
            found.places.truncate(self.count);
        }
        found
    }

    fn store(&self, ctx: &mut Ctx<'_>, destination: &[u8], found: &Found) {
        let mut gathered = Gathered::default();
        for place in &found.places {
            let score = if self.stores_distance { place.distance / self.unit } else { place.score };
            gathered.push(Element::Bytes(found.name(place)), score);
        }
        gathered.sort();
        let dirty = ctx.data.dirty;
        let len = gathered.store(ctx, destination);
        if len > 0 {
            ctx.data.dirty = dirty + len as u64;
        }
        ctx.reply.integer(len);
    }

    fn reply(&self, ctx: &mut Ctx<'_>, found: &Found) {
        let options = [self.with_distance, self.with_score, self.with_point];
        let options = options.iter().filter(|&&with| with).count();
        let mut writer = ctx.reply.write();
        writer.array(found.places.len());
        for place in &found.places {
            if options > 0 {
                writer.array(options + 1);
            }
            writer.bulk(found.name(place));
            if self.with_distance {
                reply_distance(&mut writer, place.distance / self.unit);
            }
            if self.with_score {
                writer.integer(place.score as i64);
            }
            if self.with_point {
                reply_point(&mut writer, place.point);
            }
        }
    }
}

impl Found {
    fn push(&mut self, member: Element<'_>, point: Point, distance: f64, score: f64) {
        let start = self.names.len();
        member.append_to(&mut self.names);
        let len = self.names.len() - start;
        self.places.push(Place { point, distance, score, start, len });
    }

    fn name(&self, place: &Place) -> &[u8] {
        self.names.get(place.start..place.start + place.len).unwrap_or_default()
    }
}
