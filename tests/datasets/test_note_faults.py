"""Levels of notes, and recordings that are useless as notes."""

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from sktimbre.datasets.faults import far_levels, note_faults, note_level

SR = 22050


def tone(f0=220.0, sr=SR, seconds=1.0, peak=0.5):
    t = np.arange(int(seconds * sr)) / sr
    y = sum(np.sin(2 * np.pi * n * f0 * t + n) / n for n in range(1, 8) if n * f0 < 0.45 * sr) * np.exp(-t)
    return peak * y / np.abs(y).max()


def rounded(y, bits):
    return np.rint(y * 2 ** (bits - 1)) / 2 ** (bits - 1)


@pytest.mark.parametrize("sr", [8000, 44100])
def test_level_of_a_sine(sr):
    """Full scale is 0 dB; neither silence around it, nor an offset, nor a click matters."""
    sine = 0.01 * np.sin(2 * np.pi * 440 * np.arange(sr // 4) / sr)
    y = np.r_[np.zeros(sr), sine, np.zeros(3 * sr)]
    assert note_level(y, sr) == pytest.approx(-40, abs=0.2)
    assert note_level(y + 0.3, sr) == pytest.approx(-40, abs=0.2)
    y[sr // 2 : sr // 2 + sr // 200] = 1.0
    assert note_level(y, sr) == pytest.approx(-40, abs=0.3)


def test_level_of_a_short_note():
    assert note_level(np.r_[np.zeros(SR), tone(seconds=0.06), np.zeros(SR)], SR) > -20
    assert note_level(np.full(3, 0.1), SR) == note_level(np.zeros(0), SR) == -np.inf
    assert np.isfinite(note_level([0.1, -0.1], SR))


@given(
    levels=st.lists(st.floats(-120, 0) | st.sampled_from([-np.inf, np.nan]), max_size=9),
    offset=st.floats(-20, 20),
)
@settings(deadline=None)
def test_far_levels_against_their_definition(levels, offset):
    levels = np.array(levels)
    far = far_levels(levels)
    assert far.shape == levels.shape
    for i, level in enumerate(levels):
        others = np.delete(levels, i)
        others = others[np.isfinite(others)]
        expected = bool(np.isfinite(level) and len(others) and abs(level - np.median(others)) > 40)
        assert far[i] == expected


def test_far_levels():
    assert not far_levels(np.linspace(-45, -6, 30)).any()
    assert far_levels([-20, -25, -22, -82, -np.inf]).tolist() == [False, False, False, True, False]
    assert far_levels([]).tolist() == far_levels(np.zeros(0)).tolist() == []


@pytest.mark.parametrize("bits", [8, 16, 24])
@pytest.mark.parametrize("sr", [8000, 22050, 96000])
def test_good_notes_have_no_faults(sr, bits):
    for f0 in (27.5, 110.0, 1000.0, 3000.0):
        y = rounded(tone(f0, sr), bits)
        assert note_faults(y, sr) == ()
        assert note_faults(np.stack([y, 0 * y]), sr) == ()
        # Normalised to full scale, one sample each.
        assert note_faults(rounded(tone(f0, sr, peak=1.0), bits), sr) == ()


@pytest.mark.parametrize("bits", [8, 16])
def test_coarse_steps_are_not_clipping(bits):
    sine = np.sin(2 * np.pi * 27.5 * np.arange(2 * SR) / SR)
    assert note_faults(rounded(0.5 * sine, bits), SR, clarity=1.0) == ()


def test_silent():
    for y in (np.zeros(0), np.zeros((2, 0)), np.zeros((2, SR)), np.full(SR, 0.4), 0.9e-4 * tone(peak=1.0)):
        assert note_faults(y, SR) == ("silent",)
    assert note_faults(1.2e-4 * tone(peak=1.0), SR) == ()


def test_antiphase():
    y, other = tone(), tone(330.0)
    assert note_faults(np.stack([y, -y]), SR) == ("antiphase",)
    assert note_faults(np.stack([y, -0.85 * y]), SR) == ("antiphase",)
    assert note_faults(np.stack([y, -0.6 * y]), SR) == ()
    assert note_faults(np.stack([y, other]), SR) == ()
    assert note_faults(np.stack([y, *np.zeros((7, SR))]), SR) == ()


@pytest.mark.parametrize("bits", [16, 24])
def test_clipped(bits):
    y = 4 * tone(110.0)
    assert note_faults(rounded(np.clip(y, -0.5, 0.5), bits), SR) == ("clipped",)
    # On one side, in one channel, before the level was lowered.
    one_side = rounded(0.1 * np.minimum(y, 1), bits)
    assert note_faults(np.stack([tone(110.0), one_side]), SR) == ("clipped",)
    # A plateau or two are no clipping.
    spoilt = rounded(tone(110.0), bits)
    spoilt[[1000, 1001, 1002, 1003, 9000, 9001, 9002, 9003]] = 0.9
    assert "clipped" not in note_faults(spoilt, SR)


def test_short():
    for length, faults in ((0.03, ("short",)), (0.06, ())):
        y = np.r_[np.zeros(SR), 0.5 * np.cos(2 * np.pi * 880 * np.arange(int(length * SR)) / SR)]
        assert note_faults(y, SR, clarity=1.0) == faults
        assert note_faults(np.r_[y, np.zeros(SR)], SR, clarity=1.0) == faults


def test_noise():
    rng = np.random.default_rng(0)
    white = 0.1 * rng.normal(size=2 * SR)
    for y in (white, np.cumsum(white) * 0.05, white * np.exp(-np.arange(2 * SR) / SR / 0.2)):
        assert note_faults(y - y.mean(), SR) == ("noise",)
    # Partials that stand out are a note, though no pitch be heard; a clear pitch is believed.
    assert note_faults(tone(peak=0.3) + white[:SR], SR, clarity=0.0) == ()
    assert note_faults(white, SR, clarity=0.9) == ()


@pytest.mark.parametrize(
    "folder", ["notes/flute", "notes/clarinet", "notes/piano", "gm/violin/notes", "gm/guitar/notes"]
)
def test_real_notes(notes_folder, folder):
    for path in sorted((notes_folder.parent / folder).iterdir())[::3]:
        channels, sr = soundfile.read(path, always_2d=True)
        assert note_faults(channels.T, sr) == (("silent",) if path.name == "violin.Bb6.flac" else ()), path.name


def test_real_notes_that_are_spoilt(notes_folder):
    for instrument in ("flute", "clarinet", "piano"):
        for path in sorted((notes_folder / instrument).iterdir())[:60:10]:
            y, sr = soundfile.read(path)
            peak = np.abs(y).max()
            assert note_faults(np.stack([y, -y]), sr) == ("antiphase",), path.name
            assert note_faults(rounded(np.clip(y, -peak / 3, peak / 3), 16), sr) == ("clipped",), path.name
