import numpy as np
import pytest
from sklearn.pipeline import Pipeline

from sktimbre import GriffinLimInverter, LogSTFT
from sktimbre.baselines import IdentityBaseline
from sktimbre.exceptions import AudioError, ParameterError
from sktimbre.plotting import SpectrogramDisplay, TransferDisplay

SR = 8000


def values(ax):
    (drawn,) = [*ax.images, *ax.collections]
    return np.asarray(drawn.get_array())


def test_axes_are_hertz_and_seconds(tones):
    display = SpectrogramDisplay.from_predictions(tones, sr=SR, names=["low", "high"])
    for ax, hertz in zip(display.axes_.flat, (1000, 2000), strict=True):
        assert ax.get_ylim() == (0, SR / 2)
        assert ax.get_xlim() == pytest.approx((0, 1), abs=0.04)
        (image,) = ax.images
        left, right, bottom, top = image.get_extent()
        levels = values(ax)
        # The loudest row, by where it is drawn.
        row = np.argmax(levels.mean(axis=1)) + 0.5
        assert bottom + row * (top - bottom) / len(levels) == pytest.approx(hertz, abs=8)
        assert (right - left) / levels.shape[1] == pytest.approx(256 / SR)
    assert display.ax_ is display.axes_[0, 0]
    assert display.ax_.get_title() == "low"


@pytest.mark.parametrize("frequency_axis", ["log", "note"])
def test_logarithmic_axes_show_the_same_at_the_same_frequency(tones, frequency_axis):
    linear = SpectrogramDisplay.from_predictions(tones[:1], sr=SR)
    display = SpectrogramDisplay.from_predictions(tones[:1], sr=SR, frequency_axis=frequency_axis)
    np.testing.assert_array_equal(values(display.ax_), values(linear.ax_))
    (mesh,) = display.ax_.collections
    edges = mesh.get_coordinates()[:, 0, 1]
    row = np.argmax(values(display.ax_).mean(axis=1))
    assert edges[row] < 1000 < edges[row + 1]
    assert display.ax_.get_yscale() == "log"
    labels = dict(zip((t.get_text() for t in display.ax_.get_yticklabels()), display.ax_.get_yticks(), strict=True))
    assert labels["1k" if frequency_axis == "log" else "C6"] == pytest.approx(
        1000 if frequency_axis == "log" else 1046.5, rel=1e-4
    )


def test_one_scale_for_all(tones):
    display = TransferDisplay.from_predictions(tones, 0.1 * tones, 10 * tones, sr=SR)
    for ax in display.axes_[:, :3].flat:
        assert ax.images[0].get_clim() == (-80, 0)
    np.testing.assert_allclose([values(ax).max() for ax in display.axes_[0, :3]], [-20, -40, 0], atol=0.1)
    loud = values(display.axes_[0, 2]) > -20
    np.testing.assert_allclose(values(display.axes_[0, 3])[loud], -40, atol=0.1)


def test_reference_and_floor(tones):
    loudest = np.expm1(LogSTFT(n_fft=512).fit_transform(tones)).max()
    display = SpectrogramDisplay.from_predictions(
        LogSTFT(n_fft=512).fit_transform(tones[:1]), sr=SR, reference=10 * loudest, floor=30
    )
    assert values(display.ax_).max() == pytest.approx(-20, abs=0.1)
    assert values(display.ax_).min() == pytest.approx(-30)


def test_options_of_the_picture(tones):
    display = SpectrogramDisplay.from_predictions(tones[:1], sr=SR, floor=30, cmap="viridis", colorbar=False)
    (image,) = display.ax_.images
    assert (image.get_clim(), image.get_cmap().name) == ((-30, 0), "viridis")
    assert len(display.figure_.axes) == 1
    sides = {
        "floor": 30,
        "cmap": "viridis",
        "difference_cmap": "PuOr",
        "difference_range": 12,
        "frequency_axis": "note",
    }
    display = TransferDisplay.from_predictions(tones, 0.1 * tones, tones, sr=SR, **sides)
    meshes = [ax.collections[0] for ax in display.axes_[0]]
    assert [mesh.get_clim() for mesh in meshes] == [(-30, 0)] * 3 + [(-12, 12)]
    assert [mesh.get_cmap().name for mesh in meshes] == ["viridis"] * 3 + ["PuOr"]
    assert values(display.axes_[0, 1]).min() == pytest.approx(-30)
    assert display.ax_.get_ylabel() == "Pitch"
    without = TransferDisplay.from_predictions(tones, tones, tones, sr=SR, difference=False)
    assert without.axes_.shape == (2, 3)
    assert len(without.figure_.axes) == 2 * 3 + 1


