"""Checks of single values: they name the parameter, its value, the rule and the fix."""

import math
import numbers
from typing import Any

import numpy as np

from sktimbre.exceptions import ParameterError


def check_whole(value: Any, name: str, low: int, high: int | None = None, *, fix: str = "") -> int:
    """Return a whole number as int, or raise `ParameterError`.

    Parameters
    ----------
    value : int or float without a fraction
        Numpy's numbers are welcome, Booleans are not.
    name : str
        How the error calls it.
    low, high : int
        The closed range; ``high=None`` leaves it open.
    fix : str
        A sentence that says what to do instead.

    Returns
    -------
    int

    Examples
    --------
    >>> check_whole(22050.0, "sr", 1)
    22050
    """
    whole = isinstance(value, numbers.Real) and not isinstance(value, bool) and math.isfinite(value)
    if not whole or value != int(value) or value < low or (high is not None and value > high):
        rule = f"of at least {low}" if high is None else f"from {low} to {high}"
        raise ParameterError(f"{name}={value!r} must be a whole number {rule}. {fix}".rstrip())
    return int(value)


def check_real(value: Any, name: str, low: float, *, open_end: bool = False, fix: str = "") -> float:
    """Return a finite number of at least `low` (greater than it with ``open_end=True``) as float.

    Parameters are those of `check_whole`.

    Examples
    --------
    >>> check_real(2, "duration", 0.0, open_end=True)
    2.0
    """
    finite = isinstance(value, numbers.Real) and not isinstance(value, bool) and math.isfinite(value)
    if not finite or value < low or (open_end and value == low):
        rule = "greater than" if open_end else "of at least"
        raise ParameterError(f"{name}={value!r} must be a finite number {rule} {low:g}. {fix}".rstrip())
    return float(value)


def check_flags(**flags: Any) -> None:
    """Raise `ParameterError` unless all of them are True or False."""
    for name, value in flags.items():
        if not isinstance(value, bool | np.bool_):
            raise ParameterError(f"{name}={value!r} must be True or False.")
