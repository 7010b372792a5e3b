"""Rank items: features with reasons, preferences learned from decisions, and measures of both."""
