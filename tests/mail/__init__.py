"""Tests of messages and of how they leave."""
