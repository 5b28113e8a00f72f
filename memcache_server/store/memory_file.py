"""The store in files, over a restart (-e). FILE is the arena itself; FILE.meta says what its pages hold.

    FILE.meta   mcfleet memory file 1 <crc32 of the header> <length of the header> LF
                header: JSON, the fields of _Header
                the index's tables, as they stand in memory

FILE.meta is written when the server stops gracefully, under another name and renamed once whole; the next server
takes it away before it changes anything. So a file without it was not closed cleanly. All the rest has a CRC-32,
by pieces of 1 MiB so that threads share the work: zlib lets other threads run meanwhile.

The one that has the lock of FILE (flock) uses it, and nobody else.
"""

import fcntl
import json
import mmap
import os
import re
import zlib
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

from memcache_server.store import saved_state
from memcache_server.store.hash_seed import hash_probes
from memcache_server.store.index import room_for
from memcache_server.store.store import Store

_FIRST_LINE = re.compile(rb"mcfleet memory file (\d+) ([0-9a-f]{8}) (\d+)\n")
_FIRST_LINE_MAX = 64
_FORMAT = 2
_BLOCK = 1 << 20
_SLOT = 8  # bytes of the index's


class InUseError(Exception):
    """Another process has the file."""


class NotKeptError(Exception):
    """Why the items of the file cannot be had, as one clear phrase."""


@dataclass(frozen=True, kw_only=True)
class _Header:
    layout: int  # of chunks and state
    options: dict[str, Any]  # of the store, those that matter
    seed: str  # of Python's hashes, as PYTHONHASHSEED has it
    hashes: list[int]  # of some keys, since the index holds hashes
    size: int  # bytes of FILE
    clock: dict[str, Any]  # the server's clock stamp
    state: saved_state.State
    tables: list[int]  # slots of the index's tables
    entries: int  # in the index
    moved: int  # slots of its second table
    index_sums: list[int]  # CRC-32 of each MiB of the tables
    page_sums: list[int]  # CRC-32 of each page that a class owns


@dataclass(slots=True)
class Kept:
    """What a file has kept: checked, and not yet in a store."""

    header: _Header
    tables: list[mmap.mmap]

    @property
    def clock(self) -> dict[str, Any]:
        """The stamp that was saved."""
        return self.header.clock


