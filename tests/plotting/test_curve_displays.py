import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV

from sktimbre import LogSTFT, TimbreAutoencoder, TimbreTransfer
from sktimbre.datasets import make_paired_notes
from sktimbre.exceptions import ParameterError
from sktimbre.metrics.harmonic import harmonic_levels
from sktimbre.plotting import HarmonicDisplay, LearningCurveDisplay, SearchDisplay

HISTORY = {
    "loss": [0.9, 0.5, 0.4],
    "reconstruction_error": [0.8, 0.4, 0.3],
    "val_loss": [1.0, 0.6, 0.7],
    "val_reconstruction_error": [0.9, 0.5, 0.6],
}


def lines(ax):
    return {line.get_label(): line.get_xydata() for line in ax.lines if line.get_label()[0] != "_"}


def test_curves_are_the_history():
    display = LearningCurveDisplay({"a": HISTORY, "b": {"reconstruction_error": [0.2]}}).plot(
        references={"identity": 0.26}
    )
    drawn = lines(display.ax_)
    assert list(drawn) == ["a, training", "a, validation", "b, training", "identity"]
    np.testing.assert_array_equal(drawn["a, validation"], [[1, 0.9], [2, 0.5], [3, 0.6]])
    np.testing.assert_array_equal(drawn["identity"][:, 1], 0.26)
    assert display.ax_.get_yscale() == "log"
    # The best epoch has a dot.
    assert [2, 0.5] in [line.get_xydata()[0].tolist() for line in display.ax_.lines if len(line.get_xydata()) == 1]


def test_metrics_have_axes_of_their_own():
    display = LearningCurveDisplay({"": HISTORY}).plot(metrics=["loss", "reconstruction_error"], training=False)
    np.testing.assert_array_equal(lines(display.axes_[0, 0])["validation"][:, 1], HISTORY["val_loss"])
    assert display.axes_[0, 1].get_ylabel() == "Reconstruction error"
    with pytest.raises(ParameterError, match=r"'accuracy'.*'val_loss'"):
        LearningCurveDisplay({"": HISTORY}).plot(metrics="accuracy")


def test_stages_are_marked():
    display = LearningCurveDisplay({"": {**HISTORY, "stage": [0.0, 1.0, 1.0]}}).plot(validation=False)
    assert [line.get_xdata()[0] for line in display.ax_.lines if line.get_linestyle() == ":"] == [1.5]


def test_histories_are_found_inside():
    notes = make_paired_notes(4, duration=0.3)
    autoencoder = TimbreAutoencoder("shallow", filters=2, epochs=2, random_state=0)
    model = TimbreTransfer(stft=LogSTFT(n_fft=256), autoencoder=autoencoder).fit(notes.source, notes.target)
    display = LearningCurveDisplay.from_estimator({"one": model, "two": model.autoencoder_})
    expected = model.autoencoder_.history_["val_reconstruction_error"]
    for name in ("one", "two"):
        np.testing.assert_array_equal(lines(display.ax_)[f"{name}, validation"][:, 1], expected)
    with pytest.raises(ParameterError, match="TimbreAutoencoder has no history_"):
        LearningCurveDisplay.from_estimator(autoencoder)


@pytest.fixture(scope="module")
def search():
    notes = make_paired_notes(4, duration=0.3)
    model = TimbreTransfer(stft=LogSTFT(n_fft=256), autoencoder=Ridge())
    grid = {"autoencoder__alpha": [100.0, 0.1, 1.0], "stft__window": ["hann", "hamming"]}
    return GridSearchCV(model, grid, cv=2).fit(notes.source, notes.target)


def test_search_errors_are_negative_scores(search):
    display = SearchDisplay.from_estimator(search, parameter="autoencoder__alpha")
    drawn = lines(display.ax_)
    assert list(drawn) == ["window=hann", "window=hamming"]
    results = search.cv_results_
    for label, xy in drawn.items():
        for x, y in xy:
            setting = {"autoencoder__alpha": x, "stft__window": label.removeprefix("window=")}
            assert y == pytest.approx(-results["mean_test_score"][results["params"].index(setting)])
        assert xy[:, 0].tolist() == [0.1, 1, 100]
    assert display.ax_.get_xscale() == "log"
    folds = np.concatenate([line.get_ydata() for line in display.ax_.lines if line.get_label() == "_folds"])
    expected = [*-results["split0_test_score"], *-results["split1_test_score"]]
    np.testing.assert_allclose(np.sort(folds), np.sort(expected))


