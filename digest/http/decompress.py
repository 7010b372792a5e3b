"""Bounded decompression: compressed data is decoded in small pieces, so that a bomb never unfolds in memory."""

from __future__ import annotations

import sys
import zlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any, Protocol

import brotli

from digest.errors import FetchError

if sys.version_info >= (3, 14):
    from compression.zstd import ZstdDecompressor, ZstdError
else:
    from backports.zstd import ZstdDecompressor, ZstdError

ACCEPTED_ENCODINGS = "gzip, br, zstd"
_UNSUPPORTED = (
    "compress",
    "x-compress",
    "dcb",
    "dcz",
    "exi",
    "pack200-gzip",
    "aes128gcm",
)  # the IANA registry's others
_PIECE_BYTES = 65_536
_GZIP_OR_ZLIB = 47  # window bits: 32 for "detect the header", 15 for the largest window


class Decompressor(Protocol):
    """Decodes a compressed stream; `is_complete` is true where the stream may end."""

    @property
    def is_complete(self) -> bool: ...

    def decompress(self, data: bytes) -> Iterator[bytes]: ...


class MemberDecompressor:
    """gzip, zlib or zstd: members one after another, the rest behind them is padding that everybody ignores."""

    def __init__(self, create_engine: Callable[[], Any], magic: bytes) -> None:
        self._create_engine = create_engine
        self._magic = magic
        self._engine = create_engine()
        self._is_empty = True
        self._pending = b""
        self._is_padding = False

    @property
    def is_complete(self) -> bool:
        return self._is_empty or self._engine.eof

    def decompress(self, data: bytes) -> Iterator[bytes]:
        data = self._pending + data
        self._pending = b""
        while data and not self._is_padding:
            if self._engine.eof:
                if len(data) < len(self._magic):
                    self._pending = data
                    return
                if not data.startswith(self._magic):
                    self._is_padding = True
                    return
                self._engine = self._create_engine()
            self._is_empty = False
            yield from self._decompress_member(data)
            data = self._engine.unused_data if self._engine.eof else b""

    def _decompress_member(self, data: bytes) -> Iterator[bytes]:
        while not self._engine.eof:
            piece = self._engine.decompress(data, _PIECE_BYTES)
            if piece:
                yield piece
            data = getattr(self._engine, "unconsumed_tail", b"")  # zlib hands unread input back, zstd keeps it
            if not data and len(piece) < _PIECE_BYTES:
                return


class BrotliDecompressor:
    """Brotli (RFC 7932), one stream."""

    def __init__(self) -> None:
        self._engine = brotli.Decompressor()
        self._is_empty = True

    @property
    def is_complete(self) -> bool:
        return self._is_empty or self._engine.is_finished()

    def decompress(self, data: bytes) -> Iterator[bytes]:
        self._is_empty = False
        while not self._engine.is_finished() and (piece := self._engine.process(data, _PIECE_BYTES)):
            yield piece
            data = b""


_DECOMPRESSORS: dict[str, Callable[[], Decompressor]] = {
    **dict.fromkeys(
        ("gzip", "x-gzip", "deflate"),
        lambda: MemberDecompressor(lambda: zlib.decompressobj(_GZIP_OR_ZLIB), b"\x1f\x8b"),
    ),
    "br": BrotliDecompressor,
    "zstd": lambda: MemberDecompressor(ZstdDecompressor, b"\x28\xb5\x2f\xfd"),
}


async def read_limited_body(chunks: AsyncIterator[bytes], headers: Mapping[str, str], limit: int) -> bytes:
    """Read and decode a body. Raises FetchError past `limit` bytes, raw or decoded, and on a broken or cut stream."""
    too_large = FetchError(f"the response is larger than {limit:,} bytes")
    length, encoding = headers.get("content-length", ""), headers.get("content-encoding", "").strip().lower()
    if length.isdecimal() and int(length) > limit:
        raise too_large
    codings = [token.strip() for token in encoding.split(",") if token.strip() in (*_DECOMPRESSORS, *_UNSUPPORTED)]
    if len(codings) > 1 or set(codings) & set(_UNSUPPORTED):
        raise FetchError(f"the response is encoded as {encoding!r}, which was not requested")
    decompressor = _DECOMPRESSORS[codings[0]]() if codings else None  # other tokens are no coding: "UTF-8", "none"
    pieces: list[bytes] = []
    raw_size = size = 0
    try:
        async for chunk in chunks:
            raw_size += len(chunk)
            for piece in decompressor.decompress(chunk) if decompressor else (chunk,):
                size += len(piece)
                pieces.append(piece)
                if size > limit:
                    raise too_large
            if raw_size > limit:  # compressed data that unfolds to nothing is a flood too
                raise too_large
    except (zlib.error, brotli.error, ZstdError) as error:
        raise FetchError("the response's compression is broken") from error
    if decompressor and not decompressor.is_complete:
        raise FetchError("the server broke off its response in the middle")
    return b"".join(pieces)
