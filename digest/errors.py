"""The one error tree. Every error says what happened to which subject, and a hint that can be done."""

from __future__ import annotations


def describe_read_error(error: Exception) -> str:
    """Why a file could not be read, without the numbers and names that Python adds."""
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8 text"
    return error.strerror.lower() if isinstance(error, OSError) and error.strerror else str(error)


class DigestError(Exception):
    """Base of all errors a user may see; `hint` names the cure."""

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class ConfigError(DigestError):
    """A mistake in sources.yaml or in how a command was called; several are reported at once, one a line."""

    exit_code = 2


class SourceError(DigestError):
    """One source failed; the run goes on."""


class FetchError(SourceError):
    """The source could not be reached or answered with an error; `retry_after` is in seconds."""

    def __init__(
        self, message: str, hint: str = "", *, status: int | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message, hint)
        self.status = status
        self.retry_after = retry_after


class ParseError(SourceError):
    """The source answered with something that cannot be read as what it should be."""


class ModelError(DigestError):
    """A language model could not be used, or answered badly."""


class ModelUnavailableError(ModelError):
    """The model cannot be reached now; `retry_after` in seconds if it said so; `final` when asking again is useless.

    `in_doubt`: it was asked and may bill an answer that never arrived.
    """

    def __init__(
        self,
        message: str,
        hint: str = "",
        *,
        retry_after: float | None = None,
        is_final: bool = False,
        may_be_billed: bool = False,
    ) -> None:
        super().__init__(message, hint)
        self.retry_after = retry_after
        self.is_final = is_final
        self.may_be_billed = may_be_billed


class ModelOutputError(ModelError):
    """The model answered, but not with what was asked; `completion` keeps its words."""

    def __init__(self, message: str, hint: str = "", *, completion: str = "") -> None:
        super().__init__(message, hint)
        self.completion = completion


class BudgetExceededError(ModelError):
    """A call would pass the run's or the month's limit in USD."""


class StoreError(DigestError):
    """The database cannot be opened, read or written."""


class NotFoundError(DigestError):
    """A thing named on the command line does not exist."""

    exit_code = 2


class DraftError(DigestError):
    """A sheet cannot be read; `line` is 1-based, `file` its name once that is known."""

    def __init__(self, message: str, hint: str = "", *, line: int = 0, file: str = "") -> None:
        place = ", ".join([*([file] if file else []), *([f"line {line}"] if line else [])])
        super().__init__(f"{place}: {message}" if place else message, hint)
        self.detail = message
        self.line = line


class RenderError(DigestError):
    """A template failed; `template` and `line` name the place."""

    def __init__(self, message: str, hint: str = "", *, template: str = "", line: int | None = None) -> None:
        place = f"{template}:{line}: " if line else f"{template}: " if template else ""
        super().__init__(place + message, hint)
        self.template = template
        self.line = line


class DeliveryError(DigestError):
    """A message could not be handed over.

    `temporary`: trying later may help; `in_doubt`: it may have been delivered all the same; `stop`: the trouble is the
    server's or ours, and the next message would meet it too.
    """

    def __init__(
        self,
        message: str,
        hint: str = "",
        *,
        is_temporary: bool = False,
        is_outcome_unknown: bool = False,
        is_systemic: bool = False,
    ) -> None:
        super().__init__(message, hint)
        self.is_temporary = is_temporary
        self.is_outcome_unknown = is_outcome_unknown
        self.is_systemic = is_systemic


class CheckFailedError(DigestError):
    """A gate said no: what is missing, and the command that mends it."""

    exit_code = 4
