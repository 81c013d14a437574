"""Synthetic notes: in tune, in band, different, repeatable."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sktimbre.datasets import INSTRUMENTS, make_paired_notes, pitch_from_name
from sktimbre.exceptions import ParameterError


def spectrum(y, sr):
    power = np.abs(np.fft.rfft(y * np.blackman(y.shape[-1]))) ** 2
    return power, np.fft.rfftfreq(y.shape[-1], 1 / sr)


def levels(y, sr, pitch, n=8):
    """Levels of the first partials in dB, beside the first."""
    power, f = spectrum(y, sr)
    f0 = 440 * 2 ** ((pitch - 69) / 12)
    sums = [power[abs(f - k * f0) < 0.02 * k * f0 + 5].sum() for k in range(1, n + 1)]
    return 10 * np.log10(np.array(sums) / sums[0])


@given(
    n_notes=st.integers(1, 88),
    duration=st.floats(0.001, 0.05),
    sr=st.sampled_from([11025, 22050, 44100]),
    instruments=st.tuples(*[st.sampled_from(sorted(INSTRUMENTS))] * 2),
)
@settings(max_examples=15, deadline=None)
def test_shapes_and_ranges(n_notes, duration, sr, instruments):
    notes = make_paired_notes(n_notes, duration=duration, sr=sr, instruments=instruments)
    shape = (n_notes, round(duration * sr))
    assert notes.source.shape == notes.target.shape == shape
    assert notes.source.dtype == notes.target.dtype == np.float32
    assert notes.pitches.tolist() == sorted(set(notes.pitches.tolist()))
    assert 21 <= notes.pitches[0] <= notes.pitches[-1] <= 108
    assert len(notes.source_files) == len(notes.target_files) == n_notes
    for side in (notes.source, notes.target):
        assert np.isfinite(side).all()
        assert np.abs(side).max() < 0.71


@pytest.mark.parametrize("instrument", sorted(INSTRUMENTS))
def test_notes_are_in_tune_and_in_band(instrument):
    sr = 22050
    notes = make_paired_notes(pitches=[40, 60, 69, 84, 100], sr=sr, instruments=(instrument, "flute"), random_state=3)
    for pitch, y in zip(notes.pitches, notes.source, strict=True):
        power, f = spectrum(y, sr)
        assert 10 * np.log10(power[f > 0.47 * sr].max() / power.max()) < -90
        f0 = 440 * 2 ** ((pitch - 69) / 12)
        # The partials lie on multiples of f0: what is between them is the breath.
        between = (np.abs(f / f0 - np.rint(f / f0)) > 0.2) | (f < f0 / 2)
        assert power[between & (f < 12 * f0)].sum() < 0.002 * power.sum()
        near = (f > f0 * 0.8) & (f < f0 * 1.2)
        peak = f[near][np.argmax(power[near])]
        assert abs(1200 * np.log2(peak / f0)) < 30
        assert 0.35 < np.abs(y).max() < 0.71
        assert np.abs(y[:10]).max() < 0.02
        assert np.abs(y[-3:]).max() < 0.02


def test_instruments_differ():
    notes = {name: make_paired_notes(pitches=[60], instruments=(name, "flute")).source[0] for name in INSTRUMENTS}
    profile = {name: levels(y, 22050, 60) for name, y in notes.items()}
    # Even partials of the clarinet are weak, the others' are not.
    for name, level in profile.items():
        gap = (level[0] + level[2]) / 2 - level[1]
        assert gap > 20 if name == "clarinet" else gap < 5, name
    names = sorted(profile)
    for i, a in enumerate(names):
        for b in names[i + 1 :]:
            assert np.sqrt(np.mean((profile[a] - profile[b]) ** 2)) > 4, (a, b)


def test_timbre_depends_on_register():
    notes = make_paired_notes(pitches=[60, 84], instruments=("flute", "clarinet"))
    low, high = (levels(y, 22050, p, 4) for y, p in zip(notes.source, notes.pitches, strict=True))
    assert high[1:].max() < low[1:].max() - 3


@pytest.mark.parametrize("seed", [0, np.int64(0), np.uint8(0)])
def test_equal_seeds_give_equal_notes(seed):
    a, b = make_paired_notes(2, duration=0.1), make_paired_notes(2, duration=0.1, random_state=seed)
    np.testing.assert_array_equal(a.source, b.source)
    np.testing.assert_array_equal(a.target, b.target)


def test_other_seeds():
    first = make_paired_notes(2, duration=0.1)
    state = np.random.RandomState(0)
    for seed in (1, None, state, np.random.default_rng(0)):
        assert np.abs(make_paired_notes(2, duration=0.1, random_state=seed).source - first.source).max() > 0.01
    a = make_paired_notes(2, duration=0.1, random_state=np.random.RandomState(5))
    b = make_paired_notes(2, duration=0.1, random_state=np.random.RandomState(5))
    np.testing.assert_array_equal(a.source, b.source)


def test_global_random_state_is_left_alone():
    np.random.seed(0)  # noqa: NPY002 - it is the subject
    make_paired_notes(1, duration=0.01)
    assert np.random.random() == np.random.RandomState(0).random()  # noqa: NPY002


def test_notes_of_one_pitch_and_instrument_differ():
    notes = make_paired_notes(pitches=[60, 60], duration=0.2, instruments=("flute", "flute"))
    assert np.abs(notes.source[0] - notes.source[1]).max() > 0.01
    assert np.abs(notes.source[0] - notes.target[0]).max() > 0.01


def test_file_names_tell_the_pitch():
    notes = make_paired_notes(pitches=[60, 61, 60, 127], sr=96000, duration=0.01)
    assert [pitch_from_name(file) for file in notes.target_files] == [60, 61, 60, 127]
    assert notes.source_files[2] == Path("flute.C4.take2.wav")


def test_default_pitches():
    assert make_paired_notes(25, duration=0.001).pitches.tolist() == [*range(60, 85)]
    assert make_paired_notes(88, duration=0.001).pitches.tolist() == [*range(21, 109)]
    assert make_paired_notes(30, duration=0.001).pitches.tolist() == [*range(57, 87)]


def test_an_instrument_of_your_own():
    hollow = replace(INSTRUMENTS["clarinet"], name="hollow", even=-60.0)
    notes = make_paired_notes(pitches=[60], instruments=(hollow, "clarinet"))
    assert levels(notes.source[0], 22050, 60)[1] < levels(notes.target[0], 22050, 60)[1] - 10
    assert notes.source_files == [Path("hollow.C4.wav")]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"n_notes": 0}, "n_notes=0"),
        ({"n_notes": 89}, "n_notes=89 must be a whole number from 1 to 88"),
        ({"pitches": []}, "empty"),
        ({"pitches": np.array(60)}, "must be a list"),
        ({"pitches": [60.5]}, r"pitches\[0\]=60\.5"),
        ({"pitches": [128]}, r"pitches\[0\]=128"),
        ({"pitches": [120], "sr": 8000}, "too high for sr=8000"),
        ({"duration": 0}, "duration=0"),
        ({"duration": 1e-6}, "shorter than one sample"),
        ({"sr": -1}, "sr=-1"),
        ({"instruments": ("flute", "clarient")}, "Did you mean 'clarinet'"),
        ({"instruments": ("flute",)}, "must be two of"),
        ({"instruments": "flute"}, "must be two of"),
        ({"random_state": -1}, "random_state=-1"),
    ],
)
def test_refuses(options, words):
    with pytest.raises(ParameterError, match=words):
        make_paired_notes(**options)
