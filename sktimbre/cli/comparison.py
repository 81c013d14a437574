"""Compare a model with the baselines, and record which notes a model was trained on."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sktimbre.cli.scores import METRICS, Scores, judge, mean, spectra_baselines
from sktimbre.cli.session import number
from sktimbre.exceptions import ParameterError

if TYPE_CHECKING:
    from sklearn.utils import Bunch

    from sktimbre.cli.modelfiles import Converter
    from sktimbre.datasets.listening import Sound
    from sktimbre.transfer import TimbreTransfer

__all__ = [
    "Comparison",
    "check_direction",
    "compare",
    "remember_training",
    "spectra_of",
    "split",
    "spread",
    "targets_for",
    "trained_on",
    "training_mask",
]


# Notes, at most, on which `fit` judges a model and the baselines are fitted.
MOST_JUDGED = 40


@dataclass(frozen=True)
class Comparison:
    """Outputs and scores of a model and the baselines on some notes.

    Parameters
    ----------
    sounds : dict of str to ndarray of shape (n_notes, n_samples), or to list of 1-D arrays
        Output audio, by "model" and the names of the baselines.
    scores : dict of str to Scores
        Scores of each note, by the same names.
    """

    sounds: dict[str, np.ndarray]
    scores: dict[str, Scores]

    @property
    def means(self) -> dict[str, dict[str, float | None]]:
        """Mean scores over the notes, by name and metric."""
        return {name: {key: mean(values) for key, values in each.items()} for name, each in self.scores.items()}

    @property
    def references(self) -> dict[str, float]:
        """Mean reconstruction errors of the baselines, by name."""
        errors = {name: each.get("reconstruction_error") for name, each in self.means.items() if name != "model"}
        return {name: error for name, error in errors.items() if error is not None}

    def cells(self, note: int | None = None) -> list[list[str]]:
        """Return the scores of a note, or the means without one, as rows of text; the first row has the headings."""
        chosen = self.means if note is None else self.of_note(note)
        rows = [["", *chosen]]
        for key, metric in METRICS.items():
            rows.append([metric.title, *(number(each.get(key), metric.digits) for each in chosen.values())])
        return rows

    def of_note(self, note: int) -> dict[str, dict[str, float | None]]:
        """Return the scores of a note, by name and metric."""
        return {name: {key: values[note] for key, values in each.items()} for name, each in self.scores.items()}


def compare(model: "TimbreTransfer", pairs: "Bunch", judged: Any, training: Any) -> Comparison:
    """Convert notes with a model and the baselines and score the outputs.

    Parameters
    ----------
    model : TimbreTransfer
        Fitted model.
    pairs : Bunch
        From `load_pairs` or `make_paired_notes`.
    judged, training : ndarray of int
        Indices of the notes to convert, and of the notes to fit baselines on. With fewer than two training notes there are
        only the baselines that need no fit: identity and phase oracle.

    Returns
    -------
    Comparison
    """
    from sklearn.utils import _safe_indexing

    from sktimbre.transfer.conversion import of_all_frames

    X = _safe_indexing(pairs.source, judged)
    y = targets_for(model, X, _safe_indexing(pairs.target, judged))
    stft = of_all_frames(model.stft_)
    S, T = stft.transform(X), stft.transform(y)
    spectra = {"model": model.predict_spectra(X), "identity": S}
    if len(training) >= 2:
        spectra |= spectra_baselines(spectra_of(model, pairs, spread(training)), [S, T])
        train = [_safe_indexing(side, training) for side in (pairs.source, pairs.target)]
        spectra |= _neighbours(model, train, pairs.pitches[training], X, pairs.pitches[judged])
    spectra["phase oracle"] = T
    # The model inverts its own spectra, and the identity returns the source's audio.
    sounds = {"model": model.predict(X), "identity": X}
    sounds |= {name: model.invert_spectra(given, X) for name, given in spectra.items() if name not in sounds}
    scores = {
        # The oracle's spectra are the target's, so only its audio is scored.
        name: judge(y, audio, T, None if name == "phase oracle" else spectra[name], model.sr)
        for name, audio in sounds.items()
    }
    return Comparison(sounds, scores)


def spread(notes: np.ndarray) -> np.ndarray:
    """Return at most `MOST_JUDGED` of some notes, from all of them alike: hearing the pitches of more takes minutes."""
    return notes[np.linspace(0, len(notes) - 1, min(len(notes), MOST_JUDGED)).round().astype(int)]


def spectra_of(model: "TimbreTransfer", pairs: "Bunch", which: np.ndarray) -> list[Any]:
    """Return the spectra of source and target of some pairs, the targets as `targets_for` returns them.

    Parameters
    ----------
    model : TimbreTransfer
        Fitted model.
    pairs : Bunch
        From `load_pairs` or `make_paired_notes`.
    which : ndarray of int
        Indices of the pairs.
    """
    from sklearn.utils import _safe_indexing

    from sktimbre.transfer.conversion import of_all_frames

    X, y = (_safe_indexing(side, which) for side in (pairs.source, pairs.target))
    stft = of_all_frames(model.stft_)
    return [stft.transform(side) for side in (X, targets_for(model, X, y))]


def targets_for(model: "TimbreTransfer", X: Any, y: Any) -> Any:
    """Return the targets to compare a model's output with: at the pitch of the source if the model keeps that.

    Notes in which no pitch can be heard, because they are too short, stay as they are.

    Parameters
    ----------
    model : TimbreTransfer
        Fitted model.
    X, y : ndarray of shape (n_notes, n_samples) or list of 1-D arrays
        Audio of sources and targets.
    """
    from sktimbre.exceptions import AudioError
    from sktimbre.metrics import match_pitch

    if getattr(model.autoencoder_, "tuning", "target") == "target":
        return y
    try:
        return match_pitch(y, X, sr=model.sr, fmax=min(4500.0, model.sr / 2))
    except AudioError:
        return y


def remember_training(
    model: "TimbreTransfer",
    pitches: Any,
    held_out_pitches: Any,
    files: Sequence[str] = (),
    duration: float | None = None,
) -> None:
    """Store in a fitted model which notes it was trained on; saving keeps the record, a new fit drops it.

    Parameters
    ----------
    model : TimbreTransfer
        Fitted model; changed in place.
    pitches, held_out_pitches : array-like of int
        MIDI numbers of the training notes and of the held-out notes.
    files : sequence of str
        Sources of the training notes by `digests_of`, since other files may have the same names.
    duration : float or None
        Seconds of each training note.
    """
    model.autoencoder_.trained_on_ = {
        "pitches": sorted(int(p) for p in pitches),
        "held_out_pitches": sorted(int(p) for p in held_out_pitches),
        "files": list(files),
        "duration": duration,
    }


def trained_on(model: "Converter") -> dict[str, Any] | None:
    """Return the record of `remember_training`, or None if the model has none."""
    return getattr(model.autoencoder_, "trained_on_", None)


def training_mask(model: "TimbreTransfer", pairs: Any) -> np.ndarray | None:
    """Return for each pair whether the model was trained on it; None if the model has no record of its training."""
    known = trained_on(model)
    return None if known is None else np.array([each in known["files"] for each in digests_of(pairs.source_sounds)])


def split(model: "TimbreTransfer", pairs: Any) -> tuple[np.ndarray | None, np.ndarray, np.ndarray]:
    """Return a mask of the training pairs (None if unknown), their indices, and the indices of the pairs to judge.

    Those are the pairs that the model was not trained on or, if it was trained on all or if that is unknown, all.
    """
    trained = training_mask(model, pairs)
    training = np.flatnonzero(trained) if trained is not None else np.arange(0)
    every = np.arange(len(pairs.pitches))
    return trained, training, np.setdiff1d(every, training) if len(training) < len(every) else every


def check_direction(model: "TimbreTransfer", pairs: Any) -> None:
    """Raise an error if source and target are swapped with respect to the model's training.

    Parameters
    ----------
    model : TimbreTransfer
        Fitted model.
    pairs : Bunch or PairedHeaders
        With ``source_sounds`` and ``target_sounds``.

    Raises
    ------
    ParameterError
        The model's training sources include more of the target files than of the source files.
    """
    known = set((trained_on(model) or {}).get("files", ()))
    as_source, as_target = (
        sum(each in known for each in digests_of(sounds)) for sounds in (pairs.source_sounds, pairs.target_sounds)
    )
    if as_target > as_source:
        raise ParameterError(
            f"SOURCE and TARGET are swapped: {as_target} notes of TARGET are sources that the model was trained on. Give "
            "them in the order that they had in `sktimbre fit`."
        )


def _neighbours(model, train, pitches, X, pitches_of_X):
    """Return the spectra of transposed neighbours, or nothing if the baseline does not support the model's STFT."""
    from sktimbre.baselines import TransposedNeighboursBaseline
    from sktimbre.spectral.geometry import geometry_of

    stft, geometry = model.stft_, geometry_of(model.stft_)
    if geometry is None or stft.n_frames is not None:
        return {}
    if (geometry.window, geometry.win, geometry.center) != ("hann", geometry.n_fft, True):
        return {}
    baseline = TransposedNeighboursBaseline(sr=model.sr, n_fft=geometry.n_fft, hop_length=geometry.hop)
    return {"transposed neighbours": baseline.fit(*train, pitches).predict(X, pitches_of_X)}


def digests_of(sounds: Iterable["Sound"]) -> list[str]:
    """Return hashes of the contents of sounds; each file is read once."""
    files: dict[Path, Any] = {}
    digests = []
    for sound in sounds:
        if sound.file not in files:
            with sound.file.open("rb") as file:
                files[sound.file] = hashlib.file_digest(file, partial(hashlib.blake2b, digest_size=8))
        digest = files[sound.file].copy()
        if sound.start is not None:
            digest.update(f" {sound.start:.3f}".encode())
        digests.append(digest.hexdigest())
    return digests
