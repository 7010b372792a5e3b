"""The prompts' words: Jinja templates under templates/prompts, any of which a workspace may replace."""

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
_MONTH_SUMMARY_WORDS = 35


@dataclass(frozen=True)
class PromptTemplates:
    """The system texts for one newsletter; `categories` are the slugs a judgement may name."""

    grading_prompt: str
    categories: tuple[str, ...]
    newsletter: str
    style: str
    folders: tuple[Path, ...]

    def render_blurb_prompt(self, examples: Sequence[str] = (), unsupported: Sequence[str] = ()) -> str:
        """The text that asks for a blurb, with the editor's own as examples and what failed the last time."""
        return _render_prompt(
            self.folders, "blurb.txt.j2", newsletter=self.newsletter, style=self.style, words=_BLURB_WORDS,
            examples=list(examples), unsupported=list(unsupported),
        )  # fmt: skip

    def render_month_summary_prompt(self, cited: int, unsupported: Sequence[str] = ()) -> str:
        """The text that asks for a sentence on a month's picks, and what failed the last time."""
        return _render_prompt(
            self.folders, "gist.txt.j2", newsletter=self.newsletter, style=self.style, words=_MONTH_SUMMARY_WORDS, cited=cited,
            unsupported=list(unsupported),
        )  # fmt: skip

    def render_verification_prompt(self) -> str:
        """The text that asks whether a blurb says what its source says."""
        return _render_prompt(self.folders, "verify.txt.j2")


def load_prompt_templates(config: Config, templates: Path | None = None) -> PromptTemplates:
    """Read the prompts, from the workspace's `templates` where they are there; raises RenderError."""
    folders = tuple(path / "prompts" for path in (templates, find_resource("templates")) if path is not None)
    judge = _render_prompt(
        folders, "judge.txt.j2", newsletter=config.newsletter.title, interests=config.newsletter.interests,
        categories=config.taxonomy.categories,
    )  # fmt: skip
    slugs = (*config.taxonomy.slugs, "other")
    return PromptTemplates(judge, slugs, config.newsletter.title, config.newsletter.style, folders)


def hash_prompt(*texts: str) -> str:
    """What a cached answer depends on: the words of the prompt."""
    return hash_texts(*texts)[:12]


def _render_prompt(folders: Sequence[Path], name: str, **values: object) -> str:
    path = next((folder / name for folder in folders if (folder / name).is_file()), folders[-1] / name)
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, trim_blocks=True, autoescape=False)
    try:
        return environment.from_string(path.read_text(encoding="utf-8")).render(**values).strip()
    except TemplateError as error:
        line = getattr(error, "lineno", None)
        raise RenderError(
            str(error.message), "mend the prompt, or delete your copy", template=name, line=line
        ) from error
