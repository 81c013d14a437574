"""Sound files against soundfile and scipy, and what happens to bad ones."""

import os
import re
import struct
import subprocess
import sys
import tracemalloc
import warnings
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.io import wavfile

from sktimbre import audio
from sktimbre.audio import AudioReader, AudioWriter, atomic_path, read_audio, resample, to_mono, write_audio
from sktimbre.exceptions import AudioError, AudioFileError, ClippingWarning, ParameterError
from sktimbre.storage.recordings import Recordings

IN_FOLDER = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
RATES = [8000, 11025, 16000, 22050, 44100, 48000]


def sine(n=22050, sr=22050, f=440.0, amplitude=0.5):
    return (amplitude * np.sin(2 * np.pi * f * np.arange(n) / sr)).astype(np.float32)


def noise(*shape, seed=0):
    return np.random.default_rng(seed).uniform(-0.9, 0.9, shape).astype(np.float32)


# --- reading


def test_reads_what_scipy_wrote(tmp_path):
    pcm = np.random.default_rng(0).integers(-32768, 32767, (1000, 3), dtype=np.int16)
    wavfile.write(tmp_path / "a.wav", 44100, pcm)
    y, sr = read_audio(tmp_path / "a.wav", mono=False)
    assert (y.dtype, sr) == (np.float32, 44100)
    assert y.flags.c_contiguous
    np.testing.assert_array_equal(y, (pcm.T / 32768).astype(np.float32))
    mono, _ = read_audio(str(tmp_path / "a.wav"))
    np.testing.assert_allclose(mono, (pcm / 32768).mean(axis=1), atol=1e-7)


@pytest.mark.parametrize("suffix", [".wav", ".aiff", ".flac", ".ogg", ".mp3"])
@pytest.mark.parametrize("n_channels", [1, 2])
def test_reads_every_format(tmp_path, suffix, n_channels):
    y = np.stack([sine(f=440.0 * (c + 1)) for c in range(n_channels)])
    path = tmp_path / f"a{suffix}"
    soundfile.write(path, y.T, 22050)
    read, sr = read_audio(path, mono=False)
    assert sr == 22050
    assert read.shape == y.shape
    lossy = suffix in (".ogg", ".mp3")
    assert np.sqrt(np.mean((read - y) ** 2)) < (0.03 if lossy else 1e-4)


@pytest.mark.parametrize(
    ("suffix", "sr"), [(".wav", 22050), (".flac", 22050), (".ogg", 22050), (".mp3", 22050), (".opus", 48000)]
)
def test_offset_and_duration_are_a_slice(tmp_path, suffix, sr):
    path = tmp_path / f"a{suffix}"
    write_audio(path, noise(30000), sr)
    whole, _ = read_audio(path)
    part, _ = read_audio(path, offset=10000 / sr, duration=5000 / sr)
    np.testing.assert_allclose(part, whole[10000:15000], atol=1e-6)
    rest, _ = read_audio(path, offset=29000 / sr, duration=10.0)
    np.testing.assert_allclose(rest, whole[29000:], atol=1e-6)


def test_resamples_after_the_cut(tmp_path):
    path = tmp_path / "a.wav"
    soundfile.write(path, noise(44100, 2), 44100, subtype="FLOAT")
    whole, _ = read_audio(path, mono=False)
    y, sr = read_audio(path, sr=16000, mono=False, duration=0.5)
    assert sr == 16000
    np.testing.assert_array_equal(y, resample(whole[:, :22050], 44100, 16000))


