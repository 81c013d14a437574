"""Notes that are no single array: lists, arrays of objects, Series, names of files."""

import functools
import os
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

Method = TypeVar("Method", bound=Callable[..., Any])


def without_index(X: Any) -> Any:
    """Return a Series (pandas, polars) as the array of its values; all else comes back as it is."""
    return X.to_numpy() if hasattr(X, "to_numpy") and len(getattr(X, "shape", ())) == 1 else X


def is_ragged(X: Any) -> bool:
    """Tell whether X holds arrays, one for each note, and is not one array: a list, an array of objects or a Series.

    A list whose elements are numpy arrays is ragged even when their lengths agree, so that what goes in as a list comes
    out as a list; nested lists of numbers are an array, as everywhere in scikit-learn, unless their lengths differ.
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
    """Tell whether X is a list, tuple, array or Series of names of files."""
    X = without_index(X)
    if isinstance(X, np.ndarray):
        X = X.tolist() if X.ndim == 1 and X.dtype.kind in "UO" else ()
    return isinstance(X, list | tuple) and len(X) > 0 and all(isinstance(x, str | os.PathLike) for x in X)


class NoteList(list):
    """A list of arrays, one for each note, which `numpy.concatenate` joins to others.

    `sklearn.model_selection.cross_val_predict` joins what estimators predict in its folds by that function, which takes lists
    for arrays and fails where notes differ in length. Here it returns an array where all are of one length, as ever, and
    else an array of objects of shape (n_notes,).
    """

    def __array_function__(self, function: Callable, types: Any, args: Any, kwargs: Any) -> Any:
        if function is not np.concatenate or len(args) > 1 or kwargs:
            return function(*_as_plain(args), **{name: _as_plain(value) for name, value in kwargs.items()})
        notes = [note for part in args[0] for note in part]
        same = len({np.shape(note) for note in notes}) == 1
        return np.stack(notes) if same else np.fromiter(notes, object, len(notes))


def returns_notes(method: Method) -> Method:
    """Decorate a method whose result, where it is a list of notes, becomes a `NoteList`."""

    @functools.wraps(method)
    def returned(*args: Any, **kwargs: Any) -> Any:
        found = method(*args, **kwargs)
        return NoteList(found) if isinstance(found, list) else found

    return returned  # type: ignore[return-value]


def _as_plain(value):
    """Return a `NoteList` as a list, also where it is in a list or tuple."""
    if type(value) in (list, tuple):
        return type(value)(map(_as_plain, value))
    return list(value) if isinstance(value, NoteList) else value
