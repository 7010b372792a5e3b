"""Tests of what a model is asked and of what is believed."""
