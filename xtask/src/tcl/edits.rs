//! Changes to the suite's tests where they need something of a later version although what they are about is here already: the
//! test then runs with what there is, instead of being excused as a whole.
//!
//! A row goes when the command that it avoids exists. Tests about the missing thing itself are not edited but excused, in
//! `xtask/tcl-allowed.txt`.

mod streams;
mod types;

use std::fs;
use std::path::Path;

/// One replacement in a file of the suite.
struct Edit {
    /// The file below `tests/`, without `.tcl`.
    unit: &'static str,
    /// The text, and how often it is there.
    from: (&'static str, usize),
    to: &'static str,
    why: &'static str,
}

const fn edit(unit: &'static str, from: &'static str, to: &'static str, why: &'static str) -> Edit {
    Edit { unit, from: (from, 1), to, why }
}

const EDITS: &[Edit] = &[
    edit(
        "unit/expire",
        "start_server {overrides {appendonly {yes} appendfsync always} tags {external:skip}} {",
        "start_server {tags {external:skip}} {",
        "a server with append-only files does not start; the test inside is skipped",
    ),
    edit(
        "unit/introspection",
        "            socket-mark-id\n        }\n",
        "            socket-mark-id\n            aof-rewrite-cpulist bgsave-cpulist bio-cpulist server-cpulist cluster-databases hash-seed mptcp \
         rdma-completion-vector rdma-rx-size repl-mptcp unixsocketgroup reactor stripes\n        }\n",
        "options that came after 7.0 and are immutable in Redis 8 and Valkey 9 too, and two of our own",
    ),
    edit(
        "unit/introspection",
        "        r migrate [srv 0 host] [srv 0 port] key 9 5000\n        r migrate [srv 0 host] [srv 0 port] key 9 5000 AUTH user\n        \
         r migrate [srv 0 host] [srv 0 port] key 9 5000 AUTH2 user password\n        catch {r auth",
        "        catch {r auth",
        "no MIGRATE; AUTH and HELLO stay",
    ),
    edit(
        "unit/introspection",
        "        assert_match {*\"key\"*\"9\"*\"5000\"*} [$rd read]\n        assert_match {*\"key\"*\"9\"*\"5000\"*\"(redacted)\"*} [$rd read]\n        \
         assert_match {*\"key\"*\"9\"*\"5000\"*\"(redacted)\"*\"(redacted)\"*} [$rd read]\n",
        "",
        "no MIGRATE; AUTH and HELLO stay",
    ),
    edit("unit/introspection-2", "aclcat scripting", "aclcat connection", "no scripts"),
    edit(
        "unit/introspection-2",
        "[lsearch $commands \"eval\"] -1",
        "[lsearch $commands \"auth\"] -1",
        "no scripts",
    ),
    edit(
        "unit/introspection-2",
        "[lsearch $commands \"script|kill\"] -1",
        "[lsearch $commands \"client|kill\"] -1",
        "no scripts",
    ),
    edit(
        "unit/introspection-2",
        "        assert_not_equal [lsearch $commands \"cluster|help\"] -1\n",
        "",
        "no CLUSTER; CLIENT stays",
    ),
    edit(
        "unit/oom-score-adj",
        "            r replicaof localhost 1\n            assert {[get_oom_score_adj] == [expr $base + 20]}\n            r replicaof no one\n",
        "",
        "no replicas; the score of a master stays",
    ),
    edit(
        "unit/oom-score-adj",
        "            set child_pid [get_child_pid 0]\n            # Wait until background child process to setOOMScoreAdj success.\n            \
         wait_for_condition 100 10 {\n                [get_oom_score_adj $child_pid] == [expr $base + 30]\n            } else {\n                \
         fail \"Set oom-score-adj of background child process is not ok\"\n            }\n",
        "",
        "a save has no child process",
    ),
    edit(
        "unit/pause",
        "        set rd2 [redis_deferring_client]\n        $rd2 publish foo bar\n        wait_for_blocked_clients_count 2 50 100\n",
        "",
        "no PUBLISH; PFCOUNT stays",
    ),
    edit(
        "unit/pause",
        "        assert_match \"0\" [$rd2 read]\n        $rd close\n        $rd2 close\n",
        "        $rd close\n",
        "no PUBLISH; PFCOUNT stays",
    ),
    edit(
        "unit/pause",
        "        r multi\n        r set foo{t} bar{t} PX 10\n        r set bar{t} foo{t} PX 10\n        r client PAUSE 50000 WRITE\n        r exec\n",
        "        r set foo{t} bar{t} PX 200\n        r set bar{t} foo{t} PX 200\n        r client PAUSE 50000 WRITE\n",
        "no MULTI; the keys live long enough to see the pause",
    ),
    edit(
        "unit/pause",
        "        r replicaof $master_host $master_port\n\n        wait_for_condition 50 100 {\n            [s master_link_status] eq {up}\n        \
         } else {\n            fail \"Replication not started.\"\n        }\n",
        "",
        "no replicas; the tests with this one are skipped",
    ),
    edit(
        "unit/protocol",
        "        r multi\n        r incrbyfloat k 1.0\n        assert_equal [r exec] 2\n",
        "        assert_equal [r incrbyfloat k 1.0] 2\n",
        "no MULTI",
    ),
    edit(
        "unit/slowlog",
        "        catch {r acl setuser \"slowlog test user\" +get +set} _\n        r config set masterauth \"\"\n        \
         r acl setuser slowlog-test-user +get +set\n",
        "        r config set masterauth \"\"\n",
        "no ACL; the secret option stays",
    ),
    edit(
        "unit/slowlog",
        "        assert_equal 5 [llength $slowlog_resp]\n        assert_equal {slowlog reset} [lindex [lindex $slowlog_resp 4] 3]\n        \
         assert_equal {acl setuser (redacted) (redacted) (redacted)} [lindex [lindex $slowlog_resp 3] 3]\n        \
         assert_equal {config set masterauth (redacted)} [lindex [lindex $slowlog_resp 2] 3]\n        \
         assert_equal {acl setuser (redacted) (redacted) (redacted)} [lindex [lindex $slowlog_resp 1] 3]\n",
        "        assert_equal 3 [llength $slowlog_resp]\n        assert_equal {slowlog reset} [lindex [lindex $slowlog_resp 2] 3]\n        \
         assert_equal {config set masterauth (redacted)} [lindex [lindex $slowlog_resp 1] 3]\n",
        "no ACL; the secret option stays",
    ),
    edit(
        "unit/slowlog",
        "        set rd [redis_deferring_client]\n        $rd blpop l 0\n        wait_for_blocked_clients_count 1 50 100\n        r multi\n        \
         r lpush l foo\n        r slowlog reset\n        r exec\n        $rd read\n        $rd close\n        \
         assert_equal {blpop l 0} [lindex [lindex [r slowlog get] 0] 3]\n",
        "",
        "BLPOP does not wait yet; the other rewritten requests stay",
    ),
];

/// Applies all edits to the suite in `folder`, a fresh copy. Returns how many there are.
pub fn apply(folder: &Path) -> Result<usize, String> {
    let all = || EDITS.iter().chain(types::ROWS).chain(streams::ROWS).chain(types::SHORTER);
    for edit in all() {
        let path = folder.join("tests").join(format!("{}.tcl", edit.unit));
        let failed = |error: std::io::Error| format!("{}: {error}", path.display());
        let text = fs::read_to_string(&path).map_err(failed)?;
        fs::write(&path, edit.applied(&text)?).map_err(failed)?;
    }
    Ok(all().count())
}

impl Edit {
    fn applied(&self, text: &str) -> Result<String, String> {
        let (from, count) = self.from;
        let found = text.matches(from).count();
        if found == count {
            return Ok(text.replace(from, self.to));
        }
        let what = from.trim().lines().next().unwrap_or_default();
        Err(format!(
            "{} has {found} times, not {count}, what is edited because of `{}`: {what}",
            self.unit, self.why
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edit_that_does_not_fit_is_an_error() {
        let row = edit("unit/x", "sadd s", "append s", "no sets");
        assert_eq!(row.applied("r sadd s a").unwrap(), "r append s a");
        assert!(row.applied("r zadd s a").unwrap_err().contains("0 times"));
        assert!(row.applied("sadd s sadd s").is_err());
    }
}
