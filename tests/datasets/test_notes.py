import pickle
import sys
import wave
from io import BytesIO

import numpy as np
import pytest
from sklearn.utils import Bunch

from sktimbre.audio import write_audio
from sktimbre.datasets import load_notes, make_paired_notes
from sktimbre.exceptions import ParameterError


@pytest.fixture(scope="module")
def notes():
    return make_paired_notes(3, duration=0.1, sr=8000)


def samples(player):
    with wave.open(BytesIO(player.data)) as file:
        assert file.getframerate() == 8000
        return np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32767


def test_player_has_the_note_at_its_level(notes):
    np.testing.assert_allclose(samples(notes.play(1)), notes.source[1], atol=1e-4)
    np.testing.assert_allclose(samples(notes.play(-1, "target")), notes.target[2], atol=1e-4)
    assert "<audio" in notes.play(0)._repr_html_()


def test_loaded_notes_have_one_side(notes, tmp_path):
    write_audio(tmp_path / "C4.wav", 0.5 * notes.source[0], 8000, subtype="FLOAT")
    loaded = load_notes(tmp_path, sr=8000, trim=False)
    np.testing.assert_allclose(samples(loaded.play(0)), 0.5 * notes.source[0], atol=1e-4)
    loaded.audio[0] *= 100
    assert np.abs(samples(loaded.play(0))).max() == 1


def test_what_is_not_there_is_refused(notes):
    with pytest.raises(ParameterError, match="i=3"):
        notes.play(3)
    with pytest.raises(ParameterError, match="side='output'"):
        notes.play(0, "output")


def test_without_ipython(notes, monkeypatch):
    monkeypatch.setitem(sys.modules, "IPython.display", None)
    with pytest.raises(ImportError, match="pip install ipython"):
        notes.play(0)


def test_notes_are_a_bunch_and_pickle(notes):
    copy = pickle.loads(pickle.dumps(notes))
    assert isinstance(copy, Bunch)
    assert list(copy) == list(notes)
    np.testing.assert_array_equal(copy.source, notes.source)
    np.testing.assert_array_equal(samples(copy.play(0)), samples(notes.play(0)))
    assert "play" in dir(notes)
