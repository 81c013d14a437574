"""Files of every released version load and predict what they did."""

import importlib
import pickle
import warnings
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.base import clone

import sktimbre
from sktimbre import TimbreAutoencoder
from sktimbre._utils.moved import MOVED
from sktimbre.autoencoder import PairAugmenter
from sktimbre.baselines import PerBinLinearBaseline
from sktimbre.datasets import make_paired_notes

FOLDER = Path(__file__).parent
FILES = sorted(FOLDER.glob("*.sktimbre"))


@pytest.mark.parametrize("architecture", ["shallow", TimbreAutoencoder().architecture])
def test_there_are_files_of_the_smallest_and_of_the_default_network(architecture):
    assert [path for path in FILES if path.name.startswith(f"{architecture}-")]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_frozen(path):
    with warnings.catch_warnings():
        # Other versions of others may be warned of; what the model does is what counts.
        warnings.simplefilter("ignore", sktimbre.exceptions.VersionWarning)
        model = sktimbre.load(path)
    with np.load(path.parent / f"{path.stem}.npz") as expected:
        spectra, converted = model.predict_spectra(expected["audio"]), model.predict(expected["audio"])
        # Other releases of numpy, TensorFlow and FFT libraries, and other processors, round otherwise.
        np.testing.assert_allclose(spectra, expected["spectra"], rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(converted, expected["converted"], atol=2e-3)
    assert path.stat().st_size < 200_000
    # What came to the constructors since then has its default.
    assert clone(model).get_params(deep=False).keys() == type(model)().get_params(deep=False).keys()
    assert set(model.autoencoder_.get_params()) == set(type(model.autoencoder_)().get_params())
    if path.stem.count("-") == 1:
        # It learnt the tuning of its targets, which was no parameter then.
        assert model.autoencoder_.tuning == model.autoencoder.tuning == "target"


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.InconsistentVersionWarning")
def test_pickles_of_former_modules_load():
    """Pickles name modules; those of version 0.1.0 name some that have moved."""
    models = joblib.load(FOLDER / "pickle-0.1.0.joblib")
    audio = make_paired_notes(3, duration=0.3, random_state=0).source[:1, :2000]
    found = {
        "transfer": models["transfer"].predict_spectra(audio),
        "pipeline": models["pipeline"].predict(audio),
        "baseline": models["baseline"].predict_spectra(audio),
    }
    assert type(models["baseline"].autoencoder_) is PerBinLinearBaseline
    augmenter = models["transfer"].autoencoder_.augment
    assert type(augmenter) is PairAugmenter
    # What came to the constructors since then has its former value, or its default.
    assert clone(models["transfer"]).autoencoder.tuning == "target"
    assert augmenter.get_params().keys() == PairAugmenter().get_params().keys()
    assert augmenter.transitions == augmenter.mixing == augmenter.filtering == augmenter.beyond == 0
    with np.load(FOLDER / "pickle-0.1.0.npz") as expected:
        for name, spectra in found.items():
            np.testing.assert_allclose(spectra, expected[name], rtol=1e-3, atol=1e-4, err_msg=name)
    again = pickle.loads(pickle.dumps(models["transfer"]))
    np.testing.assert_array_equal(again.predict_spectra(audio), found["transfer"])


@pytest.mark.parametrize(("former", "present"), MOVED.items())
def test_former_modules_look_names_up_in_the_present_ones(former, present):
    here, there = importlib.import_module(present), importlib.import_module(former)
    public = [name for name in vars(here) if not name.startswith("_")]
    assert all(getattr(there, name) is getattr(here, name) for name in public)
    with pytest.raises(AttributeError):
        _ = there.nothing_of_this_name
    with pytest.raises(ImportError):
        importlib.import_module(f"{former}_of_nobody")
