import pytest

from mcproto.errors import ProtocolError
from mcproxy.config_error import ConfigError
from mcproxy.multiget import MultiGet
from mcproxy.outcome import FAILOVER_ERRORS, Result
from mcproxy.request import Op
from mcproxy.routes.destination import DestinationRoute
from mcproxy.routes.failover import FailoverRoute
from mcproxy.routes.failover_policies import FailoverPolicy
from mcproxy.routes.modify_key import ModifyKeyRoute
from mcproxy.routes.null import NullRoute
from mcproxy.routes.prefix_selector import PrefixSelectorRoute
from mcproxy.routes.root import RootRoute
from tests.support.built_route import build
from tests.support.line_server import LineServer
from tests.support.operations import HITS, ONE_OF_EACH
from tests.support.route_context import make_context
from tests.support.scripted_route import Replies, ScriptedRoute, ask, make_request, results


def failover(children):
    return FailoverRoute(FailoverPolicy(children), make_context().counters)


def route(*answers):
    return failover([ScriptedRoute(result, name=str(n)) for n, result in enumerate(answers)])


@pytest.mark.parametrize(
    ("answers", "result", "asked"),
    [
        ([Result.FOUND, Result.FOUND], Result.FOUND, 1),
        ([Result.NOTFOUND, Result.FOUND], Result.NOTFOUND, 1),  # a miss is no error
        ([Result.TKO, Result.FOUND], Result.FOUND, 2),
        ([Result.TIMEOUT, Result.CONNECT_ERROR, Result.FOUND], Result.FOUND, 3),
        ([Result.TIMEOUT, Result.CLIENT_ERROR, Result.FOUND], Result.CLIENT_ERROR, 2),
        ([Result.TIMEOUT, Result.TKO], Result.TKO, 2),  # the last one's
        ([Result.BAD_KEY, Result.FOUND], Result.BAD_KEY, 1),
    ],
)
def test_the_next_child_when_one_fails(answers, result, asked):
    failing = route(*answers)
    assert ask(failing)[0] == result
    assert sum(len(child.seen) for child in failing.children) == asked


def test_requests_under_way_do_not_disturb_each_other():
    failing = failover([ScriptedRoute(Result.TIMEOUT, Result.FOUND, later=True), ScriptedRoute(Result.STORED)])
    replies = Replies()
    failing.route(make_request(replies, key=b"a"))
    failing.route(make_request(replies, key=b"b"))
    failing.children[0].answer_next()
    failing.children[0].answer_next()
    assert results(replies.got) == [Result.STORED, Result.FOUND]


def test_nested():
    outer = failover([route(Result.TKO, Result.BUSY), route(Result.TIMEOUT, Result.FOUND)])
    assert ask(outer)[0] == Result.FOUND


def test_many_children_that_are_out():
    assert ask(route(*[Result.TKO] * 3000))[0] == Result.TKO


F, N, T = Result.FOUND, Result.NOTFOUND, Result.TIMEOUT


def built(*answers, context=None, **fields):
    return build("FailoverRoute", context, children=[ScriptedRoute(answer) for answer in answers], **fields)


@pytest.mark.parametrize("op", ONE_OF_EACH)
def test_all_operations_fail_over_by_default(op):
    for error in FAILOVER_ERRORS:
        assert ask(built(error, HITS[op]), op)[0] == HITS[op]
    for result in set(Result) - FAILOVER_ERRORS:
        assert ask(built(result, HITS[op]), op)[0] == result


@pytest.mark.parametrize(
    ("errors", "first", "op", "fails_over"),
    [
        (["tko", "connect_error"], Result.TKO, Op.GET, True),
        (["tko", "connect_error"], T, Op.GET, False),
        (["tko", "connect_error"], T, Op.SET, False),
        (["tko", "connect_error"], T, Op.INCR, True),  # of no group: always the default
        (["tko", "connect_error"], T, Op.TOUCH, True),
        (["client_error"], Result.CLIENT_ERROR, Op.DELETE, True),
        ([], Result.TKO, Op.GET, False),
        ([], Result.TKO, Op.DELETE, False),
        ({"gets": ["timeout"]}, T, Op.GET, True),
        ({"gets": ["timeout"]}, T, Op.META_GET, True),
        ({"gets": ["timeout"]}, Result.TKO, Op.GET, False),
        ({"gets": ["timeout"]}, Result.TKO, Op.SET, True),
        ({"updates": []}, Result.TKO, Op.CAS, False),
        ({"updates": []}, Result.TKO, Op.DELETE, True),
        ({"deletes": ["bad_key"]}, Result.BAD_KEY, Op.DELETE, True),
    ],
)
def test_which_errors(errors, first, op, fails_over):
    assert ask(built(first, Result.OK, failover_errors=errors), op)[0] == (Result.OK if fails_over else first)


