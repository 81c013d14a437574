"""Shell completion of the values of options, without large imports."""

from collections.abc import Callable, Iterable

import typer

__all__ = [
    "complete_architecture",
    "complete_format",
    "complete_material",
    "complete_model",
    "complete_phase",
    "complete_preset",
    "complete_subtype",
    "complete_tuning",
]


def _completer(names: Callable[[typer.Context], Iterable[str]]) -> Callable[[typer.Context, str], list[str]]:
    """Return a completion function for typer from a function that lists all names."""

    def complete(ctx: typer.Context, incomplete: str) -> list[str]:
        return [name for name in names(ctx) if name.startswith(incomplete)]

    return complete


def _architectures(ctx: typer.Context) -> Iterable[str]:
    from sktimbre.autoencoder.networks.options import NAMES

    return NAMES


def _models(ctx: typer.Context) -> Iterable[str]:
    from sktimbre.models.shipped import names

    return names()


def _presets(ctx: typer.Context) -> Iterable[str]:
    from sktimbre.autoencoder.networks.options import PRESETS

    return PRESETS


def _formats(ctx: typer.Context) -> Iterable[str]:
    from sktimbre.audio.formats import FORMATS

    return [suffix.removeprefix(".") for suffix in FORMATS]


def _subtypes(ctx: typer.Context) -> Iterable[str]:
    """Return the subtypes of the format given by --format, or of all formats."""
    from sktimbre.audio.formats import FORMATS, legal_subtypes

    given = FORMATS.get(f".{(ctx.params.get('format') or '').lower().removeprefix('.')}")
    return dict.fromkeys(name for kind in ([given] if given else FORMATS.values()) for name in legal_subtypes(kind))


complete_architecture = _completer(_architectures)
complete_format = _completer(_formats)
complete_material = _completer(lambda ctx: ("notes", "playing", "same-piece"))
complete_model = _completer(_models)
complete_phase = _completer(lambda ctx: ("estimate", "source"))
complete_preset = _completer(_presets)
complete_subtype = _completer(_subtypes)
complete_tuning = _completer(lambda ctx: ("source", "target"))