class MemoryFile:
    """FILE, locked. Raises InUseError, OSError."""

    def __init__(self, path: str) -> None:
        self._meta = meta_path(path)
        self.path = path
        self.descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._found_size = os.fstat(self.descriptor).st_size  # the arena may change it
        except OSError as error:
            os.close(self.descriptor)
            if isinstance(error, BlockingIOError):
                raise InUseError(f"{path} is in use by another process") from error
            raise
        self._closed = False

    def close(self) -> None:
        """Unlock; a look that is under way ends soon."""
        if not self._closed:
            self._closed = True
            fcntl.flock(self.descriptor, fcntl.LOCK_UN)  # the mapping has a descriptor of its own, which would keep it
            os.close(self.descriptor)

    # the start

    def look(self, store: Store) -> Kept | None:
        """Check all that the file holds, and change nothing; None for a new file. Raises NotKeptError.

        May run in a thread of its own, while nobody uses the store.
        """
        if not self._meta.exists():
            if self._found_size:
                raise NotKeptError("it was not closed cleanly")
            return None
        try:
            with self._meta.open("rb") as file:
                header = _read_header(file)
                self._compare(header, store)
                tables = [_read_table(file, slots) for slots in header.tables]
        except OSError as error:
            raise NotKeptError(f"{self._meta}: {error.strerror}") from error
        pages = saved_state.owned_pages(header.state)
        if _sums(_blocks(tables), self._go_on) != header.index_sums:
            raise NotKeptError("its index is damaged")
        if _sums(map(store.arena.page_bytes, pages), self._go_on) != header.page_sums:
            raise NotKeptError("its pages are damaged")
        return Kept(header, tables)

    def _go_on(self) -> bool:
        return not self._closed

    def _compare(self, header: _Header, store: Store) -> None:
        if header.layout != saved_state.layout():
            raise NotKeptError("another version wrote it")
        if header.options != saved_state.fixed_options(store):
            names = sorted(
                name
                for name, value in saved_state.fixed_options(store).items()
                if header.options.get(name, value) != value
            )
            raise NotKeptError(f"it was written with other flags ({', '.join(names)})")
        if header.hashes != hash_probes():
            raise NotKeptError("it was written by a Python with other hashes")
        if not header.size == self._found_size == len(store.arena.bytes):
            raise NotKeptError("it is not as long as it was")

    def begin(self, store: Store, kept: Kept | None) -> None:
        """Mark the files as not closed, then put what they have kept into the fresh store, or empty it."""
        self._meta.unlink(missing_ok=True)
        arena = store.arena
        if kept is None:
            arena.forget_from(0)
            return
        header = kept.header
        store.index.adopt(kept.tables, header.entries, header.moved)
        saved_state.restore(store, header.state)
        # what no class owns must be zeros, and was not checked
        arena.forget_from(store.allocator.pages_end)
        for page, slab_class in enumerate(store.allocator.page_owner[: store.allocator.pages_end]):
            if not slab_class:
                arena.forget_page(page)

    # the end

    def save(self, store: Store, clock: dict[str, Any]) -> None:
        """Write FILE.meta. The store is of no use afterwards: its index is given back as it is written.

        Raises OSError; the file then counts as not closed cleanly.
        """
        state, index = saved_state.saved_state(store), store.index
        header = _Header(
            layout=saved_state.layout(),
            options=saved_state.fixed_options(store),
            seed=os.environ.get("PYTHONHASHSEED", ""),
            hashes=hash_probes(),
            size=len(store.arena.bytes),
            clock=clock,
            state=state,
            tables=[len(table) // _SLOT for table in index.mappings],
            entries=index.count,
            moved=index.growth[1],
            index_sums=_sums(_blocks(index.mappings)),
            page_sums=_sums(map(store.arena.page_bytes, saved_state.owned_pages(state))),
        )
        partial = self._meta.with_name(f"{self._meta.name}.tmp")
        try:
            with open(partial, "wb", buffering=0, opener=_private) as file:
                _write(file, header, index.mappings)
            partial.replace(self._meta)
        except OSError:
            partial.unlink(missing_ok=True)
            raise


def meta_path(path: str) -> Path:
    """Where FILE.meta is."""
    return Path(f"{path}.meta")


def saved_seed(path: str) -> str | None:
    """The PYTHONHASHSEED with which a file was written, if it is there and of use."""
    try:
        with meta_path(path).open("rb") as file:
            return _read_header(file).seed
    except (OSError, NotKeptError):
        return None


def _read_header(file: BinaryIO) -> _Header:
    line = file.readline(_FIRST_LINE_MAX)
    match = _FIRST_LINE.fullmatch(line)
    if match is None:
        raise NotKeptError("its header is damaged")
    if int(match[1]) != _FORMAT:
        raise NotKeptError("another version wrote it")
    length = int(match[3])
    text = file.read(min(length, os.fstat(file.fileno()).st_size))
    if len(text) < length or zlib.crc32(text) != int(match[2], 16):
        raise NotKeptError("its header is damaged")
    try:
        return _Header(**json.loads(text))
    except (ValueError, TypeError):
        raise NotKeptError("another version wrote it") from None


def _read_table(file: BinaryIO, slots: int) -> mmap.mmap:
    table = room_for(slots)
    with memoryview(table) as view:
        if file.readinto(view) != len(view):  # type: ignore[attr-defined]
            raise NotKeptError("its index is cut short")
    return table


def _write(file: BinaryIO, header: _Header, tables: list[mmap.mmap]) -> None:
    text = json.dumps(asdict(header)).encode()
    _write_whole(file, b"mcfleet memory file %d %08x %d\n" % (_FORMAT, zlib.crc32(text), len(text)) + text)
    for table in tables:
        for start in range(0, len(table), _BLOCK):
            size = min(_BLOCK, len(table) - start)
            _write_whole(file, table[start : start + size])
            if size >= mmap.PAGESIZE:  # the two never take memory twice
                table.madvise(mmap.MADV_DONTNEED, start, size)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)  # keys' hashes and their seed are nobody else's business


def _write_whole(file: BinaryIO, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]


def _blocks(tables: Iterable[mmap.mmap]) -> Iterable[memoryview]:
    views = (memoryview(table) for table in tables)
    return (view[start : start + _BLOCK] for view in views for start in range(0, len(view), _BLOCK))


def _sums(blocks: Iterable[memoryview], may_go_on: Callable[[], bool] = lambda: True) -> list[int]:
    """CRC-32 of each; none at all when it may not go on."""

    def sum_of(block: memoryview) -> int:
        return zlib.crc32(block) if may_go_on() else -1

    with ThreadPoolExecutor(os.cpu_count()) as threads:
        return list(threads.map(sum_of, blocks))
