"""Dialling: a name is resolved, each address checked, and exactly a checked address connected to.

A second lookup between check and connection is what DNS rebinding lives on; there is none here.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from ipaddress import ip_address

from digest.errors import FetchError
from digest.fetch.addresses import permitted
from digest.fetch.talk import Answer, Headers, Origin, Talk, Wire, WireError

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
Connect = Callable[..., Awaitable[tuple[Wire, asyncio.StreamWriter]]]
KEPT = 100  # connections that stay open for a while: a site with several sources is greeted once
DIAL_SECONDS = 15.0


async def resolve(host: str, port: int) -> Sequence[str]:
    """The addresses of a host, by the system's resolver, which is not asked for what is one. Raises OSError."""
    with suppress(ValueError):
        return [str(ip_address(host))]
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Transport:
    """One request at a time over a connection to a checked address: no proxy, no environment, no cookies, no redirects.

    A library's pool keeps books at every request, which costs more than the request itself.
    """

    def __init__(
        self, secured: Callable[[], ssl.SSLContext], resolver: Resolver, connect: Connect, *, private: bool
    ) -> None:
        self._secured = secured  # called when first needed: reading the world's certificates takes a tenth of a second
        self._resolver = resolver
        self._connect = connect
        self._private = private
        self._kept: list[Talk] = []

    @asynccontextmanager
    async def answer(self, origin: Origin, target: bytes, headers: Headers) -> AsyncIterator[Answer]:
        """GET a target; the answer's body can be read while the block runs. Raises FetchError, WireError."""
        talk, answer = await self._asked(origin, target, headers)
        try:
            yield answer
        finally:
            self._keep(talk)

    async def aclose(self) -> None:
        """Close the connections that were kept."""
        while self._kept:
            self._kept.pop().close()

    async def _asked(self, origin: Origin, target: bytes, headers: Headers) -> tuple[Talk, Answer]:
        """Ask over a kept connection, or a new one; one that ends just then has not heard us (RFC 9112, 9.3.1)."""
        if talk := self._idle(origin):
            try:
                return talk, await talk.get(target, headers)
            except WireError:
                if talk.answered:
                    raise
        talk = await self._dial(origin)
        return talk, await talk.get(target, headers)

    def _idle(self, origin: Origin) -> Talk | None:
        """A kept connection to the same place at which the other side has said nothing meanwhile."""
        for talk in [kept for kept in self._kept if kept.origin == origin]:
            self._kept.remove(talk)
            if not talk.is_old() and talk.is_quiet():
                return talk
            talk.close()
        return None

    def _keep(self, talk: Talk) -> None:
        """Keep a connection that can be used again, in the place of the oldest one."""
        if talk.is_over():
            self._kept.append(talk)
        else:
            talk.close()
        while len(self._kept) > KEPT:
            self._kept.pop(0).close()

    async def _dial(self, origin: Origin) -> Talk:
        """A new connection to the first permitted address that accepts one. TLS still sees the name."""
        secure = {"ssl": self._secured(), "server_hostname": origin.host} if origin.secure else {}
        failure = WireError(f"cannot be connected to: {origin.host} has no address")
        for address in await self._addresses(origin):
            try:
                async with asyncio.timeout(DIAL_SECONDS):
                    return Talk(origin, *await self._connect(address, origin.port, **secure))
            except TimeoutError:
                failure = WireError(f"does not accept connections: {address} took longer than {DIAL_SECONDS:g} seconds")
            except OSError as error:  # also what TLS does not like, a certificate for instance
                failure = WireError(f"cannot be connected to: {error}")
        raise failure

    async def _addresses(self, origin: Origin) -> list[str]:
        try:
            addresses = await self._resolver(origin.host, origin.port)
        except (OSError, UnicodeError) as error:
            raise FetchError(f"the host {origin.host} cannot be found", "check the address and the network") from error
        allowed = [address for address in addresses if permitted(address, private=self._private)]
        if addresses and not allowed:
            raise FetchError(
                f"{origin.host} is at {addresses[0]}, which is not a public address",
                "if it is meant, set 'allow_private: true' on that source",
            )
        return allowed
