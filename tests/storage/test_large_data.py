"""Fits from files, memory maps and generators: equal to those from arrays, in bounded memory, spectra kept and found again."""

import os
import tempfile
import tracemalloc

import numpy as np
import pytest
import soundfile
from sklearn.base import clone
from sklearn.linear_model import Ridge
from sklearn.model_selection import cross_val_score
from sklearn.preprocessing import StandardScaler

from sktimbre import LogSTFT, TimbreAutoencoder, TimbreTransfer
from sktimbre.audio import read_audio
from sktimbre.autoencoder.data.augmentation import MOST_MIXED, PairAugmenter, Variations
from sktimbre.autoencoder.data.batches import SpectraBatches
from sktimbre.datasets import make_paired_notes
from sktimbre.exceptions import AudioError, AudioFileError, ParameterError
from sktimbre.storage.notes import StoredNotes, as_stored
from sktimbre.storage.spectra import stored_pairs


def transfer(memory=None, **parameters):
    network = TimbreAutoencoder(
        **{"architecture": "shallow", "filters": 2, "epochs": 1, "random_state": 0, **parameters}
    )
    return TimbreTransfer(LogSTFT(n_fft=256), network, memory=memory)


def by_frames(memory=None):
    """A quick model, for what does not depend on the network."""
    return TimbreTransfer(LogSTFT(n_fft=256), Ridge(), memory=memory)


def weights(model):
    regressor = model.autoencoder_
    return (
        regressor.coef_
        if isinstance(regressor, Ridge)
        else np.concatenate([w.ravel() for w in regressor.network_.weights])
    )


@pytest.fixture(scope="module")
def arrays():
    notes = make_paired_notes(6, duration=0.3, random_state=0)
    return notes.source, notes.target


@pytest.fixture
def paths(arrays, tmp_path):
    sides = [[tmp_path / f"{side}{i}.wav" for i in range(len(arrays[0]))] for side in "xy"]
    for side, names in zip(arrays, sides, strict=True):
        for note, path in zip(side, names, strict=True):
            soundfile.write(path, note, 22050, subtype="FLOAT")
    return sides


def mapped(array, path, dtype=np.float32, **how):
    stored = np.lib.format.open_memmap(path, "w+", dtype, array.shape, **how)
    stored[:] = array
    stored.flush()
    return np.load(path, mmap_mode="r")


@pytest.fixture
def maps(arrays, tmp_path):
    return [mapped(side, tmp_path / f"{i}.npy") for i, side in enumerate(arrays)]


@pytest.mark.parametrize(
    "parameters", [{"standardize": True}, {"augment": False, "normalize_level": False, "standardize": True}], ids=str
)
def test_files_maps_and_generators_train_as_arrays_do(arrays, paths, maps, parameters):
    wanted = weights(transfer(**parameters).fit(*arrays))
    generator = (pair for pair in zip(*arrays, strict=True))
    for source, target in (paths, maps, (generator, None), ([str(path) for path in paths[0]], arrays[1])):
        np.testing.assert_array_equal(weights(transfer(**parameters).fit(source, target)), wanted)


def test_maps_of_spectra_train_as_arrays_do(arrays, tmp_path):
    spectra = [LogSTFT(n_fft=256).fit_transform(side) for side in arrays]
    on_disk = [mapped(side, tmp_path / f"{i}.npy") for i, side in enumerate(spectra)]
    network = transfer().autoencoder
    for target in (1, 0):
        wanted = network.fit(spectra[0], spectra[target], validation_data=spectra).network_.weights
        found = network.fit(on_disk[0], on_disk[target] if target else None, validation_data=on_disk).network_.weights
        for a, b in zip(wanted, found, strict=True):
            np.testing.assert_array_equal(a, b)


def test_validation_notes_may_be_files(arrays, paths):
    chosen = {"early_stopping": 1, "epochs": 2}
    wanted = transfer(**chosen).fit(*arrays, validation_data=arrays)
    found = transfer(**chosen).fit(*paths, validation_data=paths)
    assert found.autoencoder_.history_ == wanted.autoencoder_.history_
    assert found.score(*paths) == pytest.approx(wanted.score(*arrays), rel=1e-6)


def test_files_are_split_as_arrays_are(arrays, paths):
    found = cross_val_score(by_frames(), *paths, cv=2, error_score="raise")
    np.testing.assert_allclose(found, cross_val_score(by_frames(), *arrays, cv=2), rtol=1e-6)


def test_files_are_read_at_the_model_s_rate_and_as_mono(tmp_path):
    rng = np.random.default_rng(0)
    sides = [[tmp_path / f"{side}{i}.wav" for i in range(2)] for side in "xy"]
    for path in (*sides[0], *sides[1]):
        soundfile.write(path, rng.uniform(-0.5, 0.5, (8000, 2)), 44100)
    read = [[read_audio(path, 22050)[0] for path in side] for side in sides]
    np.testing.assert_array_equal(weights(by_frames().fit(*sides)), weights(by_frames().fit(*read)))


