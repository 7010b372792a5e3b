"""Remembers a batch job that was sent, so that a run that is broken off does not send and pay for it twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from digest.judging import Batch, Candidate
from digest.pipeline.asking import Sent
from digest.pipeline.context import Context
from digest.ports import Prompt
from digest.store import settings

_ANSWERED = Prompt("judge", "", "", "", {})  # the words that were sent are not needed to read what came back


@dataclass(frozen=True)
class Job:
    """A job that was sent or was about to be, and per call whose names it uses.

    `names` gives for each name (the item's key, the key of its answer).
    """

    sent: Sent
    names: Sequence[Mapping[str, Sequence[str]]]

    def batches(self, candidates: Mapping[str, Candidate], keys: Mapping[str, str]) -> list[Batch]:
        """The calls again, for the items whose words, prompt and model are still those that were sent."""
        return [
            Batch(_ANSWERED, {name: candidates[key] for name, (key, answer) in call.items() if keys.get(key) == answer})
            for call in self.names
        ]


class Jobs:
    """The one job that may be under way for a model and a period, or another purpose of that name."""

    def __init__(self, context: Context, model: str, name: str) -> None:
        self._context = context
        self._name = f"batch:{model}:{name}"

    def left(self) -> Job | None:
        """The job of a run that did not live to its end."""
        with self._context.db.read() as session:
            kept = settings.read(session, self._name)
        return Job(Sent(kept.get("mark", ""), kept.get("call", 0), kept["job"]), kept["names"]) if kept else None

    def keep(self, batches: Sequence[Batch], keys: Mapping[str, str], sent: Sent) -> None:
        """Write the job down: before it is sent, and with its name before it is waited for."""
        names = [{name: (one.key, keys[one.key]) for name, one in batch.names.items()} for batch in batches]
        self._write({"job": sent.name, "mark": sent.mark, "call": sent.call_id, "names": names})

    def forget(self) -> None:
        """Its answers are stored, or lost."""
        if self.left():
            self._write({})

    def _write(self, value: Mapping[str, object]) -> None:
        with self._context.db.write() as session:
            settings.write(session, self._name, value, self._context.now)
