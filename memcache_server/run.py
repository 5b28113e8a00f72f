"""One server's life in its process, from its settings to the exit status."""

import logging
import sys

from mcdaemon import lifecycle, log_setup, process, sockets
from mcdaemon.admin_http import AdminServer
from mcdaemon.errors import StartError
from memcache_server.metrics import collect
from memcache_server.server import Server
from memcache_server.settings import Settings

logger = logging.getLogger("memcache_server")


def run(settings: Settings) -> int:
    """Serve until told to stop; the exit status."""
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
