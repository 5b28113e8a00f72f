"""Which errors send a request to another child, by the group of its operation."""

from __future__ import annotations

from collections.abc import Mapping

from mcproxy.outcome import FAILOVER_ERRORS, Result, is_error
from mcproxy.request import OpClass
from mcproxy.routes.base import Fields

FailoverErrors = Mapping[OpClass, frozenset[Result]]
"""Every group is in it."""

DEFAULT_ERRORS: FailoverErrors = dict.fromkeys(OpClass, FAILOVER_ERRORS)

GROUPS = {"gets": OpClass.GET, "updates": OpClass.UPDATE, "deletes": OpClass.DELETE}

ERRORS_BY_NAME = {result.name.lower(): result for result in Result if is_error(result)}


def failover_errors(fields: Fields) -> FailoverErrors:
    """Config: `failover_errors`, a list for all of GROUPS, or an object of lists by group.

    Groups that are not given, and operations of no group, keep the default.
    """
    if not fields.has("failover_errors"):
        return DEFAULT_ERRORS
    if not fields.is_object("failover_errors"):
        return {**DEFAULT_ERRORS, **dict.fromkeys(GROUPS.values(), named_errors(fields, "failover_errors"))}
    by_group = fields.object("failover_errors")
    assert by_group is not None
    for name in by_group.names():
        if name not in GROUPS:
            raise by_group.error(f"unknown group of operations: {name}", name)
    return {**DEFAULT_ERRORS, **{GROUPS[name]: named_errors(by_group, name) for name in by_group.names()}}


def named_errors(fields: Fields, name: str) -> frozenset[Result]:
    """A list of error results by name, without `mc_res_`."""
    texts = fields.texts(name)
    for text in texts:
        if text not in ERRORS_BY_NAME:
            raise fields.error(f"{text} is not a valid error result", name)
    return frozenset(ERRORS_BY_NAME[text] for text in texts)
