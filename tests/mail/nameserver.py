"""A name server on loopback that answers from a table, and fails where it is told to."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

Records = Mapping[tuple[str, str], list[str]]  # (name, type) -> values as a zone file has them


@contextmanager
def answering(records: Records, failing: str = "") -> Iterator[tuple[str, int]]:
    """Address and port of the server while the block runs; names that end in `failing` are SERVFAIL."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(0.05)
        ended = threading.Event()

        def serve() -> None:
            while not ended.is_set():
                try:
                    packet, client = server.recvfrom(4096)
                except TimeoutError:
                    continue
                server.sendto(_answer(packet, records, failing), client)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server.getsockname()
        finally:
            ended.set()
            thread.join()


def _answer(packet: bytes, records: Records, failing: str) -> bytes:
    query = dns.message.from_wire(packet)
    asked = query.question[0]
    name, kind = asked.name.to_text(omit_final_dot=True), dns.rdatatype.to_text(asked.rdtype)
    response = dns.message.make_response(query)
    response.flags |= dns.flags.RA
    if failing and name.endswith(failing):
        response.set_rcode(dns.rcode.SERVFAIL)
    elif values := records.get((name, kind)):
        response.answer.append(dns.rrset.from_text(asked.name, 60, "IN", kind, *values))
    elif not any(known == name for known, _ in records):
        response.set_rcode(dns.rcode.NXDOMAIN)
    return response.to_wire()
