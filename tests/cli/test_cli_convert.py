import json
import re
import struct
import tracemalloc

import numpy as np
import pytest
import soundfile

from sktimbre import load, save
from sktimbre.audio import Metadata, formats, read_audio, read_metadata, root_note, write_audio


def converted(sktimbre, *arguments):
    result = sktimbre("convert", *arguments, "--json", "--quiet")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)["converted"]


def test_each_channel_for_itself(sktimbre, unchanging, tones, tmp_path):
    y = tones(1.0, 22050, 2)
    write_audio(tmp_path / "duo.wav", y, 22050)
    (entry,) = converted(sktimbre, unchanging, tmp_path / "duo.wav", "-o", tmp_path / "out")
    read, sr = read_audio(tmp_path / "out" / "duo.wav", mono=False)
    assert (entry["output"], entry["sr"], entry["duration"]) == (str(tmp_path / "out" / "duo.wav"), sr, 1.0)
    assert entry["real_time_factor"] == pytest.approx(entry["elapsed"])
    np.testing.assert_allclose(read, y, atol=1e-4)


def test_long_recording_through_pieces(sktimbre, unchanging, tones, tmp_path):
    y = tones(25.0, 22050, 2)
    write_audio(tmp_path / "long.flac", y, 22050)
    (entry,) = converted(sktimbre, unchanging, tmp_path / "long.flac", "-o", tmp_path / "out")
    read, _ = read_audio(entry["output"], mono=False)
    assert read.shape == y.shape
    np.testing.assert_allclose(read, y, atol=1e-4)


@pytest.mark.parametrize("rate", [11025, 48000, 44100])
def test_other_rates(sktimbre, unchanging, tones, tmp_path, rate):
    y = tones(1.0, rate)[:, : rate - 7]
    write_audio(tmp_path / "a.wav", y, rate)
    (entry,) = converted(sktimbre, unchanging, tmp_path / "a.wav", "-o", tmp_path / "model", "--model-rate")
    assert entry["sr"] == 22050
    assert entry["duration"] == pytest.approx(y.shape[1] / rate, abs=1 / 22050)
    (entry,) = converted(sktimbre, unchanging, tmp_path / "a.wav", "-o", tmp_path / "own")
    read, sr = read_audio(entry["output"], mono=False)
    assert (sr, read.shape) == (rate, y.shape)
    # The ends ring: the tone is cut there.
    np.testing.assert_allclose(read[:, 500:-500], y[:, 500:-500], atol=2e-3)


def test_memory_does_not_grow_with_the_recording(unchanging, tones, tmp_path):
    from sktimbre import load
    from sktimbre.cli.recordings import Recording, convert_recording

    model = load(unchanging)
    peaks = []
    for seconds in (30, 120):
        write_audio(tmp_path / f"{seconds}.wav", tones(seconds, 22050, 2), 22050)
        recording = Recording(tmp_path / f"{seconds}.wav", tmp_path / f"{seconds}.flac", 44100, None)
        tracemalloc.start()
        assert convert_recording(model, recording) == seconds
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0]


def test_format_follows_the_recording(sktimbre, unchanging, tones, tmp_path):
    y = tones(0.5, 22050)
    for name, subtype in (("a.flac", None), ("b.aiff", None), ("c.ogg", None), ("d.au", "PCM_24")):
        write_audio(tmp_path / name, y, 22050, subtype=subtype)
    # A suffix may be unknown.
    write_audio(tmp_path / "e.opus", tones(0.5, 48000), 48000)
    (tmp_path / "f.sound").write_bytes((tmp_path / "a.flac").read_bytes())
    files = sorted(p for p in tmp_path.iterdir() if p.is_file())
    entries = converted(sktimbre, unchanging, *files, "-o", tmp_path / "out")
    names = [entry["output"].rsplit("/", 1)[-1] for entry in entries]
    assert names == ["a.flac", "b.aiff", "c.ogg", "d.au", "e.opus", "f.wav"]
    # Opus has no 22050 Hz.
    (entry,) = converted(sktimbre, unchanging, tmp_path / "e.opus", "-o", tmp_path / "model", "--model-rate")
    assert entry["output"].endswith("e.wav")


