"""What can go wrong around a process: a full disk, files that go away, signals."""

import gc
import json
import os
import resource
import signal
import subprocess
import sys
from contextlib import contextmanager

import numpy as np
import pytest
import soundfile
from sklearn.linear_model import Ridge
from typer.testing import CliRunner

import sktimbre
from sktimbre import TimbreTransfer
from sktimbre.audio import AudioReader, AudioWriter, atomic_path, read_audio, write_audio
from sktimbre.cli import app
from sktimbre.exceptions import AudioFileError, PersistenceError

SUFFIXES = (".wav", ".aiff", ".flac", ".ogg", ".opus", ".mp3", ".w64", ".rf64", ".caf", ".au")
SR = 48000


@contextmanager
def largest_file(n_bytes):
    """Let the system refuse to write further than `n_bytes` into any file, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


# --- a full disk


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_full_disk_while_writing_sound(tmp_path, suffix):
    """Wherever the disk is full, up to the last byte: an error, and nothing is left. Codecs write most when they close."""
    y = np.random.default_rng(0).uniform(-0.5, 0.5, (2, 8000)).astype(np.float32)
    write_audio(tmp_path / f"whole{suffix}", y, SR)
    whole = (tmp_path / f"whole{suffix}").read_bytes()
    (tmp_path / f"whole{suffix}").unlink()
    old = tmp_path / f"old{suffix}"
    write_audio(old, y[:, :100], SR)
    kept = old.read_bytes()
    for room in (0, 10, len(whole) // 2, len(whole) - 2000, len(whole) - 50, len(whole) - 1):
        with largest_file(room), pytest.raises(AudioFileError, match=r"cannot be written.*room"):
            write_audio(old, y, SR, overwrite=True)
        assert [file.name for file in tmp_path.iterdir()] == [old.name]
        assert old.read_bytes() == kept
    with largest_file(len(whole)):
        write_audio(old, y, SR, overwrite=True)
    assert soundfile.info(old).frames == 8000


@pytest.mark.parametrize("suffix", [".flac", ".ogg", ".mp3"])
def test_compressed_files_are_counted_exactly(tmp_path, suffix):
    """Lengths around the codecs' frames: reading back must not refuse what is complete."""
    for n in (1, 2, 100, 1151, 1152, 1153, 4096, 4097, 10007):
        write_audio(tmp_path / f"{n}{suffix}", np.zeros(n), 22050)


