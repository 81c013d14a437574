"""Metadata of sound files: chunks as other programs write them, and as libsndfile reads them."""

import struct

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sktimbre.audio import AudioWriter, Metadata, formats, read_audio, read_metadata, root_note, write_audio
from sktimbre.audio.chunks import join_chunks
from sktimbre.audio.metadata import of_converted
from sktimbre.exceptions import AudioError

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


def contents(path):
    """Return name and content of all chunks, by an own reader that takes sizes as they are."""
    whole, found, at = path.read_bytes(), {}, 12
    order = ">" if whole[:4] == b"FORM" else "<"
    if whole[:4] != b"RF64":
        assert struct.unpack(f"{order}I", whole[4:8]) == (len(whole) - 8,)
    while at < len(whole):
        name, size = struct.unpack_from(f"{order}4sI", whole, at)
        if size == 0xFFFFFFFF:
            assert struct.unpack_from("<Q", whole, 20) == (len(whole) - 8,)
            (size,) = struct.unpack_from("<Q", whole, 28)
        found.setdefault(name, []).append(whole[at + 8 : at + 8 + size])
        at += 8 + size + size % 2
    assert at == len(whole)
    return found


def command(path, number, size):
    """Return what a command of libsndfile gives for a file."""
    with soundfile.SoundFile(path) as sound:
        buffer = soundfile._ffi.new("char[]", size)
        if not soundfile._snd.sf_command(sound._file, number, buffer, size):
            return None
        return bytes(soundfile._ffi.buffer(buffer, size))


def instrument(path):
    """Return root note and loops (mode, start, end) as libsndfile reads them."""
    known = command(path, 0x10D0, 272)
    if known is None:
        return None
    loops = [struct.unpack_from("<iII", known, 16 + 16 * i) for i in range(struct.unpack_from("<i", known, 12)[0])]
    return known[4], loops


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


# --- metadata

FORWARD, ALTERNATING = 801, 803  # as libsndfile names the modes of loops
CUE = b"cue ", struct.pack("<I2I4s3I2I4s3I", 2, 7, 1000, b"data", 0, 0, 1000, 9, 3000, b"data", 0, 0, 3000)
ADTL = (
    b"LIST",
    b"adtl"
    + join_chunks(
        "<",
        [
            (b"labl", struct.pack("<I", 7) + b"Verse\0"),
            (b"note", struct.pack("<I", 7) + b"odd\0"),
            (b"ltxt", struct.pack("<II4s4H", 9, 441, b"rgn ", 0, 0, 0, 0)),
        ],
    ),
)
INFO = b"LIST", b"INFO" + join_chunks("<", [(b"INAM", b"Song\0"), (b"IENG", b"Engineer\0"), (b"IART", b"Artist\0")])


def bext(time):
    head = b"Description".ljust(256, b"\0") + b"Originator".ljust(32, b"\0") + b"Reference".ljust(32, b"\0")
    return b"bext", head + b"2020-01-0112-00-00" + struct.pack("<QH64s5h180x", time, 2, b"", -2300, 500, -100, -90, -80)


MARK = (
    b"MARK",
    b"".join(
        [
            struct.pack(">H", 3),
            struct.pack(">hIB", 1, 1000, 5) + b"Verse",
            struct.pack(">hIB", 5, 100, 1) + b"b",
            struct.pack(">hIB", 6, 3000, 2) + b"en\0",
        ]
    ),
)
TEXTS = [(b"NAME", b"Song"), (b"AUTH", b"Artist"), (b"(c) ", b"Somebody"), (b"ANNO", b"Two"), (b"COMT", bytes(10))]


def copied(path, name, sr=None, subtype=None):
    target = path.with_name(name)
    y, sr = read_audio(path, sr)
    write_audio(target, y, sr, metadata=read_metadata(path), subtype=subtype)
    np.testing.assert_allclose(read_audio(target)[0], y, atol=1e-4)
    return target


@pytest.mark.parametrize("name", ["b.wav", "b.rf64"])
@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_24", "FLOAT"])
def test_wav_keeps_its_chunks(tmp_path, name, subtype):
    kept = [
        smpl(61, (0, 100, 2999)),
        CUE,
        ADTL,
        INFO,
        bext(1 << 40),
        (b"inst", b"\x3d\0\0\0\x7f\0\x7f"),
        (b"id3 ", b"ID3"),
    ]
    soundfile.write(tmp_path / "a.wav", sine(3999), 44100)
    source = add_chunks(tmp_path / "a.wav", *kept, (b"junk", b"left out"))
    write_audio(tmp_path / name, sine(3999), 44100, subtype=subtype, metadata=read_metadata(source))
    written = contents(tmp_path / name)
    for kind, content in kept:
        assert content in written[kind]
    assert set(written) - {name for name, _ in kept} <= {b"ds64", b"fmt ", b"fact", b"PEAK", b"data"}
    assert root_note(tmp_path / name) == 61
    if name == "b.rf64":  # of which libsndfile reads no metadata behind the samples
        return
    assert instrument(tmp_path / name) == (61, [(FORWARD, 100, 3000)])
    assert soundfile.SoundFile(tmp_path / name).copy_metadata() == {"title": "Song", "artist": "Artist"}


