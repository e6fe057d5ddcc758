"""How often somebody may try to sign in: for each address and for all together, counted by all workers of a machine."""

import math
from hashlib import blake2b
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Protocol

from starlette.requests import Request

from farthing.gateway.guard import peer_of
from farthing.model.errors import RateLimited

EACH, ALL = 10, 120
"""A minute. Attempts that succeed do not count."""


class Counters(Protocol):
    """Token buckets by name."""

    def take(self, name: bytes, a_minute: int, amount: float) -> float: ...
    def give(self, name: bytes, a_minute: int, amount: float) -> None: ...


class Attempts:
    """`header` is the one in which a proxy says who calls; empty: there is none."""

    def __init__(self, counters: Counters, header: str = "") -> None:
        self._counters = counters
        self._header = header

    def begin(self, request: Request) -> None:
        """Count an attempt. Raises RateLimited, which says how long to wait."""
        for name, most in self._names(request):
            wait_s = self._counters.take(name, most, 1)
            if wait_s:
                seconds = max(1, math.ceil(wait_s))
                raise RateLimited(
                    f"There were too many attempts to sign in. Try again in {seconds} s.", retry_after=seconds
                )

    def succeeded(self, request: Request) -> None:
        for name, most in self._names(request):
            self._counters.give(name, most, 1)

    def _names(self, request: Request) -> list[tuple[bytes, int]]:
        return [(_name("all"), ALL), (_name(network_of(self._address(request))), EACH)]

    def _address(self, request: Request) -> str:
        """The last that the proxy added: what stands before it may be made up by whoever calls."""
        said = request.headers.get(self._header, "") if self._header else ""
        return said.rpartition(",")[2].strip() or peer_of(request)


def network_of(address: str) -> str:
    """The address, or the network that one customer of an IPv6 provider has."""
    try:
        found = ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(found, IPv6Address):
        return str(found.ipv4_mapped or ip_network((found, 64), strict=False))
    return str(found)


def _name(who: str) -> bytes:
    return blake2b(f"sign-in {who}".encode(errors="replace"), digest_size=16).digest()
