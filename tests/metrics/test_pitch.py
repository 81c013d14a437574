"""Fundamental frequency: synthesised tones, librosa's YIN, and every real note."""

from pathlib import Path

import librosa
import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from sktimbre.exceptions import AudioError, ParameterError
from sktimbre.metrics import estimate_f0, f0_error

SR = 22050


def tone(hz, seconds=0.5, partials=(1.0, 0.5, 0.3), sr=SR):
    t = np.arange(int(seconds * sr)) / sr
    return sum(a * np.sin(2 * np.pi * k * hz * t) for k, a in enumerate(partials, 1) if k * hz < sr / 2) * 0.3


def cents(a, b):
    return 1200 * np.log2(a / b)


def read_notes(folder: Path):
    """Return pitches in Hz by name of file, and 2 s of audio at 22.05 kHz."""
    names, hertz, audio = [], [], []
    for path in sorted(folder.glob("*.flac")):
        y, sr = soundfile.read(path, dtype="float32", frames=-1)
        y = soxr.resample(y, sr, SR)[: 2 * SR] if sr != SR else y[: 2 * SR]
        names.append(path.stem)
        hertz.append(librosa.note_to_hz(path.stem.split(".")[-1]))
        audio.append(y)
    return names, np.array(hertz), audio


@settings(max_examples=25, deadline=None)
@given(midi=st.floats(21, 108), seed=st.integers(0, 1000))
def test_tones_over_the_range_of_the_piano(midi, seed):
    hz = 440 * 2 ** ((midi - 69) / 12)
    rng = np.random.default_rng(seed)
    y = tone(hz, partials=rng.uniform(0.2, 1, 4))
    assert abs(cents(estimate_f0(y[np.newaxis])[0], hz)) < 5


def test_pure_tones_and_other_rates():
    for sr in (16000, 44100):
        for hz in (27.5, 220.0, 2000.0, 4186.0):
            y = tone(hz, partials=(1.0,), sr=sr)
            assert abs(cents(estimate_f0(y[np.newaxis], sr=sr)[0], hz)) < 5


def test_agrees_with_librosa_on_a_vibrato():
    t = np.arange(2 * SR) / SR
    phase = 2 * np.pi * (300 * t + 0.3 * np.sin(2 * np.pi * 5 * t))
    y = (np.sin(phase) + 0.5 * np.sin(2 * phase)) * np.exp(-t)
    theirs = np.median(librosa.yin(y, fmin=100, fmax=1000, sr=SR, frame_length=1024))
    assert abs(cents(estimate_f0(y[np.newaxis], fmin=100, fmax=1000)[0], theirs)) < 15


def test_nothing_periodic_is_nan():
    noise = np.random.default_rng(0).uniform(-1, 1, SR)
    assert np.isnan(estimate_f0([np.zeros(SR), noise])).all()


@pytest.mark.parametrize("statistic", ["median", "p95", "note"])
@pytest.mark.parametrize("shift", [-30, 50, 700])
def test_a_tone_out_of_tune(statistic, shift):
    y_true, y_pred = tone(440)[np.newaxis], tone(440 * 2 ** (shift / 1200))[np.newaxis]
    assert f0_error(y_true, y_pred, statistic=statistic) == pytest.approx(abs(shift), abs=1)
    assert f0_error(None, y_pred, reference_hz=440, statistic=statistic) == pytest.approx(abs(shift), abs=1)


