"""Tests of language models behind their port."""
