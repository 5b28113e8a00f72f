"""-e FILE: the items outlive the process, if it stops gracefully and the next has the same flags.

Steps:

    start   lock FILE ► look at it, in a thread, while clients may connect ► mark it as not closed ► serve
    stop    SIGUSR1 or `shutdown graceful`: write FILE.meta; any other end leaves a file that was not closed
"""

import asyncio
import logging
import os
from dataclasses import asdict
from pathlib import Path

from mcdaemon.errors import StartError
from memcache_server.clock import Clock, ClockStamp
from memcache_server.store import Store
from memcache_server.store.memory_file import InUseError, MemoryFile, NotKeptError

logger = logging.getLogger(__name__)

_IN_USE_EXIT = 71


class WarmRestart:
    """One server's file. Raises StartError when it cannot be opened, or another process has it."""

    def __init__(self, path: str) -> None:
        try:
            self._file = MemoryFile(path)
        except InUseError as error:
            raise StartError(f"-e/--memory-file: {error}", _IN_USE_EXIT) from error
        except OSError as error:
            raise StartError(f"-e/--memory-file: {path}: {error.strerror}") from error
        self._path = path
        self._begun = False
        self.graceful = False  # whether what is in the store at the end is to be kept

    @property
    def descriptor(self) -> int:
        """Of the file that is the store's memory."""
        return self._file.descriptor

    async def begin(self, store: Store, clock: Clock) -> None:
        """Fill the fresh store with what the file has kept, or with nothing. Raises StartError."""
        kept = None
        try:
            kept = await asyncio.get_running_loop().run_in_executor(None, self._file.look, store)
        except NotKeptError as problem:
            logger.warning("-e %s: starting empty: %s", self._path, problem)
        try:
            self._file.begin(store, kept)
        except OSError as error:
            raise StartError(f"-e/--memory-file: {error.filename or self._path}: {error.strerror}") from error
        if kept is not None:
            clock.go_on(ClockStamp(**kept.clock))
            logger.info("-e %s: serving %d items again", self._path, store.curr_items)
        if not os.access(Path(self._path).absolute().parent, os.W_OK):
            logger.warning("-e %s: no file can be made beside it, so no restart will be warm", self._path)
        self._begun = True

    def end(self, store: Store, clock: Clock) -> None:
        """Keep what the store holds, if so wanted; nobody may use it any more."""
        if self._begun and self.graceful:
            try:
                self._file.save(store, asdict(clock.stamp()))
                logger.info("-e %s: kept %d items", self._path, store.curr_items)
            except OSError as error:
                logger.error("-e %s: not kept, the next start will be empty: %s", self._path, error)
        self._file.close()
