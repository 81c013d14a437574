"""Metadata of sound files: chunks as other programs write them, and as libsndfile reads them."""

import struct

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sktimbre.audio import root_note

IN_FOLDER = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def sine(n=4000, sr=44100):
    return 0.5 * np.sin(2 * np.pi * 440 * np.arange(n) / sr)


def add_chunks(path, *chunks, before=False):
    """Put chunks, each a name and a content, behind the samples, or before all other chunks."""
    whole = path.read_bytes()
    order = "<" if whole[:4] == b"RIFF" else ">"
    added = b"".join(
        struct.pack(f"{order}4sI", name, len(content)) + content + bytes(len(content) % 2) for name, content in chunks
    )
    body = whole[8:12] + (added if before else b"") + whole[12:] + (b"" if before else added)
    path.write_bytes(whole[:4] + struct.pack(f"{order}I", len(body)) + body)
    return path


def smpl(note, *loops):
    head = struct.pack("<9I", 0, 0, 45351, note, 0, 0, 0, len(loops), 0)
    return b"smpl", head + b"".join(struct.pack("<6I", i, mode, *ends, 0, 0) for i, (mode, *ends) in enumerate(loops))


def inst(note, sustain=(0, 0, 0), release=(0, 0, 0)):
    return b"INST", struct.pack(">6Bh6h", note, 0, 0, 127, 1, 127, 0, *sustain, *release)


@pytest.fixture
def sound(tmp_path):
    """Write a sound file with chunks."""

    def make(name, *chunks, sr=44100, subtype=None, before=False):
        soundfile.write(tmp_path / name, sine(sr=sr), sr, subtype=subtype)
        return add_chunks(tmp_path / name, *chunks, before=before)

    return make


# --- root note


@pytest.mark.parametrize("before", [False, True])
@pytest.mark.parametrize(("name", "chunk"), [("a.wav", smpl), ("a.aiff", inst)])
@pytest.mark.parametrize("note", [0, 59, 127])
def test_root_note(sound, name, chunk, note, before):
    odd = (b"ODD ", b"abc")
    assert root_note(sound(name, odd, chunk(note), before=before)) == note


def test_root_note_in_rf64(sound, tmp_path):
    soundfile.write(tmp_path / "a.rf64", sine(), 22050, format="RF64", subtype="PCM_16")
    whole = (tmp_path / "a.rf64").read_bytes()
    assert struct.unpack("<I", whole[whole.index(b"data") + 4 :][:4]) == (0xFFFFFFFF,)
    name, content = smpl(48)
    (tmp_path / "a.rf64").write_bytes(whole + struct.pack("<4sI", name, len(content)) + content)
    assert root_note(tmp_path / "a.rf64") == 48
    # A size beyond what a file position can be.
    ds64 = whole.index(b"ds64") + 16
    (tmp_path / "a.rf64").write_bytes(whole[:ds64] + b"\xff" * 8 + whole[ds64 + 8 :])
    assert root_note(tmp_path / "a.rf64") is None


def test_no_root_note(sound, tmp_path):
    assert root_note(sound("out of range.wav", smpl(128))) is None
    assert root_note(sound("out of range.aiff", inst(200))) is None
    assert root_note(sound("without.wav")) is None
    assert root_note(sound("without.flac")) is None
    assert root_note(sound("short.wav", (b"smpl", b"abc"))) is None
    assert root_note(sound("empty.aiff", (b"INST", b""))) is None
    assert root_note(tmp_path) is None
    assert root_note(tmp_path / "absent.wav") is None
    assert root_note("zero\0byte.wav") is None


@given(flips=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=8), cut=st.integers(0, 400))
@IN_FOLDER
def test_root_note_of_damaged_files(tmp_path, flips, cut):
    for name, chunk in (("a.wav", smpl(60)), ("a.aiff", inst(60))):
        soundfile.write(tmp_path / name, np.zeros(10), 22050)
        whole = bytearray(add_chunks(tmp_path / name, chunk, before=True).read_bytes())
        for position, value in flips:
            whole[position % len(whole)] = value
        (tmp_path / name).write_bytes(whole[: len(whole) - cut])
        assert root_note(tmp_path / name) in {None, *range(128)}
