"""scikit-learn's own checks on every public estimator, and the rules that all of them keep."""

import inspect
import pickle
import re

import numpy as np
import pytest
from sklearn.base import BaseEstimator, clone, is_regressor
from sklearn.linear_model import Ridge
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks

import sktimbre
from sktimbre import GriffinLimInverter, LogSTFT, TimbreAutoencoder, TimbreTransfer
from sktimbre.baselines import (
    IdentityBaseline,
    MosaicBaseline,
    PerBinLinearBaseline,
    PhaseOracleBaseline,
    SpectralEnvelopeBaseline,
    TransposedNeighboursBaseline,
)
from sktimbre.exceptions import AudioError

# The suite hands out tables (n_samples, n_features) and one number a sample as target. Spectra have a third dimension and a
# target has the shape of its source, so the classes below lift the suite's tables to that and change nothing else.


def _lifted(X):
    """A table as spectra of one frame; whatever the suite means to be refused is kept."""
    if isinstance(X, list) or (hasattr(X, "__array__") and np.asarray(X).ndim == 2):
        return np.asarray(X)[:, :, np.newaxis]
    return X


def _length(X):
    return X.shape[0] if hasattr(X, "shape") else len(np.asarray(X))


def _target(X, y):
    """The source itself in place of the suite's one number a sample; whatever the suite means to be refused is kept."""
    if not (isinstance(y, list) or hasattr(y, "__array__")) or _length(y) != _length(X):
        return y
    y = np.asarray(y)
    return y if np.iscomplexobj(y) or not np.isfinite(y.astype(float)).all() else X


class _SpectraInSuite:
    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = True
        return tags


class _RegressorInSuite(_SpectraInSuite):
    def fit(self, X, y=None):
        X = _lifted(X)
        return super().fit(X, _target(X, y))

    def predict(self, X):
        return super().predict(_lifted(X))

    def score(self, X, y=None):
        X = _lifted(X)
        return super().score(X, _target(X, y))


class AutoencoderInSuite(_RegressorInSuite, TimbreAutoencoder):
    def partial_fit(self, X, y=None):
        X = _lifted(X)
        return super().partial_fit(X, _target(X, y))


class IdentityInSuite(_RegressorInSuite, IdentityBaseline):
    pass


class PerBinLinearInSuite(_RegressorInSuite, PerBinLinearBaseline):
    pass


class EnvelopeInSuite(_RegressorInSuite, SpectralEnvelopeBaseline):
    pass


class MosaicInSuite(_RegressorInSuite, MosaicBaseline):
    pass


class PhaseOracleInSuite(_RegressorInSuite, PhaseOracleBaseline):
    pass


class InverterInSuite(_SpectraInSuite, GriffinLimInverter):
    def fit(self, X, y=None):
        return super().fit(_lifted(X))

    def fit_transform(self, X, y=None):
        return super().fit_transform(_lifted(X))

    def transform(self, X):
        return super().transform(_lifted(X))


class TransferInSuite(TimbreTransfer):
    def fit(self, X, y):
        return super().fit(X, _target(X, y))

    def score(self, X, y):
        return super().score(X, _target(X, y))


class NeighboursInSuite(TransposedNeighboursBaseline):
    """With a pitch given: the suite's tables have none."""

    def fit(self, X, y):
        return super().fit(X, _target(X, y), _pitches(X))

    def predict(self, X, pitches=None):
        return super().predict(X, _pitches(X))

    def score(self, X, y):
        return super().score(X, _target(X, y))


def _pitches(X):
    return np.zeros(_length(X))


