"""The exceptions. Each has a message (what happened to which subject) and a hint (what to do)."""

from __future__ import annotations


def describe_read_error(error: Exception) -> str:
    """Say why a file could not be read, without the numbers and names that Python adds."""
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8 text"
    return error.strerror.lower() if isinstance(error, OSError) and error.strerror else str(error)


class DigestError(Exception):
    """The base of all errors that a user may see; `hint` says how to fix the problem."""

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class ConfigError(DigestError):
    """Mistakes in sources.yaml or in a command line; several are reported at once, one a line."""

    exit_code = 2


class SourceError(DigestError):
    """The failure of one source; the run goes on."""


class FetchError(SourceError):
    """A source that could not be reached, or responded with an error; `retry_after` is in seconds."""

    def __init__(
        self, message: str, hint: str = "", *, status: int | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message, hint)
        self.status = status
        self.retry_after = retry_after


class HostPausedError(FetchError):
    """A host that asked for a pause earlier in this run; nothing was requested."""


class ParseError(SourceError):
    """A response that cannot be parsed as the expected format."""


class ModelError(DigestError):
    """A failure of a language model."""


class ModelUnavailableError(ModelError):
    """A model that cannot be reached now; `retry_after` is in seconds.

    `is_final`: another attempt is useless. `may_be_billed`: the prompt was sent, and the answer never arrived.
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
    """A completion that is not what the prompt asked for; `completion` holds its text."""

    def __init__(self, message: str, hint: str = "", *, completion: str = "") -> None:
        super().__init__(message, hint)
        self.completion = completion


class BudgetExceededError(ModelError):
    """A call that would exceed the limit of the run or of the month in USD."""


class StoreError(DigestError):
    """A database that cannot be opened, read or written."""


class NotFoundError(DigestError):
    """A name on the command line that does not exist."""

    exit_code = 2


class DraftError(DigestError):
    """A draft that cannot be parsed; `line` is 1-based, `file` its name once that is known."""

    def __init__(self, message: str, hint: str = "", *, line: int = 0, file: str = "") -> None:
        location = ", ".join([*([file] if file else []), *([f"line {line}"] if line else [])])
        super().__init__(f"{location}: {message}" if location else message, hint)
        self.detail = message
        self.line = line


class RenderError(DigestError):
    """A template that failed; `template` and `line` locate the failure."""

    def __init__(self, message: str, hint: str = "", *, template: str = "", line: int | None = None) -> None:
        location = f"{template}:{line}: " if line else f"{template}: " if template else ""
        super().__init__(location + message, hint)
        self.template = template
        self.line = line


class DeliveryError(DigestError):
    """A message that could not be delivered.

    `is_temporary`: a later attempt may succeed. `is_outcome_unknown`: the message may have been delivered.
    `is_systemic`: the cause is the server or the configuration, so the next message would fail too.
    `is_address_gone`: the server says that the recipient's address does not exist.
    """

    def __init__(
        self,
        message: str,
        hint: str = "",
        *,
        is_temporary: bool = False,
        is_outcome_unknown: bool = False,
        is_systemic: bool = False,
        is_address_gone: bool = False,
    ) -> None:
        super().__init__(message, hint)
        self.is_address_gone = is_address_gone
        self.is_temporary = is_temporary
        self.is_outcome_unknown = is_outcome_unknown
        self.is_systemic = is_systemic


class CheckFailedError(DigestError):
    """A failed check: what is missing, and the command that fixes it."""

    exit_code = 4


class EmptyPeriodError(CheckFailedError):
    """A period without any item: nothing failed, and there is nothing to draft."""

    exit_code = 3
