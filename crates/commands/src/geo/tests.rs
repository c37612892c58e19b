//! Places, answered as by a live server.

use crate::testing::{Client, Server, check, check_effects};

const SICILY: &str = "GEOADD Sicily 13.361389 38.115556 Palermo 15.087269 37.502669 Catania";

#[test]
fn places_and_distances() {
    check(&[
        (SICILY, ":2"),
        ("GEODIST Sicily Palermo Catania", "$11 166274.1516"),
        ("GEODIST Sicily Palermo Catania km", "$8 166.2742"),
        ("GEODIST Sicily Palermo Catania MI", "$8 103.3182"),
        ("GEODIST Sicily Palermo Palermo", "$6 0.0000"),
        ("GEODIST Sicily Palermo Nowhere", "$-1"),
        ("GEODIST nothing a b", "$-1"),
        ("GEODIST Sicily a b parsec", "-ERR unsupported unit provided. please use M, KM, FT, MI"),
        ("GEODIST Sicily a b m m", "-ERR syntax error"),
        ("GEOHASH Sicily Palermo Nowhere Catania", "*3 $11 sqc8b49rny0 $-1 $11 sqdtr74hyu0"),
        ("GEOHASH nothing a", "*1 $-1"),
        ("GEOPOS Sicily Palermo Nowhere", "*2 *2 $20 13.36138933897018433 $20 38.11555639549629859 *-1"),
        ("ZSCORE Sicily Palermo", "$16 3479099956230698"),
        ("SET text 1", "+OK"),
        ("GEOPOS text a", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
    ]);
}

#[test]
fn geoadd() {
    check(&[
        (SICILY, ":2"),
        (SICILY, ":0"),
        ("GEOADD Sicily XX CH 13.361389 38.2 Palermo 1 1 New", ":1"),
        ("GEOADD Sicily NX 1 1 Palermo 1 1 New", ":1"),
        ("GEOADD Sicily NX XX 1 1 New", "-ERR syntax error"),
        ("GEOADD Sicily 1 1 New 2", "-ERR syntax error"),
        ("GEOADD Sicily CH CH CH", "-ERR syntax error"),
        ("GEOADD Sicily 181 1 New", "-ERR invalid longitude,latitude pair 181.000000,1.000000"),
        ("GEOADD Sicily 1 -86.5 New", "-ERR invalid longitude,latitude pair 1.000000,-86.500000"),
        ("GEOADD Sicily x 1 New", "-ERR value is not a valid float"),
    ]);
    check_effects(&[
        (SICILY, "SELECT 0;zadd Sicily 3479099956230698 Palermo 3479447370796909 Catania"),
        (SICILY, ""),
        ("GEOADD Sicily CH 13.361389 38.115556 Rome", "zadd Sicily CH 3479099956230698 Rome"),
    ]);
}

#[test]
fn searches() {
    check(&[
        (SICILY, ":2"),
        ("GEOADD Sicily 12.758489 38.788135 edge1 17.241510 38.788135 edge2", ":2"),
        ("GEOSEARCH Sicily FROMLONLAT 15 37 BYRADIUS 200 km ASC", "*2 $7 Catania $7 Palermo"),
        ("GEOSEARCH Sicily FROMLONLAT 15 37 BYRADIUS 200 km DESC COUNT 1", "*1 $7 Palermo"),
        (
            "GEOSEARCH Sicily FROMLONLAT 15 37 BYBOX 400 400 km ASC WITHDIST",
            "*4 *2 $7 Catania $7 56.4413 *2 $7 Palermo $8 190.4424 *2 $5 edge2 $8 279.7403 *2 $5 edge1 $8 279.7405",
        ),
        ("GEOSEARCH Sicily FROMMEMBER Catania BYRADIUS 1 m WITHHASH", "*1 *2 $7 Catania :3479447370796909"),
        ("GEOSEARCH nothing FROMMEMBER a BYRADIUS 1 m", "*0"),
        ("GEOSEARCH Sicily FROMLONLAT 0 0 BYRADIUS 1 m", "*0"),
        ("GEOSEARCH Sicily FROMMEMBER Nowhere BYRADIUS 1 m", "-ERR could not decode requested zset member"),
        (
            "GEOSEARCH Sicily BYRADIUS 1 m ASC WITHDIST",
            "-ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for GEOSEARCH",
        ),
        (
            "geosearch Sicily FROMLONLAT 1 1 ASC WITHDIST",
            "-ERR exactly one of BYRADIUS and BYBOX can be specified for geosearch",
        ),
        ("GEOSEARCH Sicily FROMLONLAT 1 1 FROMMEMBER a BYRADIUS 1 m", "-ERR syntax error"),
        ("GEOSEARCH Sicily FROMLONLAT 1 1 BYRADIUS 1 m BYBOX 1 1 m", "-ERR syntax error"),
        ("GEOSEARCH Sicily FROMLONLAT 1 1 BYRADIUS -1 m", "-ERR radius cannot be negative"),
        ("GEOSEARCH Sicily FROMLONLAT 1 1 BYBOX -1 1 m", "-ERR height or width cannot be negative"),
        ("GEOSEARCH Sicily FROMLONLAT 1 1 BYRADIUS x m", "-ERR need numeric radius"),
        ("GEOSEARCH Sicily FROMLONLAT 1 1 BYRADIUS 1 m ANY", "-ERR the ANY argument requires COUNT argument"),
        ("GEOSEARCH Sicily FROMLONLAT 1 1 BYRADIUS 1 m COUNT 0", "-ERR COUNT must be > 0"),
        ("GEOSEARCH Sicily FROMLONLAT 1 1 BYRADIUS 1 m STORE k", "-ERR syntax error"),
    ]);
}

#[test]
fn what_is_found_can_be_stored() {
    check(&[
        (SICILY, ":2"),
        ("GEOSEARCHSTORE to Sicily FROMLONLAT 15 37 BYRADIUS 100 km", ":1"),
        ("ZRANGE to 0 -1 WITHSCORES", "*2 $7 Catania $16 3479447370796909"),
        ("GEORADIUS Sicily 15 37 200 km STOREDIST to", ":2"),
        ("ZRANGE to 0 -1 WITHSCORES", "*4 $7 Catania $16 56.4412578701582 $7 Palermo $18 190.44242984775784"),
        ("GEORADIUS_RO Sicily 15 37 200 km STORE to", "-ERR syntax error"),
        (
            "GEORADIUS Sicily 15 37 200 km STORE to WITHDIST",
            "-ERR STORE option in GEORADIUS is not compatible with WITHDIST, WITHHASH and WITHCOORD options",
        ),
        ("GEORADIUSBYMEMBER Sicily Palermo 1 m STORE to", ":1"),
        ("GEORADIUSBYMEMBER nothing Palermo x y STORE to", ":0"),
        ("EXISTS to", ":0"),
        (
            "GEOSEARCHSTORE to Sicily FROMLONLAT 15 37 BYRADIUS 100 km WITHDIST",
            "-ERR GEOSEARCHSTORE is not compatible with WITHDIST, WITHHASH and WITHCOORD options",
        ),
    ]);
}

/// A random request about places, sizes and units of every magnitude.
fn request(rng: &mut fastrand::Rng) -> Vec<Vec<u8>> {
    let place = |rng: &mut fastrand::Rng| {
        let (longitude, latitude) = (rng.f64() * 360.0 - 180.0, rng.f64() * 170.0 - 85.0);
        format!("{longitude:.9} {latitude:.9}")
    };
    let name = rng.u32(..500);
    let size = 10f64.powf(rng.f64() * 7.0);
    let unit = ["m", "km", "ft", "mi"][rng.usize(..4)];
    let order = ["", " ASC", " DESC", " ASC COUNT 5", " COUNT 7 ANY"][rng.usize(..5)];
    let line = match rng.u32(..8) {
        0..3 => format!("GEOADD places {} p{name}", place(rng)),
        3 => format!("GEODIST places p{name} p{} {unit}", rng.u32(..500)),
        4 => format!("GEOHASH places p{name}"),
        5 => format!("GEOSEARCH places FROMLONLAT {} BYRADIUS {size} {unit} WITHDIST{order}", place(rng)),
        6 => format!(
            "GEOSEARCH places FROMLONLAT {} BYBOX {size} {} {unit} WITHHASH{order}",
            place(rng),
            size / 3.0
        ),
        _ => format!("GEORADIUS places {} {size} {unit} WITHCOORD{order}", place(rng)),
    };
    crate::reference::words(&line)
}

#[test]
fn random_places_are_found_as_by_the_reference() {
    crate::reference::compare(4000, request);
}

#[test]
fn coordinates_are_doubles_in_resp3() {
    let server = Server::start();
    let mut client: Client = server.connect();
    client.send("HELLO 3");
    client.reply();
    client.check(&[
        (SICILY, ":2"),
        ("GEOPOS Sicily Palermo nobody", "*2 *2 ,13.36138933897018433 ,38.11555639549629859 _"),
        ("GEODIST Sicily Palermo Catania", "$11 166274.1516"),
    ]);
}
