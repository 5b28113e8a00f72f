import pytest

from discovery.endpoint import Endpoint, EndpointSet
from mcproxy.config.upstreams import build_upstreams
from mcproxy.outcome import Result
from mcproxy.upstream.destination import UpstreamOptions
from tests.support.scripted_route import ask

OPTIONS = UpstreamOptions()


def pods(*addresses):
    """A StatefulSet's endpoints; None for one that is away."""
    endpoints = [Endpoint(f"m-{n}", a, 11211, n) for n, a in enumerate(addresses) if a]
    return EndpointSet.of(endpoints, expect=len(addresses))


def test_names_are_the_identity_and_a_moved_server_is_moved(destinations):
    before = build_upstreams([pods("10.0.0.1", "10.0.0.2")], "ring", destinations, OPTIONS)
    after = build_upstreams([pods("10.0.0.1", "10.0.0.9")], "ring", destinations, OPTIONS)
    assert before.destinations == after.destinations
    assert [(d.name, str(d.location)) for d in after.destinations] == [
        ("m-0", "10.0.0.1:11211"),
        ("m-1", "10.0.0.9:11211"),
    ]


@pytest.mark.parametrize("hash_name", ["ring", "ch3", "crc32", "ketama", "rendezvous", "jump"])
def test_a_missing_pod_moves_no_key(destinations, hash_name, monkeypatch):
    monkeypatch.setattr(
        "mcproxy.upstream.destination.Destination._send", lambda self, r: r.answer(0, self.name.encode())
    )
    whole = build_upstreams([pods("10.0.0.1", "10.0.0.2", "10.0.0.3")], hash_name, destinations, OPTIONS)
    lacking = build_upstreams([pods("10.0.0.1", None, "10.0.0.3")], hash_name, destinations, OPTIONS)
    for number in range(300):
        _, owner = ask(whole.root, key=b"key:%d" % number)
        result, now = ask(lacking.root, key=b"key:%d" % number)
        if owner == b"m-1":
            assert (result, now) == (Result.TKO, b"SERVER_ERROR Server unavailable. Reason: mc_res_connect_error\r\n")
        else:
            assert now == owner


def test_several_upstreams_are_one_pool(destinations):
    sets = [EndpointSet.of([Endpoint("h:1", "10.0.0.1", 1)]), pods("10.0.0.2", "10.0.0.3")]
    assert [d.name for d in build_upstreams(sets, "ring", destinations, OPTIONS).destinations] == ["h:1", "m-0", "m-1"]


def test_nothing_found(destinations):
    config = build_upstreams([EndpointSet(), EndpointSet()], "ring", destinations, OPTIONS)
    assert ask(config.root) == (
        Result.LOCAL_ERROR,
        b"SERVER_ERROR HashRoute with empty children, name: upstream\r\n",
    )


def test_one_name_twice_is_refused(destinations):
    twice = [EndpointSet.of([Endpoint("h:1", "10.0.0.1", 1)])] * 2
    with pytest.raises(ValueError, match="two nodes are named 'h:1'"):
        build_upstreams(twice, "ring", destinations, OPTIONS)


def test_keys_do_not_lose_a_prefix_here(destinations, monkeypatch):
    seen = []
    monkeypatch.setattr("mcproxy.upstream.destination.Destination._send", lambda self, r: seen.append(r.text))
    config = build_upstreams([pods("10.0.0.1")], "ring", destinations, OPTIONS)
    ask(config.root, key=b"/a/b/c")
    assert seen == [b"get /a/b/c\r\n"]
