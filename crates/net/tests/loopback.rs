//! The behaviour that both back ends share, over loopback sockets. Every test here runs once per back end
//! ([`both`]).
//!
//! What belongs here: anything a peer or another thread can do to a reactor. Faults of the machine (no
//! buffers, no descriptors) are in `faults.rs`.

mod rig;

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use net::CloseReason;
use rig::{Mode, Rig, both, pattern, read_exactly, read_to_end, wait_for};

#[test]
fn echoes() {
    both(|rig| {
        let mut client = rig.connect();
        for size in [1, 2, 100, 16 << 10, (16 << 10) + 1, 100_000] {
            let bytes = pattern(size, size as u64);
            client.write_all(&bytes).unwrap();
            assert!(read_exactly(&mut client, size) == bytes, "{size}");
        }
    });
}

#[test]
fn echoes_over_a_unix_socket() {
    both(|rig| {
        let (mut client, path) = rig.connect_unix();
        let bytes = pattern(300_000, 1);
        let sent = bytes.clone();
        let mut writer = client.try_clone().unwrap();
        let writing = thread::spawn(move || writer.write_all(&sent).unwrap());
        assert!(read_exactly(&mut client, bytes.len()) == bytes);
        writing.join().unwrap();
        assert_eq!(rig.facts.peers.lock().unwrap().as_slice(), [format!("{}:0", path.display())]);
        assert!(path.exists());
    });
}

#[test]
fn single_bytes() {
    both(|rig| {
        let mut client = rig.connect();
        client.set_nodelay(true).unwrap();
        for i in 0..2000u32 {
            client.write_all(&[i as u8]).unwrap();
            assert_eq!(read_exactly(&mut client, 1), [i as u8]);
        }
    });
}

#[test]
fn much_pipelined_input() {
    both(|rig| {
        for size in [1 << 20, 100 << 20] {
            let mut client = rig.connect();
            let mut writer = client.try_clone().unwrap();
            let writing = thread::spawn(move || {
                for block in 0..size >> 20 {
                    writer.write_all(&pattern(1 << 20, block)).unwrap();
                }
            });
            for block in 0..size >> 20 {
                assert!(read_exactly(&mut client, 1 << 20) == pattern(1 << 20, block), "block {block}");
            }
            writing.join().unwrap();
        }
        assert!(rig.facts.most_input.load(Ordering::Relaxed) <= 4 << 20);
    });
}

#[test]
fn a_slow_reader_gets_everything_in_order() {
    both(|rig| {
        rig.set(Mode::Reply(64 << 20));
        let mut client = rig.connect();
        client.write_all(b"go").unwrap();
        wait_for("output to back up", || rig.facts.pending.load(Ordering::Relaxed) > 32 << 20);
        thread::sleep(Duration::from_millis(50));
        // Others are served meanwhile.
        rig.set(Mode::Echo);
        let mut other = rig.connect();
        other.write_all(b"hello").unwrap();
        assert_eq!(read_exactly(&mut other, 5), b"hello");
        for block in 0..64 {
            assert!(read_exactly(&mut client, 1 << 20) == pattern(1 << 20, block), "block {block}");
            if block % 16 == 0 {
                thread::sleep(Duration::from_millis(5));
            }
        }
        client.write_all(b"again").unwrap();
        assert_eq!(read_exactly(&mut client, 5), b"again");
    });
}

#[test]
fn shared_pieces_between_copied_ones() {
    both(|rig| {
        let shared = Arc::new(pattern(1 << 20, 7));
        rig.set(Mode::Shared(shared.clone()));
        let mut client = rig.connect();
        client.write_all(b"go").unwrap();
        let mut expected = Vec::new();
        for i in 0..200usize {
            expected.extend_from_slice(format!("<{i}>").as_bytes());
            expected.extend_from_slice(&shared[i..i + 5000 * (i % 7)]);
        }
        expected.extend_from_slice(b"end");
        assert!(read_exactly(&mut client, expected.len()) == expected);
        wait_for("the shared bytes to be let go", || {
            rig.set(Mode::Echo);
            Arc::strong_count(&shared) == 1
        });
    });
}

