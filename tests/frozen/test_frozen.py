"""Files of every released version load and predict what they did."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone

import sktimbre
from sktimbre import TimbreAutoencoder

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
    with np.load(path.with_suffix(".npz")) as expected:
        spectra, converted = model.predict_spectra(expected["audio"]), model.predict(expected["audio"])
        # Other releases of numpy, TensorFlow and FFT libraries, and other processors, round otherwise.
        np.testing.assert_allclose(spectra, expected["spectra"], rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(converted, expected["converted"], atol=2e-3)
    assert path.stat().st_size < 200_000
    # What came to the constructors since then has its default.
    assert clone(model).get_params(deep=False).keys() == type(model)().get_params(deep=False).keys()
    assert set(model.autoencoder_.get_params()) == set(type(model.autoencoder_)().get_params())