def bad_files(folder):
    """Yield (name, what the error must say)."""
    good = folder / "good.wav"
    soundfile.write(good, noise(20000), 22050)
    data = good.read_bytes()
    for suffix in (".flac", ".ogg", ".mp3", ".aiff"):
        soundfile.write(folder / f"good{suffix}", noise(60000), 22050)
        content = (folder / f"good{suffix}").read_bytes()
        (folder / f"cut{suffix}").write_bytes(content[: len(content) * 2 // 3])
        yield f"cut{suffix}", "truncated"
    (folder / "cut.wav").write_bytes(data[:-1000])
    yield "cut.wav", "truncated"
    yield "missing.wav", "does not exist"
    yield ".", "is a folder"
    (folder / "empty.wav").write_bytes(b"")
    yield "empty.wav", "is empty"
    for suffix in ("wav", "mp3", "raw", "flac"):
        (folder / f"text.{suffix}").write_bytes(b"this is not audio, whatever its name says. " * 50)
        yield f"text.{suffix}", "not a sound file"
    (folder / "head.wav").write_bytes(data[:30])
    yield "head.wav", "not a sound file"
    soundfile.write(folder / "none.wav", np.zeros((0, 2)), 22050)
    yield "none.wav", "holds no samples"
    for name, value in (("nan", np.nan), ("inf", np.inf)):
        y = noise(70000)
        y[65540] = value
        soundfile.write(folder / f"{name}.wav", y, 22050, subtype="FLOAT")
        yield f"{name}.wav", "NaN or infinity at sample 65540"


def test_bad_files_are_named(tmp_path):
    for name, words in list(bad_files(tmp_path)):
        with pytest.raises(AudioFileError, match=words) as caught:
            read_audio(tmp_path / name)
        assert str(tmp_path / name) in str(caught.value), name
        with pytest.raises(AudioFileError, match=words):
            list(AudioReader(tmp_path / name))


@pytest.mark.parametrize("suffix", [".wav", ".aiff", ".flac", ".ogg", ".mp3"])
@given(cut=st.floats(0, 1), flip=st.floats(0, 0.999))
@IN_FOLDER
def test_damaged_files_fail_only_with_our_error(tmp_path, suffix, cut, flip):
    path = tmp_path / f"x{suffix}"
    soundfile.write(path, noise(5000), 22050)
    check_damaged(path, cut, flip)


def check_damaged(path, cut, flip):
    """Flip a byte of a file, cut it, and read it from the beginning and from the middle."""
    data = bytearray(path.read_bytes())
    data[int(flip * len(data))] ^= 0xFF
    path.write_bytes(data[: max(1, int(cut * len(data)))])
    for offset in (0.0, 0.1):
        try:
            y, _ = read_audio(path, offset=offset)
        except AudioFileError as error:
            assert str(path) in str(error)  # noqa: PT017 - no error is fine too
        else:
            assert np.isfinite(y).all()


def wav(frames, claimed):
    """A mono 16-bit WAV whose header claims so many bytes."""
    body = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, 22050, 44100, 2, 16) + struct.pack("<4sI", b"data", claimed)
    return (
        struct.pack("<4sI4s", b"RIFF", min(claimed + 36, 0xFFFFFFFF), b"WAVE") + body + frames.astype("<i2").tobytes()
    )


@pytest.mark.parametrize("claimed", [0xFFFFFFFF, 0xFFFFFF00, 0x7FFFFFFF])
def test_streams_without_a_length_are_read_to_their_end(tmp_path, claimed):
    (tmp_path / "pipe.wav").write_bytes(wav(np.arange(1000), claimed))
    np.testing.assert_array_equal(read_audio(tmp_path / "pipe.wav")[0], np.arange(1000, dtype=np.float32) / 32768)


def with_flac_length(path, n_frames):
    """Overwrite the 36 bits of STREAMINFO that hold the number of samples."""
    data = bytearray(path.read_bytes())
    word = int.from_bytes(data[18:26], "big") >> 36 << 36
    data[18:26] = (word | n_frames).to_bytes(8, "big")
    path.write_bytes(data)


def test_flac_of_unknown_length(tmp_path):
    y = np.round(noise(150000) * 32768) / 32768
    soundfile.write(tmp_path / "a.flac", y, 22050)
    with_flac_length(tmp_path / "a.flac", 0)
    np.testing.assert_array_equal(read_audio(tmp_path / "a.flac")[0], y.astype(np.float32))
    assert AudioReader(tmp_path / "a.flac").n_frames is None
    with pytest.raises(AudioFileError, match="beyond the end"):
        read_audio(tmp_path / "a.flac", offset=1e9)


def test_a_lying_header_costs_no_memory(tmp_path):
    soundfile.write(tmp_path / "a.flac", noise(10000), 22050)
    with_flac_length(tmp_path / "a.flac", (1 << 36) - 1)
    (tmp_path / "a.wav").write_bytes(wav(np.zeros(1000), 0x7FFEFFFF))
    tracemalloc.start()
    for name in ("a.flac", "a.wav"):
        with pytest.raises(AudioFileError, match="truncated"):
            read_audio(tmp_path / name, duration=1e9)
    assert tracemalloc.get_traced_memory()[1] < 20e6
    tracemalloc.stop()


def test_a_lying_rate_costs_no_memory(tmp_path):
    soundfile.write(tmp_path / "a.wav", noise(1000), 1)
    with pytest.raises(AudioFileError, match=r"1 Hz cannot be resampled to 22050 Hz"):
        read_audio(tmp_path / "a.wav", sr=22050)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"sr": 0}, "sr=0 must be a whole number"),
        ({"sr": 22050.5}, r"sr=22050\.5"),
        ({"sr": "44100"}, "sr='44100'"),
        ({"offset": -1}, "offset=-1"),
        ({"offset": np.nan}, "offset=nan"),
        ({"duration": 0}, "duration=0 must be a finite number above 0"),
        ({"duration": 1e-9}, "shorter than one sample"),
    ],
)
def test_read_parameters(tmp_path, options, words):
    soundfile.write(tmp_path / "a.wav", noise(1000), 22050)
    with pytest.raises(ParameterError, match=words):
        read_audio(tmp_path / "a.wav", **options)