/// What takes several sends goes out without a tick of the clock between them.
#[test]
fn many_pieces_are_sent_one_after_the_other() {
    both(|rig| {
        rig.facts.asleep.store(true, Ordering::Relaxed);
        let shared = Arc::new(pattern(1 << 20, 7));
        rig.set(Mode::Shared(shared.clone()));
        let mut client = rig.connect();
        client.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        client.write_all(b"go").unwrap();
        let len = (0..200usize).map(|i| format!("<{i}>").len() + 5000 * (i % 7)).sum::<usize>() + 3;
        assert!(read_exactly(&mut client, len).ends_with(b"end"));
        rig.facts.asleep.store(false, Ordering::Relaxed);
    });
}

#[test]
fn a_half_closed_client_gets_its_replies() {
    both(|rig| {
        rig.set(Mode::Reply(8 << 20));
        let mut client = rig.connect();
        client.write_all(b"go").unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        thread::sleep(Duration::from_millis(20));
        let all = read_to_end(&mut client);
        assert_eq!(all.len(), 8 << 20);
        for (i, block) in all.chunks(1 << 20).enumerate() {
            assert!(block == pattern(1 << 20, i as u64));
        }
        rig.wait_closed(&[CloseReason::Peer]);
    });
}

#[test]
fn a_client_that_only_connects_and_leaves() {
    both(|rig| {
        drop(rig.connect());
        rig.wait_closed(&[CloseReason::Peer]);
        assert_eq!(rig.handle().connections(), 0);
    });
}

#[test]
fn resets_in_the_middle() {
    both(|rig| {
        rig.set(Mode::Reply(16 << 20));
        for _ in 0..20 {
            let mut client = rig.connect();
            client.write_all(b"go").unwrap();
            read_exactly(&mut client, 1000);
            // Closing with unread input resets the connection.
            drop(client);
        }
        wait_for("all to be closed", || rig.facts.closed.lock().unwrap().len() == 20);
        for why in rig.facts.closed.lock().unwrap().iter() {
            assert!(matches!(why, CloseReason::Failed(_)), "{why:?}");
        }
        assert_eq!(rig.handle().connections(), 0);
        rig.set(Mode::Echo);
        let mut client = rig.connect();
        client.write_all(b"alive").unwrap();
        assert_eq!(read_exactly(&mut client, 5), b"alive");
    });
}

#[test]
fn closes_after_much_is_flushed() {
    both(|rig| {
        rig.set(Mode::ReplyAndClose(32 << 20));
        let mut client = rig.connect();
        client.write_all(b"go").unwrap();
        wait_for("output to back up", || rig.facts.pending.load(Ordering::Relaxed) > 16 << 20);
        let all = read_to_end(&mut client);
        assert_eq!(all.len(), 32 << 20);
        assert!(all.chunks(1 << 20).enumerate().all(|(i, block)| block == pattern(1 << 20, i as u64)));
        rig.wait_closed(&[CloseReason::Service]);
    });
}

#[test]
fn input_after_the_decision_to_close_is_dropped() {
    both(|rig| {
        rig.set(Mode::ReplyAndClose(16 << 20));
        let mut client = rig.connect();
        client.write_all(b"go").unwrap();
        wait_for("output to back up", || rig.facts.pending.load(Ordering::Relaxed) > 4 << 20);
        let turns = rig.facts.inputs.load(Ordering::Relaxed);
        let mut writer = client.try_clone().unwrap();
        // Far more than is ever taken: the reactor must not read on and on for a client that is to be closed.
        let writing = thread::spawn(move || writer.write_all(&pattern(64 << 20, 3)).is_err());
        thread::sleep(Duration::from_millis(50));
        assert!(!writing.is_finished(), "its input was taken");
        // The kernel resets a connection that is closed with input unread, and may then throw away what it had been
        // given but not sent. So what arrives is right, but its end may be missing.
        let mut all = Vec::new();
        let _ = client.read_to_end(&mut all);
        assert!(all.len() >= 4 << 20, "{}", all.len());
        assert!(
            all.chunks(1 << 20)
                .enumerate()
                .all(|(i, part)| part == &pattern(1 << 20, i as u64)[..part.len()])
        );
        rig.wait_closed(&[CloseReason::Service]);
        assert!(writing.join().unwrap(), "the connection is gone");
        assert_eq!(rig.facts.inputs.load(Ordering::Relaxed), turns);
    });
}

