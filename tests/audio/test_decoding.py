"""Sound files that ffmpeg decodes: with an executable in its place, and with ffmpeg where it is installed."""

import os
import shutil
import subprocess
import tracemalloc

import numpy as np
import pytest
import soundfile

from sktimbre.audio import AudioReader, read_audio, write_audio
from sktimbre.audio.decoding import DECODED_SUFFIXES
from sktimbre.audio.soundfiles import READABLE_SUFFIXES, is_readable, needs_decoder, open_sound
from sktimbre.exceptions import AudioFileError

# Writes what follows the first line of its input, then ends as the first line says.
FAKE = """#!/bin/sh
for argument; do
    test "$before" = -i && input=${argument#file:}
    before=$argument
done
tail -n +2 "$input"
read -r code message < "$input"
test -n "$message" && echo "[demuxer @ 0x1f] $message" >&2
exit "$code"
"""


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """Put an executable named ffmpeg on PATH, and return a function that writes files for it."""
    if os.name != "posix":
        pytest.skip("the executable is a shell script")
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "ffmpeg").write_text(FAKE)
    (folder / "ffmpeg").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin")

    def make(name, y, sr=44100, first="0"):
        soundfile.write(tmp_path / "decoded.w64", y.T, sr, subtype="FLOAT")
        (tmp_path / name).write_bytes(f"{first}\n".encode() + (tmp_path / "decoded.w64").read_bytes())
        return tmp_path / name

    return make


@pytest.fixture
def no_ffmpeg(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))


def noise(*shape):
    return np.random.default_rng(0).uniform(-2, 2, shape).astype(np.float32)


@pytest.mark.parametrize("name", ["a.m4a", "-b.WMA", "c:d é.webm"])
def test_decoded_as_they_are(fake, name):
    y = noise(2, 200000)
    path = fake(name, y)
    read, sr = read_audio(path, mono=False)
    np.testing.assert_array_equal(read, y)
    assert sr == 44100
    part, _ = read_audio(path, mono=False, offset=1000 / sr, duration=500 / sr)
    np.testing.assert_array_equal(part, y[:, 1000:1500])
    reader = AudioReader(path, block_size=70000)
    assert (reader.n_frames, reader.n_channels, reader.sr) == (None, 2, 44100)
    np.testing.assert_array_equal(np.concatenate(list(reader), axis=1), y)


def test_relative_path(fake, monkeypatch):
    path = fake("a.m4a", noise(100))
    monkeypatch.chdir(path.parent)
    assert len(read_audio("a.m4a")[0]) == 100


def test_memory_is_bounded(fake):
    path = fake("long.aac", noise(4_000_000))
    tracemalloc.start()
    n_samples = sum(block.shape[1] for block in AudioReader(path, 22050))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert n_samples == 2_000_000
    assert peak < 4e6


@pytest.mark.parametrize("first", ["1 moov atom not found", "0 File ended prematurely"])
def test_errors_of_ffmpeg_are_told(fake, first):
    path = fake("broken.m4a", noise(100000), first=first)
    with pytest.raises(AudioFileError, match=rf"broken\.m4a is damaged or truncated \(ffmpeg: {first[2:]}\)"):
        read_audio(path)
    path.write_text(f"{first}\n")
    with pytest.raises(AudioFileError, match=rf"broken\.m4a cannot be read through ffmpeg \(ffmpeg: {first[2:]}\)"):
        AudioReader(path)


def test_messages_without_an_error_are_ignored(fake):
    assert len(read_audio(fake("a.m4a", noise(100), first="0 odd timestamps"))[0]) == 100


def test_decoding_ends_when_the_file_is_closed(fake):
    with open_sound(fake("a.m4a", noise(3_000_000))) as sound:
        process = sound._decoder._process
        sound.read(10)
        assert process.poll() is None
    assert process.poll() is not None


def test_file_that_libsndfile_reads_needs_no_ffmpeg(no_ffmpeg, tmp_path):
    write_audio(tmp_path / "a.wav", np.zeros(100), 8000)
    (tmp_path / "a.wav").rename(tmp_path / "a.mp4")
    assert len(read_audio(tmp_path / "a.mp4")[0]) == 100


def test_without_ffmpeg(no_ffmpeg, tmp_path):
    (tmp_path / "a.M4A").write_bytes(b"no sound")
    with pytest.raises(AudioFileError, match=r"a\.M4A is read through ffmpeg, which is not installed: install ffmpeg"):
        read_audio(tmp_path / "a.M4A")
    assert needs_decoder("x/a.M4A")
    assert not is_readable("x/a.M4A")
    assert is_readable("x/a.BWF")
    assert not needs_decoder("x/a.BWF")
    assert not needs_decoder("x/notes.txt")


def test_suffixes_with_ffmpeg(fake):
    assert is_readable("x/a.M4A")
    assert not needs_decoder("x/a.M4A")
    assert not is_readable("x/notes.txt")
    assert not READABLE_SUFFIXES & DECODED_SUFFIXES


def test_executable_that_cannot_be_started(fake, tmp_path):
    (tmp_path / "bin" / "ffmpeg").write_bytes(b"\0\0")
    with pytest.raises(AudioFileError, match=r"a\.m4a is read through ffmpeg, which cannot be started"):
        read_audio(fake("a.m4a", noise(100)))


@pytest.mark.parametrize(
    ("suffix", "kind"),
    [
        *((".wave", "WAV"), (".bwf", "WAVEX"), (".aifc", "AIFF"), (".w64", "W64"), (".rf64", "RF64"), (".caf", "CAF")),
        *((".au", "AU"), (".snd", "AU"), (".oga", "OGG"), (".voc", "VOC"), (".8svx", "SVX"), (".sph", "NIST")),
        *((".sf", "IRCAM"), (".paf", "PAF"), (".pvf", "PVF"), (".avr", "AVR"), (".htk", "HTK"), (".sds", "SDS")),
    ],
)
def test_suffixes_of_libsndfile(no_ffmpeg, tmp_path, suffix, kind):
    soundfile.write(tmp_path / f"a{suffix}", np.zeros(4000), 22050, format=kind)
    assert is_readable(tmp_path / f"a{suffix}")
    assert len(read_audio(tmp_path / f"a{suffix}")[0]) >= 4000


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
@pytest.mark.parametrize("name", ["a.m4a", "a.mka", "a.wv"])
def test_with_ffmpeg(tmp_path, name):
    y = 0.3 * np.sin(2 * np.pi * 440 * np.arange(48000) / 48000)
    write_audio(tmp_path / "a.wav", y, 48000, subtype="PCM_24")
    options = ["-c:a", "alac"] if name.endswith("m4a") else []
    command = ["ffmpeg", "-v", "error", "-i", tmp_path / "a.wav", *options, tmp_path / name]
    if subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode:
        pytest.skip("this ffmpeg does not write it")
    read, sr = read_audio(tmp_path / name)
    assert (sr, len(read)) == (48000, 48000)
    np.testing.assert_allclose(read[1000:-1000], y[1000:-1000], atol=1e-6 if options else 0.02)
    whole = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(AudioFileError, match="ffmpeg"):
        read_audio(tmp_path / name)