# Every check that an estimator is excused from, with the reason. LogSTFT is excused from nothing.
OF_REGRESSORS = {
    "check_regressors_train": "a prediction has the shape of its source; the suite wants one number a sample",
    "check_regressor_multioutput": "audio and spectra are float32; the suite wants double precision of regressors",
}
OF_SPECTRA = {"check_estimators_empty_data_messages": "the shape in the message has three dimensions"}
EXCUSED = {
    LogSTFT: {},
    InverterInSuite: {
        **OF_SPECTRA,
        "check_fit_idempotent": "its values reach 100, which no log-magnitude does: refused",
    },
    TransferInSuite: OF_REGRESSORS,
    AutoencoderInSuite: OF_REGRESSORS | OF_SPECTRA,
    IdentityInSuite: OF_REGRESSORS | OF_SPECTRA,
    PerBinLinearInSuite: OF_REGRESSORS | OF_SPECTRA,
    EnvelopeInSuite: OF_REGRESSORS | OF_SPECTRA,
    MosaicInSuite: OF_REGRESSORS | OF_SPECTRA,
    PhaseOracleInSuite: {
        **OF_REGRESSORS,
        **OF_SPECTRA,
        "check_fit_idempotent": "it refuses sources that it was not fitted on",
    },
    NeighboursInSuite: {
        **OF_REGRESSORS,
        "check_transformer_general": "audio of another length is welcome",
        "check_fit2d_1feature": "the message speaks of a note of one sample",
    },
}

IN_SUITE = [
    LogSTFT(n_fft=4),
    LogSTFT(n_fft=16),
    LogSTFT(n_fft=1024),
    InverterInSuite(n_iter=2, random_state=0),
    TransferInSuite(stft=LogSTFT(n_fft=8), autoencoder=Ridge()),
    AutoencoderInSuite("shallow", filters=2, epochs=1, validation_split=0, random_state=0),
    IdentityInSuite(),
    PerBinLinearInSuite(),
    EnvelopeInSuite(),
    MosaicInSuite(),
    PhaseOracleInSuite(),
    NeighboursInSuite(n_neighbors=1, n_fft=2),
]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@parametrize_with_checks(IN_SUITE, expected_failed_checks=lambda estimator: EXCUSED[type(estimator)])
def test_sklearn_checks(estimator, check):
    check(estimator)


PUBLIC = [
    LogSTFT(),
    GriffinLimInverter(),
    TimbreAutoencoder(),
    TimbreTransfer(),
    IdentityBaseline(),
    PerBinLinearBaseline(),
    SpectralEnvelopeBaseline(),
    MosaicBaseline(),
    PhaseOracleBaseline(),
    TransposedNeighboursBaseline(),
]


@pytest.mark.parametrize("estimator", PUBLIC, ids=lambda e: type(e).__name__)
def test_every_parameter_is_constrained_and_documented(estimator):
    parameters = set(inspect.signature(type(estimator)).parameters)
    assert set(estimator._parameter_constraints) == parameters
    entries = re.findall(r"^(\w+(?:, \w+)*) : ", inspect.getdoc(type(estimator)), re.MULTILINE)
    assert parameters <= {name for entry in entries for name in entry.split(", ")}


@pytest.mark.parametrize("estimator", PUBLIC, ids=lambda e: type(e).__name__)
def test_clone_and_pickle_keep_parameters(estimator):
    for copy in (clone(estimator), pickle.loads(pickle.dumps(estimator))):
        assert type(copy) is type(estimator)
        assert copy.get_params() == estimator.get_params()


class Falsy:
    """A value that `or` would replace."""

    def __bool__(self):
        return False


@pytest.mark.parametrize("value", [object, Falsy])
@pytest.mark.parametrize("estimator", PUBLIC, ids=lambda e: type(e).__name__)
def test_constructors_only_store(estimator, value):
    given = {name: value() for name in inspect.signature(type(estimator)).parameters}
    assert vars(type(estimator)(**given)) == given


def exported_estimators():
    """Return the estimators that the package and its folders export, by name."""
    folders = [sktimbre, *(value for name in sktimbre.__all__ if inspect.ismodule(value := getattr(sktimbre, name)))]
    exported = {name: getattr(folder, name) for folder in folders for name in getattr(folder, "__all__", ())}
    return {
        n: v for n, v in exported.items() if inspect.isclass(v) and issubclass(v, BaseEstimator) and hasattr(v, "fit")
    }


def test_all_estimators_are_found():
    assert exported_estimators().keys() == {type(estimator).__name__ for estimator in PUBLIC}
    for estimator in PUBLIC:
        assert any(isinstance(other, type(estimator)) for other in IN_SUITE), type(estimator).__name__


# What takes neither audio nor spectra first, or more than them.
OTHERWISE = {"decode": "codes", "predict_blocks": "blocks", "invert_spectra": "S"}


