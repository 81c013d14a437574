"""Convert phrases of held-out notes (legato, staccato, dynamics), whole and in blocks, with the default model of `timbre.py`.

Prints the error of each note in its phrase, of the same note converted alone, and of the source; clicks at the borders of
the pieces of `predict_blocks`; and the level where the source is silent or has the noise of a room. Trains the model if
`timbre.py` has not.
"""

import argparse
from pathlib import Path
from unittest.mock import patch

import numpy as np
from _common import print_table, real_pairs, versions, write_json
from _models import OURS, checkpoints_in, parameters, trained

from sktimbre import LogSTFT
from sktimbre.metrics import log_spectral_distance, reconstruction_error
from sktimbre.spectral import StreamingInverter

HOP, N_FFT = 512, 1024
# Indices of the held-out notes by pitch: up and down again, long enough for several pieces.
MELODY = (0, 1, 2, 3, 4, 3, 2, 1)
PIECE, OVERLAP = 1.5, 0.3  # seconds; short, for many borders
NEAR = 0.005  # seconds around a border in which clicks are measured
ROOM = -75.0  # dBFS, RMS level of the noise of a quiet room
SILENT = -60.0  # dBFS, highest acceptable level of silence


def hops(seconds, sr):
    """Return the nearest whole number of hops in samples, so that a note has the same frames alone and in a phrase."""
    return HOP * round(seconds * sr / HOP)


def faded(y, samples):
    """Return a note that is faded in and out over ``samples`` samples."""
    ramp = np.ones(len(y), np.float32)
    ramp[:samples] = np.linspace(0, 1, samples)
    return y * ramp * ramp[::-1]


def arrange(notes, length, step, fade, gains):
    """Arrange notes to a phrase, one every ``step`` samples.

    Parameters
    ----------
    notes : ndarray of shape (n_notes, n_samples)
        Held-out notes by pitch.
    length, step, fade : int
        Samples of each note, between the beginnings of successive notes, and of the fades; overlapping fades cross-fade.
    gains : tuple of float
        Gains of successive notes in dB, repeated cyclically.

    Returns
    -------
    phrase : ndarray of shape (n_samples,), float32
    alone : ndarray of shape (n_melody, length), float32
        The notes of the phrase, faded and with their gains.
    """
    alone = np.stack(
        [faded(notes[i][:length], fade) * np.float32(10 ** (gains[k % len(gains)] / 20)) for k, i in enumerate(MELODY)]
    )
    phrase = np.zeros(step * (len(alone) - 1) + length, np.float32)
    for k, note in enumerate(alone):
        phrase[k * step : k * step + length] += note
    return phrase, alone


def layouts(sr):
    """Return length, step, fade and gains of each kind of phrase."""
    note, overlap, short = hops(0.6, sr), round(0.03 * sr), round(0.01 * sr)
    return {
        "legato": (note + overlap, note, overlap, (0.0,)),
        "staccato": (hops(0.25, sr), hops(0.25, sr) + hops(0.15, sr), short, (0.0,)),
        "dynamics": (note, note + hops(0.15, sr), short, (0.0, -12.0, -6.0)),
    }


def inside(y, start, length):
    """Return the frames of a phrase's spectra whose windows lie inside a note."""
    first, last = start // HOP + 1, (start + length - N_FFT // 2) // HOP
    return LogSTFT().fit_transform(y[np.newaxis])[:, :, first : last + 1]


def note_errors(wanted, given, length, step):
    """Return the reconstruction error of each note of a phrase."""
    starts = range(0, step * len(MELODY), step)
    return [reconstruction_error(inside(wanted, s, length), inside(given, s, length)) for s in starts]


def in_blocks(model, phrase):
    """Return the phrase converted by `predict_blocks`, and the positions of all borders in samples.

    These are the borders of blocks of audio, and those of the spectra of pieces, which differ since phase retrieval returns
    audio with a delay.
    """
    pushed, push = [], StreamingInverter.push

    def noted(stream, S):
        pushed.append(S.shape[1] * HOP)
        return push(stream, S)

    blocks = [phrase[i : i + 4096] for i in range(0, len(phrase), 4096)]
    with patch.object(StreamingInverter, "push", noted):
        given = list(model.predict_blocks(blocks, piece=PIECE, overlap=OVERLAP))
    ends = {int(end) for lengths in (pushed, map(len, given)) for end in np.cumsum(list(lengths))}
    return np.concatenate(given), sorted(end for end in ends if 0 < end < len(phrase))


