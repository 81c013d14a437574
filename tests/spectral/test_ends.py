"""No output is louder at its ends than its spectra say, where the edge of one window would amplify every error."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import uniform_filter

from sktimbre import GriffinLimInverter, LogSTFT, StreamingInverter, TimbreTransfer
from sktimbre.baselines import IdentityBaseline
from sktimbre.spectral import STFTGeometry, griffin_lim, initial_phasors, stft
from sktimbre.spectral.ends import WELL_COVERED, limit_ends
from sktimbre.spectral.griffin_lim import ALGORITHMS, start_note
from sktimbre.spectral.initial import INITS

# Kernels and scipy.fft; half, a quarter and an eighth of a window from frame to frame, one that divides nothing, a whole one.
SIZES = [(64, 32), (64, 16), (64, 8), (60, 30), (60, 15), (50, 20), (64, 64)]
SOUNDS = ["tone", "two partials", "noise", "note", "swell", "onset"]
KINDS = st.sampled_from(SOUNDS)


def sound(kind, n):
    """Return n samples, float32; half a window of the above is as long as a period or two."""
    t = np.arange(n)
    harmonics = 0.3 * sum(np.sin(0.13 * k * t) / k for k in range(1, 9))
    made = {
        "tone": 0.5 * np.sin(0.4 * t),
        "two partials": 0.5 * np.sin(0.4 * t) + 0.5 * np.sin(0.9 * t + 1),
        "noise": 0.3 * np.random.default_rng(n).standard_normal(n),
        "note": harmonics * np.exp(-t / 300),
        "swell": harmonics * np.exp((t - n) / 300),
        "onset": harmonics * np.exp(np.minimum(t - n + 30, 0) / 3),
    }
    return made[kind].astype(np.float32)


def like_a_network_s(S):
    """Smooth log-magnitudes over 3 x 3 bins and add noise."""
    noise = 0.1 * np.random.default_rng(0).standard_normal(S.shape, np.float32)
    return np.maximum(uniform_filter(S, (0, 3, 3)) + noise, 0)


def coverage(geometry, n_frames, n):
    """Return the overlapped window power at each of n samples, relative to the largest."""
    power = geometry.overlap_power(n_frames)
    found = np.zeros(n)
    part = power[geometry.pad : geometry.pad + n]
    found[: len(part)] = part
    return found / power.max()


def inside(geometry, n_frames, n):
    """Return the samples between the first and the last that frames cover well."""
    covered = np.flatnonzero(coverage(geometry, n_frames, n) >= WELL_COVERED)
    return slice(covered[0], covered[-1] + 1)


def peak(audio):
    return np.abs(audio).max(initial=0)


@pytest.mark.slow
@settings(deadline=None, max_examples=150)
@given(
    kind=KINDS,
    size=st.sampled_from(SIZES),
    center=st.booleans(),
    excess=st.integers(0, 63),
    algorithm=st.sampled_from(ALGORITHMS),
    init=st.sampled_from(INITS),
    n_iter=st.sampled_from([0, 1, 30]),
    predicted=st.booleans(),
)
def test_no_end_is_louder_than_the_rest(kind, size, center, excess, algorithm, init, n_iter, predicted):
    n_fft, hop = size
    window = "boxcar" if hop == n_fft else "hann"
    y = sound(kind, 12 * 64 + excess)
    transformer = LogSTFT(n_fft, hop, window=window, center=center)
    S = transformer.fit_transform(y[np.newaxis])
    if predicted:
        S = like_a_network_s(S)
    inverter = GriffinLimInverter(
        n_iter, algorithm, init, hop_length=hop, window=window, center=center, length=len(y), random_state=0
    )
    (audio,) = inverter.fit_transform(S)
    well = inside(transformer.geometry, S.shape[2], len(y))
    ends = max(peak(audio[: well.start]), peak(audio[well.stop :]))
    # A frame of the truth may be its loudest; 1 is what was found in 3000 such cases, where without limits it is thousands.
    assert ends < 1.05 * max(peak(audio[well]), peak(y))
    # Wrong phases make pulses anywhere, 2.7 times as loud as the truth at most.
    assert peak(audio) < 3.5 * peak(y)


@settings(deadline=None, max_examples=100)
@given(
    kind=KINDS,
    size=st.sampled_from(SIZES),
    center=st.booleans(),
    excess=st.integers(0, 63),
    algorithm=st.sampled_from(ALGORITHMS),
    n_iter=st.sampled_from([0, 1, 30]),
    level=st.sampled_from([1.0, 1e-3, 30.0]),
)
def test_a_sound_with_its_own_phase_comes_back_to_its_ends(kind, size, center, excess, algorithm, n_iter, level):
    n_fft, hop = size
    window = "boxcar" if hop == n_fft else "hann"
    y = np.float32(level) * sound(kind, 12 * 64 + excess)
    transformer = LogSTFT(n_fft, hop, window=window, center=center).fit(y[np.newaxis])
    S, D = transformer.transform(y[np.newaxis]), transformer.complex_transform(y[np.newaxis])
    inverter = GriffinLimInverter(n_iter, algorithm, hop_length=hop, window=window, center=center, length=len(y)).fit(S)
    (audio,) = inverter.invert(S, phase=D)
    seen = coverage(transformer.geometry, S.shape[2], len(y)) > 0.01
    assert peak((audio - y)[seen]) < 1e-4 * max(1, level)


def paths(n):
    """Return all ways from a sound of n samples through its spectra to audio, by name."""
    model = TimbreTransfer(autoencoder=IdentityBaseline(), loudness=0)

    def array_function(y, S, center):
        geometry = STFTGeometry(1024, center=center)
        magnitudes = np.expm1(S[0])
        return griffin_lim(magnitudes, initial_phasors(magnitudes, geometry), geometry, length=n).signal

    def streamed(y, S, center, **parameters):
        stream = StreamingInverter(center=center, **parameters)
        start = stream.push(S[0])
        return np.concatenate([start, stream.finish(length=n - len(start))])

    return {
        "LogSTFT": lambda y, S, center: LogSTFT(center=center).fit(y[np.newaxis]).inverse_transform(S)[0],
        "GriffinLimInverter": lambda y, S, center: GriffinLimInverter(center=center, length=n).fit_transform(S)[0],
        "wrong phase": lambda y, S, center: GriffinLimInverter(center=center).invert(S, np.zeros(S.shape), n)[0],
        "griffin_lim": array_function,
        "StreamingInverter": streamed,
        "StreamingInverter by frame": lambda *given: streamed(*given, chunk=1, look_ahead=0),
        "TimbreTransfer": lambda y, S, center: (
            model.set_params(stft=LogSTFT(center=center)).fit([y], [y]).predict(y[np.newaxis])[0]
        ),
        "predict_blocks": lambda y, S, center: np.concatenate(
            list(model.set_params(stft=LogSTFT(center=center)).fit([y], [y]).predict_blocks([y], 0.2, 0.05))
        ),
    }


@pytest.mark.parametrize("path", paths(0))
@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize("partials", [(440,), (440, 1000), (3000, 3100)])
def test_every_path_keeps_its_ends(path, center, partials):
    n = 20 * 512 + 511
    y = sum(0.5 * np.sin(2 * np.pi * f * np.arange(n) / 22050) for f in partials).astype(np.float32)
    S = LogSTFT(center=center).fit_transform(y[np.newaxis])
    audio = paths(n)[path](y, S, center)
    assert len(audio) == n
    # A wrong phase, or a phase found from one frame at a time, makes some frames pulses.
    assert peak(audio) < {"wrong phase": 1.8, "StreamingInverter by frame": 1.6}.get(path, 1.25) * peak(y)
    # The ends are limited, not silenced.
    assert peak(audio[-512 - (0 if center else 511) :]) > 0.4 * peak(y)


@pytest.mark.parametrize(("n_fft", "hop"), [(64, 32), (64, 16), (60, 30)])
@pytest.mark.parametrize("center", [True, False])
def test_the_gain_falls_outwards_without_a_jump_and_leaves_the_rest(n_fft, hop, center):
    geometry = STFTGeometry(n_fft, hop, center=center)
    y = sound("two partials", 12 * n_fft + hop - 1)
    S = np.abs(stft(y, n_fft, hop, center=center))
    phasors = initial_phasors(S, geometry, "random", 0)
    first, last = geometry.pad, min(geometry.pad + len(y), hop * (S.shape[1] - 1) + n_fft)
    note = start_note(S, phasors, geometry, first, last)
    note.run(0, (0.0, 0.0, 1.0))
    raw, limited = note.signal(), note.signal()
    limit_ends(limited, S, phasors, geometry, first, last)
    well = inside(geometry, S.shape[1], last - first)
    raw, limited = raw[first:last], limited[first:last]
    np.testing.assert_array_equal(limited[well], raw[well])
    for side in (slice(well.stop, None), slice(0, well.start)):
        before, after = raw[side], limited[side]
        gain = (after / np.where(before == 0, 1, before))[before != 0]
        outwards = gain if side.start else gain[::-1]
        assert (np.diff(outwards) <= 1e-6).all()
        assert outwards.min(initial=1) < 0.2 if len(outwards) and hop == n_fft // 2 else True
    # What is limited lies between the level and nothing, never beyond it.
    assert peak(limited) <= max(peak(raw[well]), np.sqrt(2) * peak(y)) * (1 + 1e-6)


@pytest.mark.usefixtures("as_many_threads_as_asked_for")
@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize("n_fft", [64, 60])
def test_a_batch_equals_its_notes_and_levels_change_nothing_else(n_fft, center):
    notes = [sound(kind, 700 + i) for i, kind in enumerate(SOUNDS)]
    S = LogSTFT(n_fft, center=center).fit_transform(notes)
    inverter = GriffinLimInverter(5, center=center, n_jobs=2).fit(S)
    together = inverter.invert(S, length=[len(y) for y in notes])
    for y, s, audio in zip(notes, S, together, strict=True):
        alone = GriffinLimInverter(5, center=center, length=len(y)).fit_transform(s[np.newaxis])[0]
        np.testing.assert_array_equal(alone, audio)
    geometry = STFTGeometry(n_fft, center=center)
    magnitudes = np.expm1(S[0])
    phasors = initial_phasors(magnitudes, geometry)
    plain, louder = (
        griffin_lim(gain * magnitudes, phasors, geometry, length=700).signal for gain in np.float32([1, 1024])
    )
    np.testing.assert_array_equal(louder, 1024 * plain)


@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_silence_at_the_ends_stays_silence(center, algorithm):
    y = np.zeros(64 * 9 + 31, np.float32)
    y[200:300] = sound("noise", 100)
    S = LogSTFT(64, center=center).fit_transform(y[np.newaxis])
    audio = GriffinLimInverter(30, algorithm, center=center, length=len(y)).fit_transform(S)[0]
    assert max(peak(audio[:100]), peak(audio[-100:])) < 1e-15  # what ADMM carries from frame to frame


@pytest.mark.parametrize("n", [1, 10, 63, 64, 65, 100])
@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize("hop", [32, 16, 4])
def test_hardly_any_frames(n, center, hop):
    y = sound("two partials", max(n, 64))
    S = like_a_network_s(LogSTFT(64, hop, center=center).fit_transform(y[np.newaxis]))
    for frames in {1, min(2, S.shape[2]), S.shape[2]}:
        few = S[:, :, :frames]
        audio = GriffinLimInverter(5, hop_length=hop, center=center, length=n).fit_transform(few)[0]
        assert len(audio) == n
        assert peak(audio) < 2 * peak(y)


@settings(deadline=None, max_examples=30)
@given(
    cuts=st.lists(st.integers(0, 40), max_size=4),
    hop=st.sampled_from([16, 32]),
    center=st.booleans(),
    chunk=st.integers(1, 20),
    look_ahead=st.integers(0, 5),
    rest=st.integers(0, 300),
)
def test_a_stream_s_end_does_not_depend_on_how_frames_are_split(cuts, hop, center, chunk, look_ahead, rest):
    y = sound("two partials", 40 * hop + hop - 1)
    S = LogSTFT(64, hop, center=center).fit_transform(y[np.newaxis])[0]
    pieces = np.split(S, sorted({min(c, S.shape[1]) for c in cuts}), axis=1)
    found = []
    for blocks in ([S], pieces):
        stream = StreamingInverter(64, hop, center=center, n_iter=3, chunk=chunk, look_ahead=look_ahead)
        start = [stream.push(block) for block in blocks]
        end = stream.finish(length=rest)
        assert len(end) == rest
        found.append(np.concatenate([*start, end]))
    np.testing.assert_array_equal(*found)
    assert peak(found[0]) < 2 * peak(y)


@pytest.mark.parametrize("parameters", [{}, {"chunk": 1, "look_ahead": 0}])
def test_a_stream_knows_as_much_of_its_end_as_the_last_frame(parameters):
    y = sound("tone", 20 * 512 + 400)
    S = LogSTFT().fit_transform(y[np.newaxis])
    stream = StreamingInverter(**parameters)
    start = stream.push(S[0])
    streamed = np.concatenate([start, stream.finish(length=len(y) - len(start))])
    whole = GriffinLimInverter(length=len(y)).fit_transform(S)[0]
    assert peak(streamed[-200:]) > 0.8 * peak(whole[-200:]) > 0.3
