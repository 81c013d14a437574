"""FittedTransfer: a model from its file without scikit-learn converts exactly as the estimator does."""

import copy
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.linear_model import Ridge

import sktimbre
from sktimbre import GriffinLimInverter, LogSTFT, TimbreAutoencoder, TimbreTransfer
from sktimbre.baselines import IdentityBaseline
from sktimbre.cli.modelfiles import load_converter
from sktimbre.datasets import make_paired_notes
from sktimbre.exceptions import ParameterError, PersistenceError, VersionWarning
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
            results.append(np.concatenate(list(model.predict_blocks(list(notes.source[:2]), latency=latency))))
        except ParameterError as error:
            results.append(str(error))
    if chosen.get("phase") == "source" and chosen.get("transpose"):
        assert results[0] == results[1]
        assert "phase='source' excludes transpose" in results[0]
    else:
        np.testing.assert_array_equal(*results)
        assert len(results[0]) == notes.source[:2].size


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
    parts = {
        "autoencoder": TimbreAutoencoder("shallow", filters=4, epochs=1, validation_split=0, random_state=0)
    } | parts
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


# Each is an edit of the tree of a file: what `load` refuses or reads in its own way, the estimators judge.
EDITS = {
    "a setting that is a Boolean": lambda model: model.update(mix=TRUE),
    "a sample rate that is text": lambda model: model.update(sr=TEXT),
    "a negative sample rate": lambda model: model.update(sr={**TRUE, "content": "-1"}),
    "a setting out of range": lambda model: model.update(amount={**TRUE, "content": "1.5"}),
    "another phase": lambda model: model.update(phase=TEXT),
    "a cache that is a number": lambda model: model.update(memory={**TRUE, "content": "5"}),
    "an unfitted part of another class": lambda model: model.update(autoencoder=model["stft_"]),
    "a fractional size": lambda model: model["stft_"]["content"]["content"].update(n_fft={**TRUE, "content": "512.0"}),
    "no frames": lambda model: model["stft_"]["content"]["content"].update(n_frames={**TRUE, "content": "0"}),
    "an STFT of another size": lambda model: model["stft_"]["content"]["content"].update(
        n_fft={**TRUE, "content": "256"}
    ),
    "a former value": lambda model: model["inverter_"]["content"]["content"].update(init=TEXT),
    "no state": lambda model: model["inverter_"].update(content=None),
    "a list for a state": lambda model: model["stft_"].update(content={**model["stft_"]["content"], "content": []}),
    "another number of features": lambda model: model["autoencoder_"]["content"]["content"].update(
        n_features_in_={**TRUE, "content": "100"}
    ),
}
TRUE = {"__class__": "str", "__module__": "builtins", "__loader__": "JsonNode", "content": "true", "is_json": True}
TEXT = {**TRUE, "content": '"source-"'}


@pytest.mark.parametrize("edit", EDITS)
def test_what_is_not_as_fit_leaves_it_is_left_to_the_estimators(path, tmp_path, edit):
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    schema = json.loads(members["schema.json"])
    EDITS[edit](schema["content"]["content"])
    members["schema.json"] = json.dumps(schema).encode()
    with zipfile.ZipFile(tmp_path / "edited", "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    try:
        record = load_record(tmp_path / "edited")
    except PersistenceError:
        with pytest.raises(PersistenceError):
            sktimbre.load(tmp_path / "edited")
        return
    assert fitted_transfer(record) is None


def test_a_newer_version_warns_once(notes, path, tmp_path):
    """Also where the file is read twice, because the model needs its estimators."""
    ridge = TimbreTransfer(autoencoder=Ridge()).fit(notes.source, notes.target)
    for model in (path, sktimbre.save(ridge, tmp_path / "ridge")):
        with zipfile.ZipFile(model) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        members["sktimbre.json"] = members["sktimbre.json"].replace(b'"sktimbre": "', b'"sktimbre": "9')
        with zipfile.ZipFile(tmp_path / "newer", "w") as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        with pytest.warns(VersionWarning, match="was written with sktimbre 9") as caught:
            load_converter(tmp_path / "newer")
        assert len(caught) == 1


def test_a_record_can_be_copied(path):
    record = load_record(path)
    assert copy.deepcopy(record).stft_.n_fft == record.stft_.n_fft == 512
    with pytest.raises(AttributeError, match="none"):
        _ = record.none


def test_damage_is_named(path, tmp_path):
    (tmp_path / "damaged").write_bytes(path.read_bytes()[:-100])
    with pytest.raises(PersistenceError, match="damaged"):
        load_record(tmp_path / "damaged")
    with pytest.raises(PersistenceError, match="cannot be read"):
        load_record(tmp_path / "none")
