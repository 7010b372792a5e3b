"""The bytes decide their encoding before any declaration does."""

from __future__ import annotations

import pytest

from digest.sources.feeds.encoding import transcode_to_utf8

TEXT = "Grüße – naïve"


def decoded(data: bytes, charset: str = "") -> str:
    return transcode_to_utf8(data, {"Content-Type": f"text/xml; charset={charset}"} if charset else {}).decode()


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_wins_over_every_declaration(encoding: str) -> None:
    assert decoded(f"<a>{TEXT}</a>".encode(encoding), "iso-8859-5") == f"<a>{TEXT}</a>"


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_wide_encodings_are_known_without_a_mark(encoding: str) -> None:
    assert decoded(f"<a>{TEXT}</a>".encode(encoding)) == f"<a>{TEXT}</a>"


def test_valid_utf_8_wins_over_http_and_xml() -> None:
    assert (
        decoded(f"<?xml version='1.0' encoding='iso-8859-1'?><a>{TEXT}</a>".encode(), "iso-8859-1") == f"<a>{TEXT}</a>"
    )


def test_http_wins_over_xml_and_xml_over_windows_1252() -> None:
    russian = "<?xml version='1.0' encoding='koi8-r'?><a>Привет</a>"
    assert decoded(russian.encode("cp1251"), "windows-1251") == "<a>Привет</a>"
    assert decoded(russian.encode("koi8-r")) == "<a>Привет</a>"
    assert decoded(f"<a>{TEXT}</a>".encode("cp1252")) == f"<a>{TEXT}</a>"


def test_http_does_not_win_with_an_encoding_that_the_bytes_cannot_be_in() -> None:
    russian = "<?xml version='1.0' encoding='windows-1251'?><a>Привет, мир</a>".encode("cp1251")
    assert decoded(russian, "euc-jp") == decoded(russian, "big5") == "<a>Привет, мир</a>"


def test_latin_1_means_windows_1252() -> None:
    assert decoded("<a>“x”</a>".encode("cp1252"), "iso-8859-1") == "<a>“x”</a>"


@pytest.mark.parametrize(
    ("label", "codec", "text"),
    [
        ("x-sjis", "cp932", "日本語"),
        ("windows-31j", "cp932", "日本語"),
        ("windows-874", "cp874", "ภาษาไทย"),
        ("x-gbk", "gbk", "大语言模型"),
        ("gb2312", "gb18030", "大语言模型𠀀"),
        ("x-mac-cyrillic", "mac_cyrillic", "Нейросети"),
        ("cn-big5", "big5", "繁體"),
    ],
)
def test_labels_mean_what_browsers_take_them_for(label: str, codec: str, text: str) -> None:
    assert decoded(f"<a>{text}</a>".encode(codec), label) == f"<a>{text}</a>"
    assert decoded(f"<?xml version='1.0' encoding='{label.upper()}'?><a>{text}</a>".encode(codec)) == f"<a>{text}</a>"


def test_unknown_and_binary_charsets_are_ignored() -> None:
    for charset in ("x-unknown", "zip", "base64", "utf-7"):
        assert decoded(b"<a>caf\xe9</a>", charset) == "<a>café</a>"


def test_a_stray_byte_does_not_spoil_a_utf_8_document() -> None:
    assert decoded("<a>Größe, Maß, Öl</a>".encode() + b"\x93") == "<a>Größe, Maß, Öl</a>“"


def test_seven_bit_japanese_is_believed_when_declared() -> None:
    assert decoded("<a>日本</a>".encode("iso-2022-jp"), "iso-2022-jp") == "<a>日本</a>"


def test_characters_that_xml_forbids_are_dropped() -> None:
    assert decoded(b"a\x00b\x0bc\xef\xbf\xbfd\te") == "abcd\te"
