"""Checks of single values; errors name the parameter, its value, the rule and the fix."""

import difflib
import math
import numbers
from collections.abc import Iterable
from typing import Any

import numpy as np

from sktimbre.exceptions import ParameterError


def check_whole(value: Any, name: str, low: int, high: int | None = None, *, fix: str = "") -> int:
    """Return a whole number as int, or raise `ParameterError`.

    Parameters
    ----------
    value : int or float without a fraction
        The number; numpy numbers are accepted, Booleans are not.
    name : str
        Name of the parameter in the error.
    low, high : int
        The closed range; ``high=None`` sets no upper limit.
    fix : str
        Sentence that tells the user how to fix the value.

    Returns
    -------
    int

    Examples
    --------
    >>> check_whole(22050.0, "sr", 1)
    22050
    """
    # Python integers: numpy warns if a limit does not fit into a small type.
    number = int(value) if _is_finite(value) else None
    if number is None or number != value or number < low or (high is not None and number > high):
        rule = f"of at least {low}" if high is None else f"from {low} to {high}"
        raise ParameterError(f"{name}={value!r} must be a whole number {rule}. {fix}".rstrip())
    return number


def check_real(
    value: Any, name: str, low: float, high: float | None = None, *, open_low: bool = False, fix: str = ""
) -> float:
    """Return a finite number as float, or raise `ParameterError`.

    Parameters are those of `check_whole`; with ``open_low=True`` the number must be greater than `low`.

    Examples
    --------
    >>> check_real(2, "duration", 0, open_low=True)
    2.0
    """
    number = float(value) if _is_finite(value) else None
    if number is None or number < low or (open_low and number == low) or (high is not None and number > high):
        rule = f"{'above' if open_low else 'of at least'} {low:g}" + ("" if high is None else f" and at most {high:g}")
        raise ParameterError(f"{name}={value!r} must be a finite number {rule}. {fix}".rstrip())
    return number


def check_choice(value: Any, name: str, choices: Iterable[str], *, fix: str = "") -> str:
    """Return a string if it is one of the choices, or raise `ParameterError`, which lists them and suggests the nearest.

    Parameters
    ----------
    value : str
        The string.
    name : str
        Name of the parameter in the error.
    choices : iterable of str
        The valid strings.
    fix : str
        Sentence that tells the user how to fix the value.

    Examples
    --------
    >>> check_choice("median", "statistic", ("median", "p95"))
    'median'
    """
    choices = list(choices)
    if not isinstance(value, str) or value not in choices:
        close = difflib.get_close_matches(str(value), choices, 1)
        hint = f"Did you mean {close[0]!r}? " if close else ""
        raise ParameterError(f"{name}={value!r} must be one of {', '.join(choices)}. {hint}{fix}".rstrip())
    return value


def check_flags(**flags: Any) -> None:
    """Raise `ParameterError` unless all values are True or False."""
    for name, value in flags.items():
        if not isinstance(value, bool | np.bool_):
            raise ParameterError(f"{name}={value!r} must be True or False.")


def _is_finite(value):
    try:
        return isinstance(value, numbers.Real) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:  # an integer too large for a float
        return False
