"""The `sktimbre` command, with the entry point `main`."""

from sktimbre.cli.app import app, main

__all__ = ["app", "main"]
