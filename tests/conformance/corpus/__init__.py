"""The hand-written scripts, by topic. A new topic is a module with a literal table, named here."""

from __future__ import annotations

from tests.conformance.corpus import (
    administration,
    arithmetic,
    in_flight,
    keys,
    lines,
    meta,
    meta_flags,
    noreply,
    numbers,
    pipelining,
    removal,
    retrieval,
    storage,
    values,
)
from tests.conformance.corpus.notation import Table, build
from tests.conformance.script import Script

TABLES: dict[str, Table] = {
    "retrieval": retrieval.SCRIPTS,
    "storage": storage.SCRIPTS,
    "arithmetic": arithmetic.SCRIPTS,
    "removal": removal.SCRIPTS,
    "administration": administration.SCRIPTS,
    "noreply": noreply.SCRIPTS,
    "pipelining": pipelining.SCRIPTS,
    "keys": keys.SCRIPTS,
    "numbers": numbers.SCRIPTS,
    "lines": lines.SCRIPTS,
    "meta": meta.SCRIPTS,
    "meta flags": meta_flags.SCRIPTS,
    "values": values.SCRIPTS,
    "in flight": in_flight.SCRIPTS,
}

CORPUS: dict[str, list[Script]] = {topic: build(topic, table) for topic, table in TABLES.items()}
