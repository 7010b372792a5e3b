"""The desk: a local web page for the editor's hour, a second shell beside the command line."""

__all__ = ["DeskServer", "serve_desk"]