@pytest.mark.parametrize("name", sorted(exported_estimators()))
def test_every_method_takes_x_first(name):
    """scikit-learn passes it by that name; wrappers that it puts around ``transform`` know no other."""
    methods = inspect.getmembers(exported_estimators()[name], inspect.isfunction)
    ours = {n: m for n, m in methods if not n.startswith("_") and inspect.unwrap(m).__module__.startswith("sktimbre.")}
    first = {
        n: next(iter([*inspect.signature(m).parameters][1:]), None)
        for n, m in ours.items()
        if n not in ("get_params", "set_params", "get_metadata_routing")
    }
    assert "fit" in first
    assert first == {n: OTHERWISE.get(n, "X") for n in first}


def test_spectra_are_given_by_name():
    X = np.ones((2, 33, 5), np.float32)
    inverter = GriffinLimInverter(1)
    audio = inverter.fit_transform(X=X)
    for found in (inverter.fit(X=X).transform(X=X), inverter.invert(X=X)):
        np.testing.assert_array_equal(found, audio)
    assert LogSTFT(64).inverse_transform(X=X).shape == audio.shape


@pytest.mark.parametrize(
    "estimator",
    [
        LogSTFT(n_fft=64),
        GriffinLimInverter(2),
        TimbreAutoencoder("shallow", filters=2, epochs=1, random_state=0),
        TimbreTransfer(LogSTFT(n_fft=64), Ridge(), GriffinLimInverter(2)),
        IdentityBaseline(),
        PerBinLinearBaseline(),
        PhaseOracleBaseline(),
        SpectralEnvelopeBaseline(),
        MosaicBaseline(),
        TransposedNeighboursBaseline(n_neighbors=1, n_fft=64),
    ],
    ids=lambda e: type(e).__name__,
)
def test_inputs_are_left_alone(estimator):
    """Arrays that need no conversion, so that a change in place would be one of the caller's; writing into them raises."""
    X = np.sin(np.outer([0.1, 0.13, 0.17], np.arange(4000))).astype(np.float32)
    if get_tags(estimator).input_tags.three_d_array:
        X = LogSTFT(n_fft=64).fit_transform(X)
    y = (0.5 * X).astype(np.float32)
    for data in (X, y):
        data.flags.writeable = False
    estimator = clone(estimator).fit(X, y)
    for method in ("predict", "transform", "predict_spectra", "complex_transform", "encode", "inverse_transform"):
        if hasattr(estimator, method):
            getattr(estimator, method)(LogSTFT(n_fft=64).transform(X) if method == "inverse_transform" else X)
    if hasattr(estimator, "score"):
        estimator.score(X, y)


def test_predictors_are_regressors():
    assert is_regressor(TimbreAutoencoder())
    assert is_regressor(TimbreTransfer())


@pytest.mark.parametrize("name", sorted(name for name, kind in exported_estimators().items() if hasattr(kind, "fit")))
def test_a_fit_that_fails_leaves_a_fitted_estimator_as_it_was(name):
    """Data of another size and not finite: what was checked before the fault was found must not stay."""
    quick = {
        "TimbreAutoencoder": {"architecture": "shallow", "filters": 2, "epochs": 1},
        "TimbreTransfer": {"autoencoder": Ridge()},
    }
    model = exported_estimators()[name](**quick.get(name, {}))
    rng = np.random.default_rng(0)
    audio = np.sin(np.arange(4096) / 9) * rng.uniform(0.5, 1, (4, 1))
    three = model.__sklearn_tags__().input_tags.three_d_array
    good = LogSTFT(n_fft=64).fit_transform(audio) if three else audio
    bad = good[:, :17].copy() if three else good[:, :2048].copy()
    bad.flat[-1] = np.nan
    model.fit(good, good)
    before = dict(vars(model))
    for method in [m for m in ("fit", "fit_transform", "partial_fit") if hasattr(model, m)]:
        # Both are bad, or only the targets are, which are looked at later.
        other = np.nan_to_num(bad)
        for X, y in ((bad, bad), (other, good[:2])) if is_regressor(model) else ((bad, bad),):
            with pytest.raises(AudioError):
                getattr(model, method)(X, y)
            assert vars(model).keys() == before.keys()
            assert all(vars(model)[key] is before[key] or vars(model)[key] == before[key] for key in before), method
