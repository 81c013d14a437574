"""The pitch that is heard, of real notes and of tones that are hard."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sktimbre.audio import read_audio
from sktimbre.datasets import pitch_from_name
from sktimbre.datasets.pitch import LEAST_CLARITY, hear_pitch
from sktimbre.datasets.pitches import find_tuning

SR = 22050


def tone(midi, duration=1.0, sr=SR, partials=12, stretch=0.0, weakest=1.0, seed=0):
    """A decaying tone; ``weakest`` is the amplitude of the fundamental beside the other partials."""
    t = np.arange(int(duration * sr)) / sr
    rng, f0 = np.random.default_rng(seed), 440 * 2 ** ((midi - 69) / 12)
    y = np.zeros(len(t))
    for n in range(1, partials + 1):
        f = n * f0 * np.sqrt((1 + stretch * n**2) / (1 + stretch))
        if f < 0.45 * sr:
            y += (weakest if n == 1 else 1 / n) * np.sin(2 * np.pi * (f * t + rng.random()))
    return 0.1 * y * np.exp(-2 * t)


@settings(deadline=None, max_examples=60)
@given(
    midi=st.floats(24, 105),
    stretch=st.sampled_from([0.0, 1e-4, 5e-4]),
    weakest=st.sampled_from([1.0, 0.05]),
    decibels=st.floats(-60, 0),
    seed=st.integers(0, 99),
)
def test_tones_of_any_pitch_level_and_stiffness(midi, stretch, weakest, decibels, seed):
    # Without its fundamental a tone of few partials is one of another pitch.
    weakest = 1.0 if midi > 90 else weakest
    y = tone(midi, stretch=stretch, weakest=weakest, seed=seed) * 10 ** (decibels / 20)
    heard = hear_pitch(y, SR)
    assert heard.clarity > LEAST_CLARITY
    assert heard.midi == pytest.approx(midi, abs=0.35)


@pytest.mark.parametrize("sr", [8000, 16000, 44100, 48000])
def test_any_rate(sr):
    for midi in (40, 69, 90):
        assert hear_pitch(tone(midi, sr=sr), sr).midi == pytest.approx(midi, abs=0.2)


def test_a_room_before_the_note_changes_nothing():
    rng = np.random.default_rng(0)
    for midi in (33, 60, 88):
        y = tone(midi)
        room = rng.normal(0, 10 ** (-45 / 20) * np.abs(y).max(), 3 * SR)
        assert hear_pitch(np.concatenate([room, y]), SR).midi == pytest.approx(midi, abs=0.2)


def test_what_has_no_pitch_is_not_believed():
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 0.1, 2 * SR)
    smooth = np.convolve(noise, np.ones(20) / 20, "same")
    click = np.zeros(SR)
    click[1000] = 1
    for y in (noise, smooth, click):
        assert hear_pitch(y, SR).clarity < LEAST_CLARITY
    for y in (np.zeros(SR), np.zeros(3), np.full(SR, 0.5)):
        heard = hear_pitch(y, SR)
        assert heard.clarity < LEAST_CLARITY or np.isnan(heard.midi)


def test_short_notes():
    for seconds in (0.15, 0.3):
        for midi in (52, 69, 84):
            assert hear_pitch(tone(midi, seconds), SR).midi == pytest.approx(midi, abs=0.3)


@pytest.mark.parametrize("instrument", ["flute", "clarinet", "piano"])
def test_every_real_note(notes_folder, instrument):
    """Notes are up to 77 cents from their names, in the recordings themselves; an octave or a partial would be far more."""
    for path in sorted((notes_folder / instrument).iterdir()):
        y, sr = read_audio(path, duration=2.0)
        heard = hear_pitch(y, sr)
        assert heard.clarity > LEAST_CLARITY
        assert heard.midi == pytest.approx(pitch_from_name(path), abs=0.8), path.name


@pytest.mark.parametrize(
    ("midi", "tuning"),
    [
        ([60.44, 62.46], 0.45),
        ([60.3, 64.75], 0.0),
        ([60.3, 62.7], 0.0),
        ([60.3, 62.7, 64.0], 0.0),
        ([60.3], 0.3),
        ([60.4, 62.45, 64.1, 65.5, 67.42], 0.42),
    ],
)
def test_few_notes_have_a_tuning_if_they_agree(midi, tuning):
    assert find_tuning(midi) == pytest.approx(tuning, abs=0.011)
