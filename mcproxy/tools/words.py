"""What the tools' command lines have in common."""

from __future__ import annotations

import argparse
import asyncio

from discovery.endpoint import EndpointSet
from discovery.resolution import Failure
from discovery.resolver import Resolver
from discovery.service_name import parse_target
from mcproxy.config.environment import Environment, global_values
from mcproxy.config.source import Source
from mcproxy.host_id import host_id
from mcproxy.mcrouter_options import name_and_value, routing_prefix
from mcproxy.settings import UPSTREAM_PORT, Settings
from mcproxy.upstream.destination import UpstreamOptions


def add_common(parser: argparse.ArgumentParser) -> None:
    """The options of mcproxy that decide where a key goes."""
    parser.add_argument("-R", "--route-prefix", type=routing_prefix, default="/././", metavar="/REGION/CLUSTER/")
    parser.add_argument("--config-params", default="", metavar="NAME:VALUE,…", help="%%NAME%% in the configuration")
    parser.add_argument("--nameserver", default="", metavar="IP[:PORT]", help="for servers that DNS names")
    parser.add_argument("--expect", type=int, default=0, metavar="N", help="as mcproxy's")


def source_of(text: str) -> Source:
    """Where a configuration is."""
    return Source.of(text)


def environment_of(given: argparse.Namespace) -> Environment:
    """Names are looked up as they are met."""
    parameters = tuple(name_and_value(part) for part in given.config_params.split(",") if part)
    settings = Settings(route_prefix=given.route_prefix, config_params=parameters)
    nameservers = tuple(part for part in given.nameserver.split(",") if part)

    def endpoints(address: str) -> EndpointSet:
        found = asyncio.run(Resolver(nameservers).resolve(parse_target(address, UPSTREAM_PORT)))
        members = () if isinstance(found, Failure) else tuple(found.endpoints)
        return EndpointSet.of(members, given.expect or None)

    return Environment(given.route_prefix, global_values(settings, host_id()), endpoints=endpoints)


def options_of(given: argparse.Namespace) -> UpstreamOptions:
    """Timeouts decide nothing here."""
    return UpstreamOptions()
