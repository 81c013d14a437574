"""A page for a blind listening test of a model: ABX, and ratings beside a hidden reference and anchors."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from sklearn.utils import Bunch

    from sktimbre.cli.comparison import Comparison

__all__ = ["Trial", "blind_page", "trials_of"]

# The systems of a trial, by their names in `Comparison`; the target is the reference.
ANCHORS = ("identity", "per-bin linear")
# RMS level of all sounds in dB relative to full scale, unless one of them would clip.
LEVEL = -23.0


@dataclass(frozen=True)
class Trial:
    """A note of the test.

    Parameters
    ----------
    name : str
        Name of the note.
    sounds : dict of str to bytes
        Audio as FLAC files, by system: "model", "target", and anchors.
    """

    name: str
    sounds: Mapping[str, bytes]


def trials_of(pairs: "Bunch", judged: Any, names: Sequence[str], compared: "Comparison", sr: float) -> list[Trial]:
    """Return the trials of a test: for each note the output, the target and the anchors, equally loud.

    Parameters
    ----------
    pairs : Bunch
        As in `compare`.
    judged : ndarray of int
        Indices of the notes that were compared.
    names : sequence of str
        Their names.
    compared : Comparison
        Their outputs.
    sr : float
        Sample rate in Hz.
    """
    from sktimbre.cli.listening import flac

    trials = []
    for i, (note, name) in enumerate(zip(judged, names, strict=True)):
        systems = {"model": compared.sounds["model"][i], "target": pairs.target[note]}
        systems |= {anchor: compared.sounds[anchor][i] for anchor in ANCHORS if anchor in compared.sounds}
        trials.append(Trial(name, {system: flac(y, sr) for system, y in _equally_loud(systems).items()}))
    return trials


def blind_page(title: str, trials: Sequence[Trial]) -> str:
    """Return the page as HTML that needs no other file.

    Parameters
    ----------
    title : str
        Shown at the top.
    trials : sequence of Trial
        Notes in the order of the page.

    Examples
    --------
    >>> from sktimbre.cli.blind import Trial, blind_page
    >>> html = blind_page("A & B", [Trial("C4", {"model": b"fLaC", "target": b"fLaC"})])
    >>> "A &amp; B" in html, html.count("<audio")
    (True, 2)
    """
    from sktimbre.cli.listening import templates

    page = hashlib.blake2b(digest_size=6)
    for trial in trials:
        for sound in trial.sounds.values():
            page.update(sound)
    return templates().get_template("blind.html").render(title=title, trials=trials, page=page.hexdigest())


def _equally_loud(sounds):
    """Return sounds at one RMS level; silence stays silent."""
    levels = {name: float(np.sqrt(np.mean(np.square(y, dtype=np.float64)))) for name, y in sounds.items()}
    gains = {name: 10 ** (LEVEL / 20) / level if level else 0.0 for name, level in levels.items()}
    peak = max(gains[name] * float(np.abs(y).max()) for name, y in sounds.items())
    return {name: (gains[name] / max(1.0, peak) * y).astype(np.float32) for name, y in sounds.items()}
