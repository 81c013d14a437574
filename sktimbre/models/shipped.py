"""Names, cards and files of the models that come with the package."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sktimbre.exceptions import ParameterError

__all__ = ["ModelCard", "card", "load", "names", "path"]

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class ModelCard:
    """What a model that comes with the package was trained on, how it was judged, and what it cannot do.

    Parameters
    ----------
    name : str
        Name of the model.
    target : str
        Instrument of the output.
    sources : tuple of str
        Instruments that the model was trained to convert.
    sr : int
        Sample rate in Hz.
    pitches : tuple of two int
        MIDI numbers of the lowest and the highest training note.
    material : tuple of dict
        Collections of training notes, each with ``name``, ``licence`` and ``url``.
    errors : dict of str to dict
        By source, errors of performances relative to those of the unchanged source: ``melodies`` and ``chorales``.
    limits : str
        What the model cannot do.
    command : str
        The command that trains it again.
    """

    name: str
    target: str
    sources: tuple[str, ...]
    sr: int
    pitches: tuple[int, int]
    material: tuple[dict[str, str], ...]
    errors: dict[str, dict[str, float]]
    limits: str
    command: str


def names() -> list[str]:
    """Return the names of the models that come with the package.

    Returns
    -------
    list of str

    Examples
    --------
    >>> from sktimbre import models
    >>> "to-clarinet" in models.names()
    True
    """
    return sorted(file.stem for file in FOLDER.glob("*.sktimbre"))


def path(name: str) -> Path:
    """Return the file of a model that comes with the package.

    Parameters
    ----------
    name : str
        One of `names`.

    Returns
    -------
    Path

    Raises
    ------
    ParameterError
        There is no model of this name.
    """
    if name not in names():
        raise ParameterError(f"No model {name!r} comes with this package; there are {', '.join(names())}.")
    return FOLDER / f"{name}.sktimbre"


def card(name: str) -> ModelCard:
    """Return the card of a model that comes with the package.

    Parameters
    ----------
    name : str
        One of `names`.

    Returns
    -------
    ModelCard

    Raises
    ------
    ParameterError
        There is no model of this name.

    Examples
    --------
    >>> from sktimbre import models
    >>> models.card("to-clarinet").target
    'clarinet'
    """
    values = json.loads(path(name).with_suffix(".json").read_text())
    for key in ("sources", "pitches", "material"):
        values[key] = tuple(values[key])
    return ModelCard(name=name, **values)


def load(name: str) -> Any:
    """Load a model that comes with the package.

    Parameters
    ----------
    name : str
        One of `names`.

    Returns
    -------
    TimbreTransfer
        Fitted; its ``sr`` is the sample rate of the audio that it takes.

    Raises
    ------
    ParameterError
        There is no model of this name.

    See Also
    --------
    sktimbre.load : Loads a file.

    Examples
    --------
    >>> import numpy as np
    >>> from sktimbre import models
    >>> model = models.load("to-clarinet")
    >>> tone = 0.1 * np.sin(np.arange(model.sr) * 2 * np.pi * 440 / model.sr, dtype=np.float32)
    >>> model.predict([tone])[0].shape
    (44100,)
    """
    from sktimbre.persistence import load as load_file

    return load_file(path(name))
