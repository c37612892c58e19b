//! Tests of what the list commands and SORT say to the log: the form in which Redis sends it to its replicas.

use crate::testing::check_effects;

#[test]
fn what_replicas_are_told() {
    check_effects(&[
        ("RPUSH a 1 2 3 4 5 6 7 8 9", "SELECT 0;RPUSH a 1 2 3 4 5 6 7 8 9"),
        ("LPUSHX a 0", "LPUSHX a 0"),
        ("LPUSHX none 0", ""),
        ("LPOP a", "LPOP a"),
        ("LPOP a 0", ""),
        ("RPOP a 1", "RPOP a 1"),
        ("LPOP none", ""),
        ("LSET a 0 x", "LSET a 0 x"),
        ("LSET a 100 x", ""),
        ("LINSERT a BEFORE x y", "LINSERT a BEFORE x y"),
        ("LINSERT a BEFORE none y", ""),
        ("LREM a 1 y", "LREM a 1 y"),
        ("LREM a 1 y", ""),
        ("LTRIM a 0 -2", "LTRIM a 0 -2"),
        ("LTRIM a 0 -1", ""),
        ("LMOVE a b LEFT RIGHT", "LMOVE a b LEFT RIGHT"),
        ("RPOPLPUSH a b", "RPOPLPUSH a b"),
        ("BLMOVE a b left right 0", "LMOVE a b left right"),
        ("BRPOPLPUSH a b 0", "RPOPLPUSH a b"),
        ("BLMOVE none b LEFT RIGHT 0.001", ""),
        ("LMPOP 2 none a LEFT COUNT 100", "LPOP a 3"),
        ("BLMPOP 0 2 none b RIGHT", "RPOP b 1"),
        ("BLPOP none b 0", "LPOP b"),
        ("BRPOP none b 0", "RPOP b"),
        ("BRPOP none 0.001", ""),
        ("RPUSH l 2 1", "RPUSH l 2 1"),
        ("SORT l", ""),
        ("SORT l STORE d", "SORT l STORE d"),
        ("SORT none STORE d", "SORT none STORE d"),
        ("SORT none STORE d", ""),
    ]);
}