def test_memory_does_not_grow_with_the_notes(tmp_path):
    n_notes, shape = 400, (129, 40)
    rng = np.random.default_rng(0)
    S = (rng.exponential(size=shape).astype(np.float32) for _ in range(n_notes))
    pairs = stored_pairs(tmp_path, "many", ((s, s) for s in S))
    tracemalloc.start()
    try:
        batches = SpectraBatches(pairs, 4, 8, 0, PairAugmenter(epoch_size=None), normalize_level=True)
        for index in range(len(batches)):
            batches[index]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 0.25 * 2 * n_notes * 4 * np.prod(shape)


def no_more(*_):
    raise AssertionError("spectra were computed again")


@pytest.mark.parametrize("form", ["paths", "maps", "arrays"])
def test_spectra_are_kept_and_found_again(form, request, tmp_path, monkeypatch):
    pairs = request.getfixturevalue(form)
    model = by_frames(str(tmp_path / "kept"))
    wanted = weights(model.fit(*pairs))
    with monkeypatch.context() as context:
        context.setattr(LogSTFT, "transform", no_more)
        np.testing.assert_array_equal(weights(model.fit(*pairs)), wanted)
        with pytest.raises(AssertionError, match="computed again"):
            clone(model).set_params(stft__hop_length=64).fit(*pairs)
        if form == "paths":  # samples in memory have no rate
            with pytest.raises(AssertionError, match="computed again"):
                clone(model).set_params(sr=11025).fit(*pairs)


def test_files_of_other_content_are_other_spectra(paths, tmp_path):
    model = by_frames(str(tmp_path / "kept")).fit(*paths)
    before = weights(model)
    soundfile.write(paths[1][0], 0.5 * read_audio(paths[1][0])[0], 22050, subtype="FLOAT")
    assert np.abs(weights(model.fit(*paths)) - before).max() > 0


