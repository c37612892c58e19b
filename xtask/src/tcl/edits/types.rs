//! The edits of the units about collections and what goes with them: the encodings of 7.2, and means that are not here yet.

use super::{Edit, edit};

/// Sorted by unit.
pub const ROWS: &[Edit] = &[
    Edit {
        unit: "unit/type/hash",
        from: (
            "        set _ $k\n    } {ZIP_INT_8B 127 ZIP_INT_16B 32767 ZIP_INT_32B 2147483647 ZIP_INT_64B 9223372036854775808 ZIP_INT_IMM_MIN 0 \
             ZIP_INT_IMM_MAX 12}",
            2,
        ),
        to: "        lsort -stride 2 $k\n    } {ZIP_INT_16B 32767 ZIP_INT_32B 2147483647 ZIP_INT_64B 9223372036854775808 ZIP_INT_8B 127 \
             ZIP_INT_IMM_MAX 12 ZIP_INT_IMM_MIN 0}",
        why: "a hash of more than 8 KB is in the order of hashes whatever the thresholds",
    },
    Edit {
        unit: "unit/type/list",
        from: ("r debug quicklist-packed-threshold", 28),
        to: "lindex OK ;#",
        why: "a long element has a node of its own at 4 KB; the lists behave the same",
    },
    edit(
        "unit/scan",
        "start_server {tags {\"scan network\"}} {",
        "start_server {tags {\"scan network\"} overrides {\"set-max-listpack-entries\" 0}} {",
        "sets of other than numbers have no listpack before 7.2",
    ),
    edit(
        "unit/keyspace",
        "start_server {tags {\"keyspace\"}} {",
        "start_server {tags {\"keyspace\"} overrides {\"set-max-listpack-entries\" 0}} {",
        "sets of other than numbers have no listpack before 7.2",
    ),
    Edit {
        unit: "unit/lazyfree",
        from: ("{$i < 100000}", 2),
        to: "{$i < 200000}",
        why: "100000 numbers take less than the megabyte that is looked for",
    },
    Edit {
        unit: "unit/lazyfree",
        from: ("[r scard myset] == 100000", 2),
        to: "[r scard myset] == 200000",
        why: "100000 numbers take less than the megabyte that is looked for",
    },
    edit(
        "unit/type/set",
        "        \"set-max-intset-entries\" 512\n",
        "        \"set-max-intset-entries\" 512\n        \"set-max-listpack-entries\" 0\n",
        "sets of other than numbers have no listpack before 7.2",
    ),
    edit(
        "unit/type/set",
        "        # 2) Wait for the hash set rehashing to finish.\n        while {[is_rehashing myset]} {\n            r srandmember myset 100\n        }\n\n",
        "",
        "a set is never rehashed; fair choice stays",
    ),
    edit(
        "unit/type/set",
        "        r bgsave\n        rem_hash_set_top_N myset [expr {[r scard myset] - 500}]\n        assert_equal [r scard myset] 500\n\n        \
         # 4) Kill RDB child process to restart rehashing.\n        set pid1 [get_child_pid 0]\n        catch {exec kill -9 $pid1}\n        \
         waitForBgsave r\n\n        # 5) Let the set hash to start rehashing\n        r spop myset 1\n        assert [is_rehashing myset]\n\n        \
         # 6) Verify that when rdb saving is in progress, rehashing will still be performed (because\n        \
         # the ratio is extreme) by waiting for it to finish during an active bgsave.\n        r bgsave\n\n        \
         while {[is_rehashing myset]} {\n            r srandmember myset 1\n        }\n        if {$::verbose} {\n            \
         puts [r debug HTSTATS-KEY myset]\n        }\n\n        set pid1 [get_child_pid 0]\n        catch {exec kill -9 $pid1}\n        waitForBgsave r\n",
        "        rem_hash_set_top_N myset [expr {[r scard myset] - 500}]\n        assert_equal [r scard myset] 500\n",
        "a set is never rehashed and a save has no child process; fair choice stays",
    ),
    edit(
        "unit/type/set",
        "        assert {[is_rehashing myset]}\n\n        # Now that we have a hash set with only one long chain bucket.\n        \
         set htstats [r debug HTSTATS-KEY myset]\n        assert {[regexp {different slots: ([0-9]+)} $htstats - different_slots]}\n        \
         assert {[regexp {max chain length: ([0-9]+)} $htstats - max_chain_length]}\n        \
         assert {$different_slots == 1 && $max_chain_length == 30}\n",
        "",
        "there are no chains; fair choice stays",
    ),
    Edit {
        unit: "unit/type/zset",
        from: ("assert_equal [lindex $aux $i] [r zscore zscoretest $i]", 2),
        to: "assert {[lindex $aux $i] == [r zscore zscoretest $i]}",
        why: "the shortest digits that mean the same number, nearly as from 7.2 on",
    },
    edit(
        "unit/type/zset",
        "assert_equal [lindex $aux $i] [r zmscore zscoretest $i]",
        "assert {[lindex $aux $i] == [r zmscore zscoretest $i]}",
        "the shortest digits that mean the same number, nearly as from 7.2 on",
    ),
    edit(
        "unit/sort",
        "        r multi\n        r sort zset by nosort asc\n        r sort zset by nosort desc\n        r exec\n",
        "        list [r sort zset by nosort asc] [r sort zset by nosort desc]\n",
        "no MULTI",
    ),
    edit("unit/other", "        r client tracking on\n", "", "no CLIENT TRACKING; the name stays"),
    edit(
        "unit/other",
        "        r bgrewriteaof\n        waitForBgrewriteaof r\n        r debug loadaof\n        set ttl [r ttl x]\n        set e2",
        "        set ttl [r ttl x]\n        set e2",
        "no append-only files; the RDB file stays",
    ),
    Edit {
        unit: "integration/corrupt-dump",
        from: ("        assert_equal [count_log_message 0 \"ASSERTION FAILED\"] 1\n", 10),
        to: "        assert_equal [count_log_message 0 \"ASSERTION FAILED\"] 0\n        assert_equal [r ping] PONG\n",
        why: "no payload is taken that makes a later request fail",
    },
    edit(
        "integration/corrupt-dump",
        "tags {\"dump\" \"corruption\" \"external:skip\"} {\n",
        "tags {\"dump\" \"corruption\" \"external:skip\"} {\nproc r_or_refused {args} { catch {r {*}$args} }\n",
        "a payload is checked in full, whatever sanitize-dump-payload says",
    ),
    Edit {
        unit: "integration/corrupt-dump",
        from: ("\n        r RESTORE _stream 0 ", 3),
        to: "\n        r_or_refused RESTORE _stream 0 ",
        why: "a payload is checked in full, whatever sanitize-dump-payload says",
    },
    Edit {
        unit: "integration/corrupt-dump",
        from: ("\n        r restore _stream 0 ", 3),
        to: "\n        r_or_refused restore _stream 0 ",
        why: "a payload is checked in full, whatever sanitize-dump-payload says",
    },
    edit(
        "integration/corrupt-dump",
        "\n         r restore _hashbig 0 ",
        "\n         r_or_refused restore _hashbig 0 ",
        "a payload is checked in full, whatever sanitize-dump-payload says",
    ),
    edit(
        "integration/corrupt-dump",
        "[count_log_message 0 \"Guru Meditation\"] 1",
        "[count_log_message 0 \"Guru Meditation\"] 0",
        "no payload is taken that makes a later request fail",
    ),
    edit(
        "integration/corrupt-dump",
        "assert_equal [count_log_message 0 \"listpack with dup elements\"] 1\n",
        "assert_match \"*Bad data format*\" $err\n",
        "a payload is checked in full, whatever sanitize-dump-payload says",
    ),
    Edit {
        unit: "integration/corrupt-dump",
        from: ("*Zset ziplist integrity check failed*", 2),
        to: "*integrity check failed*",
        why: "the log's own words",
    },
    edit(
        "integration/corrupt-dump",
        "*Zipmap integrity check failed*",
        "*integrity check failed*",
        "the log's own words",
    ),
    Edit {
        unit: "integration/corrupt-dump",
        from: ("*Stream listpack integrity check failed*", 2),
        to: "*integrity check failed*",
        why: "the log's own words",
    },
    edit(
        "integration/corrupt-dump",
        "*Duplicate stream consumer detected*",
        "*integrity check failed*",
        "the log's own words",
    ),
    edit(
        "integration/corrupt-dump",
        "    assert_equal [count_message_lines $stdout \"Terminating server after rdb file reading failure.\"]  1\n    \
         assert_lessthan 1 [count_message_lines $stdout \"integrity check failed\"]\n",
        "    assert_equal [count_message_lines $stdout \"Fatal error loading the DB, check server logs. Exiting: at byte\"] 1\n",
        "the log's own words",
    ),
    edit(
        "integration/corrupt-dump",
        "            verify_log_message 0 \"*skipping empty key: set*\" 0\n            \
         verify_log_message 0 \"*skipping empty key: list_quicklist*\" 0\n            \
         verify_log_message 0 \"*skipping empty key: list_quicklist_empty_ziplist*\" 0\n            \
         verify_log_message 0 \"*skipping empty key: list_ziplist*\" 0\n            \
         verify_log_message 0 \"*skipping empty key: hash*\" 0\n            \
         verify_log_message 0 \"*skipping empty key: hash_ziplist*\" 0\n            \
         verify_log_message 0 \"*skipping empty key: zset*\" 0\n            \
         verify_log_message 0 \"*skipping empty key: zset_ziplist*\" 0\n            \
         verify_log_message 0 \"*skipping empty key: zset_listpack*\" 0\n",
        "",
        "keys are never logged; their number is",
    ),
    edit("integration/rdb", "*CRC error*", "*the checksum is*", "the log's own words"),
    edit(
        "integration/rdb",
        "        r config set rdb-key-save-delay 10000000\n        populate 1000\n        r set x x\n        r bgsave\n        \
         set pid1 [get_child_pid 0]\n        catch {exec kill -9 $pid1}\n",
        "        populate 1000\n        r set x x\n        set path [file join [lindex [r config get dir] 1] dump.rdb]\n        \
         file mkdir $path\n        r bgsave\n",
        "a save has no child process, so it fails because a folder is in its way",
    ),
    edit(
        "integration/rdb",
        "        # repeate with script\n        assert_error {MISCONF *} {r eval {\n            return redis.call('set','x',1)\n            } 1 x\n        }\n        \
         assert_equal {x} [r eval {\n            return redis.call('get','x')\n            } 1 x\n        ]\n\n        # again with script using shebang\n        \
         assert_error {MISCONF *} {r eval {#!lua\n            return redis.call('set','x',1)\n            } 1 x\n        }\n        \
         assert_equal {x} [r eval {#!lua flags=no-writes\n            return redis.call('get','x')\n            } 1 x\n        ]\n\n        \
         r config set rdb-key-save-delay 0\n",
        "        file delete $path\n",
        "no scripts; no child process",
    ),
    edit(
        "support/test",
        "    set val [r object encoding $key]\n",
        "    set val [r object encoding $key]\n    if {$enc eq {quicklist} && $val eq {listpack}} {set enc listpack}\n",
        "a short list is a listpack from 7.2 on",
    ),
];

/// Tests whose rounds are many and slow in Tcl; the model fuzzing of each container does more of the same in less time.
pub const SHORTER: &[Edit] = &[
    edit(
        "unit/geo",
        "{ set attempt 30 }\n        while {[incr attempt -1]} {\n            set rv ",
        "{ set attempt 12 }\n        while {[incr attempt -1]} {\n            set rv ",
        FEWER,
    ),
    edit("unit/type/list-2", "{$i < 1000}", "{$i < 250}", FEWER),
    edit("unit/type/list-3", "set cycles 1000\n", "set cycles 300\n", FEWER),
    edit("unit/type/list-3", "{$j < 200}", "{$j < 50}", FEWER),
    Edit { unit: "unit/type/hash", from: ("{$times < 10}", 2), to: "{$times < 3}", why: FEWER },
];
const FEWER: &str = "fewer rounds";
