"""The `sktimbre` command; `main` is its entry point."""

from sktimbre.cli.app import app, main

__all__ = ["app", "main"]
