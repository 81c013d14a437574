"""Options of the commands that convert: settings of the conversion, which change without another training."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sktimbre.cli.completion import complete_phase
from sktimbre.cli.options import takes
from sktimbre.exceptions import ParameterError
from sktimbre.transfer.settings import PHASES, RANGES

if TYPE_CHECKING:
    from sktimbre.cli.modelfiles import Converter

__all__ = ["SETTINGS", "apply_settings", "takes_settings"]

OF_MODEL = "the model's"


def _share(help: str) -> Any:
    return Annotated[float | None, typer.Option(min=0, max=1, metavar="0..1", help=help, show_default=OF_MODEL)]


def _known_phase(value: str | None) -> str | None:
    if value not in (None, *PHASES):
        raise typer.BadParameter(f"{value!r} is not one of {', '.join(map(repr, PHASES))}.")
    return value


# By the names of the parameters of `TimbreTransfer`.
SETTINGS: dict[str, Any] = {
    "amount": _share("How far spectra go from the source (0) to the target (1)."),
    "transpose": Annotated[
        float | None,
        typer.Option(
            min=RANGES["transpose"][0],
            max=RANGES["transpose"][1],
            metavar="SEMITONES",
            help="Semitones by which the output is higher than the recording; -12 is an octave lower.",
            show_default=OF_MODEL,
        ),
    ],
    "mix": _share("Share of the converted sound in the output; the rest is the recording."),
    "keep_noise": _share("Share of the recording's noise between partials, its breath or bow, that stays."),
    "noise": _share("Share of the fluctuation of the recording's noise that is restored between partials."),
    "loudness": _share("Share of the recording's loudness contour that is restored."),
    "phase": Annotated[
        str | None,
        typer.Option(
            help="Initial phase of phase retrieval: source or estimate.",
            show_default=OF_MODEL,
            autocompletion=complete_phase,
            callback=_known_phase,
        ),
    ],
}


def takes_settings(command: Callable[..., None]) -> Callable[..., None]:
    """Decorate a command, so that it has the options `SETTINGS`; those that are given are passed as a dict ``settings``."""
    return takes(command, SETTINGS, "settings")


def apply_settings(model: "Converter", settings: dict[str, Any]) -> None:
    """Set the settings of the conversion of a model.

    Raises
    ------
    ParameterError
        The model cannot use a value.
    """
    model.set_params(**settings)
    try:
        # Errors come now, not with the first recording.
        _ = model._conversion, model._from_source
    except ParameterError as error:
        raise ParameterError(_NAMED.sub(_as_option, str(error))) from None


_NAMED = re.compile(rf"\b({'|'.join(SETTINGS)})=('?)([^\s',:;]+)\2")


def _as_option(match):
    name, _, value = match.groups()
    return f"--{name.replace('_', '-')} {value}"
