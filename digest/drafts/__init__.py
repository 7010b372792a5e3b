"""Drafts of issues: candidates proposed, edited, merged and checked, until a person approves them."""
