"""Prompts: Jinja templates under templates/prompts, each of which a workspace may replace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from digest.config.schema import Config
from digest.errors import RenderError
from digest.resources import find_resource
from digest.text import hash_texts

_BLURB_WORDS = 60
_VERDICT_WORDS = 25
_MONTH_SUMMARY_WORDS = 35


@dataclass(frozen=True)
class PromptTemplates:
    """The prompts for one newsletter; `categories` are the slugs that a grade may name."""

    grading_prompt: str
    categories: tuple[str, ...]
    newsletter: str
    style: str
    folders: tuple[Path, ...]

    def render_blurb_prompt(self, examples: Sequence[str] = (), unsupported: Sequence[str] = ()) -> str:
        """Render the prompt for a blurb, with the editor's own as examples and the claims that failed before."""
        return self._render_prose(
            "blurb.txt.j2", _BLURB_WORDS, unsupported, examples=list(examples), verdict_words=_VERDICT_WORDS
        )

    def render_month_summary_prompt(
        self, cited: int, examples: Sequence[str] = (), unsupported: Sequence[str] = ()
    ) -> str:
        """Render the prompt for a sentence on a month's picks, with the claims that failed before."""
        values = {"cited": cited, "examples": list(examples)}
        return self._render_prose("gist.txt.j2", _MONTH_SUMMARY_WORDS, unsupported, **values)

    def render_verification_prompt(self) -> str:
        """Render the prompt that asks whether a source supports a blurb."""
        return _render_prompt(self.folders, "verify.txt.j2")

    def _render_prose(self, name: str, word_limit: int, unsupported: Sequence[str], **values: object) -> str:
        values |= {"newsletter": self.newsletter, "style": self.style, "unsupported": list(unsupported)}
        return _render_prompt(self.folders, name, words=word_limit, **values)


def load_prompt_templates(config: Config, templates: Path | None = None) -> PromptTemplates:
    """Load the prompts, from the workspace's `templates` where they exist; raises RenderError."""
    folders = tuple(path / "prompts" for path in (templates, find_resource("templates")) if path is not None)
    newsletter, categories = config.newsletter, config.taxonomy.categories
    values = {"newsletter": newsletter.title, "interests": newsletter.interests_line, "categories": categories}
    grading_prompt = _render_prompt(folders, "judge.txt.j2", **values)
    return PromptTemplates(
        grading_prompt, (*config.taxonomy.slugs, "other"), newsletter.title, newsletter.style, folders
    )


def hash_prompt(*texts: str) -> str:
    """Hash the text of a prompt, on which a cached answer depends."""
    return hash_texts(*texts)[:12]


def _render_prompt(folders: Sequence[Path], name: str, **values: object) -> str:
    path = next((folder / name for folder in folders if (folder / name).is_file()), folders[-1] / name)
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, trim_blocks=True, autoescape=False)
    try:
        return environment.from_string(path.read_text(encoding="utf-8")).render(**values).strip()
    except TemplateError as error:
        line = getattr(error, "lineno", None)
        hint = "fix the prompt, or delete your copy"
        raise RenderError(str(error.message), hint, template=name, line=line) from error
