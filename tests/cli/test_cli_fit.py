import json
import re
import shutil

import pytest

import sktimbre as package
from sktimbre.cli.fit import train as original


def test_writes_a_model_and_says_what_it_learnt(fitted):
    printed = fitted.printed
    model = package.load(fitted.path)
    assert printed["model"] == str(fitted.path)
    assert printed["bytes"] == fitted.path.stat().st_size
    assert printed["notes"] == 6
    assert printed["parameters"] == model.autoencoder_.n_parameters_
    assert [name.rsplit("/", 1)[-1] for name in printed["unpaired"]] == ["flute.B4.wav"]
    assert len(printed["history"]["loss"]) == 2
    assert printed["warnings"] == []
    assert "held out" in fitted.stderr


def test_options_reach_the_estimators(fitted):
    model = package.load(fitted.path)
    assert model.sr == 8000
    assert model.stft.n_fft == 128
    assert model.inverter.n_iter == 2
    given = {"architecture": "shallow", "filters": 2, "epochs": 2, "random_state": 0}
    assert {name: getattr(model.autoencoder, name) for name in given} == given


def test_options_not_given_are_the_estimators_own(fitted):
    from sktimbre import GriffinLimInverter, LogSTFT, TimbreAutoencoder, TimbreTransfer

    model = package.load(fitted.path)
    for part, fresh, given in (
        (model, TimbreTransfer(), {"stft", "autoencoder", "inverter", "sr"}),
        (model.stft, LogSTFT(), {"n_fft"}),
        (model.autoencoder, TimbreAutoencoder(), {"architecture", "filters", "epochs", "random_state"}),
        (model.inverter, GriffinLimInverter(), {"n_iter", "random_state"}),
    ):
        own = {k: v for k, v in part.get_params(deep=False).items() if k not in given}
        assert own == {k: v for k, v in fresh.get_params(deep=False).items() if k not in given}


def test_errors_are_those_of_the_held_out_notes(fitted, notes):
    from sktimbre.baselines import PerBinLinearBaseline
    from sktimbre.datasets import load_paired_notes
    from sktimbre.metrics import match_pitch, reconstruction_error

    model = package.load(fitted.path)
    held_out = model.autoencoder_.validation_indices_
    pairs = load_paired_notes(notes.flute, notes.clarinet, sr=8000, duration=0.3)
    # The model keeps the pitch of the source, so its targets are brought to that pitch.
    targets = match_pitch(pairs.target, pairs.source, sr=8000, fmax=4000)
    S, T = model.stft_.transform(pairs.source), model.stft_.transform(targets)
    training = [i for i in range(6) if i not in held_out]
    linear = PerBinLinearBaseline().fit(S[training], T[training])
    errors = fitted.printed["errors"]
    assert fitted.printed["errors_are_held_out"]
    assert fitted.printed["held_out_pitches"] == pairs.pitches[held_out].tolist()
    assert errors["identity"] == pytest.approx(reconstruction_error(T[held_out], S[held_out]))
    assert errors["per-bin linear"] == pytest.approx(-linear.score(S[held_out], T[held_out]))
    assert errors["model"] == pytest.approx(-model.score(pairs.source[held_out], targets[held_out]), rel=1e-5)


def test_table_for_people(fit, notes, tmp_path):
    result = fit(notes.flute, notes.clarinet, "-o", tmp_path / "m.sktimbre", "--validation-split=0")
    assert result.exit_code == 0
    for part in ("none were held out", "identity", "per-bin linear", "flute.B4.wav", "weights", "m.sktimbre"):
        # Long names are broken between cells.
        assert part in re.sub(r"[\s│]", "", result.stdout) or part in result.stdout


def test_existing_model_is_refused_before_any_work(fit, notes, fitted):
    before = fitted.path.read_bytes()
    result = fit("nowhere", notes.clarinet, "-o", fitted.path)
    assert result.exit_code == 1
    assert "--overwrite" in result.stderr
    assert fitted.path.read_bytes() == before


