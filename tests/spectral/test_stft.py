"""The transform against librosa, scipy and closed forms."""

import librosa
import numpy as np
import pytest
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st

from sktimbre import GriffinLimInverter, LogSTFT
from sktimbre.exceptions import AudioError, ParameterError
from sktimbre.spectral import STFTGeometry, istft, stft
from sktimbre.spectral.geometry import taper_of

GEOMETRIES = [
    (1024, None, None, "hann", True),
    (1024, 256, 800, "hann", True),
    (64, 16, None, "hamming", True),
    (16, 5, None, "hann", True),
    (100, 30, None, "hann", False),
    (512, 170, None, ("kaiser", 8.0), True),
    (1000, 250, 900, "blackman", False),
]


@pytest.fixture
def noise():
    return np.random.default_rng(0).standard_normal((3, 6000)).astype(np.float32)


@pytest.mark.parametrize(("n_fft", "hop", "win", "window", "center"), GEOMETRIES)
def test_equals_librosa(noise, n_fft, hop, win, window, center):
    ours = stft(noise, n_fft, hop, win, window, center)
    options = {"hop_length": hop or n_fft // 2, "win_length": win, "window": window, "center": center}
    theirs = librosa.stft(noise, n_fft=n_fft, **options)
    assert ours.dtype == np.complex64
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).max() <= 1e-5 * np.abs(theirs).max()
    transformed = LogSTFT(n_fft, hop, win, window, center).complex_transform(noise)
    assert np.abs(transformed - theirs).max() <= 1e-5 * np.abs(theirs).max()
    length = 5000
    back, reference = (
        istft(ours, hop, win, window, center, length),
        librosa.istft(theirs, n_fft=n_fft, length=length, **options),
    )
    assert back.shape == reference.shape
    inner = slice(n_fft, length - n_fft)
    np.testing.assert_allclose(back[:, inner], reference[:, inner], atol=1e-5)


