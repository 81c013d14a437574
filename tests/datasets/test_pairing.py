"""Like is paired with like, whatever the order of the names."""

import json
import random
import warnings
from pathlib import Path, PurePath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sktimbre.datasets import name_of_pitch, pair_files
from sktimbre.datasets.pairing import pair_notes
from sktimbre.datasets.table import NoteFile
from sktimbre.datasets.tokens import tokens_of
from sktimbre.exceptions import DatasetError

LEVELS = {"pp": -36, "p": -30, "mp": -24, "mf": -18, "f": -12, "ff": -6}


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("flute_A4_1_mezzo-forte_normal", {"dynamic": "mf", "articulation": "ordinario"}),
        ("Fl-ord-A#4-pp-N-T12d", {"dynamic": "pp", "articulation": "ordinario"}),
        ("LDFlute_susNV_C4_v3_1", {"articulation": "no vibrato, sustained", "velocity": "3"}),
        ("LLVln_ArcoVib_C4_p", {"articulation": "vibrato", "dynamic": "p"}),
        ("1st-violins-piz-rr2-a#3", {"articulation": "pizzicato", "round robin": "2"}),
        ("A4v16", {"velocity": "16"}),
        ("Piano.ff.C4", {"dynamic": "ff"}),
        ("Vn-ord-A4-ff-2c-N", {"dynamic": "ff", "articulation": "ordinario", "string": "2"}),
        ("violin_G4_very-long_forte_con-sord", {"length": "very long", "dynamic": "f", "articulation": "muted"}),
        ("close/Flute C4", {"microphone": "close"}),
    ],
)
def test_what_names_tell(name, kinds):
    assert tokens_of(Path("root") / f"{name}.wav", Path("root")).kinds == kinds


def notes(*names, level=None, duration=1.0):
    """Notes of pitch 60, as loud as their dynamic says."""
    made = []
    for i, name in enumerate(names):
        tokens = tokens_of(Path(f"{name}.wav"), pitch=60)
        loud = LEVELS.get(tokens.kinds.get("dynamic", ""), -20) if level is None else level[i]
        made.append(NoteFile(Path(f"{name}.wav"), 60, 60, level=loud, duration=duration, tokens=tokens))
    return made


def paired(a, b):
    pairs, reasons = pair_notes(a, b)
    named = [(a[i].file.stem, b[j].file.stem) for i, j in pairs]
    return named, [
        {side[i].file.stem: reason for i, reason in of.items()} for side, of in zip((a, b), reasons, strict=True)
    ]


def test_dynamics_that_both_sides_have_are_never_mixed():
    pairs, reasons = paired(notes("x_mf", "x_pp", "x_f"), notes("y_ff", "y_pp", "y_f"))
    assert pairs == [("x_pp", "y_pp"), ("x_f", "y_f")]
    assert reasons[0] == {"x_mf": "no C4 with the dynamic mf on the other side"}
    assert reasons[1] == {"y_ff": "no C4 with the dynamic ff on the other side"}


def test_other_scales_of_strength_are_compared_by_rank():
    assert paired(notes("x_v1", "x_v2", "x_v3"), notes("y_ff", "y_p", "y_mf"))[0] == [
        ("x_v1", "y_p"),
        ("x_v2", "y_mf"),
        ("x_v3", "y_ff"),
    ]


def test_layers_mean_the_same_only_where_there_are_as_many():
    few, many = notes("x_v1", "x_v2", "x_v3"), notes(*(f"y_v{i}" for i in range(1, 10)))
    assert paired(few, many)[0] == [("x_v1", "y_v1"), ("x_v2", "y_v5"), ("x_v3", "y_v9")]
    assert paired(few, notes("y_v3", "y_v1"))[0] == [("x_v1", "y_v1"), ("x_v3", "y_v3")]
    # Velocities of MIDI.
    assert paired(notes("x_v40", "x_v80"), notes("y_v80", "y_v120"))[0] == [("x_v80", "y_v80")]


