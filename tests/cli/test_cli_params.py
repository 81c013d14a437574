"""Parameters of a fit in a file: read, overridden, refused, and written from a model that they train again."""

import json
import tomllib

import numpy as np
import pytest

import sktimbre as package
from sktimbre import LogSTFT, TimbreAutoencoder, TimbreTransfer
from sktimbre.autoencoder import DRAFT, PRESETS, QUALITY, THESIS, PairAugmenter
from sktimbre.cli.params import FitParams, to_toml
from sktimbre.exceptions import ParameterError

TINY = """
duration = 0.3
sr = 8000
[stft]
n_fft = 128
window = ["kaiser", 8.0]
[autoencoder]
architecture = "shallow"
filters = 2
epochs = 1
optimizer__learning_rate = 0.01
[autoencoder.augment]
semitones = 0.5
[inverter]
n_iter = 2
"""


@pytest.fixture
def file(tmp_path):
    """Write a file of parameters."""

    def write(text):
        path = tmp_path / "fit.toml"
        path.write_text(text)
        return path

    return write


def weights(path):
    return package.load(path).autoencoder_.network_.weights


def test_a_preset_is_overridden_by_the_file_and_both_by_options(file):
    given = FitParams.read(file("[autoencoder]\nfilters = 7\nepochs = 3"))
    given.set_preset("thesis")
    given.set_option("--epochs", 2, "autoencoder.epochs")
    given.check()
    expected = TimbreAutoencoder(**{**THESIS, "filters": 7, "epochs": 2})
    assert given.build().autoencoder.get_params() == expected.get_params()


@pytest.mark.parametrize("name", PRESETS)
def test_presets_are_legal(name):
    given = FitParams()
    given.set_preset(name)
    given.check()
    TimbreAutoencoder(**PRESETS[name])._validate_params()


def test_a_draft_costs_at_most_a_tenth_of_the_default():
    default = TimbreAutoencoder()
    # The work of a convolution grows with the square of the filters.
    assert DRAFT["epochs"] * DRAFT["filters"] ** 2 < 0.1 * default.epochs * default.filters**2


def test_quality_has_the_steps_of_the_default_and_larger_batches():
    default, quality = TimbreAutoencoder(), TimbreAutoencoder(**QUALITY)
    steps = [model.epochs * PairAugmenter().epoch_size / model.batch_size for model in (default, quality)]
    assert steps == [3000, 3000]
    assert quality.batch_size == 4 * default.batch_size


def test_an_unknown_preset_names_the_nearest(sktimbre, notes, tmp_path):
    result = sktimbre("fit", notes.flute, notes.clarinet, "-o", tmp_path / "m.sktimbre", "--preset", "drafts")
    assert result.exit_code == 2
    assert "--preset=drafts" in result.stderr
    assert "draft" in result.stderr


def test_file_and_options(sktimbre, notes, file, tmp_path):
    out = tmp_path / "m.sktimbre"
    result = sktimbre("fit", notes.flute, notes.clarinet, "-o", out, "--params", file(TINY), "--filters=3", "--quiet")
    assert result.exit_code == 0, result.stderr
    model = package.load(out)
    assert (model.sr, model.stft.n_fft, model.stft.window, model.inverter.n_iter) == (8000, 128, ("kaiser", 8.0), 2)
    network = model.autoencoder
    assert (network.architecture, network.epochs, network.optimizer__learning_rate) == ("shallow", 1, 0.01)
    assert network.augment.get_params() == PairAugmenter(semitones=0.5).get_params()
    assert network.filters == 3


def test_folders_in_a_file_are_relative_to_it(sktimbre, notes, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = notes.flute.parent / "fit.toml"
    path.write_text(f'source = "flute"\ntarget = "clarinet"\n{TINY}')
    result = sktimbre("fit", "-o", tmp_path / "m.sktimbre", "--params", path, "--dry-run", "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["pairs"][0]["source"]["file"] == str(notes.flute / "flute.C4.wav")
    assert json.loads(result.stdout)["duration"] == 0.3


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("[autoencoder]\nfitlers = 3", ["no parameter autoencoder.fitlers", "Did you mean autoencoder.filters?"]),
        ("filters = 3", ["no parameter filters", "Did you mean autoencoder.filters?"]),
        ("[autoencodr]\nfilters = 3", ["autoencodr.filters", "Did you mean autoencoder.filters?"]),
        ("[autoencoder.augment]\nsemitone = 3", ["Did you mean autoencoder.augment.semitones?"]),
        ("qqq = 3", ["There are amount, autoencoder, duration, inverter, "]),
        ("[foo]\nbar = 3", ["no parameter foo.bar", "There are amount, autoencoder, duration, inverter, "]),
        ("[autoencoder]\nfilters = 0", ["autoencoder.filters", "[1, inf)", "Got 0"]),
        ('[autoencoder]\nschedule = "cosin"', ["autoencoder.schedule", "Did you mean cosine?"]),
        ('[autoencoder]\nschedule = "plateau"\nwarmup = 0.1', ["[autoencoder]", "schedule='plateau'"]),
        ("[stft]\nn_fft = 333", ["[stft]", "n_fft=333"]),
        ("stft = 3", ["stft", "must be an object"]),
        ("duration = 0", ["duration", "Got 0"]),
        ("duration = ", ["is not TOML"]),
    ],
)
def test_wrong_files_are_refused_before_any_work(sktimbre, notes, file, tmp_path, text, parts):
    path = file(text)
    result = sktimbre("fit", notes.flute, notes.clarinet, "-o", tmp_path / "m.sktimbre", "--params", path)
    assert (result.exit_code, result.stdout) == (2, "")
    assert all(part in result.stderr for part in [str(path), *parts]), result.stderr
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ParameterError, match=r"nowhere\.toml cannot be read: No such file"):
        FitParams.read(tmp_path / "nowhere.toml")


