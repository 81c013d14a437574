"""Synthesise notes of artificial instruments, for examples and tests without recordings."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sktimbre._utils.checks import check_choice, check_real, check_whole
from sktimbre._utils.seeds import RandomState, draw_seed
from sktimbre.datasets.names import PIANO, name_of_pitch
from sktimbre.datasets.notes import Notes
from sktimbre.exceptions import ParameterError

MIDDLE_C = 261.6256
# Highest frequency of any partial, as a share of the sampling rate.
BAND = 0.45
RELEASE = 0.04


@dataclass(frozen=True)
class Instrument:
    """Parameters of a synthetic instrument's timbre; levels are in dB, frequencies in Hz, times in seconds.

    Parameters
    ----------
    name : str
        Name in file names.
    slope : float
        Fall of the partials' levels per octave, for notes up to middle C.
    slope_register : float
        Increase of the slope for every octave of the note above middle C, which makes high notes purer.
    even : float
        Level of even partials relative to odd ones, up to middle C; it halves with every octave above.
    formants : tuple of (frequency, gain, width) tuples
        Resonances of the body; the width is in octaves.
    attack, attack_spread : float
        Rise time of the first partial, and its increase for every octave of the partial above the first.
    decay : float
        Decay of the first partial in dB per second; higher partials decay faster.
    breath : float
        RMS level of the noise of breath or bow, relative to the tone.
    vibrato_rate, vibrato_depth : float
        Rate in Hz and depth in cents of the vibrato, which begins a quarter of a second after the onset.

    Examples
    --------
    >>> from dataclasses import replace
    >>> from sktimbre.datasets import INSTRUMENTS
    >>> hollow = replace(INSTRUMENTS["clarinet"], name="hollow", even=-40.0)
    """

    name: str
    slope: float
    slope_register: float
    even: float
    formants: tuple[tuple[float, float, float], ...]
    attack: float
    attack_spread: float
    decay: float
    breath: float
    vibrato_rate: float
    vibrato_depth: float


INSTRUMENTS = {
    instrument.name: instrument
    for instrument in (
        Instrument("flute", 9.0, 4.0, 0.0, ((800.0, 5.0, 0.8),), 0.07, 0.01, 1.5, -32.0, 5.2, 9.0),
        Instrument(
            "clarinet", 5.0, 2.5, -26.0, ((1500.0, 6.0, 0.6), (3400.0, 4.0, 0.4)), 0.035, 0.006, 0.5, -44.0, 4.0, 1.5
        ),
        Instrument(
            "string", 5.5, 1.0, 1.0, ((500.0, 4.0, 0.5), (2700.0, 7.0, 0.5)), 0.09, 0.012, 1.0, -38.0, 5.8, 14.0
        ),
        Instrument("brass", 3.0, 2.0, 0.0, ((1200.0, 8.0, 0.7),), 0.03, 0.03, 2.5, -50.0, 4.5, 3.0),
    )
}


def make_paired_notes(
    n_notes: int = 12,
    *,
    pitches: Sequence[int] | np.ndarray | None = None,
    duration: float = 1.0,
    sr: int = 22050,
    instruments: Sequence[str | Instrument] = ("flute", "clarinet"),
    random_state: RandomState = 0,
) -> Notes:
    """Synthesise the same notes played by two instruments.

    Each note is a sum of partials, with levels that depend on instrument and register, attack, decay, vibrato and breath
    noise. Tuning (within 5 cents), level (within 3 dB), phases and noise differ from note to note, as in real playing.

    Parameters
    ----------
    n_notes : int
        Number of pairs; ignored if `pitches` are given.
    pitches : sequence of int or None
        MIDI numbers, 0 to 127. ``None`` spreads up to 25 notes evenly over 60 to 84, C4 to C6; more notes are chromatic
        around 72.
    duration : float
        Length of every note in seconds.
    sr : int
        Sampling rate in Hz.
    instruments : pair of str or Instrument
        Source and target: names from ``INSTRUMENTS`` ("flute", "clarinet", "string", "brass") or instruments of
        your own.
    random_state : int, numpy Generator, RandomState or None
        Equal seeds give equal notes.

    Returns
    -------
    sklearn.utils.Bunch
        As from `load_paired_notes`, in the order of `pitches`:

        - source, target: ndarray of shape (n_notes, n_samples), float32. Peaks lie between 0.35 and 0.71. There is no
          partial above 0.45 ``sr``.
        - pitches: ndarray of shape (n_notes,), int.
        - source_files, target_files: list of pathlib.Path, names for files of these notes; no file is written.
        - unpaired_source, unpaired_target: list, empty.
        - sr: int.

    Raises
    ------
    ParameterError
        A parameter is out of range, an instrument is unknown, or a pitch is too high for `sr`.

    Examples
    --------
    >>> from sktimbre.datasets import make_paired_notes
    >>> notes = make_paired_notes(4, duration=0.5)
    >>> notes.source.shape, notes.target.shape, notes.pitches
    ((4, 11025), (4, 11025), array([60, 68, 76, 84]))
    """
    sr = check_whole(sr, "sr", 1, fix="It is in Hz.")
    n_samples = round(check_real(duration, "duration", 0.0, open_low=True, fix="It is in seconds.") * sr)
    if n_samples == 0:
        raise ParameterError(f"duration={duration} s is shorter than one sample at {sr} Hz; ask for more.")
    numbers = _resolve_pitches(n_notes, pitches)
    players = _resolve_instruments(instruments)
    for pitch in numbers:
        highest = _frequency(pitch) * 2 ** ((5 + max(player.vibrato_depth for player in players)) / 1200)
        if highest > BAND * sr:
            raise ParameterError(
                f"pitches has {pitch} ({_frequency(pitch):.0f} Hz), too high for sr={sr}: {BAND} sr is the limit. "
                "Raise sr, or leave the note out."
            )
    seed = draw_seed(random_state)
    sides = [
        np.stack(
            [_play(player, p, n_samples, sr, np.random.default_rng([seed, side, i])) for i, p in enumerate(numbers)]
        )
        for side, player in enumerate(players)
    ]
    files = [_file_names(player, numbers) for player in players]
    return Notes(
        source=sides[0],
        target=sides[1],
        pitches=np.array(numbers, dtype=int),
        source_files=files[0],
        target_files=files[1],
        unpaired_source=[],
        unpaired_target=[],
        sr=sr,
    )


def _play(player: Instrument, pitch: int, n_samples: int, sr: int, rng: np.random.Generator) -> np.ndarray:
    frequency = _frequency(pitch) * 2 ** (rng.uniform(-5, 5) / 1200)
    level = rng.uniform(-3, 3)
    time = np.arange(n_samples) / sr
    depth = player.vibrato_depth / 1200 * np.clip((time - 0.25) / 0.25, 0, 1)
    bend = 2 ** (depth * np.sin(2 * np.pi * (player.vibrato_rate * time + rng.uniform())))
    phase = 2 * np.pi * frequency * np.cumsum(bend) / sr
    tone = np.zeros(n_samples)
    n_partials = int(BAND * sr / (frequency * 2 ** (player.vibrato_depth / 1200)))
    for k in range(1, n_partials + 1):
        envelope = _envelope(player, time, n_samples / sr, np.log2(k))
        tone += 10 ** (_level(player, frequency, k) / 20) * envelope * np.sin(k * phase + rng.uniform(0, 2 * np.pi))
    noise = _breath(frequency, n_samples, sr, rng) * _envelope(player, time, n_samples / sr, 0.0)
    # Avoids division by zero if the note is silent, as a single sample can be.
    tiny = np.finfo(float).tiny
    noise *= 10 ** (player.breath / 20) * np.sqrt(np.mean(tone**2)) / max(np.sqrt(np.mean(noise**2)), tiny)
    tone += noise
    return (tone * (0.5 * 10 ** (level / 20) / max(np.abs(tone).max(), tiny))).astype(np.float32)


def _level(player: Instrument, frequency: float, k: int) -> float:
    """Return the level of the k-th partial in dB."""
    octaves_above = max(np.log2(frequency / MIDDLE_C), 0.0)
    level = -(player.slope + player.slope_register * octaves_above) * np.log2(k)
    if k % 2 == 0:
        level += player.even * 2**-octaves_above
    for centre, gain, width in player.formants:
        level += gain * np.exp(-0.5 * (np.log2(k * frequency / centre) / width) ** 2)
    return float(level)


def _envelope(player: Instrument, time: np.ndarray, duration: float, octave: float) -> np.ndarray:
    """Return the envelope (attack, decay, release) of a partial ``octave`` octaves above the first."""
    attack = min(player.attack + player.attack_spread * octave, 0.4 * duration)
    release = min(RELEASE, 0.4 * duration)
    rise = 0.5 - 0.5 * np.cos(np.pi * np.clip(time / attack, 0, 1))
    fall = 0.5 - 0.5 * np.cos(np.pi * np.clip((duration - time) / release, 0, 1))
    return rise * fall * 10 ** (-player.decay * (1 + 0.5 * octave) * time / 20)


def _breath(frequency: float, n_samples: int, sr: int, rng: np.random.Generator) -> np.ndarray:
    spectrum = np.fft.rfft(rng.standard_normal(n_samples))
    frequencies = np.fft.rfftfreq(n_samples, 1 / sr)
    shape = 1 / (1 + frequencies / (4 * frequency))
    return np.fft.irfft(np.where(frequencies < BAND * sr, spectrum * shape, 0), n_samples)


def _frequency(pitch: int) -> float:
    return 440.0 * 2 ** ((pitch - 69) / 12)


def _resolve_pitches(n_notes: Any, pitches: Any) -> list[int]:
    if pitches is not None:
        if not np.iterable(pitches) or isinstance(pitches, str | dict):
            raise ParameterError(f"pitches={pitches!r} must be a list of MIDI numbers, or None.")
        numbers = [check_whole(p, f"pitches[{i}]", 0, 127, fix="It is a MIDI number.") for i, p in enumerate(pitches)]
        if not numbers:
            raise ParameterError("pitches=[] is empty; pass at least one MIDI number, or None.")
        return numbers
    n_notes = check_whole(n_notes, "n_notes", 1, len(PIANO), fix="Pass pitches= for more.")
    if n_notes <= 25:
        return [int(p) for p in np.rint(np.linspace(60, 84, n_notes))]
    first = min(72 - n_notes // 2, PIANO[-1] + 1 - n_notes)
    return list(range(max(first, PIANO[0]), max(first, PIANO[0]) + n_notes))


def _resolve_instruments(instruments: Any) -> list[Instrument]:
    if not isinstance(instruments, list | tuple) or len(instruments) != 2:
        raise ParameterError(f"instruments={instruments!r} must be two of {', '.join(INSTRUMENTS)}: source and target.")
    players = []
    for i, instrument in enumerate(instruments):
        if not isinstance(instrument, Instrument):
            known = check_choice(instrument, f"instruments[{i}]", INSTRUMENTS, fix="Or pass an Instrument.")
            instrument = INSTRUMENTS[known]
        players.append(instrument)
    return players


def _file_names(player: Instrument, pitches: list[int]) -> list[Path]:
    """Return distinct file names; `pitch_from_name` reads the pitch from those of MIDI 12 and above."""
    names = []
    for i, pitch in enumerate(pitches):
        # MIDI numbers below 12 have negative octaves; the minus would read as a hyphen.
        note = name_of_pitch(pitch) if pitch >= 12 else f"midi{pitch}"
        take = pitches[:i].count(pitch)
        names.append(Path(f"{player.name}.{note}.take{take + 1}.wav" if take else f"{player.name}.{note}.wav"))
    return names