@pytest.mark.parametrize(
    ("name", "subtype", "options", "written"),
    [
        ("a.wav", "PCM_16", [], "PCM_16"),
        ("a.wav", "PCM_24", [], "PCM_24"),
        ("a.wav", "FLOAT", [], "FLOAT"),
        ("a.wav", "DOUBLE", [], "DOUBLE"),
        ("a.wav", "ULAW", [], "ULAW"),
        ("a.aiff", "PCM_24", [], "PCM_24"),
        ("a.flac", "PCM_24", [], "PCM_24"),
        ("a.wav", "PCM_24", ["--format=flac"], "PCM_24"),
        ("a.wav", "FLOAT", ["--format=flac"], "PCM_24"),
        ("a.wav", "PCM_32", ["--format=flac"], "PCM_24"),
        ("a.wav", "PCM_U8", ["--format=flac"], "PCM_S8"),
        ("a.wav", "PCM_U8", ["--format=aiff"], "PCM_16"),
        ("a.wav", "FLOAT", ["--format=ogg"], "VORBIS"),
        ("a.wav", "FLOAT", ["--subtype=PCM_16"], "PCM_16"),
        ("a.ogg", "VORBIS", ["--format=wav"], "PCM_16"),
        ("a.wav", "IMA_ADPCM", [], "PCM_16"),
    ],
)
def test_sample_format_is_kept(sktimbre, unchanging, tones, tmp_path, name, subtype, options, written):
    soundfile.write(tmp_path / name, tones(0.2, 22050)[0], 22050, subtype=subtype)
    (entry,) = converted(sktimbre, unchanging, tmp_path / name, "-o", tmp_path / "out", *options)
    assert soundfile.info(entry["output"]).subtype == written


def test_missing_band_is_a_warning(sktimbre, unchanging, tones, tmp_path):
    for name, rate in (("a.wav", 44100), ("b.wav", 48000), ("c.wav", 22050)):
        write_audio(tmp_path / name, tones(0.2, rate), rate)

    def warnings_of(*names, options=()):
        files = [tmp_path / name for name in names]
        result = sktimbre("convert", unchanging, *files, "-o", tmp_path / "out", "--json", "--overwrite", *options)
        assert result.exit_code == 0, result.stderr
        return json.loads(result.stdout)["warnings"]

    (warning,) = warnings_of("a.wav", "c.wav")
    assert warning.startswith(
        f"{tmp_path / 'a.wav'} has 44100 Hz, the model 22050 Hz: the output has nothing above 11025 Hz."
    )
    (warning,) = warnings_of("a.wav", "b.wav", "c.wav", options=["--dry-run"])
    assert warning.startswith("2 recordings have a higher sample rate than the model (22050 Hz)")
    assert warnings_of("c.wav") == []
    assert warnings_of("a.wav", options=["--model-rate"]) == []


