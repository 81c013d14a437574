"""Cut recordings into pieces of equal length, and join them."""

from typing import Any

import numpy as np

from sktimbre._utils.checks import check_whole
from sktimbre._utils.validation import check_numbers
from sktimbre.exceptions import AudioError, ParameterError


def segment(y: Any, segment_length: int, hop_length: int | None = None) -> np.ndarray:
    """Cut a recording into pieces of equal length.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        The recording.
    segment_length : int
        Samples in each piece.
    hop_length : int or None
        Samples from the start of one piece to the start of the next, at most `segment_length`; ``None`` is
        `segment_length`, no overlap.

    Returns
    -------
    ndarray of shape (n_segments, segment_length)
        The pieces; the last one is padded with zeros. float64 stays, other types become float32.

    Raises
    ------
    AudioError
        `y` is empty or does not have one dimension.
    ParameterError
        A length is out of range.

    See Also
    --------
    overlap_add : Join the pieces.

    Examples
    --------
    >>> import numpy as np
    >>> from sktimbre.datasets import segment
    >>> segment(np.arange(1, 6), 4, 2)
    array([[1., 2., 3., 4.],
           [3., 4., 5., 0.]], dtype=float32)
    """
    segment_length, hop_length = _check_lengths(segment_length, hop_length)
    y = check_numbers(y, "y")
    if y.ndim != 1 or y.size == 0:
        raise AudioError(f"y has shape {y.shape}; it must be (n_samples,), not empty. Mix with sktimbre.audio.to_mono.")
    n_segments = 1 + max(0, -(-(len(y) - segment_length) // hop_length))
    padded = np.zeros((n_segments - 1) * hop_length + segment_length, y.dtype)
    padded[: len(y)] = y
    return np.lib.stride_tricks.sliding_window_view(padded, segment_length)[::hop_length].copy()


def overlap_add(segments: Any, hop_length: int | None = None, length: int | None = None) -> np.ndarray:
    """Join pieces to a recording, with a cross-fade where they overlap.

    Parameters
    ----------
    segments : array-like of shape (n_segments, segment_length)
        Pieces as returned by `segment`, usually processed.
    hop_length : int or None
        As in `segment`.
    length : int or None
        Samples of the recording; ``None`` keeps the zeros that pad the last piece.

    Returns
    -------
    ndarray of shape (length,)
        The weights of overlapping pieces sum to one, so unchanged pieces of `segment` give the recording back: exactly in
        float32, to rounding in float64. float64 stays, other types become float32.

    Raises
    ------
    AudioError
        `segments` is empty or does not have two dimensions.
    ParameterError
        `hop_length` or `length` is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from sktimbre.datasets import overlap_add, segment
    >>> overlap_add(segment(np.arange(1, 6), 4, 2), 2, length=5)
    array([1., 2., 3., 4., 5.], dtype=float32)
    """
    segments = check_numbers(segments, "segments")
    if segments.ndim != 2 or segments.size == 0:
        raise AudioError(
            f"segments has shape {segments.shape}; it must be (n_segments, segment_length), not empty. One piece is "
            "y[np.newaxis]."
        )
    n_segments, segment_length = segments.shape
    segment_length, hop_length = _check_lengths(segment_length, hop_length)
    total = (n_segments - 1) * hop_length + segment_length
    if length is not None:
        length = check_whole(length, "length", 1, total, fix="The segments have no more samples.")
    # A triangle that never reaches zero cross-fades linearly, with positive weights at both ends. float64 sums of equal
    # float32 samples round to the sample itself.
    rise = np.arange(1, segment_length + 1, dtype=np.float64)
    window = np.minimum(rise, rise[::-1])
    result, weight = np.zeros(total), np.zeros(total)
    for i, piece in enumerate(segments):
        where = slice(i * hop_length, i * hop_length + segment_length)
        result[where] += window * piece
        weight[where] += window
    result /= weight
    return result[:length].astype(segments.dtype)


def _check_lengths(segment_length: Any, hop_length: Any) -> tuple[int, int]:
    segment_length = check_whole(segment_length, "segment_length", 1, fix="It is in samples.")
    if hop_length is None:
        return segment_length, segment_length
    hop_length = check_whole(hop_length, "hop_length", 1, fix="It is in samples.")
    if hop_length > segment_length:
        raise ParameterError(
            f"hop_length={hop_length} is greater than segment_length={segment_length}: samples between the segments "
            "would be lost. Choose a hop of at most the length."
        )
    return segment_length, hop_length
