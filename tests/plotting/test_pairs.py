"""Picture of the notes of two folders."""

import numpy as np
import pytest

from sktimbre.datasets.table import NoteFile
from sktimbre.exceptions import ParameterError
from sktimbre.plotting import PairsDisplay


def note(pitch, level, heard=np.nan):
    return NoteFile(f"{pitch}.wav", pitch, level=level, heard=heard)


def test_pairs_are_dots_and_others_crosses_where_they_are_heard():
    a, b = [note(60, -10), note(None, -30, heard=64.5), note(None, np.nan)], [note(60, -12), note(62, -40)]
    a[0].partner, b[0].partner = b[0], a[0]
    panel = PairsDisplay(a, b).plot().ax_
    drawn = {points.get_label(): points.get_offsets().tolist() for points in panel.collections}
    assert drawn == {
        "source, paired": [[60, -10]],
        "source, without a partner": [[64.5, -30]],
        "target, paired": [[60, -12]],
        "target, without a partner": [[62, -40]],
    }


@pytest.mark.parametrize("pairs", [None, {}, ([1], [2])])
def test_what_is_no_pairs(pairs):
    with pytest.raises(ParameterError):
        PairsDisplay.from_pairs(pairs) if not isinstance(pairs, tuple) else PairsDisplay(*pairs)
