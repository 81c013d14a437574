"""What `--dry-run` says is what would happen, and nothing happens."""

import json

import pytest

from sktimbre import load
from sktimbre.audio import write_audio


@pytest.fixture
def dry(sktimbre):
    """Run a command dry and return its JSON object."""

    def run(*arguments):
        result = sktimbre(*arguments, "--dry-run", "--json")
        assert result.exit_code == 0, result.stderr
        printed = json.loads(result.stdout)
        assert printed["dry_run"] is True
        shown = sktimbre(*arguments, "--dry-run")
        assert (shown.exit_code, "Nothing was written" in shown.stdout) == (0, True)
        return printed

    return run


def test_fit(dry, fit, notes, tmp_path):
    path = tmp_path / "m.sktimbre"
    options = ["--sr=8000", "--n-fft=128", "--architecture=shallow", "--filters=2", "--epochs=1", "--seed=0"]
    foreseen = dry("fit", notes.flute, notes.clarinet, "-o", path, "--duration=0.5", *options)
    assert not list(tmp_path.iterdir())
    assert foreseen["model"] == str(path)
    pair = foreseen["pairs"][0]
    assert pair["pitch"] == 60
    assert pair["source"] == {"file": str(notes.flute / "flute.C4.wav"), "sr": 8000, "channels": 1, "duration": 0.4}
    assert [name.rsplit("/", 1)[-1] for name in foreseen["unpaired"]] == ["flute.B4.wav"]
    printed = json.loads(fit(notes.flute, notes.clarinet, "-o", path, "--json").stdout)
    assert foreseen["held_out_pitches"] == printed["held_out_pitches"]
    assert len(foreseen["pairs"]) == printed["notes"]


def test_fit_without_a_seed_cannot_know_what_is_held_out(dry, notes, tmp_path):
    foreseen = dry("fit", notes.flute, notes.clarinet, "-o", tmp_path / "m.sktimbre")
    assert (foreseen["held_out"], foreseen["held_out_pitches"]) == (1, None)


def test_fit_at_the_rate_of_the_notes(dry, sktimbre, notes, tmp_path):
    arguments = (
        "fit",
        notes.flute,
        notes.clarinet,
        "-o",
        tmp_path / "m.sktimbre",
        "--architecture=shallow",
        "--filters=2",
    )
    assert dry(*arguments)["sr"] == 8000
    assert dry(*arguments, "--sr=22050")["sr"] == 22050
    result = sktimbre(*arguments, "--epochs=1", "--iterations=1", "--json")
    assert result.exit_code == 0, result.stderr
    model = load(tmp_path / "m.sktimbre")
    assert (model.sr, model.stft.n_fft) == (8000, 512)


def test_convert(dry, sktimbre, unchanging, tones, tmp_path):
    write_audio(tmp_path / "a.flac", tones(0.5, 44100, 2), 44100)
    arguments = "convert", unchanging, tmp_path, "-o", tmp_path / "out", "--model-rate", "--format=wav"
    (entry,) = dry(*arguments)["planned"]
    assert not (tmp_path / "out").exists()
    (done,) = json.loads(sktimbre(*arguments, "--json").stdout)["converted"]
    assert entry == {name: done[name] for name in entry}


def test_report(dry, sktimbre, fitted, notes, tmp_path):
    arguments = "report", fitted.path, notes.flute, notes.clarinet, "-o", tmp_path / "p.html", "--duration=0.3"
    foreseen = dry(*arguments)
    assert not list(tmp_path.iterdir())
    assert foreseen["pitches"] == json.loads(sktimbre(*arguments, "--json").stdout)["pitches"]
    assert [pair["pitch"] for pair in foreseen["pairs"]] == foreseen["pitches"]


def test_demo(dry, tmp_path):
    foreseen = dry("demo", "-o", tmp_path / "out")
    assert not list(tmp_path.iterdir())
    assert str(tmp_path / "out" / "index.html") in foreseen["files"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["fit", "{flute}", "{clarinet}", "-o", "{model}"], "pass --overwrite"),
        (["fit", "{flute}", "{clarinet}", "-o", "{new}", "--duration=0"], "duration=0"),
        (["fit", "{flute}", "{clarinet}", "-o", "{new}", "--n-fft=333"], "n_fft=333"),
        (["fit", "{flute}", "{broken}", "-o", "{new}"], "is not a sound file"),
        (["convert", "{model}", "{broken}", "-o", "{new}"], "is not a sound file"),
        (["convert", "{model}", "{flute}", "-o", "{new}", "--subtype=PCM_99"], "PCM_99"),
        (["convert", "{model}", "{flute}", "-o", "{model}"], "is a file"),
        (["report", "{model}", "{flute}", "{flute}", "-o", "{new}"], "SOURCE and TARGET are both"),
        (["report", "{model}", "{flute}", "{clarinet}", "-o", "{new}", "--duration=0"], "duration=0"),
        (["demo", "-o", "{flute}"], ""),
    ],
)
def test_what_would_fail_early_fails_alike(sktimbre, fitted, notes, tmp_path, arguments, words):
    places = {"flute": notes.flute, "clarinet": notes.clarinet, "model": fitted.path, "new": tmp_path / "new"}
    places["broken"] = tmp_path / "broken"
    places["broken"].mkdir()
    (places["broken"] / "C4.wav").write_bytes(b"no sound at all" * 100)
    command = [argument.format(**places) for argument in arguments]
    dry, real = sktimbre(*command, "--dry-run"), sktimbre(*command)
    assert dry.exit_code == real.exit_code > 0
    assert dry.stderr.splitlines()[0] == real.stderr.splitlines()[0]
    assert words in " ".join(real.stderr.split())
    assert not (tmp_path / "new").exists()
