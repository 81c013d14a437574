"""Scores of converted notes: distances, pitch, loudness, and the class that a classifier of real notes gives them."""

import librosa
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sktimbre import LogSTFT
from sktimbre.autoencoder.data.pairs import frames_together
from sktimbre.metrics import (
    estimate_f0,
    f0_error,
    log_spectral_distance,
    loudness_correlation,
    match_pitch,
    mfcc_distance,
    multiscale_spectral_distance,
    reconstruction_error,
)
from sktimbre.metrics.harmonic import harmonic_levels

OCTAVES = {"59-70": (59, 70), "71-82": (71, 82), "83-93": (83, 93)}
QUIET = 30.0  # dB below a note's loudest frame; quieter frames are ignored
N_HARMONICS, FLOOR = 8, 60.0
SIXTY = 1e-3  # -60 dB


def features(y, pitch, sr):
    """Return features of an instrument that do not depend on level: mean and deviation of cepstra, levels of harmonics."""
    cepstra = librosa.feature.mfcc(y=y, sr=sr, n_mfcc=20, n_fft=1024, hop_length=512, n_mels=64)[1:]
    loudness = librosa.feature.rms(y=y, frame_length=1024, hop_length=512)[0]
    cepstra = cepstra[:, loudness >= loudness.max() * 10 ** (-QUIET / 20)]
    f0 = estimate_f0(y[np.newaxis], sr=sr)[0]
    f0 = f0 if np.isfinite(f0) else librosa.midi_to_hz(pitch)
    levels = harmonic_levels(y, f0, sr, N_HARMONICS)
    return np.concatenate(
        [cepstra.mean(axis=1), cepstra.std(axis=1), np.maximum(np.nan_to_num(levels, nan=-FLOOR), -FLOOR)]
    )


class Recogniser:
    """Classifier of notes by instrument, source or target, trained on the real notes of both at the training pitches.

    It has only these two classes and assigns noise to either, so its answers are meaningful only if errors are small.

    Attributes
    ----------
    accuracy : float
        Accuracy on the real held-out notes of both instruments.
    """

    def __init__(self, notes, held_out):
        self.sr = notes.sr
        known = {False: notes.source, True: notes.target}
        x = np.concatenate([self._features(y, notes.pitches) for y in known.values()])
        label = np.repeat(list(known), len(held_out))
        unknown = np.tile(held_out, 2)
        self.pipeline = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
        self.pipeline.fit(x[~unknown], label[~unknown])
        self.accuracy = float(self.pipeline.score(x[unknown], label[unknown]))

    def _features(self, audio, pitches):
        return np.stack([features(y, pitch, self.sr) for y, pitch in zip(audio, pitches, strict=True)])

    def takes_for_target(self, audio, pitches) -> np.ndarray:
        """Return 1 for each note that is classified as the target's, else 0."""
        return self.pipeline.predict(self._features(audio, pitches)).astype(float)


def level(audio):
    """Return the RMS level of each note in dB, -180 for silence."""
    return 20 * np.log10(np.maximum(np.sqrt(np.mean(np.square(audio, dtype=np.float64), axis=1)), 1e-9))


def while_both_sound(S, T, predicted):
    """Return spectra of sources, targets and predictions, cut where the first of source and target begins to end."""
    until = [frames_together(*pair) for pair in zip(S, T, strict=True)]
    return ([note[:, :n] for note, n in zip(side, until, strict=True)] for side in (S, T, predicted))