def test_folders_may_not_be_missing(sktimbre, file, tmp_path):
    result = sktimbre("fit", tmp_path, "-o", tmp_path / "m.sktimbre", "--params", file(TINY))
    assert result.exit_code == 2
    assert "TARGET is missing" in result.stderr


def test_a_model_is_trained_again_from_its_parameters(sktimbre, notes, file, tmp_path):
    first, second, params = tmp_path / "1.sktimbre", tmp_path / "2.sktimbre", tmp_path / "again.toml"
    # Without a seed: the one that was drawn is told.
    assert sktimbre("fit", notes.flute, notes.clarinet, "-o", first, "--params", file(TINY)).exit_code == 0
    told = sktimbre("info", first, "--params")
    assert told.exit_code == 0, told.stderr
    params.write_text(told.stdout)
    assert sktimbre("fit", notes.flute, notes.clarinet, "-o", second, "--params", params).exit_code == 0
    for one, other in zip(weights(first), weights(second), strict=True):
        np.testing.assert_array_equal(one, other)
    as_json = json.loads(sktimbre("info", second, "--params", "--json").stdout)["params"]
    assert as_json == tomllib.loads(told.stdout)
    assert as_json["autoencoder"]["augment"]["semitones"] == 0.5


def test_what_a_file_cannot_hold_is_told(sktimbre, unchanging, tmp_path):
    result = sktimbre("info", unchanging, "--params")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "IdentityBaseline as autoencoder" in result.stderr
    pairs = package.datasets.make_paired_notes(2, duration=0.2, sr=8000)
    network = TimbreAutoencoder("shallow", filters=2, epochs=1, augment=PairAugmenter(n_frames=None), random_state=0)
    model = TimbreTransfer(LogSTFT(n_fft=128), network).fit(pairs.source, pairs.target)
    path = package.save(model, tmp_path / "m.sktimbre")
    result = sktimbre("info", path, "--params")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "autoencoder.augment.n_frames=None" in result.stderr


def test_toml_is_read_as_it_was_written():
    params = {
        "text": 'quote " backslash \\ line\n tab\t delete \x7f accent é music \U0001d11e',
        "numbers": [1, -2.5, 1e-300, float("inf"), True],
        "table": {"a": 1, "inner": {"b": [0.1, 0.2]}, "empty": []},
    }
    assert tomllib.loads(to_toml(params)) == params


def test_any_argument_of_the_optimizer(sktimbre, notes, file, tmp_path):
    given = TINY.replace("optimizer__learning_rate = 0.01", "optimizer__learning_rate = 0.01\noptimizer__beta_1 = 0.5")
    out = tmp_path / "m.sktimbre"
    result = sktimbre("fit", notes.flute, notes.clarinet, "-o", out, "--params", file(given), "--quiet")
    assert result.exit_code == 0, result.stderr
    assert package.load(out).autoencoder.optimizer_params == {"beta_1": 0.5}
    written = tomllib.loads(sktimbre("info", out, "--params").stdout)
    assert written["autoencoder"]["optimizer__beta_1"] == 0.5
    assert "optimizer_params" not in written["autoencoder"]
    unknown = file(given.replace("beta_1", "beta_9"))
    result = sktimbre("fit", notes.flute, notes.clarinet, "-o", tmp_path / "n", "--params", unknown, "--dry-run")
    assert result.exit_code == 2
    assert "beta_9" in result.stderr


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings_of_shells(tmp_path, encoding):
    path = tmp_path / "fit.toml"
    path.write_bytes("# Of flöte.sktimbre\r\n[autoencoder]\r\nfilters = 7\r\n".encode(encoding))
    assert FitParams.read(path).get("autoencoder.filters") == 7
    path.write_bytes("# Of flöte.sktimbre".encode("latin-1"))
    with pytest.raises(ParameterError, match="is not in UTF-8; save it"):
        FitParams.read(path)
