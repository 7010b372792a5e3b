"""Polite, safe HTTP through `client`; when to ask again in `schedule`; foreign documents read apart in `worker`."""