def test_offset_beyond_the_end(tmp_path):
    soundfile.write(tmp_path / "a.wav", noise(1000), 22050)
    with pytest.raises(AudioFileError, match=r"offset=1\.0 s lies beyond the end"):
        read_audio(tmp_path / "a.wav", offset=1.0)


# All that libsndfile writes, but for files without a header.
KINDS = [
    (kind, sub) for kind in soundfile.available_formats() if kind != "RAW" for sub in soundfile.available_subtypes(kind)
]


@pytest.mark.parametrize(("kind", "subtype"), KINDS)
def test_all_that_is_read_is_read_alike_in_parts_and_blocks(tmp_path, kind, subtype):
    """Some cannot seek, as GSM, nor say where they are; some seek to wrong samples."""
    path = tmp_path / "a"
    try:
        soundfile.write(path, 0.3 * noise(9000), 8000, subtype=subtype, format=kind)
    except soundfile.LibsndfileError:
        pytest.skip("libsndfile does not write it")
    y, sr = read_audio(path)
    assert len(y) >= 9000
    part, _ = read_audio(path, offset=3000 / sr, duration=4000 / sr)
    np.testing.assert_array_equal(part, y[3000:7000])
    with AudioReader(path, mono=True, block_size=1000) as reader:
        np.testing.assert_array_equal(np.concatenate(list(reader), axis=1)[0], y)
    np.testing.assert_array_equal(Recordings([path], sr)[0], y)
    with pytest.raises(AudioFileError, match=re.escape(f"offset=9.0 s lies beyond the end of {path}")):
        read_audio(path, offset=9.0)


@pytest.mark.parametrize(
    ("kind", "subtype"), [("WAV", "GSM610"), ("AIFF", "DWVW_16"), ("AU", "G721_32"), ("CAF", "ALAC_16")]
)
@given(cut=st.floats(0, 1), flip=st.floats(0, 0.999))
@IN_FOLDER
def test_damaged_files_of_rare_kinds_fail_only_with_our_error(tmp_path, kind, subtype, cut, flip):
    path = tmp_path / "x"
    soundfile.write(path, noise(5000), 22050, subtype=subtype, format=kind)
    check_damaged(path, cut, flip)


# --- writing

LOSSLESS = [
    (".wav", "PCM_U8", 8),
    (".wav", "PCM_16", 16),
    (".wav", "PCM_24", 24),
    (".aiff", "PCM_16", 16),
    (".aif", "PCM_24", 24),
    (".flac", "PCM_S8", 8),
    (".flac", "PCM_16", 16),
    (".flac", "PCM_24", 24),
    (".w64", "PCM_16", 16),
    (".rf64", "PCM_16", 16),
    (".caf", "PCM_16", 16),
    (".au", "PCM_16", 16),
    (".wav", "FLOAT", 25),
]


