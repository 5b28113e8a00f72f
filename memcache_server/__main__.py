"""`python -m memcache_server`."""

import logging
import os
import sys

from mcdaemon import cli, lifecycle, log_setup, process, sockets
from mcdaemon.admin_http import AdminServer
from mcdaemon.errors import StartError
from memcache_server.metrics import collect
from memcache_server.server import Server
from memcache_server.settings import USAGE_EXIT, VALUE_EXIT, Settings
from memcache_server.store import hash_seed, memory_file
from memcache_server.versions import MEMCACHED_VERSION, OUR_VERSION

logger = logging.getLogger("memcache_server")

LICENSE_TEXT = """\
Licensed under the Apache License, Version 2.0 (the "License"); you may not use this program except in compliance
with the License, a copy of which is at http://www.apache.org/licenses/LICENSE-2.0. It is distributed on an "AS IS"
BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. It is written anew after the behaviour
of memcached and contains none of its code; uvloop, its event loop, has licenses of its own (MIT, Apache 2.0)."""


def main(argv: list[str] | None = None) -> int:
    """Run until told to stop; the exit status."""
    settings = cli.parse_settings(
        Settings,
        sys.argv[1:] if argv is None else argv,
        os.environ,
        prog="memcache-server",
        env_prefix="MEMCACHE_SERVER",
        description="A memcached server in pure Python.",
        version_text=f"memcached {MEMCACHED_VERSION} (mcfleet {OUR_VERSION})",
        license_text=LICENSE_TEXT,
        usage_exit=USAGE_EXIT,
        value_exit=VALUE_EXIT,
    )
    if settings.memory_file and argv is None:
        hash_seed.keep(memory_file.saved_seed(settings.memory_file))
    log_setup.setup(settings.log_format, logging.INFO if settings.verbose else logging.WARNING)
    on_started = process.to_background(keep_output=settings.verbose > 0) if settings.daemon else None
    try:
        server = Server(settings)
        admin = _admin(settings, server)
    except StartError as error:
        print(error.text, file=sys.stderr)
        return error.exit_code
    status = lifecycle.run(server, drain_s=settings.drain, admin=admin, on_started=on_started)
    if not status:
        logger.info("Exiting normally")
    return status


def _admin(settings: Settings, server: Server) -> AdminServer | None:
    if not settings.admin:
        return None
    try:
        address = sockets.parse_address(settings.admin, 0)
    except ValueError as error:
        raise StartError(f"--admin: {error}", 64) from error
    if settings.user:
        AdminServer.load()  # as another user we may not be able to read it
    return AdminServer(address, lambda: collect(server.shared), server.ready)


if __name__ == "__main__":
    sys.exit(main())