def test_a_full_disk_while_saving(tmp_path, unchanging):
    path = sktimbre.save(unchanging, tmp_path / "m")
    kept = path.read_bytes()
    # The same model is stored in a few bytes more or less: it holds addresses, which compress differently.
    for room in (0, 100, len(kept) * 9 // 10):
        with largest_file(room), pytest.raises(PersistenceError, match=r"cannot be written.*Make room"):
            sktimbre.save(unchanging, path, overwrite=True)
        assert path.read_bytes() == kept
        assert [file.name for file in tmp_path.iterdir()] == ["m"]


def test_a_full_disk_while_keeping_a_checkpoint(tmp_path):
    from sktimbre import TimbreAutoencoder

    S = np.random.default_rng(0).uniform(0, 1, (4, 65, 12)).astype(np.float32)
    model = TimbreAutoencoder("shallow", filters=8, epochs=2, random_state=0, checkpoint=tmp_path / "kept")
    with largest_file(2000), pytest.raises(PersistenceError, match="Make room"):
        model.fit(S)
    assert not list((tmp_path / "kept").iterdir())
    gc.collect()  # An error in what it frees would be reported in some later test.


def test_a_full_disk_while_keeping_spectra(tmp_path, pairs):
    model = TimbreTransfer(autoencoder=Ridge(), memory=str(tmp_path))
    with largest_file(5000), pytest.raises(PersistenceError, match="Make room"):
        model.fit(zip(pairs.source, pairs.target, strict=True))
    assert list(tmp_path.rglob("*.f32")) == []


def test_a_checkpoint_where_no_folder_can_be(tmp_path):
    from sktimbre import TimbreAutoencoder

    (tmp_path / "file").touch()
    model = TimbreAutoencoder("shallow", filters=2, epochs=1, random_state=0, checkpoint=tmp_path / "file" / "kept")
    with pytest.raises(PersistenceError, match=r"checkpoint=.*Not a directory.*another"):
        model.fit(np.ones((2, 9, 4), np.float32))


def test_a_full_disk_where_kernels_are_cached():
    """Kernels that cannot be kept for the next process work in this one."""
    from sktimbre.spectral._kernels.lane_fft import compiled

    def twice(x):
        return 2 * x

    with largest_file(0):
        assert compiled(twice)(4) == 8


def test_the_caller_s_own_errors_are_left_alone(tmp_path):
    with pytest.raises(FileNotFoundError), atomic_path(tmp_path / "a"):
        (tmp_path / "absent").read_bytes()
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_conversions_before_the_disk_was_full_are_kept(tmp_path, unchanging_path, noise):
    short, long, last = noise("a.flac", 0.5), noise("b.flac", 5.0), noise("c.flac", 0.5)
    command = ["convert", unchanging_path, short, long, last, "-o", tmp_path / "out"]
    with largest_file(60_000):
        result = CliRunner().invoke(app, [*map(str, command)])
    assert result.exit_code == 1, result.stderr
    assert "room" in result.stderr
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["a.flac", "c.flac"]
    assert soundfile.info(tmp_path / "out" / "c.flac").frames == 11025


# --- files and folders that go away


def test_a_file_that_disappears_before_it_is_read(noise):
    path = noise("a.wav")
    reader = AudioReader(path)
    path.unlink()
    with pytest.raises(AudioFileError, match="does not exist"):
        next(iter(reader))


def test_a_file_that_disappears_between_two_looks(noise, monkeypatch):
    """It is there when it is asked for and gone when it is opened."""
    path = noise("a.wav")
    monkeypatch.setattr("sktimbre.audio.soundfiles.missing_bytes", lambda path: path.unlink() or "")
    with pytest.raises(AudioFileError, match=r"a\.wav"):
        read_audio(path)
    path = noise("b.wav")
    monkeypatch.setattr("sktimbre.audio.soundfiles.missing_bytes", lambda path: path.unlink() or path.open())
    with pytest.raises(AudioFileError, match=r"b\.wav cannot be read: No such file"):
        read_audio(path)


@pytest.mark.parametrize("suffix", [".wav", ".flac"])
def test_a_file_that_is_cut_off_while_it_is_read(noise, suffix):
    path = noise(f"a{suffix}", 20.0)
    reader = AudioReader(path, block_size=1000)
    blocks = iter(reader)
    next(blocks)
    os.truncate(path, path.stat().st_size // 2)
    with pytest.raises(AudioFileError, match="truncated"):
        list(blocks)


def test_a_folder_that_disappears_while_it_is_written_to(tmp_path):
    (tmp_path / "out").mkdir()

    def written():
        with AudioWriter(tmp_path / "out" / "a.wav", SR) as writer:
            writer.write(np.zeros(100))
            for file in (tmp_path / "out").iterdir():
                file.unlink()
            (tmp_path / "out").rmdir()

    with pytest.raises(AudioFileError, match="does not exist"):
        written()


@pytest.mark.parametrize("cut", [1, 30, 2000])
@pytest.mark.parametrize("suffix", [".ogg", ".opus"])
def test_an_ogg_file_without_its_last_bytes_is_truncated(tmp_path, suffix, cut):
    path = tmp_path / f"a{suffix}"
    write_audio(path, np.random.default_rng(0).uniform(-0.5, 0.5, 30000), SR)
    os.truncate(path, path.stat().st_size - cut)
    with pytest.raises(AudioFileError, match="truncated"):
        read_audio(path)


# Root may write anywhere, unless what it executes has given up the capability to (CAP_DAC_OVERRIDE, see capabilities(7)).
AS_OTHERS = "import ctypes, os, sys; ctypes.CDLL(None).prctl(24, 1, 0, 0, 0); os.execv(sys.executable, sys.argv[1:])"
REFUSED = """
import json, os, sys
import numpy as np
import sktimbre
from sktimbre.audio import AudioWriter, write_audio
from sktimbre.cli import app
from sktimbre.exceptions import SktimbreError
from typer.testing import CliRunner

model, recording, locked, losing, kept = sys.argv[1:]

def lose():
    with AudioWriter(losing + "/a.wav", 8000, overwrite=True) as writer:
        writer.write(np.zeros(100))
        os.chmod(losing, 0o500)

writers = (
    lambda: sktimbre.save(sktimbre.load(model), locked + "/m"),
    lambda: write_audio(locked + "/a.wav", np.zeros(100), 8000, overwrite=True),
    lose,
)
said = [] if not os.access(locked, os.W_OK) else ["may write anywhere"]
for folder in (locked, locked + "/new"):
    result = CliRunner().invoke(app, ["convert", model, recording, "--overwrite", "-o", folder])
    said.append([result.exit_code, result.stderr])
for write in writers:
    try:
        write()
    except SktimbreError as error:
        said.append([type(error).__name__, str(error)])
write_audio(kept + "/a.wav", np.zeros(100), 8000, overwrite=True)
said.append([0, oct(os.stat(kept + "/a.wav").st_mode & 0o777)])
print(json.dumps(said))
"""


def test_a_read_only_folder(tmp_path, unchanging_path, noise):
    locked, losing, kept = (tmp_path / name for name in ("locked", "losing", "kept"))
    for folder in (locked, losing, kept):
        folder.mkdir()
        (folder / "a.wav").write_text("old")
    (kept / "a.wav").chmod(0o444)
    locked.chmod(0o500)
    command = ["-c", AS_OTHERS, sys.executable, "-c", REFUSED, unchanging_path, noise("a.wav"), locked, losing, kept]
    done = subprocess.run([sys.executable, *map(str, command)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    if said[0] == "may write anywhere":
        pytest.skip("this process may not give up the right to write anywhere")
    assert [outcome for outcome, _ in said] == [2, 2, "PersistenceError", "AudioFileError", "AudioFileError", 0]
    for _, message in said[:-1]:
        assert "no permission to write in" in message.replace("\n", " ")
    # A file that may only be read is replaced, as any program may, and stays read-only.
    assert said[-1] == [0, "0o444"]
    assert len(read_audio(kept / "a.wav")[0]) == 100
    assert [file.name for file in locked.iterdir()] == ["a.wav"]
    assert {(folder / "a.wav").read_text() for folder in (locked, losing)} == {"old"}
    for folder in (locked, losing):
        folder.chmod(0o700)


# --- signals


SIGINT = pytest.param(signal.SIGINT, 130, "Interrupted", marks=pytest.mark.slow)
SIGTERM = pytest.param(signal.SIGTERM, 143, "Terminated", marks=pytest.mark.slow)


@pytest.mark.parametrize(("number", "code", "word"), [SIGINT, SIGTERM])
def test_signals_while_converting(start, wait, tmp_path, unchanging_path, noise, number, code, word):
    out = tmp_path / "out"
    with start("convert", unchanging_path, noise("a.wav"), noise("b.wav", 1500.0, 8000), "-o", out) as process:
        try:
            # The second recording has begun when the first has its name and there is a second, temporary one.
            wait(process, lambda: (out / "a.wav").exists() and len(list(out.iterdir())) == 2)
            process.send_signal(number)
            _, stderr = process.communicate(timeout=120)
        finally:
            process.kill()
    assert process.returncode == code, stderr
    assert word in stderr
    assert "Traceback" not in stderr
    assert [file.name for file in out.iterdir()] == ["a.wav"]
    assert soundfile.info(out / "a.wav").frames == 22050


SIGNALLED = """
import os
import keras
from sktimbre import TimbreTransfer
from sktimbre.cli import main

plain = TimbreTransfer.fit

def fit(self, X, y, callbacks=(), **params):
    signalling = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: os.kill(os.getpid(), {number}))
    return plain(self, X, y, callbacks=[*callbacks, signalling], **params)

TimbreTransfer.fit = fit
main()
"""


@pytest.mark.parametrize(
    ("number", "code"), [pytest.param(signal.SIGINT, 130, marks=pytest.mark.slow), (signal.SIGTERM, 143)]
)
def test_signals_while_fitting(start, tmp_path, pairs, number, code):
    for side, audio, names in (("a", pairs.source, pairs.source_files), ("b", pairs.target, pairs.target_files)):
        (tmp_path / side).mkdir()
        for note, name in zip(audio, names, strict=True):
            write_audio(tmp_path / side / name.name, note, pairs.sr)
    (tmp_path / "models").mkdir()
    tiny = ["--architecture=shallow", "--filters=2", "--epochs=3", "--duration=0.3", "--n-fft=256"]
    folders = [tmp_path / "a", tmp_path / "b", "-o", tmp_path / "models" / "m.sktimbre"]
    with start("fit", *folders, *tiny, code=SIGNALLED.format(number=int(number))) as process:
        _, stderr = process.communicate(timeout=120)
    assert process.returncode == code, stderr
    assert "nothing half-written is left" in stderr
    assert "Traceback" not in stderr
    assert not list((tmp_path / "models").iterdir())
