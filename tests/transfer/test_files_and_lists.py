"""Notes of different lengths and sound files, in every container, through scikit-learn's model selection."""

import numpy as np
import pandas as pd
import pytest
import soundfile
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, KFold, LeaveOneOut, cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline

from sktimbre import GriffinLimInverter, LogSTFT, TimbreTransfer
from sktimbre.audio import read_audio, write_audio
from sktimbre.baselines import IdentityBaseline
from sktimbre.datasets import make_paired_notes
from sktimbre.exceptions import AudioFileError
from sktimbre.storage.spectra import BLOCK

SR = 22050
LENGTHS = (3000, 2000, 2600, 2200, 2400, 2000)
KINDS = ("list", "tuple", "objects", "series", "paths", "array of paths", "series of paths", "gsm paths")


@pytest.fixture(scope="module")
def notes():
    made = make_paired_notes(len(LENGTHS), duration=0.2, random_state=0)
    return [[note[:n] for note, n in zip(side, LENGTHS, strict=True)] for side in (made.source, made.target)]


@pytest.fixture(scope="module")
def sides(notes, tmp_path_factory):
    """Source and target in each container."""
    folder = tmp_path_factory.mktemp("notes")
    both = {}
    for side, name in zip(notes, "xy", strict=True):
        paths = [str(folder / f"{name}{i}.wav") for i in range(len(side))]
        for path, note in zip(paths, side, strict=True):
            write_audio(path, note, SR, subtype="FLOAT")
        index = list("fedcba")
        made = [
            side,
            tuple(side),
            np.fromiter(side, object),
            pd.Series(side, index),
            paths,
            np.array(paths),
            pd.Series(paths, index),
        ]
        both[name] = dict(zip(KINDS, made, strict=False))
        # GSM files have whole blocks of samples.
        both[name]["gsm paths"] = [path.replace(".wav", "-gsm.wav") for path in paths]
        for path, note in zip(both[name]["gsm paths"], side, strict=True):
            soundfile.write(path, note, SR, subtype="GSM610")
    return {kind: (both["x"][kind], both["y"][kind]) for kind in KINDS}


def model(**parameters):
    return TimbreTransfer(LogSTFT(n_fft=256), Ridge(), GriffinLimInverter(n_iter=1), **parameters)


def assert_notes(found, wanted, **tolerance):
    assert [note.shape for note in found] == [note.shape for note in wanted]
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_allclose(a, b, **(tolerance or {"rtol": 1e-3, "atol": 1e-4}))


@pytest.mark.parametrize("kind", KINDS[:-1])
def test_every_container_gives_the_same(notes, sides, kind):
    fitted = model().fit(*sides[kind])
    alike = model().fit(*notes)
    assert fitted.score(*sides[kind]) == pytest.approx(alike.score(*notes), rel=1e-4)
    predicted = fitted.predict(sides[kind][0])
    assert isinstance(predicted, list)
    assert_notes(predicted, alike.predict(notes[0]))
    assert_notes(fitted.predict_spectra(sides[kind][0]), alike.predict_spectra(notes[0]))


@pytest.mark.parametrize("cv", [KFold(2), LeaveOneOut()], ids=["halves", "singles"])
@pytest.mark.parametrize("kind", KINDS)
def test_cross_validation(notes, sides, kind, cv):
    X, y = sides[kind]
    predicted = cross_val_predict(model(), X, y, cv=cv)
    assert isinstance(predicted, np.ndarray)
    assert np.isfinite(cross_val_score(model(), X, y, cv=cv)).all()
    if kind.startswith("gsm"):
        assert [len(note) for note in predicted] == [len(read_audio(path)[0]) for path in X]
        return
    by_hand = [None] * len(LENGTHS)
    for train, test in cv.split(LENGTHS):
        fitted = model().fit(*([side[i] for i in train] for side in notes))
        for i, note in zip(test, fitted.predict([notes[0][i] for i in test]), strict=True):
            by_hand[i] = note
    assert_notes(predicted, by_hand)


@pytest.mark.parametrize("kind", KINDS)
def test_searches(sides, kind):
    search = GridSearchCV(model(), {"autoencoder__alpha": [1.0, 1e6]}, cv=2, error_score="raise").fit(*sides[kind])
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert len(search.predict(sides[kind][0])) == len(LENGTHS)


def test_lists_of_one_length_are_joined_to_an_array(notes):
    X, y = ([note[:2000] for note in side] for side in notes)
    joined = cross_val_predict(model(), X, y, cv=3)
    assert joined.shape == (len(LENGTHS), 2000)
    np.testing.assert_allclose(joined, cross_val_predict(model(), np.stack(X), np.stack(y), cv=3), atol=1e-5)


@pytest.mark.parametrize("kind", ["list", "objects", "series"])
def test_predictions_of_pipelines_are_joined_too(notes, sides, kind):
    X, _ = sides[kind]
    S = LogSTFT(n_fft=256).fit_transform(notes[0])
    assert_notes(cross_val_predict(make_pipeline(LogSTFT(n_fft=256), IdentityBaseline()), X, None, cv=2), S)


def test_files_are_read_block_by_block(sides, notes, monkeypatch):
    monkeypatch.setattr("sktimbre.transfer.inputs.BLOCK", 4)
    sizes, fitted = [], model().fit(*notes)
    predict = TimbreTransfer.predict

    def counted(self, X):
        sizes.append(len(X))
        return predict(self, X)

    monkeypatch.setattr(TimbreTransfer, "predict", counted)
    assert len(fitted.predict(sides["paths"][0])) == len(LENGTHS)
    assert sizes == [len(LENGTHS), 4, 2]
    assert BLOCK > 1


def test_a_file_that_cannot_be_read_is_named_before_work_starts(notes, sides, tmp_path, monkeypatch):
    fitted = model().fit(*notes)
    monkeypatch.delattr(LogSTFT, "transform")
    (tmp_path / "words.wav").write_text("no sound")
    for method in (fitted.predict, fitted.predict_spectra, lambda X: fitted.score(X, sides["paths"][1])):
        with pytest.raises(AudioFileError, match=r"^X: .*words\.wav is not a sound file"):
            method([*sides["paths"][0][:-1], tmp_path / "words.wav"])
