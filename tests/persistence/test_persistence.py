"""Files of models: what they hold, what strangers may put into them, and other versions."""

import functools
import io
import json
import operator
import os
import pickle
import subprocess
import sys
import tracemalloc
import warnings
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

import sktimbre
from sktimbre import GriffinLimInverter, LogSTFT, TimbreAutoencoder, TimbreTransfer
from sktimbre.baselines import PerBinLinearBaseline
from sktimbre.datasets import make_paired_notes
from sktimbre.exceptions import PersistenceError, VersionWarning


@pytest.fixture(scope="module")
def notes():
    return make_paired_notes(4, duration=0.3, random_state=0)


@pytest.fixture(scope="module")
def model(notes):
    return TimbreTransfer(LogSTFT(n_fft=256), PerBinLinearBaseline()).fit(notes.source, notes.target)


@pytest.fixture
def path(model, tmp_path):
    return sktimbre.save(model, tmp_path / "model.sktimbre")


def rewritten(path, **members):
    """Replace members of an archive; a function is given the JSON that was there."""
    with zipfile.ZipFile(path) as archive:
        held = {name: archive.read(name) for name in archive.namelist()}
    for name, change in members.items():
        name = f"{name}.json"
        held[name] = json.dumps(change(json.loads(held[name]))).encode() if callable(change) else change
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in held.items():
            archive.writestr(name, data)
    return path


# --- what comes back


@pytest.mark.parametrize(
    "make",
    [
        lambda: LogSTFT(n_fft=256),
        lambda: make_pipeline(LogSTFT(), TimbreAutoencoder("shallow", filters=2, epochs=1, random_state=0)),
        lambda: TimbreTransfer(autoencoder=make_pipeline(Ridge())),
    ],
)
def test_estimators_and_pipelines_come_back(make, notes, tmp_path):
    model = make().fit(notes.source, notes.target)
    copy = sktimbre.load(sktimbre.save(model, tmp_path / "m"))
    assert repr(copy) == repr(model)
    if hasattr(model, "predict"):
        np.testing.assert_array_equal(copy.predict(notes.source), model.predict(notes.source))


def test_generators_come_back_in_their_state(tmp_path):
    generator = np.random.default_rng(3)
    generator.random(5)
    copy = sktimbre.load(sktimbre.save(GriffinLimInverter(random_state=generator), tmp_path / "m"))
    assert copy.random_state.random() == generator.random()


def test_a_file_carries_its_versions(path):
    with zipfile.ZipFile(path) as archive:
        about = json.loads(archive.read("sktimbre.json"))
    assert about["format"] == 2
    assert about["versions"]["sktimbre"] == sktimbre.__version__
    assert about["versions"]["numpy"] == np.__version__
    assert set(about["versions"]) == {"sktimbre", "scikit-learn", "keras", "numpy", "skops"}


def test_a_model_of_many_equal_values_still_loads(tmp_path):
    model = LogSTFT()
    model.zeros_ = np.zeros(30_000_000, np.float32)  # compresses a thousand times
    assert not sktimbre.load(sktimbre.save(model, tmp_path / "m")).zeros_.any()


def test_saving_what_cannot_be_stored_leaves_the_old_file(path, model):
    before = path.read_bytes()
    broken = clone(model).set_params(autoencoder=FunctionTransformer(lambda x: x))
    broken.generator_ = (i for i in range(3))
    with pytest.raises(PersistenceError, match="cannot be stored"):
        sktimbre.save(broken, path, overwrite=True)
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_parameters_that_came_later_have_their_defaults(path, notes):
    def forget(schema):
        stft = schema["content"]["content"]["stft_"]["content"]
        del stft["content"]["n_jobs"]
        return schema

    copy = sktimbre.load(rewritten(path, schema=forget))
    assert copy.stft_.n_jobs is None
    assert repr(clone(copy.stft_)) == "LogSTFT(n_fft=256)"


# --- other versions


