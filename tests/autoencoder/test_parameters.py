"""Parameters of the training act, each as its documentation says."""

import tempfile

import joblib
import keras
import numpy as np
import pytest
from sklearn.metrics import mean_squared_error

from sktimbre import TimbreAutoencoder
from sktimbre.autoencoder import THESIS, PairAugmenter
from sktimbre.autoencoder.data.batches import SpectraBatches
from sktimbre.autoencoder.data.pairs import split_notes
from sktimbre.spectral.log_magnitudes import scaled

PLAIN = {name: THESIS[name] for name in ("activation", "schedule", "augment", "normalize_level", "quiet_weight")}
SMALL = {**PLAIN, "architecture": "shallow", "filters": 2, "epochs": 1, "random_state": 0}
# Weights stay what they are.
STILL = {**SMALL, "optimizer": "sgd", "optimizer__learning_rate": 1e-30}


def test_the_quiet_loss_has_its_weight(pair):
    losses = [
        TimbreAutoencoder(**{**STILL, "quiet_weight": weight}).fit(*pair).history_["loss"][0]
        for weight in (0, 0.1, 0.3)
    ]
    assert losses[1] - losses[0] > 0.1
    assert losses[2] - losses[0] == pytest.approx(3 * (losses[1] - losses[0]), rel=1e-3)


@pytest.mark.parametrize(
    ("early_stopping", "n_epochs"),
    [(3, 4), (True, 21), (np.True_, 21), pytest.param(False, 24, marks=pytest.mark.slow)],
)
def test_training_stops_after_so_many_epochs_without_improvement(pair, early_stopping, n_epochs):
    model = TimbreAutoencoder(**{**STILL, "epochs": 24}, early_stopping=early_stopping).fit(*pair)
    assert len(model.history_["loss"]) == n_epochs


def test_the_split_follows_the_fraction_and_the_seed(pair):
    model = TimbreAutoencoder(**STILL, validation_split=0.3).fit(*pair)
    np.testing.assert_array_equal(model.validation_indices_, split_notes(9, 0.3, 0)[1])
    splits = [split_notes(9, 0.3, seed) for seed in range(6)]
    for training, held_out in splits:
        assert len(held_out) == 3
        assert sorted([*training, *held_out]) == list(range(9))
    assert len({tuple(held_out) for _, held_out in splits}) > 3


@pytest.mark.parametrize(("n_notes", "groups"), [(1, None), (3, [60, 60, 60])])
def test_the_only_group_is_trained_on(n_notes, groups):
    training, held_out = split_notes(n_notes, 0.6, 0, groups)
    assert (len(training), len(held_out)) == (n_notes, 0)


@pytest.mark.parametrize(
    ("augment", "batch_size", "steps"),
    [
        # Nine notes of twenty frames: four pieces of five frames each, or two of sixteen, the default.
        (PairAugmenter(n_frames=5), 4, 9),
        (PairAugmenter(n_frames=5, epoch_size=10), 4, 3),
        (True, 4, 5),
        (False, 4, 3),
        (False, 2, 5),
    ],
)
def test_an_epoch_has_as_many_pieces_as_the_notes_are_long(pair, augment, batch_size, steps):
    seen = []
    count = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(batch))
    how = {"augment": augment, "batch_size": batch_size, "validation_split": 0}
    TimbreAutoencoder(**{**STILL, **how}).fit(*pair, callbacks=[count])
    assert len(seen) == steps


def test_processes_draw_what_a_thread_draws_and_leave_no_file(pair, monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    epochs = []
    for n_jobs in (None, 2):
        batches = SpectraBatches(pair, 4, seed=0, augmenter=PairAugmenter(n_frames=5), n_jobs=n_jobs)
        # A training may begin at a later epoch, read a batch again, and end before all are read.
        epochs.append([batches[0], batches[1]])
        batches.start(2)
        epochs[-1] += [batches[i] for i in (0, 1, 2, 1)]
        assert any(tmp_path.rglob("*.joblib")) is (n_jobs == 2)
        batches.close()
    assert not any(tmp_path.rglob("*.joblib"))
    for of_thread, of_processes in zip(*epochs, strict=True):
        np.testing.assert_array_equal(of_thread[0], of_processes[0])
        np.testing.assert_array_equal(of_thread[1], of_processes[1])
    assert not np.array_equal(epochs[0][0][0], epochs[0][2][0])


def test_the_number_of_processes_does_not_change_a_model(pair):
    weights = [TimbreAutoencoder(**STILL, n_jobs=n_jobs).fit(*pair).network_.weights for n_jobs in (1, 2)]
    for one, two in zip(*weights, strict=True):
        np.testing.assert_array_equal(one, two)
    # joblib's own processes work after it.
    assert joblib.Parallel(2)(joblib.delayed(abs)(-i) for i in range(3)) == [0, 1, 2]


def test_epochs_that_are_smaller_than_the_material_have_other_pieces_each(pair):
    batches = SpectraBatches(pair, 4, seed=0, augmenter=PairAugmenter(n_frames=5, epoch_size=4))
    notes = []
    for _ in range(12):
        assert len(batches) == 1
        notes.append(tuple(sorted(batches._order)))
        batches.on_epoch_end()
    assert len(set(notes)) > 8
    assert {note for epoch in notes for note in epoch} == set(range(9))


def test_incremental_fitting_has_all_pieces_of_a_call(pair):
    model = TimbreAutoencoder(**{**STILL, "augment": PairAugmenter(n_frames=5, epoch_size=4), "validation_split": 0})
    model.partial_fit(*pair)
    steps = int(model.optimizer_state_[0])
    assert steps == 9


def test_epochs_have_orders_of_their_own_and_each_has_all_notes(pair):
    def order():
        drawn = np.concatenate([batches[i][0] for i in range(len(batches))])[..., 0]
        return [int(np.flatnonzero((note == pair[0]).all(axis=(1, 2)))[0]) for note in drawn]

    batches = SpectraBatches(pair, 4, seed=0)
    first = order()
    batches.on_epoch_end()
    second = order()
    assert sorted(first) == sorted(second) == list(range(9))
    assert first != second
    batches.start(0)
    assert order() == first
    batches = SpectraBatches(pair, 4)
    assert order() == list(range(9))


def test_verbose_shows_epochs(pair, capsys):
    TimbreAutoencoder(**STILL).fit(*pair)
    assert capsys.readouterr().out == ""
    TimbreAutoencoder(**STILL, verbose=2).fit(*pair)
    assert "loss: " in capsys.readouterr().out


def test_standardization_is_measured_at_the_level_of_training(pair):
    S, T = pair
    quiet = [np.stack([scaled(note, np.float32(0.1)) for note in side]) for side in pair]
    found = [
        TimbreAutoencoder(**{**STILL, "normalize_level": True}, standardize=True).fit(*sides).network_.options
        for sides in ((S, T), quiet)
    ]
    np.testing.assert_allclose(found[1].standardization, found[0].standardization, rtol=1e-3)


def test_longer_notes_weigh_more_in_the_score(pair):
    lengths = (5, 20, 11)
    S, T = ([note[:, :n] for note, n in zip(side, lengths, strict=False)] for side in pair)
    model = TimbreAutoencoder(**STILL).fit(*pair)
    errors = [mean_squared_error(t, p) for t, p in zip(T, model.predict(S), strict=True)]
    assert model.score(S, T) == pytest.approx(-np.average(errors, weights=lengths), rel=1e-5)