def test_the_kinds_count_in_the_order_of_what_matters():
    a = notes("x_ff_vib_rr1", "x_ff_nonvib_rr2")
    b = notes("y_ff_nonvib_rr1", "y_ff_vib_rr2", "y_ff_vib_rr1")
    assert paired(a, b)[0] == [("x_ff_vib_rr1", "y_ff_vib_rr1"), ("x_ff_nonvib_rr2", "y_ff_nonvib_rr1")]


def test_other_tokens_then_length_then_loudness():
    assert paired(notes("x_take_red", "x_take_blue"), notes("y_blue", "y_red"))[0] == [
        ("x_take_red", "y_red"),
        ("x_take_blue", "y_blue"),
    ]
    long, short = notes("long a", duration=3.0), notes("b", duration=0.5)
    assert paired(notes("c", duration=0.5), [*notes("a", duration=3.0), *short])[0] == [("c", "b")]
    assert paired(long, [*short, *notes("a", duration=3.0)])[0] == [("long a", "a")]
    loud = notes("q1", "q2", level=[-6, -40])
    assert paired(loud, notes("z1", "z2", level=[-60, -26]))[0] == [("q1", "z2"), ("q2", "z1")]


def test_of_notes_that_are_alike_the_loudest_is_paired():
    # 200 dB are as far from the median of the other side as 100 dB: the cost of levels ends there.
    quiet_and_loud = notes("b1", "b2", level=[-150, 150])
    assert paired(notes("a", level=[0]), quiet_and_loud)[0] == [("a", "b2")]
    assert paired(notes("a", level=[0]), quiet_and_loud[::-1])[0] == [("a", "b2")]


def test_levels_are_compared_beside_those_of_the_folder():
    # The second folder is recorded 30 dB lower. Its note of 60 is loud.
    a, b = notes("a1", "a2", level=[-10, -30]), notes("b", level=[-40])
    for side, base in ((a, -20), (b, -50)):
        for i in range(5):
            side.append(NoteFile(Path(f"{i}"), 70 + i + (10 if side is b else 0), level=base))
    assert paired(a, b)[0] == [("a1", "b")]


KINDS = st.tuples(
    st.sampled_from([60, 61]), st.sampled_from(["pp", "mf", "ff", ""]), st.sampled_from(["vib", "stacc", ""])
)


@settings(max_examples=50, deadline=None)
@given(st.lists(KINDS, min_size=1, max_size=8), st.lists(KINDS, min_size=1, max_size=8), st.randoms())
def test_pairs_of_any_notes(a, b, shuffler):
    """Pitches are equal, shared dynamics and articulations too, nothing is lost, and the order of files does not matter."""

    def side(kinds, prefix):
        made = []
        for i, (pitch, *words) in enumerate(kinds):
            path = Path(f"{prefix}{i}_{'_'.join(filter(None, words))}.wav")
            made.append(NoteFile(path, pitch, pitch, level=-20.0 - i, duration=1 + 0.1 * i, tokens=tokens_of(path)))
        return made

    one, two = side(a, "a"), side(b, "b")
    pairs, reasons = pair_notes(one, two)
    assert len(pairs) + len(reasons[0]) == len(a)
    assert len(pairs) + len(reasons[1]) == len(b)
    for i, j in pairs:
        assert a[i][0] == b[j][0]
        for place in (1, 2):
            words = {a[i][place], b[j][place]} - {""}
            values = {k[place] for k in a} & {k[place] for k in b} - {""}
            assert len(words) <= 1 or not values
    order = shuffler.sample(range(len(two)), len(two))
    again, _ = pair_notes(one, [two[k] for k in order])
    assert sorted((i, order[j]) for i, j in again) == sorted(pairs)