@pytest.mark.parametrize(
    "fields",
    [
        {"failover_errors": ["found"]},
        {"failover_errors": ["mc_res_timeout"]},
        {"failover_errors": {"arithmetic": ["timeout"]}},
        {"failover_errors": {"gets": ["nonsense"]}},
        {"failover_errors": 7},
        {"failover_limit": {}},
        {"failover_limit": {"rate": 2}},
        {"failover_limit": {"rate": 0.5, "burst": 0}},
        {"failover_tag": "yes"},
        {"failover_policy": {"type": "GuessPolicy"}},
        {"failover_policy": {}},
    ],
)
def test_what_is_refused(fields):
    with pytest.raises(ConfigError):
        built(F, F, **fields)


def counted(context):
    return {name.removeprefix("failover_"): n for name, n in context.counters.items() if n}


def test_what_is_counted():
    context = make_context()
    ask(built(F, T, context=context))
    assert counted(context) == {}
    ask(built(T, Result.TKO, F, context=context))
    assert counted(context) == {"all": 1, "inorder_policy": 1, "policy_result_error": 1, "policy_tko_error": 1}


def test_what_is_counted_when_all_fail():
    context = make_context()
    ask(built(Result.CONNECT_ERROR, T, context=context))
    assert counted(context) == {
        "all": 1,
        "all_failed": 1,
        "inorder_policy": 1,
        "inorder_policy_failed": 1,
        "policy_tko_error": 1,
    }


def test_the_limit_is_a_share_of_the_requests():
    context = make_context()
    route = built(T, F, context=context, failover_limit={"rate": 0.25, "burst": 2})
    got = [ask(route)[0] for _ in range(14)]
    assert got[:2] == [F, F]  # full at first; then every fourth request brings a token
    assert [at for at, result in enumerate(got) if result == F] == [0, 1, 4, 8, 12]
    assert context.counters["failover_rate_limited"] == 9


def test_servers_that_were_not_even_asked_do_not_count_against_the_limit():
    for error in (Result.TKO, Result.CONNECT_ERROR, Result.CONNECT_TIMEOUT):
        route = built(error, F, failover_limit={"rate": 0.0, "burst": 1})
        assert [ask(route)[0] for _ in range(5)] == [F] * 5
    route = built(T, F, failover_limit={"rate": 0.0, "burst": 1})
    assert [ask(route)[0] for _ in range(3)] == [F, T, T]


def test_every_failed_child_takes_from_the_limit():
    route = built(T, T, F, failover_limit={"rate": 0.0, "burst": 2})
    assert [ask(route)[0] for _ in range(2)] == [F, T]
    assert [len(child.seen) for child in route.children] == [2, 1, 1]


@pytest.mark.parametrize("op", [Op.GET, Op.SET, Op.DELETE, Op.GAT])
def test_the_tag(op):
    children = [ScriptedRoute(T), ScriptedRoute(T), ScriptedRoute(HITS.get(op, F))]
    route = build("FailoverRoute", children=children, failover_tag=True)
    replies = Replies()
    request = make_request(replies, op, b"a|#|b")
    route.route(request)
    assert [child.seen[0][0] for child in children] == [b"a|#|b", b"a|#|b:failover=1", b"a|#|b:failover=1"]
    assert b"a|#|b:failover=1" in children[2].seen[0][1]
    assert (request.key, b":failover" in replies.got[0][1]) == (b"a|#|b", False)
    for child in children:
        child.seen.clear()
    ask(route, key=b"ab")
    assert {child.seen[0][0] for child in children} == {b"ab"}


def test_a_key_without_room_is_not_tagged():
    children = [ScriptedRoute(T), ScriptedRoute()]
    ask(build("FailoverRoute", children=children, failover_tag=True), key=b"a|#|".ljust(245, b"x"))
    assert len(children[1].seen[0][0]) == 245


def test_a_late_error_and_one_at_once():
    children = [ScriptedRoute(T, later=True), ScriptedRoute(T), ScriptedRoute(T, later=True), ScriptedRoute(F)]
    route, replies = build("FailoverRoute", children=children), Replies()
    route.route(make_request(replies))
    children[0].answer_next()
    assert replies.got == []
    children[2].answer_next()
    assert results(replies.got) == [F]


def test_degenerate_shapes():
    child = ScriptedRoute()
    assert build("FailoverRoute", children=[child]) is child
    assert isinstance(build("FailoverRoute", children=[]), NullRoute)


# gets of many keys: a line per server, and each key of a line that fails goes on by itself

KEYS = [b"k%d" % n for n in range(10)]
LINE = b"get %b\r\n" % b" ".join(KEYS)
ERROR = b"SERVER_ERROR Reply timeout\r\n"


def leaf(values=()):
    server = LineServer()
    server.values = {key: key for key in values}
    return server, DestinationRoute(server)


def get_all(route, keys=KEYS, op=Op.GET, start=b"get "):
    replies = Replies()
    MultiGet(op, start, keys, replies).send(route)
    return replies


def hits(keys):
    return b"".join(b"VALUE %b 0 %d\r\n%b\r\n" % (key, len(key), key) for key in keys) + b"END\r\n"


