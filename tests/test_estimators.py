"""scikit-learn's own checks on every public estimator, and the rules that all of them keep."""

import inspect
import pickle

import numpy as np
import pytest
from sklearn.base import BaseEstimator, clone, is_regressor
from sklearn.linear_model import Ridge
from sklearn.utils.estimator_checks import parametrize_with_checks

import sktimbre
from sktimbre import GriffinLimInverter, LogSTFT, TimbreAutoencoder, TimbreTransfer

# The suite hands out tables (n_samples, n_features) and one number a sample as target. Spectra have a third dimension and a
# target has the shape of its source, so the classes below lift the suite's tables to that and change nothing else.


def _is_table(X):
    return isinstance(X, list) or (isinstance(X, np.ndarray) and X.ndim == 2)


def _target(X, y):
    """The source itself in place of the suite's one number a sample; whatever the suite means to be refused is kept."""
    if not isinstance(y, np.ndarray | list) or not isinstance(X, np.ndarray | list) or len(y) != len(X):
        return y
    y = np.asarray(y)
    return y if np.iscomplexobj(y) or not np.isfinite(y.astype(float)).all() else X


class _SpectraInSuite:
    def _lift(self, X):
        return np.asarray(X)[:, :, np.newaxis] if _is_table(X) else X

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = True
        return tags


class AutoencoderInSuite(_SpectraInSuite, TimbreAutoencoder):
    def fit(self, S, y=None):
        S = self._lift(S)
        return super().fit(S, _target(S, y))

    def partial_fit(self, S, y=None):
        S = self._lift(S)
        return super().partial_fit(S, _target(S, y))

    def predict(self, S):
        return super().predict(self._lift(S))[:, :, 0]

    def score(self, S, y=None):
        S = self._lift(S)
        return super().score(S, _target(S, y))


class InverterInSuite(_SpectraInSuite, GriffinLimInverter):
    def fit(self, X, y=None):
        return super().fit(self._lift(X))

    def fit_transform(self, X, y=None):
        return super().fit_transform(self._lift(X))

    def transform(self, X):
        return super().transform(self._lift(X))


class TransferInSuite(TimbreTransfer):
    def fit(self, X, y):
        if y is None:
            raise ValueError("requires y to be passed, but the target y is None")
        return super().fit(X, _target(X, y))

    def score(self, X, y):
        return super().score(X, _target(X, y))


# Every check that an estimator is excused from, with the reason. LogSTFT is excused from nothing.
LIKE_SOURCE = "a prediction has the shape of its source; the suite wants one number a sample"
NOT_AN_ARRAY = "the class above lifts arrays, and this check's object refuses to be looked at"
FLOAT32 = "audio and spectra are float32; the suite wants double precision of regressors"
EXCUSED = {
    LogSTFT: {},
    InverterInSuite: {
        "check_estimators_empty_data_messages": "the shape in the message has three dimensions",
        "check_fit_idempotent": "its values reach 100, which no log-magnitude does: refused",
        "check_transformer_data_not_an_array": NOT_AN_ARRAY,
    },
    TransferInSuite: {
        "check_regressors_train": LIKE_SOURCE,
        "check_regressor_data_not_an_array": NOT_AN_ARRAY,
        "check_regressor_multioutput": FLOAT32,
    },
    AutoencoderInSuite: {
        "check_estimators_empty_data_messages": "the shape in the message has three dimensions",
        "check_regressors_train": LIKE_SOURCE,
        "check_regressor_data_not_an_array": NOT_AN_ARRAY,
        "check_regressor_multioutput": FLOAT32,
        "check_transformer_data_not_an_array": NOT_AN_ARRAY,
    },
}

IN_SUITE = [
    LogSTFT(n_fft=4),
    LogSTFT(n_fft=16),
    LogSTFT(n_fft=1024),
    InverterInSuite(n_iter=2, random_state=0),
    TransferInSuite(stft=LogSTFT(n_fft=8), autoencoder=Ridge()),
    AutoencoderInSuite("shallow", filters=2, epochs=1, validation_split=0, random_state=0),
]


@pytest.mark.filterwarnings("ignore::sktimbre.exceptions.CollapsedModelWarning")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@parametrize_with_checks(IN_SUITE, expected_failed_checks=lambda estimator: EXCUSED[type(estimator)])
def test_sklearn_checks(estimator, check):
    check(estimator)


PUBLIC = [LogSTFT(), GriffinLimInverter(), TimbreAutoencoder(), TimbreTransfer()]


@pytest.mark.parametrize("estimator", PUBLIC, ids=lambda e: type(e).__name__)
def test_every_parameter_is_constrained_and_documented(estimator):
    parameters = set(inspect.signature(type(estimator)).parameters)
    assert set(estimator._parameter_constraints) == parameters
    documented = type(estimator).__doc__
    assert [name for name in parameters if name not in documented] == []


@pytest.mark.parametrize("estimator", PUBLIC, ids=lambda e: type(e).__name__)
def test_clone_and_pickle_keep_parameters(estimator):
    for copy in (clone(estimator), pickle.loads(pickle.dumps(estimator))):
        assert type(copy) is type(estimator)
        assert copy.get_params() == estimator.get_params()


def exported_estimators():
    """Return the estimators that the package and its folders export, by name."""
    folders = [sktimbre, *(value for name in sktimbre.__all__ if inspect.ismodule(value := getattr(sktimbre, name)))]
    exported = {name: getattr(folder, name) for folder in folders for name in getattr(folder, "__all__", ())}
    return {
        n: v for n, v in exported.items() if inspect.isclass(v) and issubclass(v, BaseEstimator) and hasattr(v, "fit")
    }


# Estimators whose methods are not renamed yet; the list has to become empty.
NOT_YET_X = {
    "IdentityBaseline",
    "PerBinLinearBaseline",
    "PhaseOracleBaseline",
    "TimbreAutoencoder",
    "TimbreTransfer",
    "TransposedNeighboursBaseline",
}


def test_all_estimators_are_found():
    assert exported_estimators().keys() >= {type(estimator).__name__ for estimator in PUBLIC} | NOT_YET_X


@pytest.mark.parametrize("name", sorted(exported_estimators().keys() - NOT_YET_X))
def test_every_method_takes_x_first(name):
    """scikit-learn passes it by that name; wrappers that it puts around ``transform`` know no other."""
    methods = inspect.getmembers(exported_estimators()[name], inspect.isfunction)
    ours = {n: m for n, m in methods if not n.startswith("_") and inspect.unwrap(m).__module__.startswith("sktimbre.")}
    assert "fit" in ours
    first = {n: next(iter([*inspect.signature(m).parameters][1:]), None) for n, m in ours.items()}
    assert first == dict.fromkeys(ours, "X")


def test_spectra_are_given_by_name():
    X = np.ones((2, 33, 5), np.float32)
    inverter = GriffinLimInverter(1)
    audio = inverter.fit_transform(X=X)
    for found in (inverter.fit(X=X).transform(X=X), inverter.invert(X=X)):
        np.testing.assert_array_equal(found, audio)
    assert LogSTFT(64).inverse_transform(X=X).shape == audio.shape


def test_predictors_are_regressors():
    assert is_regressor(TimbreAutoencoder())
    assert is_regressor(TimbreTransfer())
