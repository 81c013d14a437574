"""`sktimbre pairs`, and the options for notes that other commands share with it."""

import csv
import json

import numpy as np
import pytest

from sktimbre.audio import write_audio


@pytest.fixture
def folders(tones, tmp_path):
    """Notes C4 to E4 on both sides, takes without names, and a file that is silent."""
    for side, names in (("a", ("x_C4", "x_D4", "x_E4")), ("b", ("take 1", "take 2", "take 3"))):
        for name, midi in zip(names, (60, 62, 64), strict=True):
            (tmp_path / side).mkdir(exist_ok=True)
            write_audio(tmp_path / side / f"{name}.wav", tones(0.5, 8000, midi=midi), 8000)
    write_audio(tmp_path / "a" / "x_F4.wav", np.zeros(4000), 8000)
    return tmp_path / "a", tmp_path / "b"


def run(sktimbre, *arguments):
    result = sktimbre(*arguments, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def test_table(sktimbre, folders):
    result = sktimbre("pairs", *folders, "--target-pitches=heard")
    assert result.exit_code == 0
    assert "3 pairs of 3 pitches; 1 file without a partner" in result.stdout
    assert "is silent" in result.stdout
    assert "Warning" in result.stderr
    printed = run(sktimbre, "pairs", *folders, "--target-pitches=heard")
    assert printed["pitches"] == [60, 62, 64]
    assert [path.rsplit("/", 1)[1] for path in printed["unpaired"]] == ["x_F4.wav"]
    rows = {row["file"].rsplit("/", 1)[1]: row for row in printed["notes"]}
    assert rows["x_D4.wav"]["partner"] == str(folders[1] / "take 2.wav")
    assert rows["x_D4.wav"]["heard"] == pytest.approx(62, abs=0.2)
    assert rows["x_F4.wav"]["reason"] == "is silent"
    assert rows["take 2.wav"]["side"] == "target"


def test_the_written_table_can_be_edited_and_given_back(sktimbre, folders, tmp_path):
    table = tmp_path / "pairs.csv"
    run(sktimbre, "pairs", *folders, "--target-pitches=heard", f"--csv={table}")
    with table.open() as opened:
        rows = list(csv.DictReader(opened))
    assert len(rows) == 7
    for row in rows:
        if row["file"].endswith("x_D4.wav"):
            row["pitch"] = ""
        if row["file"].endswith("take 3.wav"):
            row["pitch"] = "E4"
    with table.open("w") as opened:
        writer = csv.DictWriter(opened, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    assert run(sktimbre, "pairs", *folders, f"--pitches={table}")["pitches"] == [60, 64]
    result = sktimbre("pairs", *folders, "--target-pitches=heard", f"--csv={table}")
    assert result.exit_code == 1
    assert "exists; pass --overwrite" in result.stderr


def test_picture(sktimbre, folders, tmp_path):
    run(sktimbre, "pairs", *folders, "--target-pitches=heard", f"--plot={tmp_path / 'pairs.png'}")
    assert (tmp_path / "pairs.png").read_bytes()[:4] == b"\x89PNG"
    result = sktimbre("pairs", *folders, f"--plot={tmp_path / 'pairs.txt'}")
    assert (result.exit_code, ".png" in result.stderr) == (2, True)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--source-octave=x"], "--source-octave=x must be auto or a whole number"),
        (["--misfits=drop"], "--misfits=drop must be leave_out, raise or keep"),
        (["--target-match=*.aif"], "no sound files that match"),
        ([], "--pitches heard"),
    ],
)
def test_mistakes_name_the_option(sktimbre, folders, options, words):
    result = sktimbre("pairs", *folders, *options)
    assert result.exit_code in (1, 2)
    assert words in result.stderr


def test_fit_evaluate_and_report_take_the_options(sktimbre, fit, folders, tmp_path):
    how = ["--target-pitches=heard", "--source-match=*C4*", "--source-match=*D4*", "--duration=0.3"]
    model = tmp_path / "m.sktimbre"
    fitted = fit(*folders, "-o", model, "--json", *how, "--trim-db=50")
    assert fitted.exit_code == 0, fitted.stderr
    assert json.loads(fitted.stdout)["notes"] == 2
    judged = run(sktimbre, "evaluate", model, *folders, *how)
    assert judged["training_notes"] + len(judged["notes"]) == 2
    assert len(run(sktimbre, "report", model, *folders, "-o", tmp_path / "p.html", *how)["pitches"]) >= 1


