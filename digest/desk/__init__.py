"""The desk: a local web page for the editor's hour, a second shell beside the command line."""

from digest.desk.serve import DeskServer, serve_desk

__all__ = ["DeskServer", "serve_desk"]