def test_aiff_keeps_its_chunks(sound, tmp_path):
    kept = [MARK, inst(61, (1, 5, 6)), *TEXTS]
    written = contents(copied(sound("a.aiff", *kept), "b.aif"))
    for kind, content in kept:
        assert written.pop(kind) == [content]
    assert set(written) == {b"COMM", b"SSND"}
    assert instrument(tmp_path / "b.aif") == (61, [(FORWARD, 100, 3000)])
    texts = soundfile.SoundFile(tmp_path / "b.aif").copy_metadata()
    assert texts == {"title": "Song", "artist": "Artist", "copyright": "Somebody", "comment": "Two"}


def test_positions_at_another_rate(sound):
    source = sound("a.wav", smpl(61, (1, 100, 2999)), CUE, ADTL, INFO, bext(44100 * 3600))
    written = contents(copied(source, "b.wav", 22050))
    assert struct.unpack_from("<2I", written[b"smpl"][0], 8) == (45351, 61)
    assert struct.unpack_from("<6I", written[b"smpl"][0], 36) == (0, 1, 50, 1499, 0, 0)
    assert struct.unpack("<I2I4s3I2I4s3I", written[b"cue "][0])[1:] == (
        *(7, 500, b"data", 0, 0, 500),
        *(9, 1500, b"data", 0, 0, 1500),
    )
    adtl, info = written[b"LIST"]
    assert adtl == ADTL[1].replace(struct.pack("<I", 441), struct.pack("<I", 221))
    assert info == INFO[1]
    assert written[b"bext"] == [bext(22050 * 3600)[1]]
    source = sound("a.aiff", MARK, inst(61, (2, 5, 6)))
    written = copied(source, "b.aiff", 22050)
    assert instrument(written)[1][0][1:] == (50, 1500)
    # libsndfile reads every loop as a forward loop.
    assert contents(written)[b"INST"] == [inst(61, (2, 5, 6))[1]]


def test_from_wav_to_aiff_and_back(sound, tmp_path):
    source = sound("a.wav", smpl(61, (0, 100, 2999), (1, 3000, 3999)), CUE, ADTL, INFO)
    there = copied(source, "b.aiff")
    assert [loop[1:] for loop in instrument(there)[1]] == [(100, 3000), (3000, 4000)]
    assert contents(there)[b"INST"] == [inst(61, (1, 3, 4), (2, 5, 6))[1]]
    assert soundfile.SoundFile(there).copy_metadata() == {"title": "Song", "artist": "Artist"}
    back = copied(there, "c.wav")
    assert instrument(back) == instrument(source)
    assert contents(back)[b"cue "] == [
        CUE[1]
        .replace(struct.pack("<2I", 7, 1000), struct.pack("<2I", 1, 1000))
        .replace(struct.pack("<2I", 9, 3000), struct.pack("<2I", 2, 3000))
    ]
    assert b"labl" + struct.pack("<II", 10, 1) + b"Verse\0" in b"".join(contents(back)[b"LIST"])
    assert soundfile.SoundFile(back).copy_metadata() == {"title": "Song", "artist": "Artist"}


def test_root_note_alone_between_families(sound):
    assert root_note(copied(sound("a.wav", smpl(40)), "b.aiff")) == 40
    assert root_note(copied(sound("d.aiff", inst(41)), "b.wav")) == 41
    assert root_note(copied(sound("c.wav", CUE), "c.aiff")) is None


@pytest.mark.parametrize("name", ["b.flac", "b.ogg", "b.mp3", "b.opus", "b.caf"])
def test_texts_in_other_formats(tmp_path, name):
    texts = {"title": "Söng", "artist": "Artist", "comment": "Two", "date": "2020"}
    write_audio(tmp_path / "a.flac", sine(sr=48000), 48000, metadata=Metadata(48000, texts))
    target = tmp_path / name
    write_audio(target, sine(sr=48000), 48000, metadata=read_metadata(tmp_path / "a.flac"))
    assert read_metadata(target).texts == texts


