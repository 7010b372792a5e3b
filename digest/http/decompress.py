"""Reading a body within a limit: compressed data is undone piece by piece, so a bomb never unfolds in memory."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Iterator

from digest.errors import FetchError

_CHUNK_BYTES = 65_536
_GZIP_OR_ZLIB = 47  # window bits: 32 for "detect the header", 15 for the largest window
_GZIP_MAGIC = b"\x1f\x8b"
_IS_COMPRESSED = {"": False, "identity": False, "gzip": True, "x-gzip": True, "deflate": True}


async def read_limited_body(chunks: AsyncIterator[bytes], encoding: str, limit: int) -> bytes:
    """The decoded body. Raises FetchError past `limit` bytes, raw or decoded, and on a broken or cut stream."""
    packed = _IS_COMPRESSED.get(encoding.strip().lower())
    if packed is None:
        raise FetchError(f"the answer is encoded as {encoding!r}, which was not asked for")
    inflater = Inflater() if packed else None
    pieces: list[bytes] = []
    size = raw = 0
    async for chunk in chunks:
        raw += len(chunk)
        for piece in inflater.decompress(chunk) if inflater else (chunk,):
            size += len(piece)
            pieces.append(piece)
            if max(raw, size) > limit:
                raise FetchError(f"the answer is larger than {limit:,} bytes")
        if raw > limit:  # compressed data that unfolds to nothing is a flood too
            raise FetchError(f"the answer is larger than {limit:,} bytes")
    if inflater:
        inflater.check_complete()
    return b"".join(pieces)


class Inflater:
    """Undoes gzip or zlib in pieces of at most 64 KiB. httpx's own decoder unfolds a whole network chunk at once."""

    def __init__(self) -> None:
        self._decompressor = zlib.decompressobj(_GZIP_OR_ZLIB)
        self._has_output = self._is_finished = False
        self._pending = b""

    def decompress(self, chunk: bytes) -> Iterator[bytes]:
        """Decoded pieces of the next compressed bytes. Raises FetchError when they are not what they claim."""
        if self._decompressor.eof:
            chunk = self._start_next_member(self._pending + chunk)
        while chunk and not self._is_finished:
            try:
                piece = self._decompressor.decompress(chunk, _CHUNK_BYTES)
            except zlib.error as error:
                raise FetchError("the answer's compression is broken") from error
            self._has_output = True
            if piece:
                yield piece
            chunk = self._decompressor.unconsumed_tail
            if self._decompressor.eof:
                chunk = self._start_next_member(self._decompressor.unused_data)

    def check_complete(self) -> None:
        """Raise FetchError when the stream stopped before its end."""
        if self._has_output and not self._decompressor.eof:
            raise FetchError("the answer broke off in the middle")

    def _start_next_member(self, rest: bytes) -> bytes:
        """What follows a gzip member is another one, or padding that everybody ignores."""
        if rest.startswith(_GZIP_MAGIC):
            self._decompressor = zlib.decompressobj(_GZIP_OR_ZLIB)
            return rest
        self._pending = rest if _GZIP_MAGIC.startswith(rest) else b""
        self._is_finished = not _GZIP_MAGIC.startswith(rest)
        return b""
