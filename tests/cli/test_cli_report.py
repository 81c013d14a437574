import json
import re
import shutil

import numpy as np
import pytest

from sktimbre import load
from sktimbre.datasets import load_paired_notes
from sktimbre.metrics import match_pitch


def names(page):
    return re.findall(r"<h2>([^<]*)</h2>\s*<p class=\"error\">", page)


@pytest.fixture(scope="module")
def written(sktimbre, fitted, notes, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "page.html"
    result = sktimbre("report", fitted.path, notes.flute, notes.clarinet, "-o", path, "--duration=0.3", "--json")
    assert result.exit_code == 0, result.stderr
    return path.read_text(encoding="utf-8"), json.loads(result.stdout)


def test_page_has_the_notes_that_were_held_out(written, fitted):
    page, printed = written
    assert printed["held_out"] is True
    assert printed["pitches"] == fitted.printed["held_out_pitches"]
    assert len(names(page)) == len(printed["pitches"]) == 1
    assert "was not trained on" in page


def test_baselines_are_those_of_fit(written, fitted):
    """Both are fitted to the training notes at the pitch that the model has learnt."""
    for name in ("model", "identity", "per-bin linear"):
        error = written[1]["mean"][name]["reconstruction_error"]
        assert error == pytest.approx(fitted.printed["errors"][name], rel=1e-4), name


def test_numbers_are_those_of_the_held_out_notes(written, fitted, notes):
    page, printed = written
    model = load(fitted.path)
    pairs = load_paired_notes(notes.flute, notes.clarinet, sr=8000, duration=0.3)
    judged = np.isin(pairs.pitches, printed["pitches"])
    # The model keeps the pitch of the source, so its targets are brought to that pitch.
    targets = match_pitch(pairs.target, pairs.source, sr=8000, fmax=4000)
    error = -model.score(pairs.source[judged], targets[judged])
    assert printed["mean"]["model"]["reconstruction_error"] == pytest.approx(error, rel=1e-5)
    assert f"<b>{error:.4f}</b>" in page
    assert list(printed["mean"]) == ["model", "identity", "per-bin linear", "transposed neighbours", "phase oracle"]
    assert printed["mean"]["transposed neighbours"]["reconstruction_error"] is not None


def test_page_needs_no_other_file(written):
    page, _ = written
    assert not re.search(r'(?:src|href)="(?!data:|#)', page)
    assert "url(" not in re.sub(r"url\(#\w+\)", "", page)
    assert page.count("data:audio/flac;base64,") == 3
    assert page.count("data:image/webp;base64,") == 3
    # Learning curves, harmonics of the note, the mark on the button.
    assert page.count("<svg") == 3


def test_sounds_are_source_output_and_target(written, fitted, notes):
    import base64
    from io import BytesIO

    import soundfile

    page, printed = written
    pairs = load_paired_notes(notes.flute, notes.clarinet, sr=8000, duration=0.3)
    (i,) = np.flatnonzero(np.isin(pairs.pitches, printed["pitches"]))
    output = load(fitted.path).predict(pairs.source[i : i + 1])[0]
    sounds = [base64.b64decode(text) for text in re.findall(r"data:audio/flac;base64,([^\"]*)", page)]
    for sound, y in zip(sounds, (pairs.source[i], output, pairs.target[i]), strict=True):
        heard, sr = soundfile.read(BytesIO(sound))
        assert sr == 8000
        np.testing.assert_allclose(heard, y / max(1, np.abs(y).max()), atol=1e-4)


def test_notes_by_other_names_are_still_known(sktimbre, fitted, notes, tmp_path):
    for side in (notes.flute, notes.clarinet):
        (tmp_path / side.name).mkdir()
        for file in side.iterdir():
            shutil.copy(file, tmp_path / side.name / f"renamed {file.name}")
    folders = tmp_path / "flute", tmp_path / "clarinet"
    result = sktimbre("report", fitted.path, *folders, "-o", tmp_path / "p.html", "--duration=0.3", "--json")
    assert json.loads(result.stdout)["pitches"] == fitted.printed["held_out_pitches"]


def test_all_notes_where_the_model_does_not_know(sktimbre, unchanging, notes, tmp_path):
    result = sktimbre("report", unchanging, notes.flute, notes.clarinet, "-o", tmp_path / "p.html", "--duration=0.3")
    assert result.exit_code == 0, result.stderr
    page = (tmp_path / "p.html").read_text(encoding="utf-8")
    assert names(page) == ["C4", "D4", "E4", "F4", "G4", "A4"]
    assert "does not know what it was trained on" in page
    assert "Learning curves" not in page


def test_names_cannot_bring_markup_into_the_page(sktimbre, unchanging, notes, tmp_path):
    for side in (notes.flute, notes.clarinet):
        (tmp_path / side.name).mkdir()
        for take in ("<b>", "<i>"):
            shutil.copy(next(side.glob("*.C4.*")), tmp_path / side.name / f"C4 {take}.wav")
    folders = tmp_path / "flute", tmp_path / "clarinet"
    result = sktimbre("report", unchanging, *folders, "-o", tmp_path / "p.html", "--duration=0.3")
    assert result.exit_code == 0, result.stderr
    page = (tmp_path / "p.html").read_text(encoding="utf-8")
    assert "C4 (C4 &lt;b&gt;.wav)" in page
    assert "<i>.wav" not in page


def test_existing_page_is_refused(sktimbre, unchanging, notes, tmp_path):
    (tmp_path / "p.html").write_text("mine")
    result = sktimbre("report", unchanging, notes.flute, notes.clarinet, "-o", tmp_path / "p.html")
    assert result.exit_code == 1
    assert "--overwrite" in result.stderr
    assert (tmp_path / "p.html").read_text() == "mine"