#[test]
fn closes_now() {
    both(|rig| {
        rig.set(Mode::CloseNow);
        let mut client = rig.connect();
        client.write_all(b"go").unwrap();
        let mut rest = Vec::new();
        let _ = client.read_to_end(&mut rest);
        assert!(rest.is_empty());
        rig.wait_closed(&[CloseReason::Service]);
    });
}

#[test]
fn refuses_with_a_text() {
    both(|rig| {
        rig.set(Mode::Refuse);
        let mut client = rig.connect();
        assert_eq!(read_to_end(&mut client), b"-ERR no\r\n");
        wait_for("it to be forgotten", || rig.handle().connections() == 0);
        assert!(rig.facts.closed.lock().unwrap().is_empty());
    });
}

#[test]
fn pauses_and_resumes() {
    both(|rig| {
        rig.set(Mode::PauseOn(b'P'));
        let mut client = rig.connect();
        client.set_nodelay(true).unwrap();
        client.write_all(b"P").unwrap();
        assert_eq!(read_exactly(&mut client, 1), b"P");
        // Far more than the socket's buffers hold: the writer must get stuck, and nothing be delivered.
        let mut writer = client.try_clone().unwrap();
        let size = 64u64 << 20;
        let writing = thread::spawn(move || {
            for block in 0..size >> 20 {
                writer.write_all(&pattern(1 << 20, block)).unwrap();
            }
        });
        thread::sleep(Duration::from_millis(100));
        assert!(!writing.is_finished(), "input is taken without bound");
        assert_eq!(rig.facts.inputs.load(Ordering::Relaxed), 1);
        // The pattern contains the letter, so it will pause again and again.
        let resuming = rig.resume_always();
        for block in 0..size >> 20 {
            assert!(read_exactly(&mut client, 1 << 20) == pattern(1 << 20, block), "block {block}");
        }
        writing.join().unwrap();
        drop(resuming);
    });
}

#[test]
fn the_end_is_told_while_paused() {
    both(|rig| {
        rig.set(Mode::PauseOn(b'P'));
        for held in [&b""[..], b"held"] {
            let mut client = rig.connect();
            client.write_all(b"P").unwrap();
            assert_eq!(read_exactly(&mut client, 1), b"P");
            let ends = rig.facts.ends.load(Ordering::Relaxed);
            if !held.is_empty() {
                client.write_all(held).unwrap();
                thread::sleep(Duration::from_millis(20));
            }
            client.shutdown(Shutdown::Write).unwrap();
            wait_for("the end to be told", || rig.facts.ends.load(Ordering::Relaxed) == ends + 1);
            thread::sleep(Duration::from_millis(20));
            assert_eq!(rig.facts.ends.load(Ordering::Relaxed), ends + 1, "told once");
            assert_eq!(rig.handle().connections(), 1, "paused connections stay");
            rig.resume_once();
            assert_eq!(read_to_end(&mut client), held);
            wait_for("it to be closed", || rig.handle().connections() == 0);
            assert_eq!(rig.facts.ends.load(Ordering::Relaxed), ends + 2, "and told again");
        }
    });
}

#[test]
fn a_paused_client_that_vanishes_is_closed() {
    both(|rig| {
        rig.set(Mode::PauseOn(b'P'));
        let mut client = rig.connect();
        client.write_all(b"P").unwrap();
        wait_for("the reply", || rig.facts.inputs.load(Ordering::Relaxed) == 1);
        client.write_all(b"held").unwrap();
        thread::sleep(Duration::from_millis(30));
        // The reply is unread, so this resets.
        drop(client);
        wait_for("it to be closed", || !rig.facts.closed.lock().unwrap().is_empty());
        assert_eq!(rig.handle().connections(), 0);
        assert!(matches!(rig.facts.closed.lock().unwrap()[0], CloseReason::Failed(_)));
    });
}

#[test]
fn corked_output_waits() {
    both(|rig| {
        rig.set(Mode::Cork);
        let mut client = rig.connect();
        client.write_all(b"one").unwrap();
        client.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        assert!(client.read(&mut [0; 8]).is_err(), "nothing comes while corked");
        client.shutdown(Shutdown::Write).unwrap();
        assert!(client.read(&mut [0; 8]).is_err(), "nor at the end");
        client.set_read_timeout(None).unwrap();
        rig.uncork();
        assert_eq!(read_to_end(&mut client), b"one");
    });
}

