"""Polite, safe HTTP: requests through `Client`, when to ask again in `schedule`, parsing apart in `worker`."""

from digest.fetch.client import Client
from digest.fetch.pacing import BACKFILL_PAUSED, PAUSED, Pacer, Turns

__all__ = ["BACKFILL_PAUSED", "PAUSED", "Client", "Pacer", "Turns"]
