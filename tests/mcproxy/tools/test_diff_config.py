import io
import re

from mcproxy.tools.diff_config import diff_config


def config(pools, route='"PoolRoute|A"'):
    declared = ", ".join(
        f'"{name}": {{"servers": [{", ".join(repr(s) for s in servers)}]}}' for name, servers in pools.items()
    )
    return f'{{"pools": {{{declared}}}, "route": {route}}}'.replace("'", '"')


def told(old, new, *words):
    out, err = io.StringIO(), io.StringIO()
    status = diff_config([old, new, *words], out, err)
    return status, out.getvalue().splitlines(), err.getvalue()


def test_nothing_moves_between_equal_configurations():
    same = config({"A": ["h:1", "h:2"]})
    lines = ["pool A: 0 of 100 keys move (0.0%)", "in all: 0 of 100 keys move (0.0%)"]
    assert told(same, same, "--sample", "100") == (0, lines, "")


def test_a_server_more_takes_its_share_and_nothing_else_moves():
    old, new = config({"A": ["h:1", "h:2"]}), config({"A": ["h:1", "h:2", "h:3"]})
    status, lines, _ = told(old, new, "--sample", "3000")
    assert status == 0
    share = float(re.search(r"\(([\d.]+)%\)", lines[0])[1])
    assert 30 < share < 37
    assert [line.split()[-1] for line in lines[1:-1]] == ["h:3", "h:3"]


def test_pool_by_pool():
    route = '{"type": "OperationSelectorRoute", "default_policy": "PoolRoute|A"}'
    old = config({"A": ["h:1"], "B": ["h:2"]}, route)
    new = config({"A": ["h:1"], "B": ["h:2"]}, route.replace("|A", "|B"))
    _, lines, _ = told(old, new, "--sample", "10")
    assert lines == [
        "pool A: 10 of 10 keys move (100.0%)",
        "      10  h:1 -> h:2 of pool B",
        "in all: 10 of 10 keys move (100.0%)",
    ]


def test_keys_of_a_file_and_prefixes(tmp_path):
    keys = tmp_path / "keys"
    keys.write_bytes(b"a\r\n\r\nb\n\n")
    old = config({"A": ["h:1"]})
    assert told(old, old, "--keys", str(keys))[1][-1] == "in all: 0 of 2 keys move (0.0%)"
    assert told(old, old, "--keys", "/no/such")[0] == 3
    assert told(old, old, "--prefix", "\udcff", "--sample", "3")[1][-1] == "in all: 0 of 3 keys move (0.0%)"


def test_every_alias_is_looked_at():
    text = '{"routes": [{"aliases": ["/././", "/a/b/"], "route": {"type": "PoolRoute", "pool": {"servers": ["h:1"]}}}]}'
    assert told(text, text, "--sample", "5")[1][-1] == "in all: 0 of 10 keys move (0.0%)"


def test_a_bad_configuration():
    status, _, error = told(config({"A": ["h:1"]}), '{"route": "XYZRoute"}')
    assert status == 3
    assert "Unknown RouteHandle: XYZRoute" in error