def test_options_in_a_file(sktimbre, folders, tmp_path):
    params = tmp_path / "params.toml"
    params.write_text(
        'source = "a"\ntarget = "b"\ntarget_pitches = "heard"\nsource_match = ["*C4*", "*E4*"]\nsource_octave = 0\n'
    )
    printed = run(sktimbre, "fit", "-o", tmp_path / "m.sktimbre", f"--params={params}", "--dry-run")
    assert [pair["pitch"] for pair in printed["pairs"]] == [60, 64]
    # A table is relative to the file.
    (tmp_path / "t.csv").write_text("file,pitch\ntake 1.wav,C4\n")
    params.write_text('source = "a"\ntarget = "b"\ntarget_pitches = "t.csv"\n')
    printed = run(sktimbre, "fit", "-o", tmp_path / "m.sktimbre", f"--params={params}", "--dry-run")
    assert [pair["pitch"] for pair in printed["pairs"]] == [60]
    params.write_text('source = "a"\ntarget = "b"\nmisfits = "drop"\n')
    result = sktimbre("fit", "-o", tmp_path / "m.sktimbre", f"--params={params}")
    assert result.exit_code == 2
    assert "params.toml: misfits" in result.stderr


def test_several_sources(sktimbre, fit, tones, tmp_path):
    for side, midi in (("a", (60, 62)), ("b", (62, 64)), ("c", (60, 62, 64, 65))):
        for m in midi:
            (tmp_path / side).mkdir(exist_ok=True)
            write_audio(tmp_path / side / f"{side}_{m}.wav", tones(0.4, 8000, midi=m), 8000)
    a, b, c = (tmp_path / side for side in "abc")
    printed = run(sktimbre, "pairs", a, b, "--to", c)
    assert (printed["pairs"], printed["pitches"]) == (4, [60, 62, 64])
    assert [path.rsplit("/", 1)[1] for path in printed["unpaired"]] == ["c_65.wav"]
    fitted = fit(a, b, "--to", c, "-o", tmp_path / "m.sktimbre", "--json")
    assert json.loads(fitted.stdout)["notes"] == 4
    params = tmp_path / "params.toml"
    params.write_text('source = ["a", "b"]\ntarget = "c"\n')
    again = run(sktimbre, "fit", "-o", tmp_path / "n.sktimbre", f"--params={params}", "--dry-run")
    assert [pair["pitch"] for pair in again["pairs"]] == [60, 62, 62, 64]
    result = sktimbre("fit", a, b, c, "-o", tmp_path / "n.sktimbre")
    assert (result.exit_code, "--to" in result.stderr) == (2, True)


def test_takes_of_one_pitch_are_held_out_together(fit, tones, tmp_path):
    for side in ("a", "b"):
        for midi in (60, 62, 64, 65):
            for take in range(3):
                path = tmp_path / side / f"{midi}_rr{take}.wav"
                path.parent.mkdir(exist_ok=True)
                write_audio(path, tones(0.4, 8000, midi=midi) * (1 - 0.1 * take), 8000)
    fitted = fit(tmp_path / "a", tmp_path / "b", "-o", tmp_path / "m.sktimbre", "--json", "--validation-split=0.25")
    assert fitted.exit_code == 0, fitted.stderr
    held_out = json.loads(fitted.stdout)["held_out_pitches"]
    assert len(held_out) == 3
    assert len(set(held_out)) == 1


def test_pairs_has_no_option_that_would_do_nothing(sktimbre, folders):
    result = sktimbre("pairs", *folders, "--trim-db=20")
    assert (result.exit_code, "--trim-db" in result.stderr) == (2, True)


def test_what_is_written_is_shown_where_it_is_something_else(sktimbre, folders, tones, tmp_path):
    assert "Written" not in sktimbre("pairs", *folders, "--target-pitches=heard").stdout
    lower = tmp_path / "lower"
    lower.mkdir()
    for name, midi in (("C3", 60), ("D3", 62), ("E3", 64)):
        write_audio(lower / f"{name}.wav", tones(0.5, 8000, midi=midi), 8000)
    result = sktimbre("pairs", lower, folders[1], "--target-pitches=heard")
    assert "Written" in result.stdout
    assert "C3 / -" in result.stdout
    assert "give --source-octave 0" in " ".join(result.stderr.split())
