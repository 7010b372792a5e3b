"""Escape foreign text into Markdown and rewrite the editor's prose so that every parser reads it alike."""
