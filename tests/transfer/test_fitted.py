"""FittedTransfer: a model from its file without scikit-learn converts exactly as the estimator does."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.linear_model import Ridge

import sktimbre
from sktimbre import GriffinLimInverter, LogSTFT, TimbreAutoencoder, TimbreTransfer
from sktimbre.baselines import IdentityBaseline
from sktimbre.datasets import make_paired_notes
from sktimbre.exceptions import ParameterError, PersistenceError
from sktimbre.persistence.files import load_record
from sktimbre.transfer.fitted import fitted_transfer
from sktimbre.transfer.settings import RANGES

FROZEN = Path(__file__).parents[1] / "frozen"
SHARE = st.sampled_from([0.0, 0.3, 1.0])


@pytest.fixture(scope="module")
def notes():
    return make_paired_notes(4, duration=0.6, random_state=0)


@pytest.fixture(scope="module")
def path(notes, tmp_path_factory):
    network = TimbreAutoencoder("shallow", filters=4, epochs=1, validation_split=0, random_state=0)
    model = TimbreTransfer(stft=LogSTFT(n_fft=512, n_jobs=2), autoencoder=network, loudness=0.5)
    return sktimbre.save(model.fit(notes.source, notes.target), tmp_path_factory.mktemp("fitted") / "model")


@given(
    st.fixed_dictionaries(
        {},
        optional={
            **{name: SHARE for name in RANGES if name != "transpose"},
            "transpose": st.sampled_from([-12, 0, 0.5]),
            "phase": st.sampled_from(["source", "estimate"]),
        },
    ),
    st.sampled_from([None, 0.3]),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_it_converts_as_the_estimator(path, notes, chosen, latency):
    estimator, fitted = sktimbre.load(path), fitted_transfer(load_record(path))
    estimator.set_params(**chosen)
    fitted.set_params(**chosen)
    results = []
    for model in (estimator, fitted):
        try:
            results.append(np.concatenate(list(model.predict_blocks(notes.source[:2], latency=latency))))
        except ParameterError as error:
            results.append(str(error))
    assert type(results[0]) is type(results[1])
    if isinstance(results[0], str):
        assert results[0] == results[1]
    else:
        np.testing.assert_array_equal(*results)


@pytest.mark.parametrize(("name", "value"), [("amount", 1.5), ("mix", -0.1), ("transpose", 25), ("phase", "none")])
def test_settings_out_of_range(path, name, value):
    fitted = fitted_transfer(load_record(path))
    fitted.set_params(**{name: value})
    with pytest.raises(ParameterError, match=name):
        fitted.predict_blocks([np.zeros(1000, np.float32)])


@pytest.mark.parametrize(
    "parts",
    [
        {"autoencoder": Ridge()},
        {"autoencoder": IdentityBaseline()},
        {"stft": LogSTFT(n_fft=512, center=False)},
    ],
    ids=["another regressor", "a baseline", "frames that are not centred"],
)
def test_other_parts_need_their_estimators(notes, tmp_path, parts):
    parts = {"autoencoder": TimbreAutoencoder("shallow", filters=2, epochs=1, validation_split=0)} | parts
    model = TimbreTransfer(**parts).fit(notes.source, notes.target)
    assert fitted_transfer(load_record(sktimbre.save(model, tmp_path / "m"))) is None


@pytest.mark.parametrize(
    "kind", [LogSTFT(), GriffinLimInverter(), TimbreTransfer()], ids=lambda kind: type(kind).__name__
)
def test_files_of_other_estimators_hold_no_model(tmp_path, kind):
    assert fitted_transfer(load_record(sktimbre.save(kind, tmp_path / "m"))) is None


@pytest.mark.parametrize("name", ["shallow-0.1.0", "unet-0.1.0-pitches"])
def test_models_from_before_the_graph_are_loaded_in_full(name):
    assert fitted_transfer(load_record(FROZEN / f"{name}.sktimbre")) is None


def test_damage_is_named(path, tmp_path):
    (tmp_path / "damaged").write_bytes(path.read_bytes()[:-100])
    with pytest.raises(PersistenceError, match="damaged"):
        load_record(tmp_path / "damaged")
    with pytest.raises(PersistenceError, match="cannot be read"):
        load_record(tmp_path / "none")