def test_the_percentile_hears_what_the_median_does_not():
    wrong = tone(440, 2.0)
    wrong[: SR // 4] = tone(880, 2.0)[: SR // 4]
    y = tone(440, 2.0)[np.newaxis]
    assert f0_error(y, wrong[np.newaxis]) < 1
    assert f0_error(y, wrong[np.newaxis], statistic="p95") == pytest.approx(1200, abs=5)


def test_the_pitch_of_a_note_is_that_of_its_clearest_frames():
    """For 60 % of the time the prediction is a semitone sharp and noisy."""
    y, wrong = tone(440, 2.0), tone(440 * 2 ** (1 / 12), 2.0)
    wrong += np.random.default_rng(0).normal(0, 0.1, len(wrong))
    mixed = np.where(np.arange(len(y)) < 0.6 * len(y), wrong, y)[np.newaxis]
    assert f0_error(y[np.newaxis], mixed) == pytest.approx(100, abs=10)
    assert f0_error(y[np.newaxis], mixed, statistic="note") < 5


def test_frames_far_below_the_loudest_have_no_say():
    loud = tone(440, 1.0) + np.random.default_rng(0).normal(0, 0.1, SR)
    y = np.concatenate([loud, 0.01 * tone(660, 2.0)])
    assert abs(cents(estimate_f0(y[np.newaxis])[0], 440)) < 10


def test_nothing_is_found_outside_the_range():
    y = tone(440, partials=(1.0,))[np.newaxis]
    assert not estimate_f0(y, fmin=600, fmax=2000)[0] < 590
    assert not estimate_f0(y, fmin=50, fmax=300)[0] > 310


@pytest.mark.parametrize("statistic", ["median", "p95", "note"])
def test_a_prediction_without_pitch_is_as_wrong_as_can_be(statistic):
    y = tone(440)[np.newaxis]
    for nothing in (np.zeros_like(y), np.random.default_rng(0).uniform(-1, 1, y.shape)):
        error = f0_error(y, nothing, fmin=100, fmax=1600, statistic=statistic)
        assert error == pytest.approx(4800)


@pytest.mark.slow
@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 1000))
def test_properties(seed):
    rng = np.random.default_rng(seed)
    lengths = (0.3, 0.5, 0.4)
    a, b = ([tone(hz, s) for hz, s in zip(rng.uniform(80, 2000, 3), lengths, strict=True)] for _ in "ab")
    assert f0_error(a, a) == 0
    assert f0_error(a, b) == pytest.approx(f0_error(b, a))
    loop = [f0_error([s], [t]) for s, t in zip(a, b, strict=True)]
    np.testing.assert_array_equal(f0_error(a, b, average=False), loop)
    np.testing.assert_allclose(f0_error([0.01 * s for s in a], b, average=False), loop, atol=1e-3)


def test_reference_by_note():
    y = np.stack([tone(440), tone(220)])
    np.testing.assert_allclose(f0_error(None, y, reference_hz=[440, 440], average=False), [0, 1200], atol=1)


@pytest.mark.parametrize(
    "parameters",
    [
        {"sr": -1},
        {"fmin": 0},
        {"fmax": 20000},
        {"fmax": 20},
        {"statistic": "mean"},
        {"statistic": ["median"]},
        {"reference_hz": 440},
    ],
)
def test_bad_parameters(parameters):
    y = tone(440)[np.newaxis]
    with pytest.raises(ParameterError, match=f"{next(iter(parameters))}="):
        f0_error(y, y, **parameters)


def test_bad_references():
    y = tone(440)[np.newaxis]
    for reference in ([1, 2], [0], "A4", [np.nan], [-440]):
        with pytest.raises(ParameterError, match="reference_hz="):
            f0_error(None, y, reference_hz=reference)
    with pytest.raises(ParameterError, match="y_true=None"):
        f0_error(None, y)


def test_bad_audio():
    y = tone(440)[np.newaxis]
    with pytest.raises(AudioError, match=r"y_true\[0\] has no pitch"):
        f0_error(np.zeros_like(y), y)
    with pytest.raises(AudioError, match="higher fmin"):
        estimate_f0(y[:, :500])
    with pytest.raises(AudioError):
        f0_error(y, y[:, :-1])


# These two are that far below their names: the strongest line of a Fourier transform of the whole note says so as well.
FLAT = {"EbClarinet.ff.Ab6": -61, "EbClarinet.ff.G6": -53}


@pytest.mark.parametrize("instrument", ["flute", "clarinet"])
def test_every_real_note_of_the_winds_has_the_pitch_of_its_name(notes_folder, instrument):
    names, hertz, audio = read_notes(notes_folder / instrument)
    errors = cents(estimate_f0(audio), hertz)
    assert len(names) == 39
    for name, hz, y, error in zip(names, hertz, audio, errors, strict=True):
        if name in FLAT:
            line = np.argmax(np.abs(np.fft.rfft(y * np.hanning(len(y)), 1 << 19))) * SR / (1 << 19)
            assert cents(line, hz) == pytest.approx(FLAT[name], abs=5)
            assert error == pytest.approx(FLAT[name], abs=5)
        else:
            assert abs(error) < 46, (name, error)


@pytest.mark.slow
def test_every_real_note_of_the_piano(notes_folder):
    names, hertz, audio = read_notes(notes_folder / "piano")
    errors = np.abs(cents(estimate_f0(audio), hertz))
    assert len(names) == 174
    # That string sounds 73 cents above its name: partials at 57.5, 86.4 and 144.3 Hz. Others are up to 69 cents off.
    assert [name for name, error in zip(names, errors, strict=True) if error > 75] == ["Piano.ff.A0"]
    middle = (hertz > 60) & (hertz < 2900)
    assert (errors[middle] < 46).all()