@pytest.mark.parametrize(("suffix", "subtype", "bits"), LOSSLESS)
@given(
    y=st.integers(1, 3).flatmap(
        lambda c: arrays(np.float32, st.tuples(st.just(c), st.integers(c, 50)), elements=st.floats(-1, 1, width=32))
    )
)
@IN_FOLDER
def test_round_trip(tmp_path, suffix, subtype, bits, y):
    path = tmp_path / f"a{suffix}"
    write_audio(path, y, 22050, subtype=subtype, overwrite=True)
    once, sr = read_audio(path, mono=False)
    assert sr == 22050
    assert soundfile.info(path).subtype == subtype
    step = 0 if subtype == "FLOAT" else 2.0 ** (1 - bits)
    # Full scale itself is one step too large for integers.
    np.testing.assert_allclose(once, np.minimum(y, 1 - step), atol=0.5 * step, rtol=1e-7)
    write_audio(path, once, 22050, subtype=subtype, overwrite=True)
    np.testing.assert_array_equal(read_audio(path, mono=False)[0], once)


@pytest.mark.parametrize(
    ("suffix", "subtype"), [(".wav", "PCM_16"), (".flac", "PCM_16"), (".ogg", "VORBIS"), (".mp3", "MPEG_LAYER_III")]
)
def test_default_subtypes(tmp_path, suffix, subtype):
    write_audio(tmp_path / f"a{suffix}", sine(), 22050)
    assert soundfile.info(tmp_path / f"a{suffix}").subtype == subtype


def test_opus(tmp_path):
    write_audio(tmp_path / "a.opus", sine(48000, 48000), 48000)
    assert np.sqrt(np.mean((read_audio(tmp_path / "a.opus")[0][:48000] - sine(48000, 48000)) ** 2)) < 0.05


@given(
    y=arrays(np.float64, st.integers(1, 60), elements=st.floats(-4, 4)), subtype=st.sampled_from(["PCM_16", "PCM_24"])
)
@IN_FOLDER
def test_clipping_is_counted(tmp_path, y, subtype):
    path = tmp_path / "a.wav"
    n = int(np.count_nonzero(np.abs(y) > 1))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        write_audio(path, y, 22050, subtype=subtype, overwrite=True)
    assert len(caught) == bool(n)
    if n:
        text = str(caught[0].message)
        assert caught[0].category is ClippingWarning
        assert caught[0].filename == __file__
        assert f"{n} samples" in text
        assert f"{20 * np.log10(np.abs(y).max()):+.1f} dB" in text
    np.testing.assert_allclose(read_audio(path)[0], np.clip(y, -1, 1), atol=2.0**-15)


def test_float_keeps_what_is_beyond_full_scale(tmp_path):
    write_audio(tmp_path / "a.wav", [2.0, -3.0], 22050, subtype="float")
    np.testing.assert_array_equal(read_audio(tmp_path / "a.wav")[0], [2, -3])


