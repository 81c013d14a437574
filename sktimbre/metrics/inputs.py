"""Helpers of the metrics: distinguish audio from spectra, check pairs, compute spectra, average over notes."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from sktimbre._utils.checks import check_flags
from sktimbre._utils.containers import is_ragged
from sktimbre._utils.validation import Batch, as_list, check_audio, check_pair, check_spectra
from sktimbre.exceptions import AudioError, ParameterError
from sktimbre.spectral.geometry import check_hop_length, check_n_fft
from sktimbre.spectral.stft import stft

Notes = list[np.ndarray]

DEFAULT_N_FFT = 1024


def is_spectra(X: Any) -> bool:
    """Return True for spectra (3-D, or a list of 2-D arrays), False for audio (2-D, or a list of 1-D arrays)."""
    if is_ragged(X):
        return max(np.ndim(x) for x in X) >= 2
    try:
        return np.ndim(X) >= 3
    except ValueError:  # unevenly nested lists, for which check_audio raises an error
        return False


def check_batch(X: Any, name: str) -> tuple[Batch, bool]:
    """Return checked audio or spectra, and whether they are spectra."""
    spectra = is_spectra(X)
    return (check_spectra(X, name=name) if spectra else check_audio(X, name=name)), spectra


def paired_audio(y_true: Any, y_pred: Any) -> tuple[Notes, Notes]:
    """Return the notes of two batches of audio, checked and of equal shapes."""
    for y, name in ((y_true, "y_true"), (y_pred, "y_pred")):
        if is_spectra(y):
            raise AudioError(
                f"{name} holds spectra, or notes with channels; this metric compares mono audio of shape (n_notes, "
                "n_samples). Invert the spectra first, for instance with GriffinLimInverter; mix channels with "
                "sktimbre.audio.to_mono."
            )
    true, pred = check_audio(y_true, name="y_true"), check_audio(y_pred, name="y_pred")
    check_pair(true, pred, ("y_true", "y_pred"))
    return as_list(true), as_list(pred)


def paired_spectra(y_true: Any, y_pred: Any, n_fft: int | None, hop_length: int | None) -> tuple[Notes, Notes]:
    """Return the log-magnitude spectra of two batches, each audio or spectra, checked and of equal shapes.

    The STFT of audio is computed with ``n_fft``; None is the n_fft of the other batch if that is spectra, else 1024.
    """
    n_fft, hop_length = None if n_fft is None else check_n_fft(n_fft), check_hop_length(hop_length)
    (true, true_is_spectra), (pred, pred_is_spectra) = check_batch(y_true, "y_true"), check_batch(y_pred, "y_pred")
    if not (true_is_spectra or pred_is_spectra):
        check_pair(true, pred, ("y_true", "y_pred"))
    for batch, spectra, name in ((true, true_is_spectra, "y_true"), (pred, pred_is_spectra, "y_pred")):
        if spectra:
            implied = 2 * (batch[0].shape[0] - 1)
            if n_fft is not None and n_fft != implied:
                raise ParameterError(
                    f"n_fft={n_fft} does not fit {name}: its {batch[0].shape[0]} frequencies come from "
                    f"n_fft={implied}; leave n_fft=None."
                )
            n_fft = implied
    sides = [
        as_list(batch) if spectra else as_list(log_spectra(batch, n_fft, hop_length, name))
        for batch, spectra, name in ((true, true_is_spectra, "y_true"), (pred, pred_is_spectra, "y_pred"))
    ]
    try:
        check_pair(sides[0], sides[1], ("y_true", "y_pred"))
    except AudioError as error:
        if true_is_spectra == pred_is_spectra:
            raise
        raise AudioError(
            f"{error} One of them is audio, transformed with n_fft={n_fft} and hop_length={hop_length} (None is "
            "n_fft // 2): pass the hop_length that the spectra were computed with."
        ) from None
    return sides[0], sides[1]


def log_spectra(y: Batch, n_fft: int | None, hop_length: int | None, name: str) -> Batch:
    """Return log(1 + |STFT|) of checked audio, float32, with time last; a list for a list."""
    n_fft = DEFAULT_N_FFT if n_fft is None else n_fft
    check_long_enough(y, n_fft, f"n_fft={n_fft}", "a smaller n_fft or longer notes", name)
    if isinstance(y, np.ndarray):
        return np.log1p(np.abs(stft(y, n_fft, hop_length)))
    return [np.log1p(np.abs(stft(note, n_fft, hop_length))) for note in y]


def check_long_enough(y: Batch, n_samples: int, what: str, fix: str, name: str) -> None:
    """Raise `AudioError`, with the index of the note, if a note has fewer than ``n_samples``."""
    for i, note in enumerate(y):
        if len(note) < n_samples:
            raise AudioError(f"{name}[{i}] has {len(note)} samples, shorter than one window ({what}); use {fix}.")


def check_not_silent(notes: Sequence[np.ndarray], name: str) -> None:
    """Raise `AudioError`, with the index of the note, if a note is silent."""
    for i, note in enumerate(notes):
        if not note.any():
            raise AudioError(f"{name}[{i}] is silent, so the distance to it is undefined. Leave the note out.")


def summarise(values: Sequence[float], average: bool) -> float | np.ndarray:
    """Return the mean over notes as a float, or the values as float64 of shape (n_notes,)."""
    check_flags(average=average)
    per_note = np.asarray(values, np.float64)
    return float(per_note.mean()) if average else per_note