def test_a_newer_format_is_refused(path):
    rewritten(path, sktimbre=lambda about: {"format": 3, "versions": {**about["versions"], "sktimbre": "7.1"}})
    with pytest.raises(
        PersistenceError, match=r"has format 3; .* reads formats up to 2. Install sktimbre 7.1 or newer"
    ):
        sktimbre.load(path)


@pytest.mark.parametrize(
    ("versions", "words"),
    [({"sktimbre": "99.0"}, "sktimbre 99.0 "), ({"numpy": "99.1", "keras": "2.15"}, r"keras 2.15 .*, numpy 99.1 ")],
)
def test_other_versions_warn(path, versions, words):
    rewritten(path, sktimbre=lambda about: {**about, "versions": {**about["versions"], **versions}})
    with pytest.warns(VersionWarning, match=words):
        sktimbre.load(path)


@pytest.mark.parametrize("versions", [{"sktimbre": "0.0.1"}, {"numpy": f"{np.__version__.split('.')[0]}.0.0"}])
def test_older_files_and_minor_versions_are_silent(path, versions):
    rewritten(path, sktimbre=lambda about: {**about, "versions": {**about["versions"], **versions}})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sktimbre.load(path)


def test_a_start_that_is_no_more_becomes_the_default(notes, tmp_path):
    """``GriffinLimInverter(init="source")`` only refused to guess; files from then work as without it."""
    model = TimbreTransfer(LogSTFT(n_fft=256), PerBinLinearBaseline(), GriffinLimInverter(2)).fit(
        notes.source, notes.target
    )
    expected = model.predict(notes.source)
    for part in (model.inverter, model.inverter_):
        part.init = "source"
    copy = sktimbre.load(sktimbre.save(model, tmp_path / "m"))
    assert (copy.inverter.init, copy.inverter_.init) == ("pghi", "pghi")
    np.testing.assert_array_equal(copy.predict(notes.source), expected)


# --- strangers' files


class Canary:
    """Pickles to a call that leaves a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


def test_a_pickle_is_not_run(tmp_path):
    (tmp_path / "m").write_bytes(pickle.dumps(Canary(tmp_path / "ran")))
    with pytest.raises(PersistenceError, match="not written by sktimbre"):
        sktimbre.load(tmp_path / "m")
    assert not (tmp_path / "ran").exists()


def test_a_pickle_in_an_array_is_not_run(path):
    array = io.BytesIO()
    np.save(array, np.array([Canary(path.with_name("ran"))], object), allow_pickle=True)
    with zipfile.ZipFile(path) as archive:
        name = next(n for n in archive.namelist() if n.endswith(".npy"))
    with zipfile.ZipFile(path) as archive:
        held = {n: archive.read(n) for n in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for n, data in held.items():
            archive.writestr(n, array.getvalue() if n == name else data)
    with pytest.raises(PersistenceError, match="damaged"):
        sktimbre.load(path)
    assert not path.with_name("ran").exists()


def wide(n_frequencies, options):
    """An architecture of a user's own."""