def click(y, meetings, sr):
    """Return the largest second difference of audio near borders over the largest elsewhere; NaN without borders."""
    bend = np.abs(np.diff(y, 2))
    near = np.zeros(len(bend), bool)
    reach = round(NEAR * sr)
    for at in meetings:
        near[max(0, at - reach) : at + reach] = True
    return float(bend[near].max() / bend[~near].max()) if near.any() else float("nan")


def gap_level(y, length, step):
    """Return the RMS level in dBFS of gaps at least a window away from notes; None for phrases without such gaps."""
    if step - length < 2 * N_FFT:
        return None
    starts = range(length + N_FFT, step * (len(MELODY) - 1), step)
    gaps = np.concatenate([y[s : s + step - length - 2 * N_FFT] for s in starts])
    return float(20 * np.log10(max(np.sqrt(np.mean(gaps**2)), 1e-10)))


def judge(name, model, notes, held_out, layout, noise=None):
    """Convert a phrase; return a row of the table and the errors of its notes."""
    length, step, fade, gains = layout
    source, alone = arrange(notes.source[held_out], length, step, fade, gains)
    target, target_alone = arrange(notes.target[held_out], length, step, fade, gains)
    if noise is not None:
        hiss = np.random.default_rng(0).normal(0, 10 ** (noise / 20), len(source)).astype(np.float32)
        source = source + hiss
    whole = model.predict(source[np.newaxis])[0]
    blocks, meetings = in_blocks(model, source)
    singly = zip(target_alone, model.predict(alone), strict=True)
    errors = {
        "in the phrase": note_errors(target, whole, length, step),
        "in blocks": note_errors(target, blocks, length, step),
        "alone": [reconstruction_error(inside(t, 0, length), inside(p, 0, length)) for t, p in singly],
        "identity": note_errors(target, source, length, step),
    }
    row = {
        "phrase": name,
        **{f"error {key}": float(np.mean(values)) for key, values in errors.items()},
        "LSD dB, blocks - whole": log_spectral_distance(whole[np.newaxis], blocks[np.newaxis]),
        "click, blocks": click(blocks, meetings, notes.sr),
        "click, whole": click(whole, meetings, notes.sr),
        "gaps, source": gap_level(source, length, step),
        "gaps, output": gap_level(whole, length, step),
        "gaps, blocks": gap_level(blocks, length, step),
    }
    return row, errors


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--epochs", type=int, help="epochs of the training, for a quick look")
    p.add_argument("--duration", type=float, default=2.0, help="seconds of each note, 0.7 or more")
    p.add_argument("--output", type=Path, default=Path(__file__).parent / "results", help="folder")
    args = p.parse_args()
    notes, held_out = real_pairs(duration=args.duration)
    chosen = parameters(OURS, epochs=args.epochs)
    model, _ = trained(chosen, notes, ~held_out, held_out, checkpoints_in(args.output))
    rows, per_note = [], {}
    for name, layout in layouts(notes.sr).items():
        for room in (None, ROOM):
            title = name if room is None else f"{name}, noise {room:g} dBFS"
            row, errors = judge(title, model, notes, held_out, layout, room)
            rows.append(row)
            per_note[title] = errors
            pitches = notes.pitches[held_out][list(MELODY)]
            columns = [{"MIDI": str(m)} | {k: v[i] for k, v in errors.items()} for i, m in enumerate(pitches)]
            print_table(f"{title}: error of each note", columns)
    errors, borders = rows_of(rows, "error"), rows_of(rows, "LSD", "click", "gaps")
    print_table("error, mean over the notes of a phrase", errors)
    print_table(f"where pieces meet, and level of gaps in dBFS (bar {SILENT:g} where the source is silent)", borders)
    write_json(args.output / "phrases.json", {"versions": versions(), "rows": rows, "notes": per_note})


def rows_of(rows, *beginnings):
    """Return rows with the column of the phrase and the columns whose names start with ``beginnings``."""
    return [{key: row[key] for key in row if key == "phrase" or key.startswith(beginnings)} for row in rows]


if __name__ == "__main__":
    main()
