"""Containers of notes other than one array: lists, object arrays, Series, file names."""

import functools
import os
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

Method = TypeVar("Method", bound=Callable[..., Any])


def without_index(X: Any) -> Any:
    """Return a Series (pandas, polars) as an array; return anything else unchanged."""
    return X.to_numpy() if hasattr(X, "to_numpy") and len(getattr(X, "shape", ())) == 1 else X


def is_ragged(X: Any) -> bool:
    """Return True if X is a list, an object array or a Series with one array for each note, rather than one array.

    A list of numpy arrays is ragged even if their lengths agree, so that a list gives a list. Nested lists of numbers are
    an array, as in scikit-learn, unless their lengths differ.
    """
    X = without_index(X)
    if isinstance(X, np.ndarray):
        listed = X.dtype == object and X.ndim == 1 and len(X) > 0
        return listed and all(isinstance(x, np.ndarray | list | tuple) for x in X)
    if not isinstance(X, list | tuple) or not X:
        return False
    if all(isinstance(x, np.ndarray) and x.ndim > 0 for x in X):
        return True
    return all(isinstance(x, list | tuple) for x in X) and len({len(x) for x in X}) > 1


def is_paths(X: Any) -> bool:
    """Return True if X is a list, tuple, array or Series of file names."""
    X = without_index(X)
    if isinstance(X, np.ndarray):
        X = X.tolist() if X.ndim == 1 and X.dtype.kind in "UO" else ()
    return isinstance(X, list | tuple) and len(X) > 0 and all(isinstance(x, str | os.PathLike) for x in X)


class NoteList(list):
    """A list of arrays, one for each note, that `numpy.concatenate` can join with others.

    `sklearn.model_selection.cross_val_predict` concatenates the predictions of its folds, which fails for plain lists of notes
    of different lengths. With this class the result is one array if all notes have the same length, as before, else an
    object array of shape (n_notes,).
    """

    def __array_function__(self, function: Callable, types: Any, args: Any, kwargs: Any) -> Any:
        if function is not np.concatenate or len(args) > 1 or kwargs:
            return function(*_as_plain(args), **{name: _as_plain(value) for name, value in kwargs.items()})
        notes = [note for part in args[0] for note in part]
        same = len({np.shape(note) for note in notes}) == 1
        return np.stack(notes) if same else np.fromiter(notes, object, len(notes))


def returns_notes(method: Method) -> Method:
    """Decorate a method so that it returns a `NoteList` instead of a list."""

    @functools.wraps(method)
    def returned(*args: Any, **kwargs: Any) -> Any:
        found = method(*args, **kwargs)
        return NoteList(found) if isinstance(found, list) else found

    return returned  # type: ignore[return-value]


def _as_plain(value):
    """Convert a `NoteList` to a list, also inside lists and tuples."""
    if type(value) in (list, tuple):
        return type(value)(map(_as_plain, value))
    return list(value) if isinstance(value, NoteList) else value
