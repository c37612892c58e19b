"""The basics of redis-py against a server: python basics.py PORT. Ends with status 0 when all of it holds."""

import sys
import time

import redis

port = int(sys.argv[1])

for protocol in (2, 3):
    for decode in (False, True):
        r = redis.Redis(port=port, protocol=protocol, decode_responses=decode, client_name="basics")

        def text(value):
            return value.decode() if isinstance(value, bytes) else value

        assert r.ping() is True
        r.flushall()
        assert r.set("k", "v") is True and text(r.get("k")) == "v"
        assert r.set("k", "w", nx=True) is None
        assert text(r.set("k", "w", get=True)) == "v"
        assert r.get("missing") is None
        assert r.setex("t", 100, "v") and 0 < r.ttl("t") <= 100 and 0 < r.pttl("t") <= 100000
        assert r.expire("k", 50, gt=True) is False and r.expire("k", 50) is True and r.persist("k") is True
        assert r.expiretime("t") > time.time()
        assert r.incr("n") == 1 and r.incrby("n", 41) == 42 and r.decr("n", 2) == 40
        assert r.incrbyfloat("f", 1.5) == 1.5
        assert r.append("k", "x") == 2 and r.strlen("k") == 2 and text(r.getrange("k", 0, 0)) == "w"
        assert r.setrange("k", 1, "yz") == 3
        assert r.mset({"a": "1", "b": "2"}) is True and [text(v) for v in r.mget("a", "b", "c")] == ["1", "2", None]
        assert r.msetnx({"a": "1", "z": "2"}) is False
        assert text(r.getex("a", ex=100)) == "1" and text(r.getdel("a")) == "1" and r.exists("a", "b", "b") == 2
        assert r.setbit("bits", 7, 1) == 0 and r.getbit("bits", 7) == 1 and r.bitcount("bits") == 1
        assert r.bitpos("bits", 1) == 7 and r.bitop("NOT", "inverse", "bits") == 1
        assert r.bitfield("field").set("u8", 0, 200).incrby("u8", 0, 100).execute() == [0, 44]
        assert r.pfadd("hll", *range(100)) == 1 and abs(r.pfcount("hll") - 100) < 5
        assert r.rename("b", "c") is True and text(r.type("c")) == "string" and r.copy("c", "d") is True
        assert sorted(text(k) for k in r.scan_iter("[cd]")) == ["c", "d"]
        assert r.delete("c", "d") == 2 and r.unlink("none") == 0 and r.dbsize() == len(r.keys())
        pipe = r.pipeline(transaction=False)
        for i in range(100):
            pipe.set(f"p{i}", i).get(f"p{i}")
        replies = pipe.execute()
        assert replies[0] is True and text(replies[199]) == "99"
        binary = redis.Redis(port=port, protocol=protocol)
        assert binary.set(b"\x00\xff", bytes(range(256))) and binary.get(b"\x00\xff") == bytes(range(256))
        payload = binary.dump("p1")
        assert binary.restore("copy of p1", 0, payload) and binary.get("copy of p1") == b"1"
        assert text(r.client_getname()) == "basics" and r.client_id() > 0
        assert any(c["name"] == "basics" for c in r.client_list())
        assert r.config_get("databases")["databases"] == "16" and r.config_set("timeout", "0") is True
        info = r.info()
        assert info["redis_version"] and info["db0"]["keys"] == r.dbsize()
        assert r.object("encoding", "n") in (b"int", "int") and r.memory_usage("n") > 0
        assert r.time()[0] > 1_600_000_000 and r.lastsave()
        assert r.command_count() > 50 and "get" in r.command()
        for bad, words in (
            (lambda: r.incr("hll"), "not an integer"),
            (lambda: r.execute_command("NONSENSE"), "unknown command"),
            (lambda: r.execute_command("GET"), "wrong number of arguments"),
        ):
            try:
                bad()
            except redis.ResponseError as error:
                assert words in str(error), error
            else:
                raise AssertionError("no error: " + words)
        try:
            r.execute_command("SET", "k", "v", "EX", "0")
        except redis.ResponseError as error:
            assert str(error) == "invalid expire time in 'set' command", error
        assert r.save() is True
        r.bgsave()
        while r.info("persistence")["rdb_bgsave_in_progress"]:
            time.sleep(0.01)
        r.close()

print("redis-py", redis.__version__, "is content")
