//! A save onto a full disk fails cleanly, says so, and the next one with room succeeds.
//!
//! The disk is a small tmpfs in a mount namespace of the server's own (`unshare`), so nothing of it is left behind.

use std::path::PathBuf;

use system_tests::contents::read;
use system_tests::{Client, Random, Server, ServerOptions, server};

/// Size of the disk; the data is about twice as large.
const DISK: &str = "8m";

fn start() -> Server {
    let dir = server::fresh_dir().unwrap();
    let mut options = ServerOptions::new(server::ours().unwrap()).dir(&dir).arg("--save", "3600 1000000");
    // Without root a user namespace gives the right to mount.
    let flags = if running_as_root() { "-m" } else { "-rm" };
    let script = format!("mount -t tmpfs -o size={DISK} tmpfs {0} && cd {0} && exec \"$@\"", dir.display());
    options.wrapper = ["unshare", flags, "/bin/sh", "-c", &script, "sh"].map(String::from).to_vec();
    options.start().unwrap()
}

fn running_as_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// The server's directory as the server sees it.
fn inside(server: &Server) -> PathBuf {
    let path = format!("/proc/{}/root{}", server.pid(), server.dir().display());
    PathBuf::from(path)
}

fn fill(client: &mut Client, keys: usize) {
    let mut random = Random::new(1);
    for index in 0..keys {
        let reply = client
            .call(&[b"SET".as_slice(), format!("key:{index}").as_bytes(), &random.bytes(4096)])
            .unwrap();
        assert_eq!(reply.text(), "OK");
    }
}

fn save(server: &Server) -> String {
    let mut client = server.client();
    let started = client.run("BGSAVE");
    assert!(!started.is_error(), "{started:?}");
    server.wait_for_save();
    server.info("rdb_last_bgsave_status").unwrap().trim().to_string()
}

fn files(server: &Server) -> Vec<String> {
    let entries = std::fs::read_dir(inside(server)).unwrap().flatten();
    let mut names: Vec<String> =
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn full_disk_then_good_save() {
    let server = start();
    let mut client = server.client();
    fill(&mut client, 100);
    assert_eq!(save(&server), "ok");
    let small = std::fs::read(inside(&server).join("dump.rdb")).unwrap();

    fill(&mut client, 4000);
    for _ in 0..2 {
        assert_eq!(save(&server), "err");
        // The last good file is untouched, and what was begun is gone.
        assert_eq!(std::fs::read(inside(&server).join("dump.rdb")).unwrap(), small);
        assert_eq!(files(&server), ["dump.rdb"]);
    }
    assert!(client.run("SAVE").is_error());
    assert!(client.run("SET k v").text().starts_with("MISCONF "), "{:?}", client.run("SET k v"));
    assert_eq!(client.run("GET key:0").bulk().map(<[u8]>::len), Some(4096));
    assert_eq!(client.run("DBSIZE").int(), Some(4000));

    assert_eq!(client.run("CONFIG SET stop-writes-on-bgsave-error no").text(), "OK");
    for index in 500..4000 {
        assert_eq!(client.run(&format!("DEL key:{index}")).int(), Some(1));
    }
    assert_eq!(client.run("CONFIG SET stop-writes-on-bgsave-error yes").text(), "OK");
    assert!(client.run("SET k v").text().starts_with("MISCONF "));
    assert_eq!(save(&server), "ok");
    assert_eq!(client.run("SET k v").text(), "OK");
    assert_eq!(client.run("DEL k").int(), Some(1));

    let dir = server::fresh_dir().unwrap();
    std::fs::copy(inside(&server).join("dump.rdb"), dir.join("dump.rdb")).unwrap();
    let second = ServerOptions::new(server::ours().unwrap()).dir(&dir).start().unwrap();
    assert!(read(&mut second.client(), 1).unwrap() == read(&mut client, 1).unwrap());
    let mounted = server.dir().to_path_buf();
    drop((second, server));
    for dir in [dir, mounted] {
        std::fs::remove_dir_all(dir).unwrap();
    }
}