@pytest.mark.parametrize("name", ["b.au", "b.w64"])
def test_formats_without_texts(tmp_path, name):
    write_audio(tmp_path / name, sine(), 44100, metadata=Metadata(44100, {"title": "Song", "album": "None"}))
    assert len(read_audio(tmp_path / name)[0]) == 4000


def test_loudness_of_bext(sound):
    before, after = bext(5)[1], of_converted(read_metadata(sound("a.wav", bext(5)))).chunks[0][1]
    assert after[412:422] == struct.pack("<5h", *[0x7FFF] * 5)
    assert (after[:412], after[422:]) == (before[:412], before[422:])


def test_failure_leaves_no_file(sound, tmp_path):
    known = read_metadata(sound("a.wav", smpl(60)))
    with pytest.raises(AudioError), AudioWriter(tmp_path / "b.wav", 44100, metadata=known):
        pass
    assert [file.name for file in tmp_path.iterdir()] == ["a.wav"]


def test_sizes_count(sound, tmp_path, monkeypatch):
    monkeypatch.setitem(formats.SMALL_HEADERS, "WAV", 8050)
    write_audio(tmp_path / "b.wav", sine(), 44100)
    with pytest.raises(AudioError, match="GiB"):
        write_audio(tmp_path / "c.wav", sine(), 44100, metadata=read_metadata(sound("a.wav", smpl(60, (0, 1, 2)))))


def test_table_that_promises_more_than_it_has(sound):
    name, content = smpl(60, (0, 100, 2999))
    lying = name, content[:28] + b"\xff" * 4 + content[32:]
    assert instrument(copied(sound("a.wav", lying), "b.aiff")) == (60, [(FORWARD, 100, 3000)])
    copied(
        sound("a.wav", (b"cue ", b"\xff" * 10), (b"smpl", b"ab"), (b"bext", b"x"), (b"LIST", b"adtl\0")), "c.wav", 22050
    )


@given(
    flips=st.lists(st.tuples(st.integers(0, 5000), st.sampled_from([0, 1, 127, 128, 255])), max_size=6),
    cut=st.integers(0, 1000),
    sr=st.sampled_from([8000, 44100]),
    kind=st.sampled_from(["wav", "aiff", "rf64", "flac"]),
)
@IN_FOLDER
def test_damaged_metadata_is_no_obstacle(tmp_path, flips, cut, sr, kind):
    for name, chunks in (
        ("a.wav", [smpl(60, (0, 1, 9)), CUE, ADTL, INFO, bext(7)]),
        ("a.aiff", [MARK, inst(60, (1, 5, 6)), *TEXTS]),
    ):
        soundfile.write(tmp_path / name, np.zeros(400), 8000)
        n_before = len((tmp_path / name).read_bytes())
        whole = bytearray(add_chunks(tmp_path / name, *chunks).read_bytes())
        n_chunks = len(whole) - n_before
        for position, value in flips:
            whole[n_before + position % n_chunks] = value
        (tmp_path / name).write_bytes(whole[: len(whole) - cut % n_chunks])
        try:
            soundfile.info(tmp_path / name)
        except soundfile.LibsndfileError:  # nothing can be converted
            continue
        write_audio(tmp_path / f"b.{kind}", np.zeros(400), sr, metadata=read_metadata(tmp_path / name), overwrite=True)
        assert len(read_audio(tmp_path / f"b.{kind}")[0]) == 400
        assert root_note(tmp_path / f"b.{kind}") in {None, *range(128)}


@pytest.mark.parametrize(
    ("semitones", "note", "fraction"), [(-12, 57, 0), (0.5, 69, 1 << 31), (-0.25, 68, 3 << 30), (90, 127, 0)]
)
def test_root_note_of_a_transposed_sound(sound, semitones, note, fraction):
    acid = struct.pack("<IH", 2, 69) + bytes(18)
    known = read_metadata(sound("a.wav", smpl(69), (b"inst", bytes([69, 0, 0, 0, 127, 1, 127])), (b"acid", acid)))
    chunks = dict(of_converted(known, semitones).chunks)
    assert struct.unpack_from("<2I", chunks[b"smpl"], 12) == (note, fraction)
    nearest = min(69 + round(semitones), 127)
    assert chunks[b"inst"][0] == struct.unpack_from("<H", chunks[b"acid"], 4)[0] == nearest
    assert dict(of_converted(known).chunks) == dict(known.chunks)
    instrument = of_converted(read_metadata(sound("a.aiff", inst(69))), semitones)
    assert dict(instrument.chunks)[b"INST"][0] == nearest
