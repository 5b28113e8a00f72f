"""The limit of open descriptors: a server for 1024 connections does not fit the usual soft limit of 1024."""

import resource

SPARE = 64
"""Descriptors a daemon needs beside those of its clients, generously."""


def allow(connections: int) -> bool:
    """Raise the soft limit until `connections` clients fit, as far as the hard limit goes; whether they fit."""
    needed = connections + SPARE
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if _reaches(soft, needed):
        return True
    fits = _reaches(hard, needed)
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed if fits else hard, hard))
    return fits


def _reaches(limit: int, needed: int) -> bool:
    return limit == resource.RLIM_INFINITY or limit >= needed
