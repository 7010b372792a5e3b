"""Transcode bytes of unknown encoding to UTF-8; the bytes themselves outweigh every declaration."""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping

import webencodings

# First bytes that settle the matter: byte order marks (longest first), then "<?" or "<r" without one, XML 1.0 app. F.
_SIGNATURES = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (b"<\x00\x00\x00", "utf-32-le"),
    (b"\x00\x00\x00<", "utf-32-be"),
    (b"<\x00", "utf-16-le"),
    (b"\x00<", "utf-16-be"),
    (b"\x4c\x6f\xa7\x94", "cp037"),
)
# Seven-bit encodings look like UTF-8 and are not. UTF-7 is left out on purpose: only attackers send it.
_SEVEN_BIT = ("iso2022", "hz")
_HEADER_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]+)", re.I)
_XML_ENCODING = re.compile(rb"""^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([\w.:-]+)["']""")
_META_CHARSET = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?([\w.:-]+)""", re.I)
_DECLARATION = re.compile(rb"\A\s*<\?xml[^>]{0,300}\?>")
_ESCAPED_BYTE = re.compile("[\udc80-\udcff]")
_NON_ASCII = re.compile("[\x80-\ud7ff\ue000-\U0010ffff]+")
# Characters XML 1.0 does not allow: controls, and the two non-characters that lxml refuses.
_CONTROLS = bytes(code for code in range(32) if code not in b"\t\n\r")
_NON_CHARACTER = re.compile(rb"\xef\xbf[\xbe\xbf]")
# C1 controls, written or by number, are windows-1252 by mistake: &#146; means an apostrophe.
_C1 = re.compile(rb"\xc2([\x80-\x9f])")
_C1_NUMBER = re.compile(rb"&#(?:(1[2-5]\d)|[xX]([89][0-9a-fA-F]));")


def transcode_to_utf8(data: bytes, headers: Mapping[str, str]) -> bytes:
    """Transcode a document to UTF-8 without byte order mark, XML declaration or characters XML forbids.

    The order is: byte order mark, valid UTF-8, HTTP charset, XML declaration or HTML meta, windows-1252.
    """
    utf8 = data.removeprefix(codecs.BOM_UTF8)
    encoding = _detect_encoding(utf8, headers)
    if encoding == "cp1252":
        utf8 = _repair_utf8(utf8) or utf8.decode(encoding, "replace").encode()
    elif encoding != "utf-8":
        utf8 = utf8.decode(encoding, "replace").encode("utf-8", "replace").removeprefix(codecs.BOM_UTF8)
    utf8 = _NON_CHARACTER.sub(b"", _DECLARATION.sub(b"", utf8, count=1).translate(None, _CONTROLS))
    utf8 = _C1.sub(lambda match: _windows_1252_character(match[1][0]), utf8)
    return _C1_NUMBER.sub(lambda m: _windows_1252_character(int(m[1] or m[2], 10 if m[1] else 16)) or m[0], utf8)


def _windows_1252_character(code: int) -> bytes:
    """Return the windows-1252 character of a number from 128 to 159 as UTF-8; empty for others."""
    return bytes([code]).decode("cp1252", "ignore").encode() if 128 <= code <= 159 else b""


def _detect_encoding(data: bytes, headers: Mapping[str, str]) -> str:
    for start, name in _SIGNATURES:
        if data.startswith(start):
            return name
    labels = _find_declared_encodings(data, headers)
    if sevenbit := next((name for name in labels if name.startswith(_SEVEN_BIT)), None):
        return sevenbit
    fitting = (name for name in ("utf-8", *labels) if _is_decodable(data, name))
    return next(fitting, labels[0] if labels else "cp1252")


def _is_decodable(data: bytes, encoding: str) -> bool:
    """Whether the bytes can be in an encoding: a wrong multi-byte label would swallow tags."""
    try:
        data.decode(encoding)
    except UnicodeError:
        return False
    return True


def _repair_utf8(data: bytes) -> bytes | None:
    """Read stray bytes in UTF-8 as windows-1252; None when the text is not mostly UTF-8."""
    text = data.decode("utf-8", "surrogateescape")
    stray = sum(1 for _ in _ESCAPED_BYTE.finditer(text))
    if sum(map(len, _NON_ASCII.findall(text))) <= stray:
        return None
    return _ESCAPED_BYTE.sub(lambda m: bytes([ord(m[0]) - 0xDC00]).decode("cp1252", "replace"), text).encode()


def _find_declared_encodings(data: bytes, headers: Mapping[str, str]) -> list[str]:
    served = _HEADER_CHARSET.search(next((v for k, v in headers.items() if k.lower() == "content-type"), ""))
    declared = _XML_ENCODING.search(data[:400]) or _META_CHARSET.search(data[:4096])
    labels = [served[1] if served else "", declared[1].decode("ascii", "replace") if declared else ""]
    return [name for label in labels if (name := _lookup_codec(label))]


def _lookup_codec(label: str) -> str:
    """Look up the codec of a label; empty for one that is unknown, not text, or contradicted by the bytes."""
    standard = webencodings.lookup(label)  # what browsers make of it: encoding.spec.whatwg.org/#names-and-labels
    for name in ([standard.codec_info.name] if standard else []) + [label]:
        try:
            codec = codecs.lookup(name).name
            b"a".decode(codec, "replace")
        except (LookupError, ValueError):
            continue
        return "" if codec.startswith(("utf", "idna", "punycode")) else {"gbk": "gb18030"}.get(codec, codec)
    return ""