@pytest.mark.parametrize(("op", "start"), [(Op.GET, b"get "), (Op.GETS, b"gets "), (Op.GAT, b"gat 60 ")])
def test_keys_share_a_line_to_the_first_child_and_go_on_one_by_one_when_it_fails(op, start):
    (first, a), (second, b) = leaf(KEYS), leaf(KEYS[:4])
    context = make_context()
    route = build("FailoverRoute", context, children=[a, b])
    replies = get_all(route, KEYS, op, start)
    assert (first.lines, second.lines) == ([start + LINE[len(b"get ") :]], [])
    first.answer_next()
    assert replies.got == [(F, hits(KEYS))]
    assert counted(context) == {}
    replies = get_all(route, KEYS, op, start)
    first.fail_next(ERROR)
    assert second.lines == [b"%b%b\r\n" % (start, key) for key in KEYS]
    for _ in KEYS:
        second.answer_next()
    assert replies.got == [(F, hits(KEYS[:4]))]
    assert first.results[T] == len(KEYS)
    assert counted(context) == {"all": 10, "inorder_policy": 10, "policy_result_error": 10}


@pytest.mark.parametrize(
    ("first", "second", "asked", "result"),
    [
        (N, F, 0, F),  # misses are no errors: the reply is an empty one
        (T, N, 10, F),
        (T, T, 10, T),
        (Result.TKO, F, 10, F),
        (Result.CLIENT_ERROR, F, 0, Result.CLIENT_ERROR),
    ],
)
def test_what_becomes_of_a_line(first, second, asked, result):
    (server, child), other = leaf(), ScriptedRoute(second)
    replies = get_all(build("FailoverRoute", children=[child, other]))
    if first is N:
        server.answer_next()
    else:
        server.fail_next(ERROR, first)
    assert len(other.seen) == asked
    assert results(replies.got) == [result]


def test_only_the_line_that_failed_goes_on():
    (one, a), (two, b) = leaf(KEYS), leaf(KEYS)
    hashed = build("HashRoute", children=[a, b], hash_func="Crc32")
    other = ScriptedRoute(F)
    replies = get_all(build("FailoverRoute", children=[hashed, other]))
    failing = one.sent[0].keys
    two.answer_next()
    one.fail_next(ERROR)
    assert [key for key, _ in other.seen] == failing
    found = {key: b"VALUE %b 0 1\r\nv\r\n" % key for key in failing}
    expected = b"".join(found.get(key, b"VALUE %b 0 2\r\n%b\r\n" % (key, key)) for key in KEYS) + b"END\r\n"
    assert replies.got == [(F, expected)]


def test_lines_below_several_failovers():
    (server, child), inner, outer = leaf(), ScriptedRoute(T), ScriptedRoute(F)
    context = make_context()
    below = build("FailoverRoute", context, children=[child, inner])
    replies = get_all(build("FailoverRoute", context, children=[below, outer]))
    assert server.lines == [LINE]
    server.fail_next(ERROR)
    assert [len(inner.seen), len(outer.seen)] == [10, 10]
    assert results(replies.got) == [F]
    assert counted(context)["all"] == 20


def test_an_ordinary_line_below_several_failovers():
    server, child = leaf(KEYS)
    below = failover([child, ScriptedRoute(T)])
    replies = get_all(failover([below, ScriptedRoute(F)]))
    server.answer_next()
    assert replies.got == [(F, hits(KEYS))]


def test_keys_keep_the_names_that_the_client_has_for_them():
    (server, child), other = leaf(), ScriptedRoute(F)
    handle = PrefixSelectorRoute({b"k": failover([child, other])}, NullRoute())
    root = RootRoute({b"/r/c/": handle}, handle, make_context())
    keys = [b"/r/c/" + key for key in KEYS]
    replies = get_all(root, keys)
    assert server.lines == [LINE]
    server.fail_next(ERROR)
    assert [(key, key.prefix) for key, _ in other.seen] == [(key, b"/r/c/") for key in KEYS]
    assert replies.got == [(F, b"".join(b"VALUE %b 0 1\r\nv\r\n" % key for key in keys) + b"END\r\n")]


def test_where_lines_cannot_be_told_apart_keys_go_one_by_one():
    _server, child = leaf()
    prefixed = build("ModifyKeyRoute", target=child, ensure_key_prefix="p:")
    assert isinstance(prefixed, ModifyKeyRoute)
    limited = built(F, F, failover_limit={"rate": 0.5})
    for route in (failover([prefixed, child]), limited):
        assert route.locate(KEYS) == ([None] * 10, KEYS)


def test_values_that_were_not_asked_for_are_an_error_of_the_child():
    (server, child), other = leaf(), ScriptedRoute(F)
    replies = get_all(failover([failover([child, ScriptedRoute(T)]), other]))
    request = server.sent[0]
    server.values = {b"x": b"x"}
    with pytest.raises(ProtocolError):
        server.reply(request, server.block(b"x") + b"END\r\n")
    server.fail_next(ERROR)
    assert (len(other.seen), results(replies.got)) == (10, [F])
