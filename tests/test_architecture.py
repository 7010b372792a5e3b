"""The house keeps its shape: layers, sizes, names and words are ratchets that only tighten."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "digest"

# Ratchets: these numbers may only fall, or rise with the feature that a changelog line names.
MAX_LINES = 41902
MAX_MODULES = 309
MAX_MODULE_LINES = 470
MAX_MODULES_IN_FOLDER = 22

# The same noun names the table, its queries, its use cases and its commands, so that one search finds all four.
SHARED_NOUNS = {
    "blocks", "checks", "client", "entries", "features", "files", "ingest", "issues", "items", "lint",
    "maintenance", "metrics", "parser", "predictions", "prompts", "publish", "radar", "retry", "runs", "sanitize",
    "schedule", "server", "signup", "stage", "subscribers", "worker", "workspace", "workspaces", "writer",
}  # fmt: skip
BANNED_NAMES = {
    "told", "said", "heard", "found", "known", "made", "kept", "placed", "words", "whole", "apart", "anew", "here",
    "one", "mine", "theirs",
}  # fmt: skip
MAX_BANNED_NAMES = 7
BANNED_WORDS = re.compile(
    r"\b(?:told|anew|mend|mends|mended|cure|cures|ails|oddly|by itself|of a hand|a hand|lies there"
    r"|whoever|nobody's|who has not|the same again|say it again|looked at|of late|at hand|twice over)\b",
    re.IGNORECASE,
)
MAX_BANNED_WORDS = 10


def tracked(*patterns: str) -> list[Path]:
    """Return the project's own files, without what git ignores."""
    return [
        path
        for pattern in patterns
        for path in ROOT.glob(pattern)
        if path.is_file() and not {".venv", "demo", "__pycache__"} & set(path.relative_to(ROOT).parts[:1])
    ]


def modules() -> list[Path]:
    """Return the package's modules, without the generated migrations."""
    return [path for path in sorted(PACKAGE.rglob("*.py")) if "versions" not in path.parts]


def test_each_layer_imports_only_those_below_it() -> None:
    code = "from importlinter.cli import lint_imports_command as run; run()"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_package_does_not_grow_unnoticed() -> None:
    counts = {path: path.read_text(encoding="utf-8").count("\n") for path in PACKAGE.rglob("*.py")}
    assert sum(counts.values()) <= MAX_LINES
    assert len(counts) <= MAX_MODULES
    long = {
        path.name: count for path, count in counts.items() if count > MAX_MODULE_LINES and "versions" not in path.parts
    }
    assert long == {}


def test_no_folder_is_a_heap() -> None:
    counts = Counter(path.parent for path in modules())
    assert {str(folder): count for folder, count in counts.items() if count > MAX_MODULES_IN_FOLDER} == {}


def test_a_module_is_named_by_its_noun_alone() -> None:
    counts = Counter(path.stem for path in modules() if not path.stem.startswith("__"))
    assert {stem for stem, count in counts.items() if count > 1} <= SHARED_NOUNS


def test_our_own_modules_are_imported_under_their_own_names() -> None:
    renamed = [
        f"{path.relative_to(ROOT)}:{node.lineno}: {alias.name} as {alias.asname}"
        for path in modules()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("digest")
        for alias in node.names
        if alias.asname and alias.asname != alias.name
    ]
    assert renamed == []


def banned_names() -> Iterator[str]:
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                name = node.id
            elif isinstance(node, ast.arg):
                name = node.arg
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                name = node.name
            else:
                continue
            if name in BANNED_NAMES:
                yield f"{path.relative_to(ROOT)}:{node.lineno}: {name}"


def test_no_name_is_a_private_word() -> None:
    hits = list(banned_names())
    assert len(hits) <= MAX_BANNED_NAMES, "\n".join(hits)


def user_texts() -> Iterator[tuple[str, str]]:
    """Yield each text that a user reads, with its place: literals that are no docstring, templates, documents."""
    for path in modules():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
                yield f"{path.relative_to(ROOT)}:{node.lineno}", node.value
    for path in tracked("docs/**/*.md", "README.md", "CHANGELOG.md", "templates/**/*.j2", "sources.yaml"):
        if "prompts" in path.parts:
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            yield f"{path.relative_to(ROOT)}:{number}", line


def test_users_read_plain_technical_english() -> None:
    hits = [f"{place}: {match[0]}" for place, text in user_texts() for match in BANNED_WORDS.finditer(text)]
    assert len(hits) <= MAX_BANNED_WORDS, "\n".join(hits)


def test_no_file_names_a_machines_path_or_a_package_index() -> None:
    files = tracked(
        "digest/**/*.py",
        "tests/**/*.py",
        "docs/*.md",
        "docs/*.yaml",
        "*.md",
        "*.toml",
        "Makefile",
        ".ci/*",
        ".github/**/*.yml",
    )
    assert len(files) > 100
    pattern = re.compile(r"/(?:work|root)/(?!\*)\w|index[-_]url|pypi\.org|--trusted-host")
    hits = {str(path): pattern.findall(path.read_text("utf-8")) for path in files if path != Path(__file__)}
    assert {name: matches for name, matches in hits.items() if matches} == {}


def test_only_the_agreed_names_are_at_the_top() -> None:
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    tops = {line.split("/")[0] for line in done.stdout.splitlines()}
    files = {
        "pyproject.toml",
        "sources.yaml",
        "Makefile",
        "README.md",
        "CHANGELOG.md",
        "LICENSE",
        "NOTICE",
        "Dockerfile",
    }
    allowed = files | {"digest", "templates", "site", "tests", "docs"}
    assert {name for name in tops if not name.startswith(".")} <= allowed
