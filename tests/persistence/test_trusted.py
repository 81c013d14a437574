"""Files of all that is ours load without ``trusted=``; what that is, is found here, so that nothing new is forgotten."""

import importlib
import inspect
import pkgutil

import numpy as np
import pytest
from sklearn.base import BaseEstimator

import sktimbre
from sktimbre import GriffinLimInverter, TimbreAutoencoder
from sktimbre.autoencoder import ARCHITECTURES, NetworkOptions
from sktimbre.autoencoder.network import Network
from sktimbre.baselines import IdentityBaseline
from sktimbre.datasets import make_paired_notes
from sktimbre.persistence.files import TRUSTED


def found():
    """Return the estimators and objects of parameters that the package or one of its rooms offers."""
    names = [module.name for module in pkgutil.iter_modules(sktimbre.__path__) if module.name[0] != "_"]
    rooms = [sktimbre, *(importlib.import_module(f"sktimbre.{name}") for name in names)]
    classes = filter(inspect.isclass, (getattr(room, name) for room in rooms for name in getattr(room, "__all__", ())))
    return sorted({c for c in classes if issubclass(c, BaseEstimator)}, key=lambda c: c.__name__)


# Of those whose defaults train for minutes.
QUICK = {
    "TimbreAutoencoder": {"architecture": "shallow", "filters": 2, "epochs": 1, "random_state": 0},
    "TimbreTransfer": {"autoencoder": IdentityBaseline(), "inverter": GriffinLimInverter(n_iter=1, random_state=0)},
}


def test_something_is_found():
    names = {c.__name__ for c in found()}
    assert {"LogSTFT", "TimbreAutoencoder", "PairAugmenter", "TransposedNeighboursBaseline"} <= names


@pytest.mark.parametrize("kind", found(), ids=lambda c: c.__name__)
def test_estimators_load(kind, tmp_path):
    made = kind(**QUICK.get(kind.__name__, {}))
    copy = sktimbre.load(sktimbre.save(made, tmp_path / "new"))
    assert type(copy) is kind
    assert repr(copy) == repr(made)
    if not hasattr(made, "fit"):
        return
    notes = make_paired_notes(3, duration=0.1, random_state=0)
    known = {"y": notes.target, "pitches": notes.pitches}
    X = notes.source
    if made.__sklearn_tags__().input_tags.three_d_array:
        X, known["y"] = (sktimbre.LogSTFT().fit_transform(side) for side in (X, known["y"]))
    asked = inspect.signature(made.fit).parameters
    made.fit(X, **{name: value for name, value in known.items() if name in asked})
    copy = sktimbre.load(sktimbre.save(made, tmp_path / "fitted"))
    assert vars(copy).keys() == vars(made).keys()
    if hasattr(made, "predict"):
        np.testing.assert_array_equal(copy.predict(X), made.predict(X))


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_networks_of_every_architecture_load(name, tmp_path):
    """By its name and as a function, with the weights that it was made with: a training would change nothing but those."""
    model = TimbreAutoencoder(ARCHITECTURES[name], filters=2)
    model.network_ = Network(ARCHITECTURES[name], 33, NetworkOptions(filters=2))
    model.n_features_in_ = 33
    S = np.random.default_rng(0).random((1, 33, 16), np.float32)
    expected = model.predict(S)
    model.network_.keep_weights()
    copy = sktimbre.load(sktimbre.save(model, tmp_path / "m"))
    assert copy.architecture is copy.network_.architecture is ARCHITECTURES[name]
    np.testing.assert_allclose(copy.predict(S), expected, atol=1e-5)


def test_trusted_names_exist():
    for name in TRUSTED:
        module, _, attribute = name.rpartition(".")
        assert hasattr(importlib.import_module(module), attribute), name
