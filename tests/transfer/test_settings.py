"""Settings of the conversion that need no training: amount, transposition, mix, the source's noise."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import GridSearchCV
from sklearn.utils._param_validation import InvalidParameterError

from sktimbre import LogSTFT, StreamingInverter, TimbreAutoencoder, TimbreTransfer
from sktimbre.baselines import IdentityBaseline, PerBinLinearBaseline
from sktimbre.datasets import make_paired_notes
from sktimbre.exceptions import AudioError, ParameterError
from sktimbre.metrics import f0_error, reconstruction_error
from sktimbre.spectral import stft
from sktimbre.transfer.noise import keep_noise

SR = 22050


def tone(f0, n_samples=SR, partials=6):
    """Return a steady tone whose partials fall by 6 dB, below 9 kHz."""
    t = np.arange(n_samples) / SR
    wave = sum(2.0**-k * np.sin(2 * np.pi * (k + 1) * f0 * t + k) for k in range(partials) if (k + 1) * f0 < 9000)
    return (0.4 * wave).astype(np.float32)


def level(y):
    return 10 * np.log10(np.mean(np.square(y, dtype=np.float64)))


@pytest.fixture(scope="module")
def notes():
    return make_paired_notes(4, duration=0.5, random_state=0)


@pytest.fixture
def identity(notes):
    return TimbreTransfer(autoencoder=IdentityBaseline(), loudness=0, noise=0).fit(notes.source, notes.target)


@pytest.fixture
def linear(notes):
    return TimbreTransfer(autoencoder=PerBinLinearBaseline()).fit(notes.source, notes.target)


def test_no_amount_gives_the_spectra_of_the_source(linear, notes):
    S = LogSTFT().transform(notes.source)
    np.testing.assert_array_equal(linear.set_params(amount=0).predict_spectra(notes.source), S)
    mine = LogSTFT().transform(linear.predict(notes.source))
    assert reconstruction_error(S, mine) < 0.01 * np.mean(S**2)


def test_the_amount_is_a_way_between_log_magnitudes(linear, notes):
    S = LogSTFT().transform(notes.source)
    T = linear.predict_spectra(notes.source)
    np.testing.assert_allclose(
        linear.set_params(amount=0.25).predict_spectra(notes.source), 0.75 * S + 0.25 * T, atol=1e-5
    )


@given(semitones=st.floats(-12, 12), f0=st.floats(220, 660))
@settings(max_examples=25, deadline=None)
def test_a_transposed_tone_is_that_of_the_other_pitch(semitones, f0):
    model = TimbreTransfer(autoencoder=IdentityBaseline(), loudness=0, noise=0, transpose=semitones)
    ratio = 2 ** (semitones / 12)
    x, y = tone(f0)[np.newaxis], tone(f0 * ratio)[np.newaxis]
    S = model.fit(x, x).predict_spectra(x)[0]
    T = LogSTFT().transform(y)[0]
    assert S.shape == T.shape
    S, T = S[:, 6:-6], T[:, 6:-6]
    peaks = np.zeros(T.shape, bool)
    peaks[1:-1] = (T[1:-1] > T[:-2]) & (T[1:-1] > T[2:]) & (T[1:-1] > 1)
    # Between partials the phases of both differ. Bins of a window of another length may lie 0.05 bins away.
    assert np.abs(S - T)[peaks].max() < 0.12


@pytest.mark.parametrize("semitones", [-24, -12, -5, 0.3, 7, 12, 19])
def test_pitch_level_and_length_of_transposed_audio(semitones):
    x = tone(660)[np.newaxis]
    model = TimbreTransfer(autoencoder=IdentityBaseline(), loudness=0, noise=0, transpose=semitones).fit(x, x)
    y = model.predict(x)
    assert y.shape == x.shape
    expected = tone(660 * 2 ** (semitones / 12))[np.newaxis]
    assert f0_error(expected, y, sr=SR, fmin=60, statistic="median") < 4
    assert abs(level(y[0, 3000:-3000]) - level(expected[0, 3000:-3000])) < 0.6


def test_a_transposed_recording_of_any_window_and_centring():
    x = tone(330)[np.newaxis]
    for sizes in ({"n_fft": 512, "hop_length": 128, "win_length": 400}, {"center": False}, {"window": np.hanning}):
        model = TimbreTransfer(LogSTFT(**sizes), IdentityBaseline(), loudness=0, noise=0, transpose=4).fit(x, x)
        S, T = model.predict_spectra(x)[0], LogSTFT(**sizes).transform(tone(330 * 2 ** (4 / 12))[np.newaxis])[0]
        middle = slice(10, -10)
        assert np.abs(S[:, middle] - T[:, middle])[T[:, middle] > 0.5 * T.max()].max() < 0.15


def test_without_converted_sound_the_source_is_left(linear, notes):
    np.testing.assert_array_equal(linear.set_params(mix=0).predict(notes.source), notes.source)


def test_mixed_sounds_add_up(identity):
    x = tone(330)[np.newaxis]
    half = identity.set_params(mix=0.5).predict(x)
    # Partials whose phases do not agree would give 3 dB less on average, and beat.
    assert abs(level(half) - level(x)) < 0.1


def test_the_mix_is_that_of_both_sounds(linear, notes):
    wet = linear.set_params(phase="source").predict(notes.source)
    mixed = linear.set_params(phase="estimate", mix=0.3).predict(notes.source)
    np.testing.assert_allclose(mixed, 0.3 * wet + 0.7 * notes.source, atol=1e-5)


def test_a_transposed_sound_is_mixed_too(identity):
    x = tone(330)[np.newaxis]
    spectrum = np.abs(np.fft.rfft(identity.set_params(mix=0.5, transpose=7).predict(x)[0]))
    peaks = spectrum[[330, round(330 * 2 ** (7 / 12))]]  # one second: bins are hertz
    assert peaks.min() > 0.5 * peaks.max()
    assert peaks.min() > 50 * np.median(spectrum)


def test_noise_that_is_kept():
    rng = np.random.default_rng(0)
    hiss = 0.003 * rng.standard_normal(SR).astype(np.float32)
    S, clean = LogSTFT().transform(np.stack([tone(440) + hiss, tone(440)]))
    (kept,) = keep_noise([S], [clean], 1.0)
    between = clean[:, 20] < np.log1p(1e-3 * np.expm1(clean[:, 20].max()))
    on = clean[:, 20] > 0.5 * clean[:, 20].max()

    def decibels_of(side):
        return 20 * np.log10(np.maximum(np.expm1(side[between][:, 5:-5]), 1e-6))

    decibels = list(map(decibels_of, (S, kept, clean)))
    assert abs(np.median(decibels[1]) - np.median(decibels[0])) < 1
    assert np.median(decibels[1]) > np.median(decibels[2]) + 10
    np.testing.assert_allclose(kept[on], clean[on], atol=1e-6)
    half = keep_noise([S], [clean], 0.5)[0]
    expected = (np.median(decibels[0]) + np.median(decibels[2])) / 2
    assert abs(np.median(decibels_of(half)) - expected) < 1.5


SETTINGS = [
    {"amount": 0.4},
    {"transpose": 9},
    {"transpose": -7.5, "mix": 0.6},
    {"mix": 0.5},
    {"keep_noise": 1},
    {"phase": "source"},
]


@pytest.mark.parametrize("changed", SETTINGS, ids=str)
@pytest.mark.parametrize("latency", [None, pytest.param(0.3, marks=pytest.mark.slow)])
def test_blocks_give_what_predict_gives(linear, notes, changed, latency):
    x = np.concatenate([*notes.source, np.zeros(2000, np.float32), *notes.source])
    linear.set_params(**changed)
    blocks = (x[start : start + 777] for start in range(0, len(x), 777))
    y = np.concatenate(list(linear.predict_blocks(blocks, piece=1.5, overlap=0.1, latency=latency)))
    assert y.shape == x.shape
    S, T = LogSTFT().transform(np.stack([linear.predict(x[np.newaxis])[0], y]))
    # Phases differ somewhat, and with a latency the loudness of what comes is not known.
    assert np.mean((S - T) ** 2) < (0.02 if latency is None else 0.05) * np.mean(S**2)


def test_partials_of_the_source_are_no_noise():
    S, other = LogSTFT().transform(np.stack([tone(440), tone(620)]))
    (kept,) = keep_noise([S], [other], 1.0)
    # Where the source has partials and the output none, nothing of them is heard.
    at = np.flatnonzero(S[:, 20] > 0.5 * S[:, 20].max())
    at = at[other[at, 20] < 0.3 * S[at, 20]]
    assert len(at) > 3
    np.testing.assert_allclose(kept[at], other[at], atol=1e-6)


@pytest.mark.parametrize("semitones", [-12, 0, 12, 24])
def test_live_transposition_has_whole_windows(semitones):
    x = tone(220, 2 * SR)
    model = TimbreTransfer(autoencoder=IdentityBaseline(), loudness=0, noise=0, transpose=semitones).fit([x], [x])
    blocks = (x[start : start + 333] for start in range(0, len(x), 333))
    y = np.concatenate(list(model.predict_blocks(blocks, latency=0.2)))[6000:-6000]
    # A window that is cut off where nothing has arrived yet would be softer.
    levels = 10 * np.log10(np.mean(np.lib.stride_tricks.sliding_window_view(y**2, 1024)[::512], axis=1))
    assert np.ptp(levels) < 0.6


def test_the_receptive_field_has_the_longer_windows(notes):
    model = TimbreTransfer(autoencoder=TimbreAutoencoder("shallow", filters=2, epochs=1, random_state=0))
    before = model.fit(notes.source, notes.target).receptive_field_.milliseconds
    assert model.set_params(transpose=12).receptive_field_.milliseconds == pytest.approx(before + 1000 * 1024 / SR)
    assert model.set_params(transpose=-12).receptive_field_.milliseconds == pytest.approx(before)


@pytest.mark.parametrize("semitones", [-12, 5, 12])
def test_latency_of_a_transposition(convert_while_it_comes, notes, semitones):
    x = np.concatenate(notes.source)
    model = TimbreTransfer(autoencoder=IdentityBaseline(), transpose=semitones).fit(notes.source, notes.target)
    _, worst = convert_while_it_comes(model, x, 0.12)
    assert worst <= 0.12 * SR + 7
    with pytest.raises(ParameterError, match="and this transposition"):
        model.set_params(transpose=24).predict_blocks([x], latency=0.08)


def test_what_cannot_be_transposed(linear, notes):
    with pytest.raises(ParameterError, match="phase='source' excludes transpose=2"):
        linear.set_params(phase="source", transpose=2).predict(notes.source)
    linear.set_params(phase="estimate")
    with pytest.raises(InvalidParameterError, match="transpose"):
        linear.set_params(transpose=25).predict(notes.source)
    window = np.hanning(1024)
    model = TimbreTransfer(LogSTFT(window=window), IdentityBaseline(), transpose=1).fit(notes.source, notes.target)
    with pytest.raises(ParameterError, match="the stft's window is an array"):
        model.predict(notes.source)


class OtherSTFT(LogSTFT):
    geometry = None

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return LogSTFT().transform(X)


def test_other_transformers_cannot_transpose(notes):
    model = TimbreTransfer(OtherSTFT(), IdentityBaseline()).fit(notes.source, notes.target)
    with pytest.raises(ParameterError, match="transpose=1 needs a LogSTFT, but stft is OtherSTFT"):
        model.set_params(transpose=1).predict(notes.source)


def test_a_search_sweeps_them(notes):
    model = TimbreTransfer(autoencoder=PerBinLinearBaseline())
    search = GridSearchCV(model, {"amount": [0.0, 1.0], "keep_noise": [0.0, 1.0]}, cv=2)
    search.fit(notes.source, notes.target)
    assert len(set(search.cv_results_["mean_test_score"])) > 2


def test_a_pickle_from_before_them_converts_as_it_did(linear, notes):
    before = linear.predict(notes.source)
    state = {
        name: value for name, value in vars(linear).items() if name not in ("amount", "transpose", "mix", "keep_noise")
    }
    old = TimbreTransfer.__new__(TimbreTransfer)
    old.__setstate__(pickle.loads(pickle.dumps(state)))
    np.testing.assert_array_equal(old.predict(notes.source), before)


def test_streaming_from_a_given_phase():
    x = tone(330) + tone(501)
    D = stft(x)
    for step in (1, 5, 100):
        stream, blocks = StreamingInverter(n_iter=0, chunk=7, look_ahead=2), []
        for start in range(0, D.shape[1], step):
            part = D[:, start : start + step]
            blocks.append(stream.push(np.log1p(np.abs(part)), phase=part))
        y = np.concatenate([*blocks, stream.finish(length=len(x) - sum(map(len, blocks)))])
        np.testing.assert_allclose(y, x, atol=1e-4)


def test_a_phase_for_some_frames_only_is_refused():
    S = LogSTFT().transform(tone(330)[np.newaxis])[0]
    stream = StreamingInverter()
    stream.push(S[:, :4])
    with pytest.raises(ParameterError, match="for all frames, or for none"):
        stream.push(S[:, 4:8], phase=S[:, 4:8])
    stream.reset()
    with pytest.raises(AudioError, match="needs the shapes of the spectra"):
        stream.push(S[:, :4], phase=S[:, :3])
