"""Phase retrieval of spectra that are still arriving."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sktimbre import GriffinLimInverter, LogSTFT, StreamingInverter
from sktimbre.exceptions import AudioError, ParameterError
from sktimbre.spectral import stft


@pytest.fixture(scope="module")
def melody(tones):
    return np.concatenate([*tones, tones[0]])


@pytest.mark.parametrize("hop", [512, 256])
@pytest.mark.parametrize("settings_", [{}, {"chunk": 8, "look_ahead": 2}], ids=["default", "short"])
def test_nearly_as_good_as_with_all_frames_at_hand(melody, hop, settings_):
    S = LogSTFT(hop_length=hop).fit_transform(melody[np.newaxis])
    whole, report = GriffinLimInverter(hop_length=hop).invert(S, return_report=True)
    streamed = np.concatenate(list(StreamingInverter(hop_length=hop, **settings_).process([S[0]])))
    assert streamed.shape == whole[0].shape
    wanted = np.expm1(S[0])
    found = np.abs(stft(streamed, hop_length=hop))
    ratio = np.linalg.norm(found - wanted) / np.linalg.norm(wanted) / report.spectral_convergence[0]
    assert 20 * np.log10(ratio) < 3


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"n_iter": 0},
        {"algorithm": "gla"},
        {"momentum": 0.5},
        {"algorithm": "admm"},
        {"init": "zero"},
        {"window": "hamming"},
        {"win_length": 50},
    ],
    ids=str,
)
def test_a_stream_of_one_chunk_is_the_inverter(melody, change):
    sizes = {name: change[name] for name in ("window", "win_length") if name in change}
    S = LogSTFT(64, **sizes).fit_transform(melody[np.newaxis, :900])
    given = {"n_iter": 5, **change}
    stream = StreamingInverter(64, **given)
    streamed = np.concatenate([stream.push(S[0]), stream.finish()])
    np.testing.assert_allclose(streamed, GriffinLimInverter(**given).fit_transform(S)[0], atol=1e-4)


def test_borders_are_as_smooth_as_the_rest():
    sine = np.sin(2 * np.pi * 440 * np.arange(60000) / 22050).astype(np.float32)
    S = LogSTFT().fit_transform(sine[np.newaxis])[0]
    streamed = np.concatenate(list(StreamingInverter(chunk=10).process([S])))
    inner = slice(2000, -2000)
    # The second difference of a sine is at most its amplitude times its angular frequency squared; a click is far above.
    assert np.abs(np.diff(streamed[inner], 2)).max() < 1.2 * np.abs(np.diff(sine[inner], 2)).max()


@settings(deadline=None, max_examples=30)
@given(
    cuts=st.lists(st.integers(0, 70), max_size=6),
    hop=st.sampled_from([16, 32]),
    center=st.booleans(),
    chunk=st.integers(1, 20),
    look_ahead=st.integers(0, 5),
    init=st.sampled_from(["pghi", "random"]),
)
def test_how_frames_are_split_changes_nothing(cuts, hop, center, chunk, look_ahead, init):
    y = np.random.default_rng(0).standard_normal(70 * hop).astype(np.float32)
    S = LogSTFT(64, hop, center=center).fit_transform(y[np.newaxis])[0]
    stream = StreamingInverter(
        64, hop, center=center, n_iter=2, chunk=chunk, look_ahead=look_ahead, init=init, random_state=0
    )
    at_once = np.concatenate([stream.push(S), stream.finish()])
    other = StreamingInverter(
        64, hop, center=center, n_iter=2, chunk=chunk, look_ahead=look_ahead, init=init, random_state=0
    )
    pieces, pushed, given_out = [], 0, 0
    for block in np.split(S, sorted({min(c, S.shape[1]) for c in cuts}), axis=1):
        pieces.append(other.push(block))
        pushed += block.shape[1]
        given_out += len(pieces[-1])
        seen = hop * (pushed - 1) + 64 - (32 if center else 0)
        assert seen - given_out <= other.latency
    pieces.append(other.finish())
    np.testing.assert_array_equal(np.concatenate(pieces), at_once)
    assert len(at_once) == GriffinLimInverter(0, hop_length=hop, center=center).fit_transform(S[np.newaxis]).shape[1]
    assert np.isfinite(at_once).all()


def test_memory_is_bounded():
    stream = StreamingInverter(64, chunk=8, look_ahead=2, n_iter=1)
    sizes = set()
    for _ in range(50):
        stream.push(np.ones((33, 8), np.float32))
        sizes.add(stream._waiting.shape[1] + len(stream._past))
    assert max(sizes) < 400


@pytest.mark.parametrize("init", ["pghi", "random"])
def test_reset_begins_anew_and_the_rest_has_the_length_asked_for(melody, init):
    S = LogSTFT().fit_transform(melody[np.newaxis, :20000])[0]
    stream = StreamingInverter(n_iter=1, init=init, random_state=0)
    first = [stream.push(S), stream.finish()]
    with pytest.raises(ParameterError, match="reset"):
        stream.push(S)
    stream.reset()
    again = [stream.push(S), stream.finish()]
    np.testing.assert_array_equal(np.concatenate(again), np.concatenate(first))
    for length in (0, 100, 20000 - len(first[0]), 30000):
        stream.reset()
        start = stream.push(S)
        np.testing.assert_array_equal(start, first[0])
        assert len(stream.finish(length=length)) == length


def test_a_length_that_is_refused_does_not_finish_the_stream():
    stream = StreamingInverter()
    with pytest.raises(ParameterError, match="length=-1"):
        stream.finish(length=-1)
    assert stream.finish(length=3).tolist() == [0, 0, 0]


def test_an_empty_stream_gives_nothing():
    stream = StreamingInverter()
    assert stream.push(np.zeros((513, 0))).size == 0
    assert stream.finish().size == 0


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ({"chunk": 0}, "chunk=0"),
        ({"look_ahead": -1}, "look_ahead=-1"),
        ({"n_iter": 1.5}, "n_iter=1.5"),
        ({"algorithm": "x"}, "algorithm='x'"),
        ({"init": "heap"}, "init='heap'"),
        ({"momentum": 2}, "momentum=2"),
        ({"n_fft": 5}, "n_fft=5"),
    ],
)
def test_bad_parameters_are_refused_by_name(parameters, named):
    with pytest.raises(ParameterError, match=named):
        StreamingInverter(**parameters)


@pytest.mark.parametrize(
    ("S", "fix"),
    [
        (np.zeros((10, 4)), "it must be"),
        (np.zeros(513), "it must be"),
        (np.full((513, 2), np.nan), "NaN"),
        (np.full((513, 2), 80), "decibel"),
    ],
)
def test_bad_spectra_are_refused(S, fix):
    with pytest.raises(AudioError, match=fix):
        StreamingInverter().push(S)
