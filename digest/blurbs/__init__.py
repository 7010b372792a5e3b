"""Blurbs: quoted from the source or written by a model and checked against the source."""
