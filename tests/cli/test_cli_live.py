"""`sktimbre live`: files in place of devices, and a stand-in for sounddevice."""

import json
import sys
import types

import numpy as np
import pytest
from typer.testing import CliRunner

import sktimbre
from sktimbre import TimbreAutoencoder, TimbreTransfer
from sktimbre.audio import read_audio, write_audio
from sktimbre.cli.app import app
from sktimbre.datasets import make_paired_notes


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Return a folder with a model and a recording, and the recording."""
    folder = tmp_path_factory.mktemp("live")
    notes = make_paired_notes(4, duration=0.6, random_state=0)
    network = TimbreAutoencoder(filters=4, epochs=1, validation_split=0, random_state=0)
    sktimbre.save(TimbreTransfer(autoencoder=network).fit(notes.source, notes.target), folder / "m.sktimbre")
    played = np.concatenate(notes.source[:2])
    write_audio(folder / "in.wav", played, 22050, subtype="FLOAT")
    return folder, played


def live(*arguments):
    return CliRunner().invoke(app, ["live", *map(str, arguments)])


def test_a_file_in_place_of_both_devices(files, tmp_path):
    folder, played = files
    out = tmp_path / "out.wav"
    done = live(folder / "m.sktimbre", "-i", folder / "in.wav", "-o", out, "--json", "--gain", -6)
    assert done.exit_code == 0, done.output
    shown = live(folder / "m.sktimbre", "-i", folder / "in.wav", "-o", tmp_path / "shown.wav")
    assert f"written to {tmp_path / 'shown.wav'}" in "".join(shown.output.split("\n"))
    values = json.loads(done.stdout)
    assert values["seconds"] == pytest.approx(len(played) / 22050)
    assert (values["latency_s"], values["blocks_missed"]) == (0.12, 0)
    model = sktimbre.load(folder / "m.sktimbre")
    expected = np.concatenate(list(model.predict_blocks([played], latency=0.12)))
    audio, _ = read_audio(out)
    np.testing.assert_allclose(audio, expected * 10 ** (-6 / 20), atol=1e-4)
    options = ("--transpose", 5, "--mix", 0.7, "--overwrite", "--json")
    assert live(folder / "m.sktimbre", "-i", folder / "in.wav", "-o", out, *options).exit_code == 0
    expected = np.concatenate(list(model.set_params(transpose=5, mix=0.7).predict_blocks([played], latency=0.12)))
    np.testing.assert_allclose(read_audio(out)[0], expected, atol=1e-4)
    assert "--overwrite" in live(folder / "m.sktimbre", "-i", folder / "in.wav", "-o", out).output
    short = live(folder / "m.sktimbre", "-i", folder / "in.wav", "-o", out, "--overwrite", "--seconds", 0.5)
    assert short.exit_code == 0, short.output
    assert len(read_audio(out)[0]) == 11025


def sounddevice(heard, spoken, *, late=False):
    """Return a module with the streams of sounddevice, which hear an array and append to a list."""

    class Stream:
        latency = 0.01

        def __init__(self, **given):
            assert given.items() >= {"samplerate": 22050, "channels": 1, "dtype": "float32", "latency": "low"}.items()
            if given["device"] == "none such":
                raise ValueError("No input device matching")

        def __enter__(self):
            self.at = 0
            return self

        def __exit__(self, *_):
            pass

        def read(self, n):
            if self.at >= len(heard):
                raise KeyboardInterrupt  # Ctrl-C
            block = np.zeros((n, 1), np.float32)
            block[: len(heard) - self.at, 0] = heard[self.at : self.at + n]
            self.at += n
            return block, late

        def write(self, block):
            spoken.append(block[:, 0])
            return late

    module = types.ModuleType("sounddevice")
    module.InputStream = module.OutputStream = Stream
    module.PortAudioError = type("PortAudioError", (Exception,), {})
    module.query_devices = lambda: "0 microphone"
    return module


def test_devices_until_they_are_interrupted(files, monkeypatch):
    folder, played = files
    spoken = []
    monkeypatch.setitem(sys.modules, "sounddevice", sounddevice(played, spoken))
    done = live(folder / "m.sktimbre", "--latency", 0.07)
    assert done.exit_code == 0, done.output
    # 20 ms as the devices state it, and two blocks of silence.
    assert "Latency: 70 ms, and 66 ms of the devices" in done.output
    model = sktimbre.load(folder / "m.sktimbre")
    blocks = [played, np.zeros(-len(played) % 512, np.float32)]
    expected = np.concatenate(list(model.predict_blocks(blocks, latency=0.07)))
    silence, *spoken = spoken
    assert not silence.any()
    assert len(silence) == 2 * 512
    found = np.concatenate(spoken)
    # What was still on its way when it was interrupted is not played.
    assert 0 <= len(expected) - len(found) <= 0.07 * 22050 + 512
    np.testing.assert_allclose(found, expected[: len(found)], atol=1e-4)


def test_blocks_that_came_too_late_are_counted(files, monkeypatch):
    folder, played = files
    monkeypatch.setitem(sys.modules, "sounddevice", sounddevice(played, [], late=True))
    done = live(folder / "m.sktimbre")
    assert "blocks came too late or were lost. Give a longer --latency" in done.output


def test_mistakes(files, monkeypatch, tmp_path):
    folder, played = files
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    assert "pip install 'sktimbre[live]'" in live(folder / "m.sktimbre").output
    missing = live(folder / "no model", "-i", tmp_path / "none.wav", "-o", tmp_path / "o.wav")
    assert "none.wav does not exist" in "".join(missing.output.split("\n"))  # before anything is loaded
    monkeypatch.setitem(sys.modules, "sounddevice", sounddevice(played, []))
    refused = live(folder / "m.sktimbre", "-i", "none such")
    assert refused.exit_code == 1
    assert "Device 'none such': No input device matching" in refused.output
    assert "0 microphone" in refused.output
    short = live(folder / "m.sktimbre", "-i", folder / "in.wav", "-o", tmp_path / "o.wav", "--latency", 0.01)
    assert short.exit_code != 0
    assert "latency=0.01 s is below 0.04644 s" in short.output
    assert not (tmp_path / "o.wav").exists()


@pytest.mark.parametrize("name", ["USB2.0 Camera: Audio (hw:1,0)", "USB Audio CODEC 1.1"])
def test_names_of_devices_have_dots(files, monkeypatch, name):
    folder, played = files
    monkeypatch.setitem(sys.modules, "sounddevice", sounddevice(played, []))
    for option in ("-i", "-o"):
        done = live(folder / "m.sktimbre", option, name)
        assert done.exit_code == 0, done.output
