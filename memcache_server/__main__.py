"""`python -m memcache_server`."""

import logging
import os
import sys

from mcdaemon import cli, lifecycle, log_setup, sockets
from mcdaemon.admin_http import AdminServer
from mcdaemon.errors import StartError
from memcache_server.metrics import collect
from memcache_server.server import Server
from memcache_server.settings import USAGE_EXIT, VALUE_EXIT, Settings
from memcache_server.versions import MEMCACHED_VERSION, OUR_VERSION


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
        usage_exit=USAGE_EXIT,
        value_exit=VALUE_EXIT,
    )
    log_setup.setup(settings.log_format, logging.INFO if settings.verbose else logging.WARNING)
    try:
        server = Server(settings)
        admin = _admin(settings, server)
    except StartError as error:
        print(error.text, file=sys.stderr)
        return error.exit_code
    return lifecycle.run(server, drain_s=settings.drain, admin=admin)


def _admin(settings: Settings, server: Server) -> AdminServer | None:
    if not settings.admin:
        return None
    try:
        address = sockets.parse_address(settings.admin, 0)
    except ValueError as error:
        raise StartError(f"--admin: {error}", 64) from error
    return AdminServer(address, lambda: collect(server.shared), server.ready)


if __name__ == "__main__":
    sys.exit(main())
