"""Lists, arrays of objects and Series of notes, and names of files."""

import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sktimbre._utils.containers import NoteList, is_paths, is_ragged, returns_notes

A, B = np.arange(3.0), np.arange(5.0)


def objects(*values):
    return np.fromiter(values, object, len(values))


@pytest.mark.parametrize(
    "X",
    [
        [A, B],
        [A, A],
        (A,),
        objects(A, A),
        objects(A, [1.0]),
        pd.Series([A, B]),
        pd.Series([[0.0], [0.0, 1.0]], [7, 5]),
        [[0.0], [1, 2]],
    ],
)
def test_one_array_for_each_note(X):
    assert is_ragged(X)
    assert not is_paths(X)


@pytest.mark.parametrize(
    "X", [[], A, [[1, 2], [3, 4]], pd.Series(A), pd.DataFrame([A, A]), objects(1, 2), "ab", None, 3, ["a", "b"]]
)
def test_one_array_or_none(X):
    assert not is_ragged(X)


@pytest.mark.parametrize(
    "X",
    [
        ["a.wav", Path("b.wav")],
        ("a.wav",),
        np.array(["a.wav", "b.wav"]),
        objects("a.wav", Path("b.wav")),
        pd.Series(["a.wav", "b.wav"], [3, 1]),
        pd.Series([Path("a.wav")]),
        pd.Series(["a.wav"], dtype="string"),
        pd.Index(["a.wav"]),
    ],
)
def test_names_of_files(X):
    assert is_paths(X)
    assert not is_ragged(X)


@pytest.mark.parametrize("X", [[], "a.wav", ["a.wav", 1], np.array([["a.wav"]]), pd.Series([1.0]), None])
def test_no_names_of_files(X):
    assert not is_paths(X)


LENGTHS = st.lists(st.lists(st.integers(1, 4), min_size=1, max_size=3), min_size=1, max_size=3)


@given(folds=LENGTHS, ndim=st.integers(1, 2))
def test_concatenate_joins_notes_as_far_as_they_have_one_length(folds, ndim):
    shapes = [[(2, n)[-ndim:] for n in fold] for fold in folds]
    rng = np.random.default_rng(0)
    parts = [NoteList(rng.random(shape) for shape in fold) for fold in shapes]
    notes = [note for part in parts for note in part]
    joined = np.concatenate(parts)
    assert len(joined) == len(notes)
    if len({note.shape for note in notes}) == 1:
        np.testing.assert_array_equal(joined, np.array(notes))
        return
    assert joined.dtype == object
    assert joined.ndim == 1
    assert all(a is b for a, b in zip(joined, notes, strict=True))


def test_a_list_of_notes_is_a_list_in_all_else():
    notes = NoteList([A, A + 1])
    assert pickle.loads(pickle.dumps(notes))[1].tolist() == [1, 2, 3]
    np.testing.assert_array_equal(np.concatenate(notes), [0, 1, 2, 1, 2, 3])
    np.testing.assert_array_equal(np.mean(notes, axis=0), A + 0.5)
    np.testing.assert_array_equal(np.concatenate([notes, notes], axis=1)[0], [0, 1, 2, 0, 1, 2])
    np.testing.assert_array_equal(np.vstack((notes, [[5, 6, 7]]))[2], [5, 6, 7])
    np.testing.assert_array_equal(np.add.reduce(notes), 2 * A + 1)
    assert np.shape(notes) == (2, 3)
    assert np.array_equal(a1=notes, a2=notes)
    assert np.allclose([notes], np.array([notes]))


def test_methods_return_lists_that_join():
    @returns_notes
    def method(X):
        """Say so."""
        return X

    assert method.__doc__ == "Say so."
    assert type(method([A])) is NoteList
    assert method(A) is A