def test_nothing_that_is_heard_is_missing_at_full_band(sktimbre, unchanging, tones, tmp_path):
    model = load(unchanging)
    model.sr = 44100
    save(model, tmp_path / "full.sktimbre")
    write_audio(tmp_path / "b.wav", tones(0.2, 48000), 48000)
    result = sktimbre("convert", tmp_path / "full.sktimbre", tmp_path / "b.wav", "-o", tmp_path / "out", "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["warnings"] == []


@pytest.mark.parametrize(
    ("options", "ratio", "transposed"),
    [
        ((), 1, 0),
        (("--model-rate",), 2, 0),
        (("--format=aiff",), 1, 0),
        (("--transpose=-12", "--phase=estimate"), 1, -12),
        (("--transpose=7", "--phase=estimate", "--format=aiff"), 1, 7),
    ],
)
def test_metadata_is_kept(sktimbre, unchanging, tones, tmp_path, options, ratio, transposed):
    loop = struct.pack("<15I", 0, 0, 22676, 57, 0, 0, 0, 1, 0, 0, 0, 1000, 2999, 0, 0)
    known = Metadata(44100, {"title": "Song"}, ((b"smpl", loop),), "<")
    write_audio(tmp_path / "a.wav", tones(0.2, 44100), 44100, metadata=known)
    (entry,) = converted(sktimbre, unchanging, tmp_path / "a.wav", "-o", tmp_path / "out", *options)
    assert root_note(entry["output"]) == 57 + transposed
    chunks = dict(read_metadata(entry["output"]).chunks)
    if "MARK" in str(chunks):
        assert struct.unpack_from(">hI10xhI", chunks[b"MARK"], 2) == (1, 1000, 2, 3000)
    else:
        assert struct.unpack_from("<2I", chunks[b"smpl"], 44) == (1000 // ratio, 3000 // ratio - 1)


@pytest.mark.slow
def test_texts_are_kept_by_processes(sktimbre, unchanging, tones, tmp_path):
    for name in ("a.flac", "b.ogg", "c.mp3"):
        write_audio(tmp_path / name, tones(0.2, 22050), 22050, metadata=Metadata(22050, {"title": name, "artist": "Ä"}))
    files = sorted(tmp_path.iterdir())
    for entry in converted(sktimbre, unchanging, *files, "-o", tmp_path / "out", "--jobs=2"):
        assert read_metadata(entry["output"]).texts == {"title": entry["output"].rsplit("/", 1)[1], "artist": "Ä"}


def test_damaged_metadata_is_left_out(sktimbre, unchanging, tones, tmp_path):
    write_audio(tmp_path / "a.wav", tones(0.2, 22050), 22050)
    with open(tmp_path / "a.wav", "ab") as file:
        file.write(b"smpl\xff\xff\xff\x0fcut off")
    (entry,) = converted(sktimbre, unchanging, tmp_path / "a.wav", "-o", tmp_path / "out")
    assert read_metadata(entry["output"]).chunks == ()
    assert soundfile.info(entry["output"]).frames == 4410


def test_format_and_subtype(sktimbre, unchanging, tones, tmp_path):
    write_audio(tmp_path / "a.ogg", tones(0.5, 22050), 22050)
    converted(sktimbre, unchanging, tmp_path / "a.ogg", "-o", tmp_path, "--format=WAV", "--subtype=float")
    assert soundfile.info(tmp_path / "a.wav").subtype == "FLOAT"


@pytest.mark.parametrize(
    ("option", "message"),
    [("--format=xyz", "--format xyz"), ("--subtype=PCM_99", "PCM_99"), ("--format=opus", "sr=22050")],
)
def test_impossible_formats_are_wrong_usage(sktimbre, unchanging, tones, tmp_path, option, message):
    write_audio(tmp_path / "a.wav", tones(0.5, 22050), 22050)
    result = sktimbre("convert", unchanging, tmp_path / "a.wav", "-o", tmp_path / "out", option)
    assert result.exit_code == 2
    assert message in result.stderr
    assert not (tmp_path / "out").exists()


def test_bad_files_do_not_stop_the_others(sktimbre, unchanging, tones, tmp_path):
    y = tones(0.5, 22050)
    write_audio(tmp_path / "good.wav", y, 22050)
    (tmp_path / "noise.wav").write_bytes(b"no sound at all" * 100)
    # This one breaks in the middle: its header is fine.
    write_audio(tmp_path / "broken.flac", tones(8.0, 22050), 22050)
    whole = (tmp_path / "broken.flac").read_bytes()
    (tmp_path / "broken.flac").write_bytes(whole[: len(whole) // 2])
    names = ["noise.wav", "broken.flac", "absent.wav", "good.wav"]
    out = tmp_path / "out"
    result = sktimbre("convert", unchanging, *(tmp_path / name for name in names), "-o", out, "--json")
    assert result.exit_code == 1
    printed = json.loads(result.stdout)
    assert [entry["output"] for entry in printed["converted"]] == [str(out / "good.wav")]
    assert {entry["input"] for entry in printed["failed"]} == {str(tmp_path / name) for name in names[:3]}
    assert [file.name for file in out.iterdir()] == ["good.wav"]
    for name in names[:3]:
        assert name in result.stderr


@pytest.mark.parametrize(("name", "kind"), [("b.flac", "FLAC"), ("B.WAV", "WAV"), ("new/b.mp3", "MP3")])
def test_one_recording_to_a_named_file(sktimbre, unchanging, tones, tmp_path, name, kind):
    y = tones(1.0, 22050, 2)
    write_audio(tmp_path / "a.wav", y, 22050)
    before = (tmp_path / "a.wav").read_bytes()
    named = tmp_path / name
    (entry,) = converted(sktimbre, unchanging, tmp_path / "a.wav", "-o", named)
    assert entry["output"] == str(named)
    assert [path.name for path in named.parent.iterdir() if path.name != "a.wav"] == [named.name]
    read, _ = read_audio(named, mono=False)
    np.testing.assert_allclose(read, y, atol=0.05 if kind == "MP3" else 1e-4)
    assert soundfile.info(named).format == kind
    again = sktimbre("convert", unchanging, tmp_path / "a.wav", "-o", named)
    assert again.exit_code == 1
    assert "pass --overwrite" in again.stderr
    onto = sktimbre("convert", unchanging, tmp_path / "a.wav", "-o", tmp_path / "a.wav", "--overwrite")
    assert onto.exit_code == 1
    assert (tmp_path / "a.wav").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{0}/a.wav", "{0}/a.wav", "-o", "{0}/b.wav"], "or convert a single recording"),
        (["{0}/my", "a.wav", "-o", "{0}/b.wav"], "recording. Names with spaces need quotes: '{0}/my a.wav'"),
        (["{0}/takes", "-o", "{0}/b.wav"], "or convert a single recording"),
        (["{0}/*.wav", "-o", "{0}/b.wav"], "or convert a single recording"),
        (["{0}/a.wav", "-o", "{0}/b.m4a"], "b.m4a cannot be written: choose one of"),
        (["{0}/a.wav", "-o", "{0}/b.wav", "--format", "flac"], "--format flac is not the format of --output"),
    ],
)
def test_a_file_for_the_output_that_cannot_be(sktimbre, unchanging, tones, tmp_path, arguments, message):
    write_audio(tmp_path / "a.wav", tones(0.1, 22050, 1), 22050)
    write_audio(tmp_path / "my a.wav", tones(0.1, 22050, 1), 22050)
    (tmp_path / "takes").mkdir()
    result = sktimbre("convert", unchanging, *(each.format(tmp_path) for each in arguments))
    assert result.exit_code == 2
    assert message.format(tmp_path) in result.stderr.replace("\n", " ")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.wav", "my a.wav", "takes"]


def test_existing_output_is_refused(sktimbre, unchanging, tones, tmp_path):
    for name in ("a.wav", "b.wav"):
        write_audio(tmp_path / name, tones(0.5, 22050), 22050)
    out = tmp_path / "out"
    out.mkdir()
    (out / "b.wav").write_text("old")
    result = sktimbre("convert", unchanging, tmp_path / "a.wav", tmp_path / "b.wav", "-o", out)
    assert result.exit_code == 1
    assert "b.wav exists; pass --overwrite" in result.stderr
    assert [file.name for file in out.iterdir()] == ["b.wav"]
    converted(sktimbre, unchanging, tmp_path / "a.wav", tmp_path / "b.wav", "-o", out, "--overwrite")
    assert soundfile.info(out / "b.wav").frames == 11025


def test_recordings_are_never_replaced(sktimbre, unchanging, tones, tmp_path):
    write_audio(tmp_path / "a.wav", tones(0.5, 22050), 22050)
    before = (tmp_path / "a.wav").read_bytes()
    result = sktimbre("convert", unchanging, tmp_path / "a.wav", "-o", tmp_path, "--overwrite")
    assert result.exit_code == 1
    assert "another folder" in result.stderr
    assert (tmp_path / "a.wav").read_bytes() == before


def test_two_recordings_of_one_name(sktimbre, unchanging, tmp_path):
    result = sktimbre("convert", unchanging, "x/a.wav", "y/A.flac", "-o", tmp_path / "out", "--format=wav")
    assert result.exit_code == 2
    assert "x/a.wav and y/A.flac would both be written as" in result.stderr


def test_names_that_differ_in_the_suffix(sktimbre, unchanging, tones, tmp_path):
    for name in ("a.wav", "a.flac"):
        write_audio(tmp_path / name, tones(0.2, 22050), 22050)
    entries = converted(sktimbre, unchanging, tmp_path / "a.wav", tmp_path / "a.flac", "-o", tmp_path / "out")
    assert {entry["output"] for entry in entries} == {str(tmp_path / "out" / n) for n in ("a.wav", "a.flac")}


def test_a_format_that_fits_some_recordings(sktimbre, unchanging, tones, tmp_path):
    for name, channels in (("a.wav", 1), ("b.wav", 6)):
        write_audio(tmp_path / name, tones(0.2, 44100, channels), 44100)
    files = tmp_path / "a.wav", tmp_path / "b.wav"
    result = sktimbre("convert", unchanging, *files, "-o", tmp_path / "out", "--format=mp3", "--json")
    assert result.exit_code == 1
    assert f"Left out: {tmp_path / 'b.wav'}: n_channels=6" in " ".join(result.stderr.split())
    assert [entry["input"] for entry in json.loads(result.stdout)["converted"]] == [str(tmp_path / "a.wav")]
    alone = sktimbre("convert", unchanging, tmp_path / "b.wav", "-o", tmp_path / "out", "--format=mp3")
    assert alone.exit_code == 2


def test_a_file_that_would_be_too_large_is_told_before(sktimbre, unchanging, tones, tmp_path, monkeypatch):
    monkeypatch.setitem(formats.SMALL_HEADERS, "WAV", 8000)
    write_audio(tmp_path / "a.flac", tones(0.5, 22050), 22050)
    arguments = ["convert", unchanging, tmp_path / "a.flac", "-o", tmp_path / "out"]
    for dry in ([], ["--dry-run"]):
        result = sktimbre(*arguments, "--format=wav", *dry)
        assert result.exit_code == 2
        assert "which holds 4: give --format w64 or flac" in " ".join(result.stderr.split())
    assert sktimbre(*arguments, "--format=w64").exit_code == 0


def test_many_recordings_have_one_line_of_progress(sktimbre, unchanging, tones, tmp_path):
    for i in range(14):
        write_audio(tmp_path / f"take{i:02}.wav", tones(0.05, 22050), 22050)
    shown = sktimbre("convert", unchanging, tmp_path, "-o", tmp_path / "out").stderr
    assert "take00.wav" not in shown
    shown = sktimbre("convert", unchanging, tmp_path / "take00.wav", "-o", tmp_path / "one").stderr
    assert "take00.wav" in shown


def test_output_that_is_a_file(sktimbre, unchanging, tmp_path):
    (tmp_path / "out").write_text("")
    assert sktimbre("convert", unchanging, "a.wav", "-o", tmp_path / "out").exit_code == 2


def test_interruption_leaves_nothing(sktimbre, unchanging, tones, tmp_path, monkeypatch):
    from sktimbre.transfer.conversion import Conversion

    def interrupt(self, S, past):
        raise KeyboardInterrupt

    monkeypatch.setattr(Conversion, "continued", interrupt)
    write_audio(tmp_path / "a.wav", tones(0.5, 22050), 22050)
    result = sktimbre("convert", unchanging, tmp_path / "a.wav", "-o", tmp_path / "out")
    assert result.exit_code == 130
    assert "Interrupted" in result.stderr
    assert not list((tmp_path / "out").iterdir())


def test_files_that_are_no_model(sktimbre, tmp_path):
    from sktimbre import LogSTFT, TimbreTransfer, save

    (tmp_path / "text").write_text("no model")
    save(LogSTFT(), tmp_path / "part")
    save(TimbreTransfer(), tmp_path / "unfitted")
    for name, message in (
        ("text", "was not written by sktimbre"),
        ("part", "holds a LogSTFT"),
        ("unfitted", "not fitted"),
        ("absent", "does not exist"),
    ):
        result = sktimbre("convert", tmp_path / name, "a.wav", "-o", tmp_path / "out")
        assert (result.exit_code, result.stdout) == (1, "")
        assert message in result.stderr


def test_clipping_is_a_warning(sktimbre, unchanging, tones, tmp_path):
    write_audio(tmp_path / "loud.wav", 3 * tones(0.5, 22050), 22050, subtype="FLOAT")
    result = sktimbre("convert", unchanging, tmp_path / "loud.wav", "-o", tmp_path / "out")
    assert (result.exit_code, "full scale" in result.stderr) == (0, False)
    arguments = "convert", unchanging, tmp_path / "loud.wav", "-o", tmp_path / "out", "--overwrite", "--subtype=PCM_16"
    result = sktimbre(*arguments)
    assert result.exit_code == 0
    assert "beyond full scale" in result.stderr
    said = re.search(r"--gain (-[\d.]+)", " ".join(result.stderr.split()))[1]
    # What is said counts the gain that was given.
    louder = sktimbre(*arguments, "--gain", 6)
    assert f"--gain {said}" in " ".join(louder.stderr.split())
    result = sktimbre(*arguments, "--gain", said)
    assert result.exit_code == 0
    assert "full scale" not in result.stderr


def test_gain(sktimbre, unchanging, tones, tmp_path):
    write_audio(tmp_path / "a.wav", tones(0.5, 22050), 22050, subtype="FLOAT")
    for name, options in (("as it is", ()), ("quieter", ("--gain=-6",))):
        converted(sktimbre, unchanging, tmp_path / "a.wav", "-o", tmp_path / name, "--subtype=FLOAT", *options)
    loud, quiet = (read_audio(tmp_path / name / "a.wav")[0] for name in ("as it is", "quieter"))
    np.testing.assert_allclose(quiet, loud * 10 ** (-6 / 20), rtol=1e-5, atol=1e-7)


def test_trained_model(sktimbre, fitted, notes, tmp_path):
    files = sorted(notes.flute.iterdir())
    entries = converted(sktimbre, fitted.path, *files, "-o", tmp_path)
    assert [entry["duration"] for entry in entries] == [0.4] * 7
    levels = [np.abs(read_audio(entry["output"])[0]).max() for entry in entries]
    assert 0 < min(levels) <= max(levels) <= 1


def test_speed_is_shown(sktimbre, unchanging, tones, tmp_path):
    write_audio(tmp_path / "a.wav", tones(0.5, 22050), 22050)
    result = sktimbre("convert", unchanging, tmp_path / "a.wav", "-o", tmp_path / "out")
    assert "x real time" in result.stdout
    assert "a.wav" in result.stderr


@pytest.mark.parametrize("jobs", [1, 2])
def test_settings_of_the_conversion(sktimbre, fitted, notes, tmp_path, jobs):
    model = load(fitted.path)
    files = sorted(notes.flute.iterdir())[:2]
    settings = {"amount": 0.5, "transpose": 3.0, "mix": 0.8, "keep_noise": 1.0, "noise": 0.5, "loudness": 0.25}
    options = [f"--{name.replace('_', '-')}={value:g}" for name, value in settings.items()]
    entries = converted(sktimbre, fitted.path, *files, "-o", tmp_path, *options, "--model-rate", "--jobs", jobs)
    model.set_params(**settings)
    for file, entry in zip(files, entries, strict=True):
        y, _ = read_audio(file, int(model.sr))
        expected = np.concatenate(list(model.predict_blocks([y])))
        np.testing.assert_allclose(read_audio(entry["output"])[0], expected, atol=2e-3)


def test_settings_that_exclude_one_another(sktimbre, fitted, notes, tmp_path):
    (file, *_) = notes.flute.iterdir()
    result = sktimbre("convert", fitted.path, file, "-o", tmp_path / "out", "--transpose", 3, "--phase", "source")
    assert result.exit_code == 2
    assert "--phase source excludes --transpose 3" in result.stderr
    assert not (tmp_path / "out").exists()
    result = sktimbre("convert", fitted.path, file, "-o", tmp_path / "out", "--phase", "sources")
    assert "is not one of 'source', 'estimate'" in result.stderr
    result = sktimbre("convert", fitted.path, file, "-o", tmp_path / "out", "--mix", 1.5)
    assert result.exit_code == 2
    assert "--mix" in result.stderr