@pytest.mark.parametrize(
    ("name", "y", "options", "error", "words"),
    [
        ("a.wav", [], {}, AudioError, "empty"),
        ("a.wav", np.zeros((1, 2, 3)), {}, AudioError, r"shape \(1, 2, 3\)"),
        ("a.wav", [0.0, np.nan], {}, AudioError, "NaN"),
        ("a.wav", np.array([0, 20000], np.int16), {}, AudioError, "int16"),
        ("a.wav", np.zeros((100, 2)), {}, AudioError, r"pass y\.T"),
        ("a.wav", ["a"], {}, AudioError, "names of files"),
        ("a.wav", [True], {}, AudioError, "dtype bool"),
        ("a.wav", [[0.0], [0.0, 0.0]], {}, AudioError, "not one array"),
        ("a.xyz", [0.0], {}, ParameterError, r"\.wav, \.aif"),
        ("a", [0.0], {}, ParameterError, "suffix ''"),
        ("a.flac", [0.0], {"subtype": "FLOAT"}, ParameterError, "PCM_S8, PCM_16, PCM_24"),
        ("a.flac", np.zeros((9, 9)), {}, ParameterError, "from 1 to 8"),
        ("a.ogg", np.zeros((300, 300)), {}, ParameterError, "from 1 to 255"),
        ("a.mp3", [0.0], {"sr": 96000}, ParameterError, "44100, 48000 Hz"),
        ("a.wav", [0.0], {"sr": 0}, ParameterError, "sr=0"),
        ("nowhere/a.wav", [0.0], {}, AudioFileError, "does not exist"),
        ("there.wav", [0.0], {}, AudioFileError, "overwrite=True"),
        ("folder.wav", [0.0], {"overwrite": True}, AudioFileError, "is a folder"),
    ],
)
def test_write_refuses(tmp_path, name, y, options, error, words):
    (tmp_path / "there.wav").write_bytes(b"mine")
    (tmp_path / "folder.wav").mkdir()
    with pytest.raises(error, match=words):
        write_audio(tmp_path / name, y, **{"sr": 22050, **options})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder.wav", "there.wav"]
    assert (tmp_path / "there.wav").read_bytes() == b"mine"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_our_error(tmp_path, monkeypatch):
    def full(path, *args, **kwargs):
        return original("/dev/full", *args, **kwargs)

    original = soundfile.SoundFile
    monkeypatch.setattr("sktimbre.audio.blockwise.soundfile.SoundFile", full)
    with pytest.raises((AudioFileError, ParameterError), match=r"a\.wav"):
        write_audio(tmp_path / "a.wav", noise(100000), 22050)
    assert list(tmp_path.iterdir()) == []


# --- atomic files


def test_atomic_path_succeeds(tmp_path):
    umask = os.umask(0o022)
    try:
        with atomic_path(tmp_path / "a.json") as temporary:
            temporary.write_text("1")
            assert temporary.parent == tmp_path
            assert temporary.suffix == ".json"
            assert not (tmp_path / "a.json").exists()
    finally:
        os.umask(umask)
    assert (tmp_path / "a.json").read_text() == "1"
    if os.name == "posix":
        assert (tmp_path / "a.json").stat().st_mode & 0o777 == 0o644
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_atomic_path_fails(tmp_path, error):
    (tmp_path / "a.json").write_text("old")

    def fail():
        with atomic_path(tmp_path / "a.json", overwrite=True) as temporary:
            temporary.write_text("half")
            raise error

    with pytest.raises(error):
        fail()
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


def test_atomic_path_does_not_overwrite_what_came_meanwhile(tmp_path):
    def race():
        with atomic_path(tmp_path / "a.json") as temporary:
            temporary.write_text("mine")
            (tmp_path / "a.json").write_text("theirs")

    with pytest.raises(AudioFileError, match="exists"):
        race()
    assert [path.read_text() for path in tmp_path.iterdir()] == ["theirs"]


def test_atomic_path_raises_what_it_is_told(tmp_path):
    with pytest.raises(ParameterError, match="does not exist"), atomic_path(tmp_path / "b" / "a", error=ParameterError):
        pytest.fail("the block ran")


def test_a_link_is_written_through(tmp_path):
    (tmp_path / "real.json").write_text("old")
    (tmp_path / "link.json").symlink_to(tmp_path / "real.json")
    with atomic_path(tmp_path / "link.json", overwrite=True) as temporary:
        temporary.write_text("new")
    assert (tmp_path / "link.json").is_symlink()
    assert (tmp_path / "real.json").read_text() == "new"


# --- resampling and mixing


