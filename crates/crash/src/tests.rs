//! Each test starts itself anew as a child that crashes, and reads what the child wrote.

use std::io::Write as _;
use std::os::unix::process::ExitStatusExt as _;

use super::*;

const CHILD: &str = "EVENKEEL_CRASH_CHILD";

/// Runs this test's own binary with only the test `name`, in which the child calls `crash`. Returns its signal and
/// standard error.
fn crash_of(name: &str, crash: fn()) -> (Option<i32>, String) {
    if std::env::var_os(CHILD).is_some() {
        install(Setup {
            program: "Evenkeel test",
            write: |text| std::io::stderr().write_all(text).expect("standard error is open"),
            sections: |text| text.push_str("own section\n"),
        });
        let _guard = guard_thread();
        crash();
        std::process::exit(0);
    }
    let binary = std::env::current_exe().expect("a test has a binary");
    let output = std::process::Command::new(binary)
        .args(["--exact", &format!("tests::{name}"), "--nocapture", "--test-threads=1"])
        .env(CHILD, "1")
        .output()
        .expect("the child runs");
    (output.status.signal(), String::from_utf8_lossy(&output.stderr).into_owned())
}

fn check(name: &str, crash: fn(), signal: i32, parts: &[&str]) {
    let (ended_by, text) = crash_of(name, crash);
    assert_eq!(ended_by, Some(signal), "{text}");
    let common = [
        "=== EVENKEEL BUG REPORT START",
        "Evenkeel test ",
        "------ STACK TRACE ------",
        "------ SYSTEM ------",
        "own section",
        "=== EVENKEEL BUG REPORT END",
    ];
    for part in common.iter().chain(parts) {
        assert!(text.contains(part), "no '{part}' in:\n{text}");
    }
    assert_eq!(text.matches("BUG REPORT START").count(), 1, "{text}");
}

fn read_null() {
    // SAFETY: not safe at all: the fault is what is tested, in a process of its own.
    let byte = unsafe { std::hint::black_box(std::ptr::null::<u8>()).read_volatile() };
    std::hint::black_box(byte);
}

#[test]
fn a_wild_pointer() {
    check("a_wild_pointer", read_null, libc::SIGSEGV, &["(SIGSEGV)", "Accessing address: 0x0", "read_null"]);
}

#[test]
fn a_panic() {
    check("a_panic", || panic!("broken {}", 7), libc::SIGABRT, &["panic: broken 7 at", "src/tests.rs"]);
}

#[test]
fn an_abort() {
    check("an_abort", || std::process::abort(), libc::SIGABRT, &["(SIGABRT)", "Killed by PID: "]);
}

fn recurse(depth: u64) -> u64 {
    let page = std::hint::black_box([depth; 512]);
    if depth == u64::MAX { 0 } else { recurse(depth + 1) + std::hint::black_box(page)[7] }
}

#[test]
fn a_stack_that_overflows() {
    let crash = || {
        let deep = std::thread::spawn(|| {
            let _guard = guard_thread();
            recurse(0)
        });
        let _ = deep.join();
    };
    check("a_stack_that_overflows", crash, libc::SIGSEGV, &["(SIGSEGV)", "recurse"]);
}

#[test]
fn no_report_if_switched_off() {
    let crash = || {
        set_enabled(false);
        read_null();
    };
    let (ended_by, text) = crash_of("no_report_if_switched_off", crash);
    assert_eq!(ended_by, Some(libc::SIGSEGV), "{text}");
    assert!(!text.contains("BUG REPORT"), "{text}");
}
