"""Scorers inside scikit-learn's searches."""

import pickle
import subprocess
import sys

import numpy as np
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

from sktimbre import metrics
from sktimbre.baselines import PerBinLinearBaseline
from sktimbre.exceptions import ParameterError
from sktimbre.metrics import SCORERS, get_scorer
from sktimbre.spectral.stft import stft

SR = 22050


class Gain(RegressorMixin, BaseEstimator):
    """Predicts its input, louder or softer and one octave up or not: audio to audio."""

    def __init__(self, gain=1.0, octave=False):
        self.gain = gain
        self.octave = octave

    def fit(self, X, y=None):
        self.n_features_in_ = np.shape(X)[1]
        return self

    def predict(self, X):
        if self.octave:
            X = np.concatenate([X[:, ::2], X[:, ::2]], axis=1)
        return self.gain * X


def to_spectra(X):
    return np.log1p(np.abs(stft(X)))


@pytest.fixture(scope="module")
def tones():
    t = np.arange(11026) / SR  # even, for an octave up
    fade = np.linspace(1, 0.05, len(t))
    hertz = [220, 262, 311, 370, 440, 523]
    notes = [fade * (np.sin(2 * np.pi * f * t) + 0.3 * np.sin(4 * np.pi * f * t)) for f in hertz]
    return (0.5 * np.stack(notes)).astype(np.float32)


def test_names_follow_the_metrics():
    assert {name.removeprefix("neg_") for name in SCORERS} <= set(metrics.__all__)
    assert all(
        name.startswith("neg_") == (name not in ("loudness_correlation", "raw_pitch_accuracy")) for name in SCORERS
    )


@pytest.mark.parametrize("name", sorted(SCORERS))
def test_sign_and_value(tones, name):
    metric = getattr(metrics, name.removeprefix("neg_"))
    model = Gain(0.5, octave=True).fit(tones)
    value = metric(tones, model.predict(tones))
    score = SCORERS[name](model, tones, tones)
    assert score == (-value if name.startswith("neg_") else value)
    assert SCORERS[name](Gain().fit(tones), tones, tones) > score
    assert pickle.loads(pickle.dumps(SCORERS[name]))(model, tones, tones) == score


def test_grid_search_with_all_at_once(tones):
    search = GridSearchCV(
        Gain(), {"gain": [0.1, 0.9], "octave": [False, True]}, cv=2, scoring=SCORERS, refit="neg_reconstruction_error"
    )
    search.fit(tones, tones)
    assert search.best_params_ == {"gain": 0.9, "octave": False}
    for name in SCORERS:
        assert np.isfinite(search.cv_results_[f"mean_test_{name}"]).all(), name
    pitch = search.cv_results_["mean_test_neg_f0_error"]
    assert pitch[0] == pytest.approx(0, abs=1)
    assert pitch[1] == pytest.approx(-1200, abs=5)


def test_a_pipeline_that_predicts_spectra_of_audio_targets(tones):
    pipe = Pipeline([("stft", FunctionTransformer(to_spectra)), ("baseline", PerBinLinearBaseline())])
    spectral = ["neg_reconstruction_error", "neg_log_spectral_distance", "neg_spectral_convergence"]
    scores = cross_validate(pipe, tones, 0.5 * tones, cv=3, scoring={name: SCORERS[name] for name in spectral})
    for name in spectral:
        assert np.isfinite(scores[f"test_{name}"]).all()
    pipe.fit(tones, 0.5 * tones)
    assert SCORERS["neg_reconstruction_error"](pipe, tones, 0.5 * tones) == pytest.approx(
        pipe.score(tones, 0.5 * tones)
    )


def test_parameters_reach_the_metric(tones):
    model = Gain(octave=True).fit(tones)
    expected = metrics.log_spectral_distance(tones, model.predict(tones), floor=30, n_fft=512)
    assert get_scorer("neg_log_spectral_distance", floor=30, n_fft=512)(model, tones, tones) == -expected
    p95 = get_scorer("neg_f0_error", statistic="p95", fmin=100, fmax=2000)
    assert p95(model, tones, tones) <= -1100


def test_unknown_names_and_parameters():
    with pytest.raises(ParameterError, match="Did you mean 'neg_f0_error'"):
        get_scorer("f0_error")
    with pytest.raises(ParameterError, match="flor=30 is no parameter"):
        get_scorer("neg_log_spectral_distance", flor=30)
    with pytest.raises(ParameterError, match="average=False is no parameter"):
        get_scorer("neg_log_spectral_distance", average=False)


def test_importing_everything_loads_nothing_heavy():
    code = (
        "import sys, sktimbre.metrics as m; [getattr(m, name) for name in m.__all__];"
        "print([h for h in ('tensorflow', 'keras', 'numba', 'librosa', 'matplotlib') if h in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
