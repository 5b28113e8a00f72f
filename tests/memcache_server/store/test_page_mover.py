"""Pages on the move: what lives is copied as it is, what is dead or deleted meanwhile goes, what is busy waits."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from memcache_server.store import Store, StoreOptions
from memcache_server.store.check import check
from memcache_server.store.chunk import META
from memcache_server.store.page_mover import PageMover, Progress, Reassigned
from memcache_server.store.segmented_lru import COLD
from memcache_server.store.slab_allocator import POOL

SMALL, BIG, HUGE = 1, 30, 39
BIG_VALUE = b"b" * 60_000 + b"\r\n"  # 15 a page
PER_PAGE = 15


def made(megabytes: int = 16, **options: object) -> tuple[Store, PageMover]:
    store = Store(StoreOptions(memory_limit=megabytes << 20, segmented=False, **options))  # type: ignore[arg-type]
    return store, PageMover(store)


def fill(store: Store, count: int, value: bytes = BIG_VALUE, exptime: int = 0) -> list[bytes]:
    keys = [b"key%d" % number for number in range(count)]
    for key in keys:
        store.set(key, b"0", exptime, value)
    return keys


def run(mover: PageMover, store: Store, budget: int = 7, between: Callable[[], None] = lambda: None) -> None:
    """Step to the end, with every invariant checked after each step."""
    for _ in range(10_000):
        progress = mover.step(budget)
        check(store)
        if progress == Progress.IDLE:
            return
        between()
    pytest.fail("the page never arrives")


def text(store: Store, key: bytes) -> bytes:
    return store._text(store.find(key))


def order(store: Store, slab_class: int) -> list[bytes]:
    return [store.key_of(handle) for handle in store.lru.handles(slab_class | COLD)]


class TestRequests:
    @pytest.mark.parametrize(("source", "target", "result"), [
        (5, 5, Reassigned.SAME),
        (0, 0, Reassigned.SAME),
        (99, 5, Reassigned.BAD_CLASS),
        (5, 99, Reassigned.BAD_CLASS),
        (-2, 5, Reassigned.BAD_CLASS),
        (BIG, -1, Reassigned.BAD_CLASS),
        (5, 6, Reassigned.NO_SPARE),
        (0, 6, Reassigned.NO_SPARE),
        (SMALL, 6, Reassigned.NO_SPARE),
        (-1, BIG, Reassigned.BAD_CLASS),
        (BIG, 6, Reassigned.OK),
        (-1, 0, Reassigned.OK),
    ])
    def test_are_judged_as_by_the_original(self, source: int, target: int, result: Reassigned) -> None:
        store, mover = made()
        fill(store, 2 * PER_PAGE)
        store.set(b"small", b"0", 0, b"\r\n")
        assert mover.reassign(source, target) == result
        assert mover.running == (result == Reassigned.OK)

    def test_one_at_a_time(self) -> None:
        store, mover = made()
        fill(store, 2 * PER_PAGE)
        assert mover.reassign(BIG, 6) == Reassigned.OK
        assert mover.reassign(5, 5) == Reassigned.BUSY
        run(mover, store)
        assert mover.reassign(5, 5) == Reassigned.SAME

    def test_any_class_means_each_in_turn(self) -> None:
        store, mover = made(8)
        fill(store, 4 * PER_PAGE)
        for number in range(4 * 12):
            store.set(b"other%d" % number, b"0", 0, b"o" * 80_000 + b"\r\n")
        before = list(store.allocator.pages)
        for _ in range(2):
            assert mover.reassign(-1, POOL) == Reassigned.OK
            run(mover, store)
        assert [was - now for was, now in zip(before, store.allocator.pages, strict=True)][BIG : BIG + 3] == [1, 1, 0]


class TestAMove:
    def test_keeps_every_item_as_it_is(self) -> None:
        store, mover = made()
        keys = fill(store, 2 * PER_PAGE + 1)
        store.touch(b"key3", 77)
        store.get(b"key5")
        store.set_cas(store.find(b"key6"), 4711)
        store.invalidate(store.find(b"key8"), None)
        before = [(text(store, key), *header(store, key)) for key in keys]
        lru, handles = order(store, BIG), [store.find(key) for key in keys]
        assert mover.reassign(BIG, 20) == Reassigned.OK
        run(mover, store)
        assert [(text(store, key), *header(store, key)) for key in keys] == before
        assert order(store, BIG) == lru
        moved = sum(store.find(key) != handle for key, handle in zip(keys, handles, strict=True))
        assert store.stats.slab_reassign_rescues == moved == PER_PAGE
        assert store.stats.total("evicted") == 0
        assert (store.allocator.pages[BIG], store.allocator.pages[20], store.stats.slabs_moved) == (3, 1, 1)

    def test_to_the_pool_and_from_it(self) -> None:
        store, mover = made()
        fill(store, 5 * PER_PAGE)
        for key in range(PER_PAGE * 2, PER_PAGE * 5):
            store.delete(b"key%d" % key)
        for _ in range(2):
            mover.reassign(BIG, POOL)
            run(mover, store)
        assert (len(store.allocator.pool), store.allocator.pages_made) == (2, 5)
        assert mover.reassign(POOL, 7) == Reassigned.OK
        check(store)
        assert (len(store.allocator.pool), store.allocator.pages[7], mover.running) == (1, 1, False)
        assert all(store.find(b"key%d" % key) for key in range(PER_PAGE * 2))

    def test_makes_room_at_the_tail_where_memory_is_full(self) -> None:
        store, mover = made(3)
        keys = fill(store, 3 * PER_PAGE)
        mover.reassign(BIG, POOL)
        run(mover, store)
        alive = [key for key in keys if store.find(key)]
        assert alive == keys[PER_PAGE:], "the oldest went, wherever they lay"
        assert store.stats.evicted[BIG] == PER_PAGE

    def test_copies_an_item_that_was_used_lately_from_the_oldest_page(self) -> None:
        store, mover = made(2)
        keys = fill(store, 2 * PER_PAGE)
        store.tick(100)
        store.get(keys[0])
        mover.reassign(BIG, POOL)
        run(mover, store)
        assert text(store, keys[0]).endswith(BIG_VALUE)
        assert not store.find(keys[1])

    def test_never_evicts_without_evictions(self) -> None:
        store, mover = made(2, evictions=False)
        keys = fill(store, 2 * PER_PAGE)
        mover.reassign(BIG, POOL)
        assert mover.step(1000) == Progress.WAIT
        check(store)
        assert store.stats.slab_reassign_busy_nomem == store.stats.slab_reassign_busy_items == PER_PAGE
        assert all(store.find(key) for key in keys)
        for key in keys[PER_PAGE:]:
            store.delete(key)
        run(mover, store)
        assert all(store.find(key) for key in keys[:PER_PAGE])
        assert len(store.allocator.pool) == 1

    def test_gives_up_a_page_that_never_empties(self) -> None:
        store, mover = made(2, evictions=False)
        keys = fill(store, 2 * PER_PAGE)
        mover.reassign(BIG, POOL)
        for _ in range(2000):
            if mover.step(1000) == Progress.IDLE:
                break
        check(store)
        assert not mover.running
        assert all(store.find(key) for key in keys)
        mover.reassign(BIG, POOL)
        assert store.allocator.leaving == 1, "next time another has its turn"

    def test_drops_the_dead(self) -> None:
        store, mover = made()
        fill(store, 2 * PER_PAGE, exptime=5)
        store.tick(6)
        mover.reassign(BIG, POOL)
        run(mover, store)
        assert store.stats.slab_reassign_rescues == store.stats.evicted[BIG] == 0
        assert len(store.lru.handles(BIG | COLD)) == PER_PAGE

    def test_a_page_that_is_being_carved(self) -> None:
        store, mover = made()
        fill(store, PER_PAGE + 3)
        for key in range(PER_PAGE):
            store.delete(b"key%d" % key)
        mover._store.allocator.page_owner[0], mover._store.allocator.page_owner[1] = BIG, BIG
        mover._stuck = 0  # so that the second page is taken
        mover.reassign(BIG, POOL)
        assert store.allocator.leaving == 1
        run(mover, store)
        assert [store.find(b"key%d" % key) != 0 for key in range(PER_PAGE, PER_PAGE + 3)] == [True] * 3
        store.set(b"new", b"0", 0, BIG_VALUE)
        check(store)

    @pytest.mark.parametrize("action", ["delete", "set", "other", "flush"])
    def test_items_change_meanwhile(self, action: str) -> None:
        store, mover = made()
        keys = fill(store, 3 * PER_PAGE)
        for key in keys[::3]:
            store.delete(key)
        rest, model = [key for key in keys if store.find(key)], dict.fromkeys(keys, BIG_VALUE)

        def act() -> None:
            key = rest.pop()
            if action == "delete":
                store.delete(key)
            elif action == "flush":
                store.flush()
                rest.clear()
                rest.append(b"nothing")
            else:
                model[key] = b"n" * 60_000 + b"\r\n" if action == "set" else b"other\r\n"
                store.set(key, b"0", 0, model[key])

        mover.reassign(BIG, SMALL)
        run(mover, store, budget=1, between=act)
        for key in keys:
            if store.find(key):
                assert text(store, key).endswith(b"\r\n" + model[key])
        assert (store.allocator.pages[SMALL] >= 1, store.stats.slabs_moved) == (True, 1)


def header(store: Store, key: bytes) -> tuple[int, ...]:
    handle = store.find(key)
    fetched, stale, won = store.is_fetched(handle), store.is_stale(handle), store.is_won(handle)
    return store.cas_of(handle), store.exptime_of(handle), store.idle_seconds(handle), fetched, stale, won


class TestChains:
    LONG = b"L" * 900_000 + b"\r\n"

    def test_both_ends_of_a_chain_move(self) -> None:
        store, mover = made(16)
        keys = fill(store, 3, self.LONG)
        store.set(b"gone", b"0", 0, self.LONG)
        store.set(b"gone too", b"0", 0, self.LONG)
        store.delete(b"gone")
        store.delete(b"gone too")
        first = store.chains.class_of(store.find(keys[0]))
        assert store.allocator.pages[first] == 1
        value = b"f" * (store.classes.sizes[first - 1] - 80) + b"\r\n"
        for number in range(store.allocator.free[first] + 1):  # or the page would be its last, which stays
            store.set(b"filler-%d" % number, b"0", 0, value)
        assert store.allocator.pages[first] == 2
        for _ in range(2):
            for slab_class in (first, HUGE, HUGE - 1, HUGE - 2):
                mover.reassign(slab_class, SMALL)
                run(mover, store, budget=1000 if slab_class == first else 1)
        assert store.stats.slab_reassign_rescues
        assert store.stats.slab_reassign_chunk_rescues
        assert [text(store, key).endswith(self.LONG) for key in keys] == [True] * 3

    def test_pieces_without_room_go_with_their_item(self) -> None:
        store, mover = made(13)
        keys = fill(store, 20, b"L" * 600_000 + b"\r\n")
        piece = store.pieces(store.find(keys[0]))[-1]
        slab_class = store.arena.words[(piece << 1) + META] >> 8 & 63
        assert (store.allocator.pages[slab_class], store.allocator.free[slab_class]) == (2, 2 * 12 - 20)
        mover.reassign(slab_class, POOL)
        run(mover, store)
        assert sum(store.find(key) != 0 for key in keys) == 12
        assert store.stats.slab_reassign_busy_deletes == store.stats.total("evicted") == 8
        assert store.stats.slab_reassign_chunk_rescues == 4


class TestBusyChunks:
    def test_a_value_being_sent_stays_where_it_is_until_it_is_sent(self) -> None:
        store, mover = made()
        keys = fill(store, 3 * PER_PAGE)
        for key in keys[PER_PAGE:]:
            store.delete(key)
        handle = store.find(keys[2])
        store.pin(handle)
        mover.reassign(BIG, POOL)
        assert mover.step(1000) == Progress.WAIT
        assert mover.last_busy_status == "busy_active"
        check(store)
        store.set(keys[2], b"0", 0, b"new\r\n")
        assert mover.step(1000) == Progress.WAIT
        assert mover.last_busy_status == "busy_floating"
        check(store)
        store.unpin(handle)
        run(mover, store)
        assert text(store, keys[2]).endswith(b"new\r\n")
        assert store.stats.slab_reassign_busy_items == 2

    def test_so_does_one_that_is_being_filled(self) -> None:
        store, mover = made()
        keys = fill(store, PER_PAGE - 1)
        filling = store.begin(b"slow", b"0", len(BIG_VALUE))
        assert filling is not None
        for key in keys:
            store.delete(key)
        store.set(b"a", b"0", 0, BIG_VALUE)
        store.allocator.borrow_page(BIG)
        store.allocator._fresh[BIG].append(store.allocator._fresh[BIG].pop())
        mover.reassign(BIG, POOL)  # the fresh page goes at once
        run(mover, store)
        store.allocator.borrow_page(BIG)
        for number in range(PER_PAGE):
            store.set(b"b%d" % number, b"0", 0, BIG_VALUE)
        mover.reassign(BIG, POOL)
        assert mover.step(1000) == Progress.WAIT
        filling.write(BIG_VALUE)
        store.set(b"slow", b"0", 0, filling)
        run(mover, store)
        assert text(store, b"slow").endswith(BIG_VALUE)


class TestTheLimit:
    def test_lower_than_what_is_in_use(self) -> None:
        store, mover = made(16)
        keys = fill(store, 15 * PER_PAGE)
        store.memory_limit.change(8)
        check(store)
        assert (store.allocator.debt, store.allocator.pages_made) == (7, 15)
        run(mover, store, budget=20)
        assert (store.allocator.debt, store.allocator.pages_made, store.allocator.pool) == (0, 8, [])
        alive = [key for key in keys if store.find(key)]
        assert alive == keys[7 * PER_PAGE :], "the oldest went"

    def test_lower_than_there_are_classes(self) -> None:
        store, mover = made(64)
        size = 90
        while size < 400_000:
            store.set(b"k%d" % size, b"0", 0, b"v" * size + b"\r\n")
            size = size * 5 // 4
        assert store.allocator.pages_made > 30
        store.memory_limit.change(8)
        run(mover, store, budget=100)
        assert store.allocator.pages_made == 8

    def test_without_evictions_only_what_is_free_goes(self) -> None:
        store, mover = made(16, evictions=False)
        keys = fill(store, 10 * PER_PAGE)
        for key in keys[3 * PER_PAGE :: 2]:
            store.delete(key)
        alive = [key for key in keys if store.find(key)]
        store.memory_limit.change(1)
        run(mover, store, budget=100)
        assert [key for key in keys if store.find(key)] == alive
        assert store.allocator.pages_made == -(-len(alive) // PER_PAGE)

    def test_up_again(self) -> None:
        store, mover = made(8, limit_growth=4)
        fill(store, 8 * PER_PAGE)
        assert not store.memory_limit.change(33)
        assert store.memory_limit.change(32)
        fill(store, 30 * PER_PAGE)
        assert store.stats.total("evicted") == 0
        assert mover.step(10) == Progress.IDLE

    def test_a_class_without_a_page_borrows_one(self) -> None:
        store, mover = made(8, limit_growth=4)
        fill(store, 8 * PER_PAGE)
        store.set(b"first of its class", b"0", 0, b"v" * 3000 + b"\r\n")
        assert (store.allocator.pages_made, store.stats.total("evicted")) == (9, 0)
        run(mover, store)
        assert (store.allocator.pages_made, store.stats.evicted[BIG]) == (8, PER_PAGE)
        assert store.find(b"first of its class")

    def test_or_empties_the_cheapest_at_once(self) -> None:
        store, mover = made(8)
        for number in range(70_000):
            store.set(b"small%d" % number, b"0", 0, b"v\r\n")
        assert store.allocator.pages[SMALL] == 7
        store.set(b"large", b"0", 0, b"v" * 400_000 + b"\r\n")
        store.set(b"first of its class", b"0", 0, b"v" * 3000 + b"\r\n")
        check(store)
        assert not store.find(b"large")
        assert (store.stats.total("evicted"), store.stats.slabs_moved) == (1, 1)
        assert mover.step(10) == Progress.IDLE