def test_overwrite(fit, notes, tmp_path):
    path = tmp_path / "m.sktimbre"
    path.write_text("old")
    assert fit(notes.flute, notes.clarinet, "-o", path, "--overwrite", "--quiet").exit_code == 0
    assert package.load(path).sr == 8000
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--filters=0"], 2, "'filters'"),
        (["--architecture=shalow"], 2, "shalow"),
        (["--phase=guess"], 2, "'phase'"),
        (["--n-fft=333"], 2, "n_fft=333"),
        (["--duration=-1"], 2, "duration=-1.0"),
        (["--epochs=many"], 2, "--epochs"),
    ],
)
def test_wrong_options(sktimbre, notes, tmp_path, arguments, code, message):
    result = sktimbre("fit", notes.flute, notes.clarinet, "-o", tmp_path / "m.sktimbre", *arguments)
    assert (result.exit_code, result.stdout) == (code, "")
    assert message in result.stderr
    assert not list(tmp_path.iterdir())


def test_missing_folder_of_notes(fit, notes, tmp_path):
    result = fit(tmp_path / "nowhere", notes.clarinet, "-o", tmp_path / "m.sktimbre")
    assert result.exit_code == 1
    assert "nowhere does not exist" in result.stderr


def test_missing_folder_of_the_model(fit, notes, tmp_path):
    result = fit(notes.flute, notes.clarinet, "-o", tmp_path / "nowhere" / "m.sktimbre")
    assert result.exit_code == 1
    assert "does not exist" in result.stderr


def test_folders_without_a_common_pitch(fit, notes, tmp_path):
    alone = next(notes.flute.glob("*B4*"))
    result = fit(alone, notes.clarinet, "-o", tmp_path / "m.sktimbre")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: No note of")


def test_single_files_make_a_pair(fit, notes, tmp_path):
    files = [next(folder.glob("*.C4.*")) for folder in (notes.flute, notes.clarinet)]
    result = fit(*files, "-o", tmp_path / "m.sktimbre", "--json")
    assert json.loads(result.stdout)["notes"] == 1


def test_collapse_is_a_warning(fit, notes, tmp_path):
    result = fit(
        notes.flute,
        notes.clarinet,
        "-o",
        tmp_path / "m.sktimbre",
        "--json",
        "--learning-rate=1000",
        "--architecture=shallow",
    )
    assert result.exit_code == 0
    assert "Warning: The network has collapsed" in result.stderr
    assert "collapsed" in json.loads(result.stdout)["warnings"][0]


def test_divergence_is_an_error_with_the_remedy(fit, notes, tmp_path):
    result = fit(notes.flute, notes.clarinet, "-o", tmp_path / "m.sktimbre", "--learning-rate=1e6")
    assert result.exit_code == 1
    assert "optimizer__learning_rate" in result.stderr
    assert not (tmp_path / "m.sktimbre").exists()


def test_early_stopping_and_other_options(sktimbre, notes, tmp_path):
    path = tmp_path / "m.sktimbre"
    options = ["--sr=8000", "--n-fft=128", "--hop-length=32", "--architecture=shallow", "--depth=1", "--filters=2"]
    options += ["--epochs=40", "--early-stopping=1", "--learning-rate=0.5", "--batch-size=2", "--phase=source"]
    options += ["--tuning=source"]
    result = sktimbre("fit", notes.flute, notes.clarinet, "-o", path, "--json", "--duration=0.3", *options)
    assert result.exit_code == 0, result.stderr
    model = package.load(path)
    assert len(json.loads(result.stdout)["history"]["loss"]) < 40
    assert (model.stft.hop_length, model.phase, model.autoencoder.batch_size) == (32, "source", 2)
    assert model.autoencoder.tuning == "source"
    assert model.autoencoder.optimizer__learning_rate == 0.5


def test_every_option_reaches_its_estimator(sktimbre, notes, tmp_path, monkeypatch):
    built = []
    monkeypatch.setattr("sktimbre.cli.fit._show_plan", lambda s, model, *told: built.append((model, told)))
    options = {
        "architecture": "dilated",
        "depth": 2,
        "filters": 3,
        "epochs": 7,
        "batch-size": 5,
        "learning-rate": 0.02,
        "early-stopping": 4,
        "validation-split": 0.4,
        "n-fft": 128,
        "hop-length": 32,
        "sr": 8000,
        "phase": "source",
        "iterations": 6,
        "seed": 9,
        "jobs": 2,
        "tuning": "target",
        "duration": 0.2,
    }
    given = [f"--{name}={value}" for name, value in options.items()]
    result = sktimbre("fit", notes.flute, notes.clarinet, "-o", tmp_path / "m.sktimbre", "--dry-run", *given)
    assert result.exit_code == 0, result.stderr
    ((model, (_, duration, _)),) = built
    found = model.get_params()
    wanted = {
        "autoencoder__architecture": "dilated",
        "autoencoder__depth": 2,
        "autoencoder__filters": 3,
        "autoencoder__epochs": 7,
        "autoencoder__batch_size": 5,
        "autoencoder__optimizer__learning_rate": 0.02,
        "autoencoder__early_stopping": 4,
        "autoencoder__validation_split": 0.4,
        "autoencoder__random_state": 9,
        "autoencoder__n_jobs": 2,
        "autoencoder__tuning": "target",
        "stft__n_fft": 128,
        "stft__hop_length": 32,
        "inverter__n_iter": 6,
        "inverter__random_state": 9,
        "phase": "source",
        "sr": 8000,
    }
    assert {name: found.get(name) for name in wanted} == wanted
    assert duration == 0.2


