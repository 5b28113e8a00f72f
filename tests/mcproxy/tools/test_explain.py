import io

import pytest

from mcproxy.__main__ import main
from mcproxy.tools.explain import explain

CONFIG = """{"pools": {"A": {"servers": ["10.0.0.1:11211", "10.0.0.2:11211"]}, "B": {"servers": ["10.0.1.1:11211"]}},
 "routes": {
  "/././": {"type": "FailoverRoute", "children": ["PoolRoute|A", "PoolRoute|B"]},
  "/b/b/": {"type": "OperationSelectorRoute", "default_policy": "PoolRoute|B",
            "operation_policies": {"set": "NullRoute"}}}}"""


def told(*words):
    out, err = io.StringIO(), io.StringIO()
    status = explain(["--config", CONFIG, *words], out, err)
    return status, out.getvalue().splitlines(), err.getvalue()


def test_the_pool_the_server_and_why():
    status, lines, _ = told("foo")
    assert status == 0
    assert lines == [
        "foo",
        "  FailoverRoute at routes./././ line 3",
        "    PoolRoute at routes./././.children[0] line 3: pool A, 2 servers, Ch3 of 'foo'",
        "      server 10.0.0.2:11211, number 1 of the pool",
    ]


def test_what_happens_when_servers_fail():
    _, lines, _ = told("foo", "--reply", "error")
    servers = [line.split()[1].rstrip(",") for line in lines if "server 10" in line]
    assert servers == ["10.0.0.2:11211", "10.0.1.1:11211"]


def test_routing_prefixes_and_hash_stops_are_not_hashed():
    _, lines, _ = told("/b/b/k|#|x")
    assert lines[2].endswith("pool B, 1 servers, Ch3 of 'k'")


def test_buckets():
    route = '{"type": "PoolRoute", "pool": "A", "bucketize": true, "total_buckets": 100, "bucketization_keyspace": "x"}'
    config = f'{{"pools": {{"A": {{"servers": ["h:1", "h:2"]}}}}, "route": {route}}}'
    out = io.StringIO()
    assert explain(["--config", config, "getReq"], out, out) == 0
    assert out.getvalue().splitlines()[1].endswith("pool A, 2 servers, Ch3 of bucket 28, of 'getReq'")


def test_another_operation():
    _, lines, _ = told("/b/b/k", "--op", "set")
    assert lines[-1] == "  no server is asked: the reply is NOT_STORED"


def test_an_unknown_prefix_is_told():
    _, lines, _ = told("/x/y/k")
    assert lines == ["/x/y/k", "  no server is asked: the reply is SERVER_ERROR RootRoute: No rh found"]


@pytest.mark.parametrize("key", ["", "a b", "k" * 251, "a\nb"])
def test_what_is_no_key_is_told_so(key):
    status, lines, _ = told(key)
    assert (status, lines[-1]) == (0, "  no key: it has 1 to 250 bytes, and no blanks among them")


def test_keys_of_any_bytes():
    _, lines, _ = told("\udcff")
    assert lines[0] == "\\xff"
    assert lines[2].endswith("Ch3 of '\\\\xff'")


@pytest.mark.parametrize("op", ["get", "set", "delete", "incr", "touch"])
@pytest.mark.parametrize("reply", ["hit", "miss", "error"])
def test_every_operation_is_answered(op, reply):
    status, lines, _ = told("k", "--op", op, "--reply", reply)
    assert status == 0
    assert any("server 10" in line for line in lines)


def test_several_keys():
    _, lines, _ = told("one", "two")
    assert [line for line in lines if not line.startswith(" ")] == ["one", "two"]


def test_a_bad_configuration():
    out, err = io.StringIO(), io.StringIO()
    assert explain(["--config", '{"route": "XYZRoute"}', "k"], out, err) == 3
    assert "Unknown RouteHandle: XYZRoute line: 1" in err.getvalue()


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["explain", "--config", '{"route": "NullRoute"}', "k"], 0),
        (["diff-config", '{"route": "NullRoute"}', '{"route": "NullRoute"}', "--sample", "1"], 0),
        (["explain", "--config", "{", "k"], 3),
    ],
)
def test_the_tools_are_words_of_mcproxys_command_line(words, status, capsys):
    assert main(words) == status
    printed = capsys.readouterr()
    assert printed.err if status else printed.out
