"""The writer: only what changed, whole or not at all, and never outside."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml

from digest.config.schema import SiteConfig
from digest.errors import DigestError
from digest.files import list_files, load_template_overrides, remove_files, write_documents, write_new_file
from digest.protocols import Document
from digest.publishing.render.site_data import render_site_config
from tests.publishing.samples import NEWSLETTER


def test_only_changed_documents_are_written(tmp_path: Path) -> None:
    documents = [Document("feed.xml", b"a"), Document("_data/x/y.json", b"b")]
    assert write_documents(tmp_path, documents) == ["feed.xml", "_data/x/y.json"]
    before = (tmp_path / "feed.xml").stat().st_mtime_ns
    assert write_documents(tmp_path, [documents[0], Document("_data/x/y.json", b"c")]) == ["_data/x/y.json"]
    assert (tmp_path / "feed.xml").stat().st_mtime_ns == before
    assert (tmp_path / "_data/x/y.json").read_bytes() == b"c"


@pytest.mark.parametrize("path", ["../x", "/etc/x", "a/../../x", "", "a\\..\\x", "a\0b", ".", "_posts/.."])
def test_a_path_that_leaves_the_root_is_refused(tmp_path: Path, path: str) -> None:
    root = tmp_path / "site"
    root.mkdir()
    with pytest.raises(DigestError):
        write_documents(root, [Document(path, b"x")])
    assert [p.name for p in tmp_path.rglob("*")] == ["site"]


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_a_symbolic_link_is_not_followed_out(tmp_path: Path, kind: str) -> None:
    root, outside = tmp_path / "site", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    (outside / "x").write_bytes(b"mine")
    (root / "a").symlink_to(outside if kind == "folder" else outside / "x")
    with pytest.raises(DigestError, match="leads out"):
        write_documents(root, [Document("a/x" if kind == "folder" else "a", b"theirs")])
    assert (outside / "x").read_bytes() == b"mine"


def test_a_write_that_fails_leaves_the_old_file_and_no_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_documents(tmp_path, [Document("a", b"old")])

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(DigestError, match="No space left"):
        write_documents(tmp_path, [Document("a", b"new")])
    assert [p.name for p in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_bytes() == b"old"


def test_names_are_paths_below_the_root(tmp_path: Path) -> None:
    write_documents(tmp_path, [Document("b/y", b""), Document("b/x", b""), Document("b/c/z", b"")])
    assert list_files(tmp_path, "b") == ["b/x", "b/y"]
    assert list_files(tmp_path, "none") == []


def test_removal_names_what_was_there(tmp_path: Path) -> None:
    write_documents(tmp_path, [Document("a", b"")])
    assert remove_files(tmp_path, ["a", "b"]) == ["a"]


def test_overrides_are_read_by_name(tmp_path: Path) -> None:
    (tmp_path / "mail").mkdir()
    (tmp_path / "mail" / "x.html.j2").write_text("é", encoding="utf-8")
    assert load_template_overrides(tmp_path) == {"mail/x.html.j2": "é"}
    (tmp_path / "bad.md.j2").write_bytes(b"\xff")
    with pytest.raises(DigestError, match=r"bad\.md\.j2"):
        load_template_overrides(tmp_path)


def test_what_is_there_already_is_not_overwritten(tmp_path: Path) -> None:
    assert write_new_file(tmp_path, "a", b"mine")
    assert not write_new_file(tmp_path, "a", b"theirs")
    assert (tmp_path / "a").read_bytes() == b"mine"


@pytest.mark.parametrize(
    ("url", "action", "field", "hidden"),
    [
        ("https://buttondown.com/ana", "https://buttondown.com/api/emails/embed-subscribe/ana", "email", {"embed": "1"}),
        ("https://l.org/subscription/form?l=7", "https://l.org/subscription/form", "email", {"l": "7", "nonce": ""}),
        ("https://x.us1.list-manage.com/subscribe?u=1&id=2", "https://x.us1.list-manage.com/subscribe/post", "EMAIL", {"u": "1", "id": "2"}),
        ("https://mail.org/subscribe", "https://mail.org/subscribe", "address", {}),
    ],
)  # fmt: skip
def test_a_known_sign_up_address_becomes_a_form(url: str, action: str, field: str, hidden: dict[str, str]) -> None:
    config = yaml.safe_load(render_site_config(NEWSLETTER, SiteConfig(subscribe_url=url)).body)
    assert config["subscribe_form"] == {"action": action, "field": field, "hidden": hidden}


def test_another_sign_up_address_stays_a_link() -> None:
    config = yaml.safe_load(render_site_config(NEWSLETTER, SiteConfig(subscribe_url="https://a.org/join")).body)
    assert (config["subscribe_form"], config["subscribe_url"]) == (None, "https://a.org/join")