#[test]
fn two_thousand_connections_come_and_go() {
    both(|rig| {
        let mut waves = Vec::new();
        for wave in 0..20 {
            let mut clients: Vec<TcpStream> = (0..100).map(|_| rig.connect()).collect();
            for (i, client) in clients.iter_mut().enumerate() {
                client.write_all(&pattern(100 + i, wave)).unwrap();
            }
            for (i, client) in clients.iter_mut().enumerate() {
                assert!(read_exactly(client, 100 + i) == pattern(100 + i, wave));
            }
            // Some waves overlap with the next ones.
            if wave % 3 == 0 {
                waves.push(clients);
            }
        }
        drop(waves);
        wait_for("all to be closed", || rig.facts.closed.lock().unwrap().len() == 2000);
        assert_eq!(rig.handle().connections(), 0);
        assert_eq!(rig.facts.opened.load(Ordering::Relaxed), 2000);
    });
}

#[test]
fn idle_connections_do_not_disturb() {
    both(|rig| {
        let mut idle: Vec<TcpStream> = (0..1000).map(|_| rig.connect()).collect();
        let mut client = rig.connect();
        for i in 0..2000u32 {
            client.write_all(&i.to_le_bytes()).unwrap();
            assert_eq!(read_exactly(&mut client, 4), i.to_le_bytes());
        }
        for client in idle.iter_mut().rev().step_by(10) {
            client.write_all(b"awake").unwrap();
            assert_eq!(read_exactly(client, 5), b"awake");
        }
        assert_eq!(rig.handle().connections(), 1001);
    });
}

