"""Ports for servers that tests start, several of them beside each other."""

from __future__ import annotations

import random
import socket

_PORTS = range(20_000, 32_000, 2)  # below those that systems hand out for connections of their own
_claims: list[socket.socket] = []


def free_port() -> int:
    """A port that nothing uses, and that no other process gets from here before this one ends.

    Somebody else could take a port between the question and the server's start, so whoever asks here holds the next
    higher one meanwhile.
    """
    for port in random.SystemRandom().sample(_PORTS, len(_PORTS)):
        if (claim := _bound("localhost", port + 1)) is not None:
            if (probe := _bound("", port)) is not None:
                probe.close()
                _claims.append(claim)
                return port
            claim.close()
    raise OSError("No port is free.")


def _bound(host: str, port: int) -> socket.socket | None:
    found = socket.socket()
    try:
        found.bind((host, port))
    except OSError:
        found.close()
        return None
    return found
