"""Cutting and joining."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sktimbre.datasets import overlap_add, segment
from sktimbre.exceptions import AudioError, ParameterError

lengths = st.integers(1, 40).flatmap(lambda length: st.tuples(st.just(length), st.integers(1, length)))


@given(
    y=arrays(np.float32, st.integers(1, 200), elements=st.floats(width=32, allow_nan=False, allow_infinity=False)),
    lengths=lengths,
)
@settings(deadline=None)
def test_round_trip_is_exact(y, lengths):
    length, hop = lengths
    pieces = segment(y, length, hop)
    assert pieces.dtype == np.float32
    joined = overlap_add(pieces, hop, length=len(y))
    np.testing.assert_array_equal(joined, y)
    padded = overlap_add(pieces, hop)
    assert len(padded) == (len(pieces) - 1) * hop + length
    np.testing.assert_array_equal(padded[len(y) :], 0)


@given(y=arrays(np.float64, st.integers(1, 100), elements=st.floats(-1, 1)), lengths=lengths)
@settings(deadline=None)
def test_pieces_are_slices(y, lengths):
    length, hop = lengths
    pieces = segment(y, length, hop)
    assert pieces.dtype == np.float64
    # Neither a sample lost nor a piece too many.
    assert (len(pieces) - 1) * hop + length >= len(y)
    assert len(pieces) == 1 or (len(pieces) - 2) * hop + length < len(y)
    for i, piece in enumerate(pieces):
        part = y[i * hop : i * hop + length]
        np.testing.assert_array_equal(piece[: len(part)], part)
        np.testing.assert_array_equal(piece[len(part) :], 0)
    np.testing.assert_allclose(overlap_add(pieces, hop, length=len(y)), y, atol=1e-15)


def test_the_crossfade_is_linear():
    joined = overlap_add([[0.0] * 8, [1.0] * 8], 4)
    np.testing.assert_allclose(joined, [0, 0, 0, 0, 0.2, 0.4, 0.6, 0.8, 1, 1, 1, 1], atol=1e-7)


def test_segments_are_writable_and_apart():
    pieces = segment(np.zeros(10), 4, 2)
    pieces[0] = 1
    assert pieces[1:].max() == 0


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: segment([], 4), AudioError, r"shape \(0,\)"),
        (lambda: segment(np.zeros((2, 5)), 4), AudioError, r"shape \(2, 5\)"),
        (lambda: segment([[1], [1, 2]], 4), AudioError, "one array"),
        (lambda: segment([1.0], 0), ParameterError, "segment_length=0"),
        (lambda: segment([1.0], 4, 0), ParameterError, "hop_length=0"),
        (lambda: segment([1.0], 4, 5), ParameterError, "would be lost"),
        (lambda: segment([1.0], 2.5), ParameterError, r"segment_length=2\.5"),
        (lambda: overlap_add(np.zeros(5)), AudioError, r"shape \(5,\)"),
        (lambda: overlap_add(np.zeros((0, 5))), AudioError, "not empty"),
        (lambda: overlap_add(np.zeros((2, 5)), 6), ParameterError, "hop_length=6"),
        (lambda: overlap_add(np.zeros((2, 5)), 5, 11), ParameterError, "length=11 must be a whole number from 1 to 10"),
    ],
)
def test_refuses(call, error, words):
    with pytest.raises(error, match=words):
        call()