@pytest.mark.parametrize("name", ["source.f32", "target.f32", "shapes.npy"])
@pytest.mark.parametrize(
    "damage", [lambda path: path.unlink(), lambda path: os.truncate(path, path.stat().st_size // 2)]
)
def test_damaged_spectra_are_made_again(arrays, paths, tmp_path, name, damage):
    model = by_frames(str(tmp_path / "kept"))
    wanted = weights(model.fit(*paths))
    (damaged,) = (tmp_path / "kept").rglob(name)
    damage(damaged)
    np.testing.assert_array_equal(weights(model.fit(*paths)), wanted)
    assert len(list((tmp_path / "kept").rglob("*.npy"))) == 1


def test_nothing_is_left_where_nothing_is_to_be_kept(paths, tmp_path, monkeypatch):
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    by_frames().fit(*paths)
    os.truncate(paths[1][-1], 2000)
    missing_end = by_frames(str(folder))
    with pytest.raises(AudioFileError):
        missing_end.fit(*paths)
    with pytest.raises(AudioError):
        missing_end.fit(pair for pair in [(np.zeros(500), np.zeros(500)), (np.zeros(500), np.zeros(400))])
    assert list(folder.rglob("*.f32")) == []


def test_bad_files_are_named_before_work_starts(paths, tmp_path, monkeypatch):
    monkeypatch.setattr(LogSTFT, "transform", no_more)
    (tmp_path / "words.wav").write_text("no sound")
    soundfile.write(tmp_path / "short.wav", np.zeros(100), 22050)
    for wrong, named in (("nowhere.wav", "does not exist"), ("words.wav", "not a sound file")):
        with pytest.raises(AudioFileError, match=f"^y: .*{wrong}.*{named}"):
            by_frames().fit(paths[0], [*paths[1][:-1], tmp_path / wrong])
    with pytest.raises(AudioError, match=r"x5.wav has shape .*short.wav has shape \(100,\)"):
        by_frames().fit(paths[0], [*paths[1][:-1], tmp_path / "short.wav"])
    with pytest.raises(AudioError, match="6 notes and y has 5"):
        by_frames().fit(paths[0], paths[1][:-1])
    with pytest.raises(AudioError, match="y is None"):
        by_frames().fit(paths[0])
    with pytest.raises(ParameterError, match=r"sr=22050\.5"):
        by_frames().set_params(sr=22050.5).fit(*paths)
    with pytest.raises(AudioError, match=r"X\[0\] has .* samples, shorter than one window"):
        by_frames().set_params(stft__center=False, stft__n_fft=16384).fit(*paths)
    with pytest.raises(ParameterError, match="learns from all notes"):
        by_frames().set_params(stft=StandardScaler()).fit(*paths)


def test_a_file_that_changed_meanwhile_is_named(paths, monkeypatch):
    spectra = LogSTFT.transform

    def shortened(self, X):
        soundfile.write(paths[1][-1], np.zeros(100), 22050)
        return spectra(self, X)

    monkeypatch.setattr("sktimbre.storage.spectra.BLOCK", 2)
    monkeypatch.setattr(LogSTFT, "transform", shortened)
    with pytest.raises(AudioFileError, match=r"y5\.wav gives 100 samples"):
        by_frames().fit(*paths)


def test_bad_maps_and_streams_are_named(arrays, tmp_path):
    spoiled = arrays[0].copy()
    spoiled[3, 7] = np.nan
    with pytest.raises(AudioError, match=r"X\[3\] contains NaN"):
        by_frames().fit(mapped(spoiled, tmp_path / "x.npy"), arrays[1])
    note = np.zeros(500)
    for stream, named in (
        ([], "before its first pair"),
        ([(note, note), note], "Pair 1 of X is ndarray"),
        ([(note, note[:-1])], "source of pair 0 has shape"),
        ([(note, note), (note, note * np.nan)], "target of pair 1 contains NaN"),
    ):
        with pytest.raises(AudioError, match=named):
            by_frames().fit(iter(stream))
    with pytest.raises(ParameterError, match="generator"):
        by_frames().fit(iter([(note, note)]), arrays[1])


@pytest.mark.parametrize("dtype", ["<f4", ">f4", "f8", "f2"])
def test_maps_are_read_from_their_file(tmp_path, dtype):
    values = np.random.default_rng(0).normal(size=(7, 5, 11)).astype(dtype)
    stored = mapped(values, tmp_path / "a.npy", dtype)
    raw = np.memmap(
        tmp_path / "a.npy", dtype, "r", offset=os.path.getsize(tmp_path / "a.npy") - values.nbytes, shape=(7, 5, 11)
    )
    for look in (stored, raw, stored[2:], stored[::-2], raw[1:6:2, 1:3]):
        notes = as_stored(look, 3)
        assert isinstance(notes, StoredNotes)
        assert notes[1].dtype == np.float32
        np.testing.assert_array_equal(np.stack(list(notes)), np.asarray(look, np.float32))
        np.testing.assert_array_equal(notes.chosen([2, 0])[0], notes[2])


def test_other_maps_are_left_as_they_are(tmp_path):
    values = np.ones((4, 3, 5), np.float32)
    stored = mapped(values, tmp_path / "a.npy")
    copied = np.load(tmp_path / "a.npy", mmap_mode="c")
    across = mapped(values, tmp_path / "f.npy", fortran_order=True)
    for look in (values, copied, across, stored[..., ::2], stored[0], mapped(values, tmp_path / "i.npy", np.int16)):
        assert as_stored(look, 3) is look
    mapped(2 * values, tmp_path / "b.npy")
    os.replace(tmp_path / "b.npy", tmp_path / "a.npy")
    assert as_stored(stored, 3) is stored


def test_a_checkpoint_knows_notes_on_disk_by_their_content(arrays, paths, tmp_path):
    model = transfer(checkpoint=str(tmp_path / "checkpoint"))
    wanted = weights(model.fit(*paths))
    seen = {path: path.stat().st_mtime_ns for path in (tmp_path / "checkpoint").iterdir()}
    # A temporary folder of another name, and no epoch is left to run.
    np.testing.assert_array_equal(weights(model.fit(*paths)), wanted)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "checkpoint").iterdir()} == seen
    model.fit(paths[0], paths[0])
    assert len(list((tmp_path / "checkpoint").iterdir())) == 2


def test_regressors_of_frames_are_given_all_rows(arrays, paths):
    np.testing.assert_array_equal(weights(by_frames().fit(*paths)), weights(by_frames().fit(*arrays)))


def test_of_many_neighbours_some_are_drawn():
    S = [np.ones((65, 8), np.float32) for _ in range(4 * MOST_MIXED)]
    variations = Variations(PairAugmenter(), (S, S))
    variations.pitches, variations.target_pitches = np.full((2, len(S)), 40.0)
    rng = np.random.default_rng(0)
    drawn, weights, _ = zip(*(variations._neighbours(40.5, 8, rng) for _ in range(50)), strict=True)
    assert {len(near) for near in drawn} == {MOST_MIXED}
    assert set(np.concatenate(drawn)) == set(range(len(S)))
    np.testing.assert_allclose(np.sum(weights, axis=1), 1, rtol=1e-5)
    # Few are all taken, and nothing is drawn. How far targets lie above sources is a mean over all.
    variations.pitches[MOST_MIXED:] = 70
    variations.target_pitches[: MOST_MIXED // 2] += 0.5
    near, _, tuning = variations._neighbours(40.5, 8, None)
    np.testing.assert_array_equal(near, np.arange(MOST_MIXED))
    assert tuning == pytest.approx(0.25)