def judge(S, audio, notes, held_out, recogniser) -> list[dict]:
    """Return a dictionary of scores for each held-out note, from predicted spectra and audio.

    Deviations of pitch are given from the target and from the source, since the two instruments are tuned about 33 cents
    apart. "In tune" are errors and distances from the target at the pitch of the output: models keep the source's tuning by
    default. Errors and distances are also given for the frames of `while_both_sound`: an output ends with its source, but its
    target may sound on.
    """
    X, y, sr, pitches = notes.source[held_out], notes.target[held_out], notes.sr, notes.pitches[held_out]
    stft = LogSTFT().fit(X)
    T, X_spectra = stft.transform(y), stft.transform(X)
    in_tune = stft.transform(match_pitch(y, audio, sr=sr))
    X_both, T_both, S_both = while_both_sound(X_spectra, T, S)
    in_tune_both = [wanted[:, : predicted.shape[1]] for wanted, predicted in zip(in_tune, S_both, strict=True)]
    columns = {
        "pitch": pitches,
        "error": reconstruction_error(T, S, average=False),
        "identity error": reconstruction_error(T, X_spectra, average=False),
        "LSD dB": log_spectral_distance(T, S, average=False),
        "error, in tune": reconstruction_error(in_tune, S, average=False),
        "LSD dB, in tune": log_spectral_distance(in_tune, S, average=False),
        "error, both sound": reconstruction_error(T_both, S_both, average=False),
        "error, in tune, both sound": reconstruction_error(in_tune_both, S_both, average=False),
        "LSD dB, in tune, both sound": log_spectral_distance(in_tune_both, S_both, average=False),
        "identity error, both sound": reconstruction_error(T_both, X_both, average=False),
        "LSD dB, both sound": log_spectral_distance(T_both, S_both, average=False),
        "LSD dB of audio": log_spectral_distance(y, audio, average=False),
        "multi-scale": multiscale_spectral_distance(y, audio, average=False),
        "MFCC": mfcc_distance(y, audio, sr=sr, average=False),
        "loudness corr.": loudness_correlation(X, audio, sr=sr, average=False),
        "level dB": level(audio) - level(y),
        "taken for target": recogniser.takes_for_target(audio, pitches),
    }
    for side, reference in (("target", y), ("source", X)):
        for name in ("median", "p95"):
            columns[f"cents from {side}, {name}"] = f0_error(reference, audio, sr=sr, statistic=name, average=False)
    return [dict(zip(columns, (float(v) for v in row), strict=True)) for row in zip(*columns.values(), strict=True)]


def mean(per_note, name) -> float | None:
    """Return the mean of a score over notes; None if a stored row lacks the score because it is older."""
    known = [note[name] for note in per_note if name in note]
    return float(np.mean(known)) if known else None


def spectra_row(name, per_note, seconds, factor) -> dict:
    """Return a row of the table of distances."""
    return {
        "row": name,
        "error": mean(per_note, "error"),
        "/ identity": mean(per_note, "error") / mean(per_note, "identity error"),
        "error, in tune": mean(per_note, "error, in tune"),
        "LSD dB, in tune": mean(per_note, "LSD dB, in tune"),
        **{column: mean(per_note, column) for column in ("LSD dB", "LSD dB of audio", "multi-scale", "MFCC")},
        "train s": seconds,
        "real-time factor": factor,
    }


def sounding_row(name, per_note) -> dict:
    """Return a row of the table of distances over the frames of `while_both_sound`."""
    error, identity = mean(per_note, "error, both sound"), mean(per_note, "identity error, both sound")
    return {
        "row": name,
        "error": error,
        "/ identity": None if error is None else error / identity,
        "LSD dB": mean(per_note, "LSD dB, both sound"),
    }


def hearing_row(name, per_note) -> dict:
    """Return a row of the table of pitch, loudness and classification.

    Deviations from the pitch of target and source are in cents: the median and the 95th percentile over the frames of a note,
    averaged over notes. Levels are those of the output relative to the target.
    """
    row: dict = {"row": name}
    for side in ("target", "source"):
        row |= {f"{side} {which}": mean(per_note, f"cents from {side}, {which}") for which in ("median", "p95")}
    row |= {column: mean(per_note, column) for column in ("loudness corr.", "taken for target", "level dB")}
    return row | {"lowest level dB": min((note["level dB"] for note in per_note if "level dB" in note), default=None)}


def octave_row(name, per_note) -> dict:
    """Return the reconstruction error by octave; None for octaves without a held-out note."""
    row: dict = {"row": name}
    for octave, (low, high) in OCTAVES.items():
        inside = [note for note in per_note if low <= note["pitch"] <= high]
        row[f"MIDI {octave}"] = mean(inside, "error") if inside else None
    return row


def shaped(X, sr):
    """Return the notes with changed loudness: a crescendo of 24 dB, a tremolo of 6 dB at 5 Hz, an attack after 0.4 s."""
    t = np.arange(X.shape[1]) / sr
    late = round(0.4 * sr)
    return {
        "crescendo": X * 10 ** (24 * (t / t[-1] - 1) / 20),
        "tremolo": X * 10 ** (3 * np.sin(2 * np.pi * 5 * t) / 20),
        "late attack": np.pad(X, ((0, 0), (late, 0)))[:, : X.shape[1]],
    }


def end_level(model, X, sr):
    """Return the level of the last 0.1 s relative to the 0.1 s before in dB, of outputs minus sources, averaged over notes."""
    n = sr // 10
    out, given = (
        np.std(y[:, -n:], axis=1) / np.maximum(np.std(y[:, -2 * n : -n], axis=1), SIXTY) for y in (model.predict(X), X)
    )
    return float(np.mean(20 * np.log10(np.maximum(out, SIXTY) / np.maximum(given, SIXTY))))
