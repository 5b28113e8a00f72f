import pytest

from mcproxy.config_error import ConfigError
from mcproxy.lease import HOT_MISS, NO_LEASE, parse_lease
from mcproxy.outcome import OUTCOMES, Result
from mcproxy.request import Op, Request
from mcproxy.routes.warm_up import WarmUpRoute
from tests.support.built_route import build
from tests.support.cache_route import DYING, ERRORS, LIKE, CacheRoute, Fallback, say
from tests.support.route_context import Clock, make_context

HIT = (Result.FOUND, b"VALUE k 7 1\r\nv\r\nEND\r\n")
MISS = (Result.NOTFOUND, b"END\r\n")
COLD_ONLY = [kind for kind in LIKE if kind not in ("get", "gets", "gat", "mg", "lease-get")]


def warm_cache(exptime=30, **options):
    warm = CacheRoute(**options)
    warm.put(b"k", b"v", flags=7, exptime=exptime)
    return warm


def warm_up(cold, warm, exptime=600, context=None):
    return WarmUpRoute(cold, warm, exptime, context or make_context())


def test_a_hit_of_colds_is_all_there_is():
    cold, warm = CacheRoute(k=b"c"), warm_cache()
    assert say(warm_up(cold, warm), LIKE["get"]) == [(Result.FOUND, b"VALUE k 0 1\r\nc\r\nEND\r\n")]
    assert not warm.texts


@pytest.mark.parametrize(("exptime", "copied"), [(600, 600), (0, 0), (None, 30)])
def test_a_hit_of_warms_is_copied_to_cold(exptime, copied):
    cold = CacheRoute()
    assert say(warm_up(cold, warm_cache(), exptime), LIKE["get"]) == [HIT]
    entry = cold.entries[b"k"]
    assert (entry.value, entry.flags, entry.exptime) == (b"v", 7, copied)
    assert cold.texts[1].startswith(b"add ")


def test_the_client_does_not_wait_for_the_copy():
    cold = CacheRoute(later=True)
    heard = say(warm_up(cold, warm_cache()), LIKE["get"])
    cold.answer_next()
    assert heard == [HIT]
    assert len(cold.waiting) == 1


def test_the_reply_goes_up_before_the_copy_is_sent():
    order = []

    class Cold(CacheRoute):
        def route(self, request):
            order.append(request.text.split()[0])
            super().route(request)

    class Client:
        def on_reply(self, request, result, raw):
            order.append(b"reply")

    warm_up(Cold(), warm_cache()).route(Request(Op.GET, b"k", LIKE["get"], Client()))
    assert order == [b"get", b"reply", b"add"]


@pytest.mark.parametrize(
    ("ttl", "exptime"),
    [(-1, 0), (1, 1), (30 * 86400, 30 * 86400), (30 * 86400 + 1, 1_700_000_000 + 30 * 86400 + 1)],
)
def test_copies_live_as_long_as_their_item(ttl, exptime):
    cold, context = CacheRoute(), make_context(Clock(1_700_000_000.0))
    warm = warm_cache(exptime=0 if ttl == -1 else ttl)
    say(warm_up(cold, warm, None, context), LIKE["get"])
    assert cold.entries[b"k"].exptime == exptime


@pytest.mark.parametrize("kind", ["get", "gets"])
def test_what_is_about_to_expire_is_not_copied(kind):
    cold = CacheRoute()
    heard = say(warm_up(cold, warm_cache(exptime=DYING), None), LIKE[kind])
    assert heard == ([HIT] if kind == "get" else [MISS])
    assert not cold.entries


@pytest.mark.parametrize("exptime", [600, None])
@pytest.mark.parametrize("result", [Result.NOTFOUND, *ERRORS])
def test_what_warm_says_when_it_has_no_hit_either(result, exptime):
    cold = CacheRoute()
    warm = CacheRoute() if result is Result.NOTFOUND else CacheRoute(failing=result)
    [(got, raw)] = say(warm_up(cold, warm, exptime), LIKE["get"])
    assert got == result
    assert raw == (MISS[1] if result is Result.NOTFOUND else OUTCOMES[result].line)
    assert len(cold.texts) == 1


@pytest.mark.parametrize("error", ERRORS)
def test_an_error_of_colds_is_as_good_as_a_miss(error):
    assert say(warm_up(CacheRoute(failing=error), warm_cache()), LIKE["get"]) == [HIT]


@pytest.mark.parametrize("exptime", [600, None])
def test_gets_has_the_cas_unique_of_cold(exptime):
    cold = CacheRoute(other=b"x")
    assert say(warm_up(cold, warm_cache(), exptime), LIKE["gets"]) == [
        (Result.FOUND, b"VALUE k 7 1 %d\r\nv\r\nEND\r\n" % cold.entries[b"k"].unique)
    ]
    assert [text.split()[0] for text in cold.texts] == [b"gets", b"add", b"gets"]


def test_gat_touches_the_copy():
    cold = CacheRoute()
    assert say(warm_up(cold, warm_cache()), LIKE["gat"]) == [HIT]
    assert cold.entries[b"k"].exptime == 60


@pytest.mark.parametrize("result", [Result.NOTFOUND, *ERRORS])
def test_gets_without_a_hit_of_warms_has_colds_reply(result):
    cold = CacheRoute(failing=result if result is not Result.NOTFOUND else None)
    [(got, _)] = say(warm_up(cold, CacheRoute(failing=Result.BUSY)), LIKE["gets"])
    assert got == result


def test_gets_waits_for_the_copy():
    cold = CacheRoute(later=True)
    heard = say(warm_up(cold, warm_cache()), LIKE["gets"])
    cold.answer_next()
    assert not heard
    cold.answer_all()
    assert heard[0][0] == Result.FOUND