@pytest.mark.parametrize(
    ("held", "word"),
    [
        (lambda x: x, "lambda"),
        (functools.partial(print, "called"), "partial"),
        (operator.methodcaller("predict", 1), "operator"),
        (LogSTFT().fit, "LogSTFT"),
        (wide, "wide"),
        (RandomForestRegressor(2).fit([[1.0], [2.0]], [1, 2]), "Tree"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_not_ours_is_refused_and_named(held, word, tmp_path, capsys):
    path = sktimbre.save(TimbreTransfer(autoencoder=FunctionTransformer(held)), tmp_path / "m")
    with pytest.raises(PersistenceError, match=f"{word}.*does not trust"):
        sktimbre.load(path)
    assert capsys.readouterr().out == ""


def test_what_is_trusted_loads(tmp_path):
    path = sktimbre.save(TimbreAutoencoder(wide), tmp_path / "m")
    with pytest.raises(PersistenceError, match="pass trusted=") as refused:
        sktimbre.load(path)
    named = str(refused.value).split("trusted=")[1].rstrip(".")
    assert sktimbre.load(path, trusted=json.loads(named.replace("'", '"'))).architecture is wide
    forest = RandomForestRegressor(2, random_state=0).fit([[1.0], [2.0]], [1, 2])
    sktimbre.save(forest, path, overwrite=True)
    assert sktimbre.load(path, trusted=["sklearn.tree._tree.Tree"]).predict([[2.0]]) == forest.predict([[2.0]])


def node(loader, name="dict", module="builtins", **rest):
    return {"__loader__": loader, "__class__": name, "__module__": module, "__id__": 1, **rest}


ARGUMENTS = node("TupleNode", "tuple", content=[node("JsonNode", "str", content="4")])
KEY_TYPES = node("ListNode", "list", content=[])
OURS = {"name": "shallow", "module": "sktimbre.autoencoder.networks.architectures"}
ESTIMATOR = {"name": "LogSTFT", "module": "sktimbre.spectral.log_stft"}
CALLS = {
    "a function of ours": node("ConstructorFromReduceNode", **OURS, content=ARGUMENTS),
    "a function of ours, as a list": node("ListNode", **OURS, content=[]),
    "a function of ours, as a dictionary": node("DictNode", **OURS, content={}, key_types=KEY_TYPES),
    "a function of ours, as a loss": node("LossNode", **OURS, content=ARGUMENTS, **{"__reduce__": {"args": ARGUMENTS}}),
    "a function of ours, as a tuple": node("TupleNode", **OURS, content=[]),
    "a function of ours, for each key": node(
        "DictNode",
        content={"a": node("JsonNode", "str", content="4")},
        key_types=node("ListNode", "list", content=[node("FunctionNode", **OURS)]),
    ),
    "a class of ours": node("ConstructorFromReduceNode", **ESTIMATOR, content=ARGUMENTS),
    "os.system": node("ConstructorFromReduceNode", "system", "os", content=ARGUMENTS),
    "os.system, as a type": node("TypeNode", "system", "os"),
    "os.system, as an object": node("ObjectNode", "system", "os"),
    "a hidden bit generator": node(
        "RandomGeneratorNode",
        "Generator",
        "numpy.random",
        content={
            "bit_generator": node(
                "DictNode", content={"bit_generator": node("JsonNode", "str", content='"seed"')}, key_types=KEY_TYPES
            ),
            "seed_seq": node("DictNode", content={}, key_types=KEY_TYPES),
        },
    ),
    "an archive in the archive": node("SparseMatrixNode", "csr_matrix", "scipy.sparse", type="scipy", file="x.npz"),
    "itself": node("CachedNode"),
    "an unknown loader": node("EvilNode", "int"),
    "an old protocol's function": node("FunctionNode", content={"module_path": "os", "function": "system"}),
}


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, -1, True, "2"])
@pytest.mark.parametrize("what", CALLS)
def test_crafted_trees_call_nothing(path, what, protocol, monkeypatch):
    def called(*args, **kwargs):
        raise AssertionError("called")

    called.__new__ = called
    monkeypatch.setattr("sktimbre.autoencoder.networks.architectures.shallow", called)
    monkeypatch.setattr(LogSTFT, "__init__", called)
    monkeypatch.setattr(os, "system", called)
    rewritten(path, schema=json.dumps({**CALLS[what], "protocol": protocol}).encode())
    with pytest.raises(PersistenceError) as refused:
        sktimbre.load(path)
    assert "called" not in str(refused.value)


def test_modules_that_a_file_names_are_not_imported(path, tmp_path):
    (tmp_path / "stranger.py").write_text("open('imported', 'w').close()\nclass Thing: pass\n")
    rewritten(path, schema=json.dumps({**node("ObjectNode", "Thing", "stranger"), "protocol": 2}).encode())
    code = "import sktimbre, sys\ntry:\n    sktimbre.load(sys.argv[1])\nexcept OSError as e:\n    print(e)"
    environment = {**os.environ, "PYTHONPATH": f"{os.environ.get('PYTHONPATH', '')}:{tmp_path}"}
    done = subprocess.run(
        [sys.executable, "-c", code, path], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60
    )
    assert "stranger.Thing" in done.stdout, done.stderr
    assert not (tmp_path / "imported").exists()


@pytest.mark.parametrize("name", ["../escaped", "/tmp/sktimbre-escaped", "a/../../escaped", "C:\\escaped"])
def test_paths_in_the_archive_reach_no_other_file(path, tmp_path, name):
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(name, "data")
    before = sorted(p.name for p in tmp_path.parent.iterdir())
    sktimbre.load(path)
    assert sorted(p.name for p in tmp_path.parent.iterdir()) == before
    assert not os.path.exists("/tmp/sktimbre-escaped")

    def elsewhere(schema):
        text = json.dumps(schema)
        first = text.index(".npy")
        start = text.rindex('"', 0, first)
        return json.loads(text[: start + 1] + "/etc/passwd" + text[first + 4 :])

    with pytest.raises(PersistenceError, match="damaged"):
        sktimbre.load(rewritten(path, schema=elsewhere))


def test_a_bomb_is_not_unpacked(path):
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("more.npy", bytes(200 * 2**20))
    tracemalloc.start()
    with pytest.raises(PersistenceError, match=r"would take 200 MiB"):
        sktimbre.load(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20 * 2**20


def test_a_bomb_that_lies_about_its_size_is_not_unpacked(path):
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("schema.json.new", b" " * 200 * 2**20)
    data = path.read_bytes()
    # Directory and local header claim 64 bytes; the name is made that of the tree.
    data = data.replace((200 * 2**20).to_bytes(4, "little"), (64).to_bytes(4, "little"))
    path.write_bytes(data.replace(b"schema.json.new", b"sktimbre.json\0\0"))
    tracemalloc.start()
    with pytest.raises(PersistenceError, match="damaged"):
        sktimbre.load(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20 * 2**20


def test_an_array_that_lies_about_its_shape_takes_no_memory(path):
    with zipfile.ZipFile(path) as archive:
        held = {n: archive.read(n) for n in archive.namelist()}
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": (10**15,)})
    with zipfile.ZipFile(path, "w") as archive:
        for n, data in held.items():
            archive.writestr(n, header.getvalue() if n.endswith(".npy") else data)
    with pytest.raises(PersistenceError, match="damaged"):
        sktimbre.load(path)


def test_deep_nesting_is_damage(path):
    with pytest.raises(PersistenceError, match="damaged"):
        sktimbre.load(rewritten(path, schema=b'{"content": ' * 50_000 + b"1" + b"}" * 50_000))


@pytest.mark.parametrize("schema", [b"", b"[]", b"null", b"{}", b'"text"', b"\xff", b'{"__loader__": {}}'])
@pytest.mark.parametrize("member", ["schema", "sktimbre"])
def test_other_json_is_damage(path, schema, member):
    with pytest.raises(PersistenceError, match="damaged"):
        sktimbre.load(rewritten(path, **{member: schema}))


@pytest.mark.parametrize("bad", ["/dev/zero", None, 3, b"bytes", ""])
def test_what_is_no_file(bad):
    with pytest.raises(PersistenceError):
        sktimbre.load(bad)


@given(st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damage_is_found_or_harmless(path, model, notes, data):
    """Bits flipped, the end cut off: an error of ours, or the very same model."""
    whole = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        where = data.draw(st.integers(0, len(whole) - 1))
        whole[where] ^= 1 << data.draw(st.integers(0, 7))
    damaged = path.with_name("damaged")
    damaged.write_bytes(whole[: data.draw(st.sampled_from([len(whole), data.draw(st.integers(0, len(whole)))]))])
    try:
        copy = sktimbre.load(damaged)
    except PersistenceError:
        return
    np.testing.assert_array_equal(copy.predict_spectra(notes.source), model.predict_spectra(notes.source))