def test_options_of_notes_are_options_of_fit(fit, notes, tmp_path):
    from sktimbre.cli.noteoptions import NOTE_OPTIONS
    from sktimbre.cli.params import _constraints

    assert set(NOTE_OPTIONS) <= set(_constraints())
    result = fit(notes.flute, notes.clarinet, "-o", tmp_path / "m.sktimbre", "--material=notes", "--quiet")
    assert result.exit_code == 0, result.stderr
    result = fit(notes.flute, notes.clarinet, "-o", tmp_path / "n.sktimbre", "--material=note")
    assert result.exit_code == 2
    assert "Did you mean notes?" in result.stderr


def test_notes_too_short_for_a_pitch(sktimbre, notes, tmp_path):
    arguments = (
        "--sr=8000",
        "--n-fft=128",
        "--architecture=shallow",
        "--filters=2",
        "--epochs=1",
        "--duration=0.05",
        "--tuning=source",
        "--quiet",
        "--json",
    )
    result = sktimbre("fit", notes.flute, notes.clarinet, "-o", tmp_path / "m.sktimbre", *arguments)
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["errors"]["identity"] > 0


def test_an_interruption_after_the_training_keeps_the_model(fit, notes, tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("sktimbre.cli.fit._errors", interrupted)
    result = fit(notes.flute, notes.clarinet, "-o", tmp_path / "m.sktimbre")
    assert result.exit_code == 130
    assert "m.sktimbre is written" in " ".join(result.stderr.split())
    assert package.load(tmp_path / "m.sktimbre").autoencoder_.trained_on_["pitches"]


def test_frames_of_training_notes(fit, sktimbre, notes, tmp_path):
    """Notes of the training are cropped, those that are judged are not."""
    params, model = tmp_path / "fit.toml", tmp_path / "m.sktimbre"
    params.write_text("[stft]\nn_frames = 9")
    result = fit(notes.flute, notes.clarinet, "-o", model, "--params", params)
    assert result.exit_code == 0, result.stderr
    assert package.load(model).stft_.n_frames == 9
    for command in ("evaluate", "report"):
        more = ("-o", tmp_path / "page.html") if command == "report" else ()
        result = sktimbre(command, model, notes.flute, notes.clarinet, *more)
        assert result.exit_code == 0, result.stderr


def test_files_that_go_away_during_the_training(fit, notes, tmp_path, monkeypatch):
    folder = shutil.copytree(notes.flute, tmp_path / "flute")

    monkeypatch.setattr("sktimbre.cli.fit.train", lambda *a, **k: (original(*a, **k), shutil.rmtree(folder)))
    result = fit(folder, notes.clarinet, "-o", tmp_path / "m.sktimbre")
    assert result.exit_code == 0, result.stderr
    assert len(package.load(tmp_path / "m.sktimbre").autoencoder_.trained_on_["files"]) == 5


def test_a_model_that_cannot_be_saved_is_saved_elsewhere(fit, notes, tmp_path, monkeypatch):
    def train(*arguments, **given):
        original(*arguments, **given)
        (tmp_path / "m.sktimbre").write_text("of somebody else")

    monkeypatch.setattr("sktimbre.cli.fit.train", train)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    result = fit(notes.flute, notes.clarinet, "-o", tmp_path / "m.sktimbre")
    assert result.exit_code == 1
    assert (tmp_path / "m.sktimbre").read_text() == "of somebody else"
    (rescued,) = tmp_path.glob("sktimbre-*/m.sktimbre")
    assert "it is in" in " ".join(result.stderr.split())
    assert package.load(rescued).sr == 8000
