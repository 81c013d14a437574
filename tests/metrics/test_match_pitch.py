"""Notes at the pitch of other notes."""

import numpy as np
import pytest

from sktimbre.exceptions import AudioError
from sktimbre.metrics import estimate_f0, log_spectral_distance, match_pitch

SR = 22050


def tone(frequency, n=SR, level=0.5):
    time = np.arange(n) / SR
    y = sum(np.sin(2 * np.pi * h * frequency * time) / h for h in range(1, 9))
    return (level * y / np.abs(y).max()).astype(np.float32)


def test_notes_are_brought_to_the_pitch():
    y = np.stack([tone(430), tone(225), tone(1000)])
    reference = np.stack([tone(440), tone(220), tone(1000)])
    matched = match_pitch(y, reference, sr=SR)
    assert matched.shape == y.shape
    assert matched.dtype == np.float32
    np.testing.assert_allclose(1200 * np.log2(estimate_f0(matched, sr=SR) / [440, 220, 1000]), 0, atol=1)
    # What was lowered is longer and cut, what was raised ends with zeros.
    assert not matched[0][-400:].any()
    assert matched[1][-400:].any()
    # The same tone is got back.
    middle = slice(2000, 18000)
    assert log_spectral_distance(reference[:, middle], matched[:, middle]) < 0.5 * log_spectral_distance(
        reference[:, middle], y[:, middle]
    )


def test_notes_without_a_common_pitch_are_kept():
    noise = np.random.default_rng(0).normal(0, 0.1, SR).astype(np.float32)
    y = [tone(440, SR // 2), noise, tone(440), np.zeros(SR, np.float32)]
    reference = [tone(440 * 2 ** (1.2 / 12), SR // 2), tone(440), noise, tone(440)]
    for before, after in zip(y, match_pitch(y, reference, sr=SR), strict=True):
        np.testing.assert_array_equal(before, after)
    with pytest.raises(AudioError, match="reference"):
        match_pitch([tone(440)], [tone(440, SR // 2)])