@given(n=st.integers(1, 3000), sr_in=st.sampled_from(RATES), sr_out=st.sampled_from(RATES), seed=st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_resampled_length_batch_and_gain(n, sr_in, sr_out, seed):
    y = noise(2, n, seed=seed)
    result = resample(y, sr_in, sr_out)
    assert result.shape == (2, -(-n * sr_out // sr_in))
    assert result.dtype == np.float32
    np.testing.assert_array_equal(result[1], resample(y[1], sr_in, sr_out))
    np.testing.assert_array_equal(resample(y * 0.5, sr_in, sr_out), result * 0.5)


@pytest.mark.parametrize(("sr_in", "sr_out"), [(44100, 22050), (22050, 44100), (48000, 44100), (8000, 11025)])
def test_resampling_a_sine_gives_the_sine(sr_in, sr_out):
    y = resample(sine(sr_in, sr_in, 1000.0), sr_in, sr_out)
    np.testing.assert_allclose(y[1000:-1000], sine(sr_out, sr_out, 1000.0)[1000:-1000], atol=1e-4)


def test_resampling_removes_what_would_alias():
    assert np.abs(resample(sine(44100, 44100, 15000.0), 44100, 22050)[500:-500]).max() < 1e-4


@pytest.mark.parametrize(
    ("y", "rates", "error", "words"),
    [
        ([], (1, 1), AudioError, "at least one sample"),
        ([0.0, np.nan], (1, 1), AudioError, "y contains NaN at sample 1"),
        ([np.inf], (1, 1), AudioError, "infinity"),
        ([1e300], (1, 1), AudioError, "too large for 32 bits"),
        (["a"], (1, 1), AudioError, "names of files"),
        (np.zeros((22050, 2)), (1, 1), AudioError, r"pass y\.T"),
        (np.zeros((2, 22050, 2)), (1, 1), AudioError, "swapaxes"),
        ((x for x in [0.0]), (1, 1), AudioError, r"list\(y\)"),
        ([0.0], (0, 1), ParameterError, "sr_in=0"),
        ([0.0], (1, 257), ParameterError, "factor of 256"),
    ],
)
def test_resample_refuses(y, rates, error, words):
    with pytest.raises(error, match=words):
        resample(y, *rates)


def test_results_share_no_memory():
    y = noise(100)
    assert not np.shares_memory(resample(y, 8000, 8000), y)
    assert not np.shares_memory(to_mono(y), y)


def test_to_mono():
    y = noise(3, 50)
    np.testing.assert_allclose(to_mono(y), y.mean(axis=0), atol=1e-7)
    with pytest.raises(AudioError, match="shape"):
        to_mono(noise(2, 3, 4))
    with pytest.raises(AudioError, match=r"\(22050, 2\): 22050 channels of 2 samples.*pass y\.T"):
        to_mono(noise(22050, 2))
    # The last block of a recording can be shorter than it has channels.
    np.testing.assert_allclose(to_mono(noise(6, 1)), noise(6, 1).mean(axis=0), atol=1e-7)


# --- streams


@pytest.mark.parametrize("n", [1, 999, 65536, 150001])
@pytest.mark.parametrize("sr", [None, 22050, 48000])
@pytest.mark.parametrize("block_size", [1000, 70000])
def test_blocks_join_to_the_whole(tmp_path, n, sr, block_size):
    soundfile.write(tmp_path / "a.wav", noise(n, 2), 44100, subtype="FLOAT")
    whole, rate = read_audio(tmp_path / "a.wav", sr, mono=False)
    with AudioReader(tmp_path / "a.wav", sr, block_size=block_size) as reader:
        assert (reader.sr, reader.n_channels, reader.n_frames) == (rate, 2, whole.shape[1])
        for _ in range(2):
            blocks = list(reader)
            assert {block.shape[1] for block in blocks[:-1]} <= {block_size}
            assert 0 < blocks[-1].shape[1] <= block_size
            np.testing.assert_array_equal(np.concatenate(blocks, axis=1), whole)
    mono = np.concatenate(list(AudioReader(tmp_path / "a.wav", sr, mono=True)), axis=1)
    np.testing.assert_allclose(mono[0], read_audio(tmp_path / "a.wav", sr)[0], atol=1e-6)


def test_a_reader_can_stop_half_way(tmp_path):
    soundfile.write(tmp_path / "a.wav", noise(100000), 44100)
    with AudioReader(tmp_path / "a.wav", block_size=100) as reader:
        assert next(iter(reader)).shape == (1, 100)
    os.replace(tmp_path / "a.wav", tmp_path / "b.wav")


def test_memory_of_streams_is_bounded(tmp_path):
    n_blocks = 100
    tracemalloc.start()
    with AudioWriter(tmp_path / "long.wav", 44100) as writer:
        for i in range(n_blocks):
            writer.write(noise(1, 65536, seed=i))
    with AudioReader(tmp_path / "long.wav", 22050) as reader:
        total = sum(block.shape[1] for block in reader)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert total == n_blocks * 65536 // 2
    assert peak < 8e6


def test_writer_writes_what_write_audio_writes(tmp_path):
    y = noise(2, 10000)
    write_audio(tmp_path / "a.wav", y, 22050)
    with AudioWriter(tmp_path / "b.wav", 22050, n_channels=2) as writer:
        for start in range(0, 10000, 777):
            writer.write(y[:, start : start + 777])
        writer.write(np.zeros((2, 0)))
        assert not (tmp_path / "b.wav").exists()
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()


def test_writer_leaves_nothing_after_an_error(tmp_path):
    def fail():
        with AudioWriter(tmp_path / "a.wav", 22050) as writer:
            writer.write(noise(100))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(AudioError, match="it got no samples"), AudioWriter(tmp_path / "a.wav", 22050):
        pass
    assert list(tmp_path.iterdir()) == []


def test_writer_warns_once(tmp_path):
    def clip():
        with AudioWriter(tmp_path / "a.wav", 22050) as writer:
            for _ in range(3):
                writer.write([0.5, 2.0])

    with pytest.warns(ClippingWarning, match=r"3 samples .* \+6\.0 dB") as caught:
        clip()
    assert len(caught) == 1
    assert caught[0].filename == __file__


def test_writer_refuses(tmp_path):
    writer = AudioWriter(tmp_path / "a.wav", 22050)
    with pytest.raises(AudioError, match="inside a `with"):
        writer.write([0.0])
    with writer:
        with pytest.raises(AudioError, match="block has 2 channels"):
            writer.write(np.zeros((2, 5)))
        with pytest.raises(AudioError, match="block contains NaN"):
            writer.write([np.nan])
        writer.n_frames = 1 << 31
        with pytest.raises(AudioError, match=r"4\.0 GiB, WAV holds 4"):
            writer.write([0.0])
        writer.n_frames = 0
        writer.write([0.0])


def test_streams_of_real_notes(notes_folder):
    path = notes_folder / "flute" / "Flute.nonvib.ff.A4.flac"
    whole, _ = read_audio(path, 22050)
    reference, sr = soundfile.read(path)
    assert len(whole) == -(-len(reference) * 22050 // sr)
    np.testing.assert_array_equal(np.concatenate(list(AudioReader(path, 22050)), axis=1)[0], whole)


# --- the module


def test_import_is_light():
    heavy = ("tensorflow", "keras", "numba", "librosa", "matplotlib")
    script = f"import sys, sktimbre.audio, sktimbre.datasets as d; [getattr(d, n) for n in d.__all__]; \
print([m for m in {heavy} if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_everything_public_has_an_example():
    for name in audio.__all__:
        assert "Examples\n" in getattr(audio, name).__doc__, name


@pytest.mark.parametrize(("n_channels", "loudspeakers"), [(2, None), (4, 0x33), (6, 0x3F), (8, 0xFF)])
def test_loudspeakers_of_channels(tmp_path, n_channels, loudspeakers):
    y = np.random.default_rng(0).uniform(-0.5, 0.5, (n_channels, 100))
    write_audio(tmp_path / "a.wav", y, 44100)
    content = (tmp_path / "a.wav").read_bytes()
    kind, mask = (
        struct.unpack_from(form, content, content.index(b"fmt ") + at)[0] for form, at in (("<H", 8), ("<I", 28))
    )
    assert (kind, mask) == (0xFFFE, loudspeakers) if loudspeakers else kind == 1
    np.testing.assert_allclose(read_audio(tmp_path / "a.wav", mono=False)[0], y, atol=1e-4)
