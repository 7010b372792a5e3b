"""Tests of the grounding room."""