#[test]
fn many_speak_at_once() {
    both(|rig| {
        let threads: Vec<_> = (0..8u64)
            .map(|t| {
                let mut clients: Vec<TcpStream> = (0..25).map(|_| rig.connect()).collect();
                thread::spawn(move || {
                    for turn in 0..200 {
                        for (i, client) in clients.iter_mut().enumerate() {
                            client.write_all(&pattern(50 + i, t * 1000 + turn)).unwrap();
                        }
                        for (i, client) in clients.iter_mut().enumerate() {
                            assert!(read_exactly(client, 50 + i) == pattern(50 + i, t * 1000 + turn));
                        }
                    }
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
    });
}

#[test]
fn a_group_shares_its_connections() {
    for kind in rig::KINDS {
        let rig = Rig::group(kind, 3);
        let mut clients = Vec::new();
        for n in 1..=30usize {
            clients.push(rig.connect());
            wait_for("the connection to be placed", || {
                rig.handles.iter().map(net::Handle::connections).sum::<usize>() == n
            });
        }
        for handle in &rig.handles {
            assert_eq!(handle.connections(), 10);
        }
        for (i, client) in clients.iter_mut().enumerate() {
            client.write_all(&pattern(1000, i as u64)).unwrap();
            assert!(read_exactly(client, 1000) == pattern(1000, i as u64));
        }
        drop(clients);
        wait_for("all to be closed", || rig.handles.iter().all(|handle| handle.connections() == 0));
    }
}

#[test]
fn adopts_from_another_thread() {
    both(|rig| {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (server, _) = listener.accept().unwrap();
        server.set_nonblocking(true).unwrap();
        rig.handle().adopt(server);
        client.write_all(b"adopted").unwrap();
        assert_eq!(read_exactly(&mut client, 7), b"adopted");
    });
}

#[test]
fn wakes_are_not_lost() {
    both(|rig| {
        for i in 1..=2000u64 {
            rig.facts.mailbox.store(i, Ordering::SeqCst);
            rig.handle().wake();
            if i % 3 != 0 {
                wait_for("the mailbox to be looked at", || rig.facts.seen.load(Ordering::SeqCst) >= i);
            }
        }
        let ringers: Vec<_> = (0..4u64)
            .map(|_| {
                let (handle, facts) = (rig.handle().clone(), rig.facts.clone());
                thread::spawn(move || {
                    for _ in 0..5000 {
                        facts.mailbox.fetch_add(1, Ordering::SeqCst);
                        handle.wake();
                    }
                })
            })
            .collect();
        for ringer in ringers {
            ringer.join().unwrap();
        }
        wait_for("the last ring to be heard", || rig.facts.seen.load(Ordering::SeqCst) == 2000 + 20_000);
    });
}

#[test]
fn a_wake_can_write_to_connections() {
    both(|rig| {
        let mut clients: Vec<TcpStream> = (0..50).map(|_| rig.connect()).collect();
        wait_for("all to be there", || rig.handle().connections() == 50);
        wait_for("all to be open", || rig.facts.opened.load(Ordering::Relaxed) == 50);
        rig.broadcast(b"news");
        for client in &mut clients {
            assert_eq!(read_exactly(client, 4), b"news");
        }
        rig.broadcast(b"more");
        for client in &mut clients {
            assert_eq!(read_exactly(client, 4), b"more");
        }
    });
}

#[test]
fn background_work_and_input_share_the_thread() {
    both(|rig| {
        rig.facts.busy.store(true, Ordering::Relaxed);
        let mut client = rig.connect();
        for i in 0..500u32 {
            client.write_all(&i.to_le_bytes()).unwrap();
            assert_eq!(read_exactly(&mut client, 4), i.to_le_bytes());
        }
        let before = rig.facts.iterations.load(Ordering::Relaxed);
        wait_for("slices of work", || rig.facts.iterations.load(Ordering::Relaxed) > before + 100);
        rig.facts.busy.store(false, Ordering::Relaxed);
        rig.handle().wake();
        thread::sleep(Duration::from_millis(20));
        let before = rig.facts.iterations.load(Ordering::Relaxed);
        thread::sleep(Duration::from_millis(200));
        assert!(rig.facts.iterations.load(Ordering::Relaxed) <= before + 5, "an idle reactor sleeps");
    });
}

#[test]
fn stop_sends_what_it_can_and_closes_all() {
    for kind in rig::KINDS {
        let mut rig = Rig::new(kind);
        rig.set(Mode::Reply(64 << 20));
        let mut slow = rig.connect();
        slow.write_all(b"go").unwrap();
        wait_for("output to back up", || rig.facts.pending.load(Ordering::Relaxed) > 32 << 20);
        rig.set(Mode::Echo);
        let mut quick: Vec<TcpStream> = (0..10).map(|_| rig.connect()).collect();
        for client in &mut quick {
            client.write_all(b"x").unwrap();
            assert_eq!(read_exactly(client, 1), b"x");
        }
        rig.facts.farewell.store(true, Ordering::Relaxed);
        let begun = Instant::now();
        rig.stop();
        assert!(begun.elapsed() < Duration::from_secs(2));
        for client in &mut quick {
            assert_eq!(read_to_end(client), b"bye");
        }
        assert!(TcpStream::connect(rig.address).is_err(), "nobody listens");
        let closed = rig.facts.closed.lock().unwrap();
        assert_eq!(closed.len(), 11);
        assert!(closed.iter().all(|why| *why == CloseReason::Stopped));
        // A handle outlives its reactor harmlessly.
        rig.handles[0].wake();
        rig.handles[0].adopt(
            TcpStream::connect(std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap())
                .unwrap(),
        );
        assert_eq!(rig.handles[0].connections(), 0);
    }
}

#[test]
fn listeners_come_and_go_while_running() {
    both(|rig| {
        let port = {
            let bound = net::bind_tcp(&["127.0.0.1"], 0, net::TcpOptions::default()).unwrap();
            let port = bound.listeners[0].port().unwrap();
            rig.handle().add_listeners(bound.listeners.clone());
            let mut client = TcpStream::connect(("127.0.0.1", port)).unwrap();
            client.write_all(b"new").unwrap();
            assert_eq!(read_exactly(&mut client, 3), b"new");
            let taken = net::bind_tcp(&["127.0.0.1"], port, net::TcpOptions::default()).err().unwrap();
            let text = format!(
                "Could not create server TCP listening socket 127.0.0.1:{port}: bind: Address already in use"
            );
            assert_eq!(taken.to_string(), text);
            rig.handle().remove_listeners(bound.listeners);
            // Its connections stay.
            client.write_all(b"old").unwrap();
            assert_eq!(read_exactly(&mut client, 3), b"old");
            assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
            port
        };
        // At once, although the reactor may still hold the old socket.
        let again = net::bind_tcp(&["127.0.0.1"], port, net::TcpOptions::default()).unwrap();
        rig.handle().add_listeners(again.listeners);
        let mut client = TcpStream::connect(("127.0.0.1", port)).unwrap();
        client.write_all(b"new").unwrap();
        assert_eq!(read_exactly(&mut client, 3), b"new");
    });
}