@pytest.mark.parametrize("n_fft", [8, 64, 1024])
@pytest.mark.parametrize("overlap", [2, 4, 8])
@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize("excess", [0, 1, 9000])
def test_kernels_equal_librosa_whatever_is_left_over(n_fft, overlap, center, excess):
    # Less and more than a group of 16 frames, than the groups written together, and than a whole hop at the end.
    y = np.random.default_rng(0).standard_normal((2, n_fft + excess)).astype(np.float32)
    y.flags.writeable = False
    expected = librosa.stft(y, n_fft=n_fft, hop_length=n_fft // overlap, center=center)
    transformer = LogSTFT(n_fft, n_fft // overlap, center=center)
    found = transformer.complex_transform(y)
    assert np.abs(found - expected).max() <= 2e-6 * np.abs(expected).max()
    np.testing.assert_allclose(transformer.transform(y), np.log1p(np.abs(found)), rtol=2e-6, atol=1e-7)


def test_a_cosine_in_the_middle_of_a_bin_has_half_the_window_s_sum():
    n_fft, k = 1024, 37
    y = np.cos(2 * np.pi * k * np.arange(8192) / n_fft).astype(np.float32)
    D = stft(y, n_fft, center=False)
    np.testing.assert_allclose(np.abs(D[k]), n_fft / 4, rtol=1e-5)


@settings(deadline=None, max_examples=60)
@given(
    n_fft=st.integers(1, 300).map(lambda n: 2 * n),
    divisor=st.floats(2, 12),
    length=st.integers(1, 3000),
    seed=st.integers(0, 2**32 - 1),
)
def test_round_trip(n_fft, divisor, length, seed):
    hop = max(1, int(n_fft / divisor))
    y = np.random.default_rng(seed).uniform(-1, 1, length).astype(np.float32)
    back = istft(stft(y, n_fft, hop), hop, length=length)
    # Where a frame's window is nearly zero for the last samples there is nothing to divide by.
    seen = length - (length % hop)
    np.testing.assert_allclose(back[: max(0, seen - hop)], y[: max(0, seen - hop)], atol=2e-4)


@settings(deadline=None, max_examples=30)
@given(gain=st.floats(1e-3, 1e3), seed=st.integers(0, 1000))
def test_linear_in_gain_and_blind_to_sign(gain, seed):
    y = np.random.default_rng(seed).standard_normal((2, 700)).astype(np.float32)
    S = np.expm1(LogSTFT(n_fft=64).fit_transform(y))
    scaled = np.expm1(LogSTFT(n_fft=64).fit_transform(np.float32(-gain) * y))
    np.testing.assert_allclose(scaled, gain * S, rtol=1e-3, atol=1e-3 * gain)


@settings(deadline=None, max_examples=30)
@given(lengths=st.lists(st.integers(1, 900), min_size=1, max_size=5), n_fft=st.sampled_from([8, 64, 100]))
def test_ragged_list_equals_loop(lengths, n_fft):
    rng = np.random.default_rng(0)
    notes = [rng.standard_normal(n).astype(np.float32) for n in lengths]
    transformer = LogSTFT(n_fft=n_fft)
    spectra = transformer.fit_transform(notes)
    assert isinstance(spectra, list)
    for note, S in zip(notes, spectra, strict=True):
        np.testing.assert_array_equal(S, transformer.transform(note[np.newaxis])[0])


@pytest.mark.usefixtures("as_many_threads_as_asked_for")
def test_threads_change_nothing(noise):
    np.testing.assert_array_equal(LogSTFT().fit_transform(noise), LogSTFT(n_jobs=2).fit_transform(noise))


@pytest.mark.parametrize("n_frames", [1, 5, 12, 40])
def test_n_frames_pads_or_crops(noise, n_frames):
    full = LogSTFT().fit_transform(noise)
    S = LogSTFT(n_frames=n_frames).fit_transform(noise)
    assert S.shape == (3, 513, n_frames)
    shared = min(n_frames, full.shape[2])
    np.testing.assert_array_equal(S[..., :shared], full[..., :shared])
    assert not S[..., shared:].any()


def test_inverse_transform_gives_the_notes_back_in_length_and_spectrum(noise):
    transformer = LogSTFT(hop_length=256).fit(noise)
    S = transformer.transform(noise)
    back = transformer.inverse_transform(S)
    assert back.shape == noise.shape
    rebuilt = np.expm1(transformer.transform(back))
    assert np.linalg.norm(rebuilt - np.expm1(S)) < 0.2 * np.linalg.norm(np.expm1(S))


@pytest.mark.parametrize("change", [{}, {"win_length": 50}, {"window": "hamming"}, {"center": False}], ids=str)
def test_inverse_transform_has_the_geometry_of_the_transform(noise, change):
    transformer = LogSTFT(64, 16, **change).fit(noise)
    S = transformer.transform(noise)
    inverter = GriffinLimInverter(hop_length=16, length=noise.shape[1], random_state=0, **change)
    np.testing.assert_array_equal(transformer.inverse_transform(S), inverter.fit_transform(S))


@pytest.mark.parametrize(
    ("X", "fix"),
    [
        (np.zeros((0, 100)), "0 sample"),
        (np.zeros((2, 0)), "0 feature"),
        ([np.zeros(10), np.zeros(0)], r"X\[1\] is empty"),
        (np.zeros(100), "Reshape"),
        (np.zeros((2, 2, 100)), "mono"),
        ([np.zeros(5), np.zeros((2, 5))], r"X\[1\] has shape"),
        (np.full((1, 100), np.nan), r"X\[0\] contains NaN at sample 0"),
        (np.array([[np.inf, -np.inf]]), "infinity"),
        ([np.array([0.0, np.nan])], r"X\[0\].*sample 1"),
        (np.full((1, 100), 20000, np.int16), "32768"),
        ([np.full(100, 20000, np.int16)], "32768"),
        (np.full((1, 8), 1e300), "infinity|too large"),
    ],
)
def test_bad_audio_is_refused_with_the_fix(X, fix):
    with pytest.raises(AudioError, match=fix):
        LogSTFT().fit(X)


def test_short_audio_needs_padding():
    short = np.ones((2, 100), np.float32)
    assert LogSTFT().fit_transform(short).shape == (2, 513, 1)
    with pytest.raises(AudioError, match=r"X\[0\] has 100 samples.*center=True"):
        LogSTFT(center=False).fit(short)


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ({"n_fft": 1023}, "n_fft=1023"),
        ({"n_fft": 0}, "n_fft"),
        ({"hop_length": 2000}, "hop_length=2000"),
        ({"hop_length": 600, "win_length": 512}, "hop_length=600"),
        ({"win_length": 2048}, "win_length=2048"),
        ({"window": "nonsense"}, "window='nonsense'"),
        ({"window": ()}, r"window=\(\)"),
        ({"window": np.ones(7)}, "window has shape"),
        ({"hop_length": 1024}, "overlap-add"),
    ],
)
def test_bad_sizes_are_refused_by_name(noise, parameters, named):
    with pytest.raises((ParameterError, ValueError), match=named):
        LogSTFT(**parameters).fit(noise)


@settings(deadline=None, max_examples=60)
@given(n_fft=st.integers(1, 200).map(lambda n: 2 * n), hop=st.integers(1, 500), win=st.integers(1, 400))
def test_geometry_is_either_refused_or_invertible(n_fft, hop, win):
    try:
        geometry = STFTGeometry(n_fft, hop, win)
    except ParameterError:
        return
    assert geometry.overlap_power(5)[n_fft : 4 * hop].min(initial=1.0) > 0


@pytest.mark.parametrize("win", [1, 2, 3, 999, 1000, 1024])
def test_the_usual_window_is_scipy_s(win):
    np.testing.assert_array_equal(taper_of("hann", win, win), scipy.signal.get_window("hann", win).astype(np.float32))