def test_mg_asks_cold_then_warm_and_copies_nothing():
    cold = CacheRoute()
    assert say(warm_up(cold, warm_cache()), b"mg k f t v\r\n") == [(Result.FOUND, b"VA 1 f7 t30\r\nv\r\n")]
    assert len(cold.texts) == 1


@pytest.mark.parametrize("kind", COLD_ONLY)
@pytest.mark.parametrize("result", [Result.NOTFOUND, Result.TKO])
def test_all_else_is_colds(kind, result):
    cold, warm = CacheRoute(failing=result), warm_cache()
    assert say(warm_up(cold, warm), LIKE[kind])[0][0] == result
    assert not warm.texts


@pytest.mark.parametrize("kind", ["get", "gets", "gat", "mg", "lease-get"])
def test_below_a_route_that_asks_elsewhere(kind):
    broken = warm_up(CacheRoute(failing=Result.TKO), CacheRoute(failing=Result.TKO))
    assert say(Fallback(broken, warm_cache()), LIKE[kind])[0][0] == Result.FOUND


def test_a_bound_on_copies():
    context = make_context()
    cold = CacheRoute(later=True)
    route = warm_up(cold, warm_cache(), context=context)
    context.background.requests = 100_000
    heard = say(route, LIKE["get"])
    cold.answer_next()
    assert heard == [HIT]
    assert not cold.waiting
    assert context.counters["background_dropped"] == 1


@pytest.mark.parametrize(
    ("fields", "exptime"),
    [({}, 0), ({"exptime": 9}, 9), ({"enable_metaget": True}, None), ({"exptime": 9, "enable_metaget": True}, None)],
)
def test_from_a_configuration(fields, exptime):
    assert build("WarmUpRoute", cold=CacheRoute(), warm=CacheRoute(), **fields).exptime == exptime


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"cold": CacheRoute()}, "warm is missing"),
        ({"warm": CacheRoute()}, "cold is missing"),
        ({"exptime": -1}, "exptime"),
    ],
)
def test_mistakes(fields, message):
    with pytest.raises(ConfigError, match=message):
        build("WarmUpRoute", **fields)


def test_a_lease_gets_hit_and_hot_miss_are_colds():
    cold, warm = CacheRoute(k=b"c"), warm_cache()
    assert say(warm_up(cold, warm), LIKE["lease-get"])[0][0] == Result.FOUND
    cold = CacheRoute()
    say(cold, LIKE["lease-get"])  # somebody else has the lease
    [(result, raw)] = say(warm_up(cold, warm), LIKE["lease-get"])
    assert (result, parse_lease(raw).token) == (Result.NOTFOUND, HOT_MISS)
    assert not warm.texts


@pytest.mark.parametrize(("exptime", "copied"), [(600, 600), (0, 0), (None, 30)])
def test_warms_hit_is_stored_under_colds_lease(exptime, copied):
    cold = CacheRoute()
    [(result, raw)] = say(warm_up(cold, warm_cache(), exptime), LIKE["lease-get"])
    assert (result, parse_lease(raw)[0], parse_lease(raw).hit[:2]) == (Result.FOUND, NO_LEASE, (7, b"v"))
    entry = cold.entries[b"k"]
    assert (entry.value, entry.flags, entry.exptime, entry.is_leased) == (b"v", 7, copied, False)
    assert cold.texts[1].startswith(b"ms k 1 C")


def test_a_key_deleted_meanwhile_stays_deleted():
    cold, warm = CacheRoute(later=True), warm_cache()
    heard = say(warm_up(cold, warm), LIKE["lease-get"])
    cold.answer_next()
    assert heard[0][0] == Result.FOUND
    del cold.entries[b"k"]
    cold.answer_next()
    assert not cold.entries


@pytest.mark.parametrize("exptime", [600, None])
@pytest.mark.parametrize("warms", [Result.NOTFOUND, *ERRORS])
def test_without_a_hit_of_warms_the_lease_is_the_clients(warms, exptime):
    cold = CacheRoute()
    warm = CacheRoute() if warms is Result.NOTFOUND else CacheRoute(failing=warms)
    [(result, raw)] = say(warm_up(cold, warm, exptime), LIKE["lease-get"])
    assert (result, parse_lease(raw).token) == (Result.NOTFOUND, cold.entries[b"k"].unique + 1)
    assert len(cold.texts) == 1


@pytest.mark.parametrize("error", ERRORS)
def test_an_error_of_colds_gives_no_lease(error):
    cold = CacheRoute(failing=error)
    [(result, raw)] = say(warm_up(cold, warm_cache()), LIKE["lease-get"])
    assert (result, parse_lease(raw).hit.value) == (Result.FOUND, b"v")
    assert len(cold.texts) == 1


def test_what_is_about_to_expire_is_made_anew_under_the_lease():
    cold = CacheRoute()
    [(result, raw)] = say(warm_up(cold, warm_cache(exptime=DYING), None), LIKE["lease-get"])
    assert (result, parse_lease(raw).token) == (Result.NOTFOUND, cold.entries[b"k"].unique + 1)


@pytest.mark.parametrize("kind", ["get", "gets", "lease-get"])
def test_what_stands_for_a_lease_of_warms_is_no_value(kind):
    cold, warm = CacheRoute(), CacheRoute()
    say(warm, LIKE["lease-get"])
    assert say(warm_up(cold, warm, None), LIKE[kind])[0][0] == Result.NOTFOUND
    assert all(entry.is_leased for entry in cold.entries.values())
    warm.put(b"k", b"")  # an empty value is one
    cold.entries.clear()
    assert say(warm_up(cold, warm, None), LIKE[kind])[0][0] == Result.FOUND
