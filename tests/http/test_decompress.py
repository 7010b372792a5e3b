"""Bodies are decoded within a limit."""

from __future__ import annotations

import gzip
import sys
import zlib
from collections.abc import AsyncIterator, Callable

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.errors import FetchError
from digest.http.decompress import MemberDecompressor, read_limited_body

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


PACK: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda data: zlib.compress(data, wbits=31),
    "x-gzip": lambda data: zlib.compress(data, wbits=31),
    "deflate": lambda data: zlib.compress(data, wbits=15),
    "br": brotli.compress,
    "zstd": zstd.compress,
    "": bytes,
    "identity": bytes,
}


async def _pieces(data: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


@given(st.binary(max_size=5000), st.integers(1, 700), st.sampled_from(sorted(PACK)))
async def test_what_was_compressed_comes_back_however_it_is_cut(data: bytes, size: int, encoding: str) -> None:
    packed = PACK[encoding](data)
    assert await read_limited_body(_pieces(packed, size), {"content-encoding": encoding}, 10_000) == data


@pytest.mark.parametrize("size", [1, 7, 24, 1000])
async def test_gzip_members_in_a_row_are_one_body(size: int) -> None:
    packed = gzip.compress(b"one ", mtime=0) + gzip.compress(b"two") + b"\0" * 20
    assert await read_limited_body(_pieces(packed, size), {"content-encoding": "GZIP"}, 100) == b"one two"


def test_a_bomb_unfolds_in_small_pieces() -> None:
    pieces = MemberDecompressor(lambda: zlib.decompressobj(47), b"\x1f\x8b").decompress(
        gzip.compress(b"\0" * 50_000_000, mtime=0)
    )
    assert len(next(pieces)) <= 65_536


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip"])
async def test_bombs_of_every_encoding_end_at_the_limit(encoding: str) -> None:
    packed = PACK[encoding](b"\0" * 50_000_000)
    with pytest.raises(FetchError, match="larger than 100,000 bytes"):
        await read_limited_body(_pieces(packed, 65_536), {"content-encoding": encoding}, 100_000)


@pytest.mark.parametrize("encoding", ["", "gzip", "br", "zstd"])
async def test_a_body_past_the_limit_is_refused(encoding: str) -> None:
    packed = PACK[encoding](b"x" * 1001)
    with pytest.raises(FetchError, match="larger than 1,000 bytes"):
        await read_limited_body(_pieces(packed, 100), {"content-encoding": encoding}, 1000)


async def test_compressed_data_that_unfolds_to_nothing_is_limited_too() -> None:
    engine = zlib.compressobj(wbits=31)
    packed = b"".join(engine.flush(zlib.Z_FULL_FLUSH) + engine.compress(b"") for _ in range(2))
    flood = packed + b"\x00\x00\x00\xff\xff" * 1000  # empty stored blocks
    with pytest.raises(FetchError, match="larger than"):
        await read_limited_body(_pieces(flood, 64), {"content-encoding": "gzip"}, 1000)


@pytest.mark.parametrize(
    ("packed", "encoding", "words"),
    [
        (gzip.compress(b"hello world" * 50, mtime=0)[:-9], "gzip", "broke off"),
        (b"<rss>not gzip</rss>", "gzip", "broken"),
        (b"\x1f\x8b\x08\x00garbage-garbage", "gzip", "broken"),
        (b"\xff" * 40, "br", "broken"),
        (b"abc", "compress", "not requested"),
        (brotli.compress(b"hello world" * 50)[:-3], "br", "broke off"),
        (zstd.compress(b"hello world" * 50)[:-3], "zstd", "broke off"),
    ],
)
async def test_a_stream_that_is_not_what_it_claims_is_an_error(packed: bytes, encoding: str, words: str) -> None:
    with pytest.raises(FetchError, match=words):
        await read_limited_body(_pieces(packed, 10), {"content-encoding": encoding}, 10_000)


@pytest.mark.parametrize("token", ["UTF-8", "none", "binary", "utf-8, gzip"])
async def test_a_token_that_is_no_coding_is_ignored(token: str) -> None:
    body = gzip.compress(b"<rss/>") if "gzip" in token else b"<rss/>"
    assert await read_limited_body(_pieces(body, 10), {"content-encoding": token}, 1000) == b"<rss/>"
