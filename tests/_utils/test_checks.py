"""Rules of single values: what passes, and what the errors say."""

import math
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import sktimbre
from sktimbre._utils.checks import check_choice, check_flags, check_real, check_whole
from sktimbre.exceptions import ParameterError

NO_NUMBERS = st.sampled_from(
    [None, True, np.bool_(False), "1", 1j, [1], np.ones(1), math.nan, math.inf, -math.inf, np.float32(np.nan), 10**400]
)
NUMBERS = st.one_of(
    st.integers(-9, 9), st.floats(-9, 9), st.sampled_from([np.int64(3), np.uint8(2), np.float16(4), np.float32(2.5)])
)


def number_of(value):
    """Return the Python number that a finite real number is, else NaN, which is in no range."""
    value = value.item() if isinstance(value, np.number) else value
    return value if type(value) in (int, float) and abs(value) < 1e300 else math.nan


@given(value=st.one_of(NUMBERS, NO_NUMBERS), low=st.integers(-5, 5), size=st.one_of(st.none(), st.integers(0, 10**6)))
def test_whole_numbers_in_a_closed_range_pass_as_int(value, low, size):
    high = None if size is None else low + size
    number = number_of(value)
    if number % 1 == 0 and low <= number <= (1e300 if high is None else high):
        found = check_whole(value, "size", low, high)
        assert type(found) is int
        assert found == number
        return
    with pytest.raises(
        ParameterError, match=r"^size=.* must be a whole number (of at least|from) .*\. Take 4\.$"
    ) as caught:
        check_whole(value, "size", low, high, fix="Take 4.")
    assert repr(value) in str(caught.value)


@given(
    value=st.one_of(NUMBERS, NO_NUMBERS),
    low=st.integers(-5, 5),
    size=st.one_of(st.none(), st.floats(0, 5)),
    open_low=st.booleans(),
)
def test_finite_numbers_in_a_range_pass_as_float(value, low, size, open_low):
    high = None if size is None else low + size
    number = number_of(value)
    if (low < number if open_low else low <= number) and number <= (1e300 if high is None else high):
        found = check_real(value, "gain", low, high, open_low=open_low)
        assert type(found) is float
        assert found == number
        return
    with pytest.raises(
        ParameterError, match=rf"^gain=.* must be a finite number {'above' if open_low else 'of at least'} "
    ):
        check_real(value, "gain", low, high, open_low=open_low)


@given(value=st.one_of(NO_NUMBERS, st.text(max_size=3)))
def test_a_choice_is_one_of_the_words(value):
    if isinstance(value, str) and value in ("a", "b"):
        assert check_choice(value, "init", ("a", "b")) == value
        return
    with pytest.raises(ParameterError, match=r"^init=.* must be one of a, b\."):
        check_choice(value, "init", iter(("a", "b")))


def test_a_near_miss_is_named():
    with pytest.raises(
        ParameterError, match=r"side='sorce' must be one of source, target\. Did you mean 'source'\? It is a word\.$"
    ):
        check_choice("sorce", "side", ("source", "target"), fix="It is a word.")


def test_flags_are_true_or_false():
    check_flags(a=True, b=np.bool_(False))
    for value in (0, 1, None, "True", np.ones(1, bool)):
        with pytest.raises(ParameterError, match=re.escape(f"b={value!r} must be True or False.")):
            check_flags(a=True, b=value)


def test_these_rules_are_written_in_one_place():
    rules = re.compile(r"must be (a whole number|an integer|a finite number|True or False|one of \{)")
    package = Path(sktimbre.__file__).parent
    found = {path.relative_to(package).as_posix() for path in package.rglob("*.py") if rules.search(path.read_text())}
    assert found == {"_utils/checks.py"}