def test_real_libraries_by_sound(notes_folder, library, tmp_path):
    """Tones of the true pitch and dynamic under the names of real libraries: no pair is wrong, few folders are refused."""
    refused = set()
    for each in json.loads((notes_folder.parent / "libraries.json").read_text()):
        truth = {}
        for side in ("a", "b"):
            folder = tmp_path / each["library"] / side
            for name, (midi, dynamic) in each[side].items():
                library(folder, {name: {"midi": midi, "level": LEVELS[dynamic], "sr": 22050}})
                truth[folder / name] = midi, dynamic
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                pairs = pair_files(folder.parent / "a", folder.parent / "b")
        except DatasetError:
            refused.add(each["library"])
            continue
        for a, b, pitch in zip(pairs.source_files, pairs.target_files, pairs.pitches, strict=True):
            assert truth[a][0] == truth[b][0] == pitch, (a, b)
        # Dynamics that both sides have.
        shared = {d for _, d in each["a"].values()} & {d for _, d in each["b"].values()}
        for a, b in zip(pairs.source_files, pairs.target_files, strict=True):
            if {truth[a][1], truth[b][1]} <= shared:
                assert truth[a][1] == truth[b][1], (a, b)
    # No common pitch; numbers of takes.
    assert refused <= {"nsynth-outside", "tonejs-sax-x-cello", "good-sounds", "iowa-1997-scales"}


RULES = ("{}", "my {} 2", "{}_48k", "x-{}", "{}.stereo")
STRAYS = ("noise", "room tone", "demo 120 bpm", "A long phrase", "impulse_060_response", "click")


@settings(max_examples=15, deadline=None)
@given(
    midi=st.lists(st.integers(48, 84), min_size=2, max_size=4, unique=True),
    rule=st.sampled_from(RULES),
    stray=st.sampled_from(STRAYS),
    seed=st.integers(0, 99),
)
def test_a_stray_file_or_a_renaming_changes_no_pair(tmp_path_factory, library, midi, rule, stray, seed):
    root = tmp_path_factory.mktemp("strays")
    dynamics = random.Random(seed).choices(["pp", "ff"], k=2 * len(midi))

    def write(folder, rule, dynamics):
        library(
            root / folder,
            {
                f"{rule.format(f'{name_of_pitch(m)}_{d}_{i % 2}')}.wav": {"midi": m, "level": LEVELS[d] + 0.1 * i}
                for i, (m, d) in enumerate(zip([*midi, *midi], dynamics, strict=True))
            },
        )

    write("a", "{}", dynamics)
    write("renamed", rule, dynamics)
    write("b", "{}", dynamics[::-1])
    (root / "strayed").mkdir()
    for file in (root / "a").iterdir():
        (root / "strayed" / file.name).write_bytes(file.read_bytes())
    library(root / "strayed", {f"{stray}.wav": {"midi": 40 + seed % 40, "level": -20, "duration": 0.8}})

    def pairs(folder):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                found = pair_files(root / folder, root / "b")
            except DatasetError as error:
                assert "is like one" in str(error)  # noqa: PT017
                return None
        names = [PurePath(file).name for file in found.source_files]
        if folder == "renamed":
            before, after = rule.split("{}")
            names = [name.removesuffix(".wav").removeprefix(before).removesuffix(after) + ".wav" for name in names]
        return list(zip(names, [file.name for file in found.target_files], strict=True))

    assert pairs("a") == pairs("strayed") == pairs("renamed")


def test_equally_good_pairings_do_not_depend_on_the_order():
    def note(name, i):
        return NoteFile(
            Path(f"{name}.wav"), 60, 60, level=-20.0 - i, duration=1 + 0.1 * i, tokens=tokens_of(Path(name))
        )

    one = [note(name, i) for i, name in enumerate(("a0_mf_nv", "a1_p_nv", "a2_f_nv", "a3_f_nv"))]
    two = [note(name, i) for i, name in enumerate(("b0_f_nv", "b1_f"))]
    found = []
    for sources in (one, one[::-1]):
        for targets in (two, two[::-1]):
            pairs, _ = pair_notes(sources, targets)
            found.append({(sources[i].file.stem, targets[j].file.stem) for i, j in pairs})
    assert all(each == found[0] for each in found)
