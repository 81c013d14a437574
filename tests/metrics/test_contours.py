"""Contours of pitch and loudness, and the distance of harmonics."""

import numpy as np
import pytest

from sktimbre.exceptions import AudioError, ParameterError
from sktimbre.metrics import (
    harmonic_distance,
    loudness_distance,
    pitch_jaccard_distance,
    raw_pitch_accuracy,
)

SR = 22050
PITCH = (raw_pitch_accuracy, pitch_jaccard_distance)


def tone(f0, seconds=0.5, partials=(1, 0.6, 0.4, 0.3)):
    t = np.arange(int(SR * seconds)) / SR
    return (0.2 * sum(a * np.sin(2 * np.pi * k * f0 * t) for k, a in enumerate(partials, 1))).astype(np.float32)


def melody(*semitones):
    return np.concatenate([tone(440 * 2 ** (s / 12)) for s in semitones])[np.newaxis]


def test_pitch_of_the_same_melody():
    y = melody(0, 4, 7, 2)
    assert raw_pitch_accuracy(y, 0.1 * y) == 1
    assert pitch_jaccard_distance(y, 0.1 * y) == 0


def test_a_wrong_note_of_four():
    y, z = melody(0, 4, 7, 2), melody(0, 4, 9, 2)
    assert raw_pitch_accuracy(y, z, fmin=200) == pytest.approx(0.75, abs=0.05)
    # A quarter of the frames is in either set only: 1 - 3/5.
    assert pitch_jaccard_distance(y, z, fmin=200) == pytest.approx(0.4, abs=0.06)


def test_detuning_counts_beyond_the_tolerance():
    y, z = melody(0, 4), melody(0.4, 4.4)
    assert raw_pitch_accuracy(y, z, fmin=200) == pytest.approx(1, abs=0.03)
    assert raw_pitch_accuracy(y, z, fmin=200, tolerance=30) < 0.05
    assert pitch_jaccard_distance(y, z, fmin=200) < 0.1
    # A melody between two semitones is as near to itself a little higher.
    assert pitch_jaccard_distance(melody(0.48, 4.48), melody(0.55, 4.55), fmin=200) < 0.1


def test_a_note_that_is_missing():
    y = melody(0, 4, 7, 2)
    z = y.copy()
    z[:, SR // 2 : SR] = 0
    assert raw_pitch_accuracy(y, z, fmin=200) == pytest.approx(0.75, abs=0.05)
    assert pitch_jaccard_distance(y, z, fmin=200) == pytest.approx(0.25, abs=0.05)


@pytest.mark.parametrize("metric", PITCH)
def test_what_has_no_pitch(metric):
    y, silence = melody(0), np.zeros((1, SR // 2), np.float32)
    with pytest.raises(AudioError, match=r"y_true\[0\] has no pitch"):
        metric(silence, y)
    assert metric(y, silence) == (0 if metric is raw_pitch_accuracy else 1)
    with pytest.raises(ParameterError, match="fmax"):
        metric(y, y, fmin=500, fmax=400)


@pytest.mark.parametrize("metric", [*PITCH, loudness_distance, harmonic_distance])
def test_one_value_for_each(metric):
    y, z = np.stack([melody(0, 2)[0], melody(3, 5)[0]]), np.stack([melody(0, 2)[0], melody(3, 6)[0]])
    each = metric(y, z, average=False)
    assert each.shape == (2,)
    np.testing.assert_array_equal(metric(list(y), list(z), average=False), each)
    assert metric(y, z) == pytest.approx(each.mean())
    assert each[0] == pytest.approx(1 if metric is raw_pitch_accuracy else 0, abs=1e-6)


def test_loudness_without_level():
    y = np.random.default_rng(0).uniform(-1, 1, (1, SR)).astype(np.float32)
    rising = (y * np.geomspace(0.1, 1, SR)).astype(np.float32)
    assert loudness_distance(y, 0.2 * y) == pytest.approx(0, abs=1e-3)
    # 20 dB over the recording: a mean of 5 dB from its median.
    assert loudness_distance(y, rising) == pytest.approx(5, abs=0.5)
    silence = np.zeros_like(y)
    assert loudness_distance(y, silence, floor=30) == loudness_distance(silence, y, floor=30) == 30
    assert loudness_distance(silence, silence) == 0


def test_harmonics_at_their_own_pitch():
    bright, dark = (1, 1, 1, 1), (1, 0.1, 0.1, 0.1)
    y, z = tone(440, partials=bright)[np.newaxis], tone(452, partials=dark)[np.newaxis]
    assert harmonic_distance(y, 0.1 * tone(452, partials=bright)[np.newaxis], n_harmonics=4) < 1
    assert harmonic_distance(y, z, n_harmonics=4) == pytest.approx(20 * np.sqrt(3 / 4), abs=1)
    silence = np.zeros_like(y)
    assert harmonic_distance(y, silence, floor=50) == 50
    with pytest.raises(AudioError, match=r"y_true\[0\] has no pitch"):
        harmonic_distance(silence, y)
