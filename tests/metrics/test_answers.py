"""Answers of listening tests."""

import json

import numpy as np
import pytest
from scipy import stats
from typer.testing import CliRunner

from sktimbre.cli.app import app
from sktimbre.exceptions import DatasetError, ParameterError
from sktimbre.metrics import analyse_answers

HEAD = "participant,part,note,system,value\n"


@pytest.fixture
def write(tmp_path):
    def file(name, rows, head=HEAD):
        path = tmp_path / name
        path.write_text(head + "".join(f"{row}\n" for row in rows))
        return path

    return file


def ratings(who, **given):
    return [f"{who},rating,note {i},{system},{v}" for system, values in given.items() for i, v in enumerate(values)]


def test_means_of_participants_and_their_interval(write):
    files = [
        write("a.csv", ratings("Ann", model=[60, 80], target=[100, 95], identity=[10, 20])),
        write("b.csv", ratings("Bo", model=[50, 50], target=[90, 100], identity=[0, 0])),
        write("c.csv", ratings("Cy", model=[90, 90], target=[100, 100], identity=[30, 30])),
    ]
    found = analyse_answers(files)["ratings"]
    low, high = stats.t.interval(0.95, 2, np.mean([70, 50, 90]), stats.sem([70, 50, 90]))
    assert found["model"] == pytest.approx({"mean": 70, "low": low, "high": high, "participants": 3})
    assert found["identity"]["mean"] == pytest.approx(15)
    narrower = analyse_answers(files, confidence=0.5)["ratings"]["model"]
    assert narrower["high"] < found["model"]["high"]


def test_those_who_do_not_hear_the_reference_are_left_out(write):
    files = [
        write("a.csv", ratings("Ann", model=[60, 80], target=[100, 95])),
        write("b.csv", ratings("Bo", model=[0, 0], target=[20, 100])),
    ]
    found = analyse_answers(files)
    assert found["left_out"] == ["Bo"]
    assert found["ratings"]["model"] == {"mean": 70, "low": None, "high": None, "participants": 1}
    assert analyse_answers(files, screen=False)["ratings"]["model"]["mean"] == 35


def test_abx_by_the_binomial_distribution(write):
    right = [1, 1, 1, 0, 1, 1, 1, 1, 0, 1]
    file = write("a.csv", [f"Ann,abx,note {i},model,{value}" for i, value in enumerate(right)])
    # 8 or more heads of 10 coins: (45 + 10 + 1) / 1024.
    assert analyse_answers(file)["abx"] == pytest.approx({"correct": 8, "total": 10, "p_value": 56 / 1024})


def test_files_without_names_are_participants(write):
    files = [write(f"{i}.csv", ratings("", model=[value], target=[100])) for i, value in enumerate((40, 60))]
    assert analyse_answers(files)["ratings"]["model"]["participants"] == 2


@pytest.mark.parametrize(
    "row", ["A,rating,C4,model,101", "A,rating,C4,model,", "A,taste,C4,model,1", "A,abx,C4,model,2", "A"]
)
def test_wrong_rows_are_named(write, row):
    with pytest.raises(DatasetError, match=r"a\.csv, line 3"):
        analyse_answers(write("a.csv", ["A,rating,C4,model,1", row]))


def test_files_that_are_no_answers(write, tmp_path):
    with pytest.raises(DatasetError, match="has the columns"):
        analyse_answers(write("a.csv", [], head="a,b\n"))
    with pytest.raises(DatasetError, match="no answers"):
        analyse_answers(write("b.csv", []))
    with pytest.raises(DatasetError, match="cannot be read"):
        analyse_answers(tmp_path / "missing.csv")
    with pytest.raises(ParameterError, match="confidence"):
        analyse_answers(write("c.csv", []), confidence=1)


def test_command(write):
    rows = [*ratings("Ann", model=[60], target=[100]), "Ann,abx,C4,model,1", *ratings("Bo", model=[1], target=[1])]
    file = write("a.csv", rows)
    shown = CliRunner().invoke(app, ["answers", str(file)])
    assert shown.exit_code == 0, shown.output
    assert "ABX: 1 of 1 right" in shown.output
    assert "Bo" in shown.output
    values = json.loads(CliRunner().invoke(app, ["answers", str(file), "--all", "--json"]).stdout)
    assert values["ratings"]["model"]["mean"] == 30.5


def test_who_saves_a_page_twice_answers_once(write):
    head = HEAD.replace("value", "value,page")

    def saved(name, page, rating):
        abx = [f"A,abx,note {i},model,{int(i < 8)}" for i in range(10)]
        return write(name, [f"{row},{page}" for row in abx + ratings("A", model=[rating], target=[100])], head)

    once = saved("a.csv", "p1", 40)
    found = analyse_answers([once, saved("b.csv", "p1", 60)])
    assert found["abx"] == analyse_answers([once])["abx"]
    assert found["abx"]["total"] == 10
    # Of two files the later one counts.
    assert found["ratings"]["model"]["mean"] == 60
    # Another page has other sounds.
    both = analyse_answers([once, saved("c.csv", "p2", 60)])
    assert (both["abx"]["total"], both["ratings"]["model"]["mean"]) == (20, 50)
    # Files of earlier versions do not tell.
    old = write("d.csv", ["A,abx,C4,model,1"]), write("e.csv", ["A,abx,C4,model,1"])
    assert analyse_answers(old)["abx"]["total"] == 2