def test_words_have_places(search):
    display = SearchDisplay.from_cv_results(search.cv_results_, parameter="stft__window", references={"identity": 0.2})
    assert [tick.get_text() for tick in display.ax_.get_xticklabels()] == ["hann", "hamming"]
    drawn = lines(display.ax_)
    assert drawn["alpha=0.1"][:, 0].tolist() == [0, 1]
    np.testing.assert_array_equal(drawn["identity"][:, 1], 0.2)


def test_one_of_several_scores_is_drawn():
    results = {"params": [{"filters": n} for n in (2, 4)], "split0_test_a": [-1.0, -2.0], "split0_test_b": [3.0, 4.0]}
    display = SearchDisplay(results, metric="b").plot()
    np.testing.assert_array_equal(lines(display.ax_)["mean of the folds"], [[2, -3], [4, -4]])
    assert display.ax_.get_ylabel() == "Negative b"


def test_search_parameter_has_to_be_told(search):
    with pytest.raises(ParameterError, match=r"2 were varied.*'autoencoder__alpha', 'stft__window'"):
        SearchDisplay.from_estimator(search)
    with pytest.raises(ParameterError, match="'depth' was not searched"):
        SearchDisplay.from_estimator(search, parameter="depth")
    with pytest.raises(ParameterError, match=r"metric='r2'.*'score'"):
        SearchDisplay.from_estimator(search, parameter="stft__window", metric="r2")
    with pytest.raises(ParameterError, match="fit the search first"):
        SearchDisplay.from_estimator(GridSearchCV(Ridge(), {}))


@pytest.mark.parametrize("f0", [60.0, 261.6, 1234.5])
def test_levels_are_those_of_the_partials(f0):
    sr, wanted = 22050, np.array([-6.0, 0.0, -20.0, -35.0])
    time = np.arange(sr) / sr
    y = sum(10 ** (level / 20) * np.sin(2 * np.pi * k * f0 * time) for k, level in enumerate(wanted, 1)) / 4
    levels = harmonic_levels(y.astype(np.float32), f0 * 2 ** (20 / 1200), sr, 4)
    # A Hann window shows a partial between two bins up to 1.4 dB too low.
    np.testing.assert_allclose(levels, wanted, atol=1.5)


def test_harmonics_above_half_the_rate_and_without_pitch():
    time = np.arange(8000) / 8000
    tone = np.sin(2 * np.pi * 1500 * time)[np.newaxis].astype(np.float32)
    display = HarmonicDisplay.from_predictions(tone, np.zeros_like(tone), tone, sr=8000, n_harmonics=4, names=["G6"])
    assert np.isfinite(display.levels["source"][0]).tolist() == [True, True, False, False]
    assert np.isnan(display.levels["output"]).all()
    legend = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert legend == ["Source", "Output: no pitch", "Target"]


def test_weak_harmonics_stand_on_the_floor():
    display = HarmonicDisplay({side: [[0.0, -10.0, -50.0]] for side in ("source", "output", "target")}).plot(floor=20)
    np.testing.assert_array_equal(lines(display.ax_)["Output"][:, 1], [0, -10, -20])
    assert display.ax_.get_ylim() == (-23, 3)


def test_harmonics_of_a_model(ridge):
    model, notes = ridge
    display = HarmonicDisplay.from_estimator(model, notes.source, notes.target, notes=[2], n_harmonics=5)
    # A clarinet's second partial is weak, a flute's is not.
    assert display.levels["target"][0, 1] < display.levels["source"][0, 1] - 10
    output = HarmonicDisplay.from_predictions(
        *(y[2:3] for y in (notes.source, model.predict(notes.source), notes.target)), sr=8000, n_harmonics=5
    )
    np.testing.assert_allclose(output.levels["target"], display.levels["target"])
