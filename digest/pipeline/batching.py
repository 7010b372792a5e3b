"""Remembers a batch job that was sent, so that a run that is broken off does not send and pay for it twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from digest.judging import GradingCall, PromptItem
from digest.pipeline.asking import BatchJobHandle
from digest.pipeline.context import Context
from digest.ports import Prompt
from digest.store import settings

_EMPTY_PROMPT = Prompt("judge", "", "", "", {})  # the words that were sent are not needed to read what came back


@dataclass(frozen=True)
class PendingBatchJob:
    """A job that was sent or was about to be, and per call whose names it uses.

    `names` gives for each name (the item's key, the key of its answer).
    """

    handle: BatchJobHandle
    call_names: Sequence[Mapping[str, Sequence[str]]]

    def rebuild_calls(self, items: Mapping[str, PromptItem], cache_keys: Mapping[str, str]) -> list[GradingCall]:
        """The calls again, for the items whose words, prompt and model are still those that were sent."""
        return [
            GradingCall(
                _EMPTY_PROMPT,
                {name: items[key] for name, (key, answer) in call.items() if cache_keys.get(key) == answer},
            )
            for call in self.call_names
        ]


class BatchJobStore:
    """The one job that may be under way for a model and a period, or another purpose of that name."""

    def __init__(self, context: Context, model: str, name: str) -> None:
        self._context = context
        self._name = f"batch:{model}:{name}"

    def load(self) -> PendingBatchJob | None:
        """The job of a run that did not live to its end."""
        with self._context.db.read() as session:
            kept = settings.load_value(session, self._name)
        return (
            PendingBatchJob(BatchJobHandle(kept.get("mark", ""), kept.get("call", 0), kept["job"]), kept["names"])
            if kept
            else None
        )

    def save(self, calls: Sequence[GradingCall], cache_keys: Mapping[str, str], handle: BatchJobHandle) -> None:
        """Write the job down: before it is sent, and with its name before it is waited for."""
        names = [{name: (one.key, cache_keys[one.key]) for name, one in batch.items_by_name.items()} for batch in calls]
        self._write({"job": handle.name, "mark": handle.batch_mark, "call": handle.call_id, "names": names})

    def clear(self) -> None:
        """Its answers are stored, or lost."""
        if self.load():
            self._write({})

    def _write(self, value: Mapping[str, object]) -> None:
        with self._context.db.write() as session:
            settings.save_value(session, self._name, value, self._context.now)
