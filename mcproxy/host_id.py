"""A number for this host: routes by it send one host's requests one way, and another's another."""

from __future__ import annotations

import os
import socket

from mcproxy.hashing.spooky import spooky_hash32

POD_ADDRESS = "POD_IP"
_SOMEWHERE = ("192.0.2.1", 9)  # reserved for documentation (RFC 5737); nothing is sent there


def host_id() -> int:
    """32 bits, from the pod's address, else that of the interface that leads outside, else the host's name.

    It is the same for all processes of a host, and stays while the address does.
    """
    return spooky_hash32((os.environ.get(POD_ADDRESS) or _own_address()).encode(), 0)


def _own_address() -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(_SOMEWHERE)
        except OSError:
            return socket.gethostname()
        return str(probe.getsockname()[0])
