"""The pitch that a network learns: that of the source, or that of the target."""

import numpy as np
import pytest

from sktimbre import LogSTFT, TimbreAutoencoder
from sktimbre._utils.notes import NotesOnDisk
from sktimbre.autoencoder.data.pitch import pitch_in_bins
from sktimbre.autoencoder.data.tuning import in_tune

SR = 22050


def tone(midi, cents, partials, n=SR // 3):
    f0 = 440 * 2 ** ((midi - 69 + cents / 100) / 12)
    time = np.arange(n) / SR
    y = sum(np.sin(2 * np.pi * h * f0 * time + h) * a for h, a in enumerate(partials, 1) if h * f0 < SR / 2)
    return (0.5 * y / np.abs(y).max()).astype(np.float32)


@pytest.fixture(scope="module")
def flat():
    """Spectra of six pairs whose targets are 30 cents flat."""
    stft = LogSTFT()
    pitches = [60, 63, 67, 72, 76, 81]
    source = stft.transform(np.stack([tone(p, 0, 1 / np.arange(1, 12)) for p in pitches]))
    target = stft.transform(np.stack([tone(p, -30, 1 / np.arange(1, 12) ** 1.5) for p in pitches]))
    return source, target


def cents_apart(S, T):
    return [1200 * np.log2(pitch_in_bins(b) / pitch_in_bins(a)) for a, b in zip(S, T, strict=True)]


def test_targets_are_brought_to_the_pitches_of_their_sources(flat):
    S, T = flat
    np.testing.assert_allclose(cents_apart(S, T), -30, atol=6)
    tuned = in_tune(S, T)
    np.testing.assert_allclose(cents_apart(S, tuned), 0, atol=3)
    # The timbre is kept: the level of each partial.
    for before, after in zip(T, tuned, strict=True):
        assert np.expm1(after).sum() == pytest.approx(np.expm1(before).sum(), rel=0.05)


def test_targets_without_a_clear_pitch_are_kept(flat):
    S, T = flat
    noise = np.random.default_rng(0).random(T[0].shape).astype(np.float32)
    tuned = in_tune([noise, S[0]], [T[0], T[5]])  # the second pair is 21 semitones apart
    np.testing.assert_array_equal(tuned[0], T[0])
    np.testing.assert_array_equal(tuned[1], T[5])


def test_notes_on_disk_are_transposed_when_they_are_read(flat):
    class Stored(NotesOnDisk):
        def __init__(self, notes):
            self.notes, self.shapes = notes, [note.shape for note in notes]

        def read(self, index):
            return self.notes[index]

    S, T = flat
    tuned = in_tune(Stored(S), Stored(T))
    assert isinstance(tuned, NotesOnDisk)
    for a, b in zip(tuned, in_tune(S, T), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("validation", [False, True])
def test_the_network_learns_the_pitch_that_is_asked_for(flat, validation):
    # The identity is near to the target in tune. It is what an untrained network predicts.
    errors = {}
    for tuning in ("source", "target"):
        more = {"validation_data": flat} if validation else {}
        network = TimbreAutoencoder(filters=2, epochs=1, augment=False, random_state=0, tuning=tuning)
        history = network.fit(*flat, **more).history_
        errors[tuning] = history["val_reconstruction_error" if validation else "reconstruction_error"][0]
    assert errors["source"] < 0.8 * errors["target"]


def test_incremental_fitting_has_the_same_tuning(flat):
    errors = {}
    for tuning in ("source", "target"):
        network = TimbreAutoencoder(filters=2, augment=False, random_state=0, tuning=tuning)
        errors[tuning] = network.partial_fit(*flat).history_["reconstruction_error"][0]
    assert errors["source"] < 0.8 * errors["target"]


def test_values_that_no_spectrum_has_are_clipped():
    """An autoencoder also takes tables of any numbers."""
    S = np.full((65, 4), -2.0, np.float32)
    S[10] = 120.0
    for tuned in in_tune([S, np.maximum(S, 0)], [S, np.maximum(S, 0)]):  # warnings are errors here
        assert np.isfinite(tuned).all()