def test_silence_and_different_lengths(tones):
    notes = [np.zeros(4000, np.float32), tones[0]]
    display = TransferDisplay.from_predictions(notes, notes, notes, sr=SR, n_fft=512)
    assert display.axes_[0, 0].get_xlim()[1] == pytest.approx(0.5, abs=0.02)
    assert np.all(values(display.axes_[0, 0]) == -80)
    assert np.all(values(display.axes_[0, 3]) == 0)


def test_from_estimator_draws_the_spectra_before_phase_retrieval(ridge):
    model, notes = ridge
    display = TransferDisplay.from_estimator(model, notes.source, notes.target, notes=[1, 3], names=list("abcde"))
    assert display.axes_.shape == (2, 4)
    assert display.axes_[0, 0].get_ylabel() == "b\nFrequency (Hz)"
    levels = [20 * np.log10(np.maximum(np.expm1(S), 1e-9)) for S in model.predict_spectra(notes.source[[1, 3]])]
    for row, level in zip(display.axes_, levels, strict=True):
        drawn = values(row[1])
        seen = drawn > -79
        offset = (level - drawn)[seen]
        np.testing.assert_allclose(offset, offset.mean(), atol=1e-2)
    one = SpectrogramDisplay.from_estimator(model, notes.source[:1])
    np.testing.assert_allclose(one.spectra.notes[0], model.predict_spectra(notes.source[:1])[0])
    assert (one.spectra.sr, one.spectra.hop_length) == (SR, 128)


def test_three_notes_are_chosen_where_there_are_more(ridge):
    model, notes = ridge
    display = TransferDisplay.from_estimator(model, notes.source, notes.target, names=list("abcde"))
    assert [row[0].get_ylabel()[0] for row in display.axes_] == ["a", "c", "e"]
    with pytest.raises(ParameterError, match="notes=7"):
        TransferDisplay.from_estimator(model, notes.source, notes.target, notes=7)


def test_pipelines_and_transformers(tones):
    stft = LogSTFT(n_fft=512, hop_length=100)
    spectra = stft.fit_transform(tones)
    alone = SpectrogramDisplay.from_estimator(stft, tones, sr=SR)
    pipe = Pipeline([("stft", stft), ("autoencoder", IdentityBaseline())]).fit(tones, spectra)
    for display in (alone, SpectrogramDisplay.from_estimator(pipe, tones, sr=SR)):
        np.testing.assert_array_equal(display.spectra.notes[1], spectra[1])
        assert display.spectra.hop_length == 100
    inverter = GriffinLimInverter(n_iter=0, hop_length=100, random_state=0)
    heard = Pipeline([("stft", stft), ("invert", inverter)]).fit(tones)
    assert SpectrogramDisplay.from_estimator(heard, tones, sr=SR).spectra.n_fft == 512


def test_given_axes_are_used(tones):
    from matplotlib.figure import Figure

    figure = Figure()
    ax = figure.subplots(1, 2)
    display = SpectrogramDisplay.from_predictions(tones, sr=SR, ax=ax)
    assert display.figure_ is figure
    assert list(display.axes_.flat) == list(ax)
    assert display._repr_png_() is None
    with pytest.raises(ParameterError, match="1 x 2 panels"):
        SpectrogramDisplay.from_predictions(tones, sr=SR, ax=ax[0])


def test_what_does_not_match_is_refused(tones):
    with pytest.raises(AudioError, match="output"):
        TransferDisplay.from_predictions(tones, tones[:1], tones)
    with pytest.raises(ParameterError, match="names"):
        TransferDisplay.from_predictions(tones, tones, tones, names=["one"])
    with pytest.raises(ParameterError, match="frequency_axis='mel'"):
        SpectrogramDisplay.from_predictions(tones, frequency_axis="mel")
    with pytest.raises(AudioError, match="hop"):
        TransferDisplay.from_predictions(tones, LogSTFT().fit_transform(tones), tones)
    with pytest.raises(ParameterError, match="n_fft=512"):
        SpectrogramDisplay.from_predictions(LogSTFT().fit_transform(tones), n_fft=512)
