import sys

import numpy as np
import pytest

from sktimbre.exceptions import AudioError, ParameterError
from sktimbre.plotting import plot_transfer

SR = 8000


@pytest.fixture(scope="module")
def tones():
    time = np.arange(SR) / SR
    return np.stack([np.sin(2 * np.pi * hertz * time) for hertz in (1000, 2000)]).astype(np.float32)


def test_axes_are_hertz_and_seconds(tones):
    figure = plot_transfer(tones, tones, tones, sr=SR, titles=["low", "high"])
    assert len(figure.axes) == 7
    for i, axes in enumerate(figure.axes[:6]):
        (image,) = axes.images
        assert image.get_extent() == [0, 1, 0, SR / 2]
        rows = image.get_array().mean(axis=1)
        assert np.argmax(rows) / (len(rows) - 1) * SR / 2 == pytest.approx(1000 * (1 + i // 3), abs=10)
    assert figure.axes[3].get_ylabel() == "high\nFrequency (Hz)"


def test_one_scale_for_all(tones):
    figure = plot_transfer(tones, 0.1 * tones, 10 * tones, sr=SR)
    limits = {axes.images[0].get_clim() for axes in figure.axes[:6]}
    assert limits == {(-80.0, 0.0)}
    loudest = [axes.images[0].get_array().max() for axes in figure.axes[:3]]
    np.testing.assert_allclose(loudest, [-20, -40, 0], atol=0.1)


def test_silence_and_different_lengths(tones):
    notes = [np.zeros(4000, np.float32), tones[0]]
    figure = plot_transfer(notes, notes, notes, sr=SR)
    assert figure.axes[0].images[0].get_extent()[1] == 0.5
    assert np.all(figure.axes[0].images[0].get_array() == -80)


def test_no_window_is_opened(tones):
    plot_transfer(tones, tones, tones, sr=SR)
    pyplot = sys.modules.get("matplotlib.pyplot")
    assert pyplot is None or not pyplot.get_fignums()


def test_what_does_not_match_is_refused(tones):
    with pytest.raises(AudioError, match="output"):
        plot_transfer(tones, tones[:1], tones)
    with pytest.raises(ParameterError, match="titles"):
        plot_transfer(tones, tones, tones, titles=["one"])
