//! A checker for strict serializability of recorded histories.
//!
//! Each client is sequential: it records when it sent a request and when it had the reply. The checker looks for
//! one order of all requests in which every reply is what a single-threaded server would have said, and in which a
//! request that was answered before another was sent comes first (Herlihy and Wing 1990; the search is Wing and
//! Gong's with Lowe's memory of visited states).
//!
//! Cost: the states visited, at most (requests per client + 1) ^ clients, in practice a few times the number of
//! requests, because real concurrency is low.

use std::collections::HashSet;

/// Number of keys that requests use.
pub const KEYS: usize = 3;

/// What a client asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// `GET`
    Get(usize),
    /// `SET`
    Set(usize, i64),
    /// `SET ... GET`
    Swap(usize, i64),
    /// `INCR`
    Incr(usize),
    /// `DEL`
    Del(usize),
    /// `MGET` of all keys
    GetAll,
    /// `MSET` of all keys
    SetAll([i64; KEYS]),
    /// `MSETNX` of all keys
    SetAllNew([i64; KEYS]),
    /// `RENAME` of the first to the second key
    Rename(usize, usize),
}

/// What it was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// `+OK`
    Done,
    /// An integer
    Number(i64),
    /// A value or nil
    Value(Option<i64>),
    /// Several
    Values([Option<i64>; KEYS]),
    /// An error
    Refused,
}

/// One request and its reply, with the times around them in nanoseconds of one clock.
#[derive(Clone, Debug)]
pub struct Event {
    /// What was asked.
    pub ask: Ask,
    /// What was told.
    pub told: Told,
    /// When the request was sent.
    pub sent: u64,
    /// When the reply had arrived.
    pub heard: u64,
}

type State = [Option<i64>; KEYS];

/// Whether some order explains the history; `clients[c]` holds client `c`'s events in its order. The
/// state before the first request is empty.
pub fn is_serializable(clients: &[Vec<Event>]) -> bool {
    let mut visited = HashSet::new();
    let mut stack = vec![(vec![0usize; clients.len()], State::default())];
    while let Some((positions, state)) = stack.pop() {
        if !visited.insert((positions.clone(), state)) {
            continue;
        }
        // Nothing may come after a request that was answered before it was sent.
        let next = |client: usize| clients[client].get(positions[client]);
        let Some(first_heard) = (0..clients.len()).filter_map(next).map(|event| event.heard).min() else {
            return true;
        };
        for client in 0..clients.len() {
            let Some(event) = next(client) else { continue };
            if event.sent > first_heard {
                continue;
            }
            let mut after = state;
            if answer(&mut after, &event.ask) == event.told {
                let mut moved = positions.clone();
                moved[client] += 1;
                stack.push((moved, after));
            }
        }
    }
    false
}

/// What a single-threaded server says.
fn answer(state: &mut State, ask: &Ask) -> Told {
    match *ask {
        Ask::Get(key) => Told::Value(state[key]),
        Ask::Set(key, value) => {
            state[key] = Some(value);
            Told::Done
        }
        Ask::Swap(key, value) => Told::Value(state[key].replace(value)),
        Ask::Incr(key) => {
            let value = state[key].unwrap_or(0) + 1;
            state[key] = Some(value);
            Told::Number(value)
        }
        Ask::Del(key) => Told::Number(i64::from(state[key].take().is_some())),
        Ask::GetAll => Told::Values(*state),
        Ask::SetAll(values) => {
            *state = values.map(Some);
            Told::Done
        }
        Ask::SetAllNew(values) => {
            let free = state.iter().all(Option::is_none);
            if free {
                *state = values.map(Some);
            }
            Told::Number(i64::from(free))
        }
        Ask::Rename(from, to) => match state[from].take() {
            None => Told::Refused,
            Some(value) => {
                state[to] = Some(value);
                Told::Done
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(ask: Ask, told: Told, sent: u64, heard: u64) -> Event {
        Event { ask, told, sent, heard }
    }

    #[test]
    fn accepts_what_overlaps() {
        let writer =
            vec![event(Ask::Set(0, 1), Told::Done, 0, 10), event(Ask::Set(0, 2), Told::Done, 11, 30)];
        let reader = vec![
            event(Ask::Get(0), Told::Value(None), 1, 5),
            event(Ask::Get(0), Told::Value(Some(2)), 15, 20),
            event(Ask::Incr(0), Told::Number(3), 21, 25),
        ];
        assert!(is_serializable(&[writer, reader]));
        assert!(is_serializable(&[]));
    }

    /// The canaries: a stale read, a lost increment, a torn multi-key read.
    #[test]
    fn refuses_what_no_order_explains() {
        let stale = [
            vec![event(Ask::Set(0, 1), Told::Done, 0, 10)],
            vec![event(Ask::Get(0), Told::Value(None), 11, 12)],
        ];
        assert!(!is_serializable(&stale));
        let lost = [
            vec![event(Ask::Incr(0), Told::Number(1), 0, 10)],
            vec![event(Ask::Incr(0), Told::Number(1), 0, 10)],
        ];
        assert!(!is_serializable(&lost));
        let torn = [
            vec![event(Ask::SetAll([1, 1, 1]), Told::Done, 0, 10)],
            vec![event(Ask::GetAll, Told::Values([Some(1), None, Some(1)]), 0, 10)],
        ];
        assert!(!is_serializable(&torn));
    }
}
