import json
import re

import pytest

TINY = ["--notes=7", "--duration=0.3", "--epochs=1", "--filters=2"]


@pytest.fixture(scope="module")
def made(sktimbre, tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo") / "out"
    result = sktimbre("demo", "-o", folder, *TINY)
    assert result.exit_code == 0, result.stderr
    return folder, result


def test_files(made):
    folder, _ = made
    names = {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}
    pitches = json.loads((folder / "results.json").read_text())["held_out_pitches"]
    assert pitches == [68]
    sounds = {f"audio/Ab4.{side}.wav" for side in ("source", "output", "target")}
    sounds |= {"audio/phrase.source.wav", "audio/phrase.output.wav"}
    assert names == sounds | {"index.html", "model.sktimbre", "results.json", "spectrograms.png"}


def test_results_stand_beside_all_controls(made):
    folder, result = made
    scores = json.loads((folder / "results.json").read_text())["scores"]
    assert list(scores) == ["model", "identity", "per-bin linear", "transposed neighbours", "phase oracle"]
    for name, each in scores.items():
        assert ("reconstruction_error" in each) == (name != "phase oracle")
        assert all(value is not None for value in each.values())
        assert name.split()[0] in result.stdout
    # The baselines stand in the order that theory asks for, if they are what their names say.
    distances = {name: each["log_spectral_distance"] for name, each in scores.items()}
    assert distances["phase oracle"] < distances["transposed neighbours"] < distances["identity"]


def test_page_needs_no_other_file(made):
    page = (made[0] / "index.html").read_text()
    assert page.count("<audio") == 5
    assert page.count("<img") == 5
    # The errors of the baselines stand beside the learning curves.
    assert "Learning curves" in page
    assert not re.search(r'(?:src|href)="(?!data:|#)', page)


def test_picture(made):
    import matplotlib.image

    picture = matplotlib.image.imread(made[0] / "spectrograms.png")
    assert picture.shape[1] == 1265
    assert picture[..., :3].std() > 0.1


def test_model_can_be_used(made, sktimbre, tmp_path):
    result = sktimbre("convert", made[0] / "model.sktimbre", made[0] / "audio" / "Ab4.source.wav", "-o", tmp_path)
    assert result.exit_code == 0, result.stderr


def test_existing_folder_is_refused(made, sktimbre):
    folder, _ = made
    before = (folder / "index.html").read_bytes()
    result = sktimbre("demo", "-o", folder, *TINY)
    assert result.exit_code == 1
    assert "--overwrite" in result.stderr
    assert (folder / "index.html").read_bytes() == before


@pytest.mark.slow
def test_same_seed_gives_same_numbers_as_json(made, sktimbre):
    folder, _ = made
    before = json.loads((folder / "results.json").read_text())
    result = sktimbre("demo", "-o", folder, *TINY, "--overwrite", "--json")
    assert json.loads(result.stdout)["scores"] == before["scores"]


def test_output_that_is_a_file(sktimbre, tmp_path):
    (tmp_path / "file").write_text("")
    assert sktimbre("demo", "-o", tmp_path / "file").exit_code == 2
