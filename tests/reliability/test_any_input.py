"""Whatever is passed to whatever is public: a finite result, or an error of ours."""

import inspect
import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.exceptions import NotFittedError
from sklearn.utils._param_validation import InvalidParameterError

import sktimbre
from sktimbre import (
    GriffinLimInverter,
    LogSTFT,
    StreamingInverter,
    TimbreAutoencoder,
    TimbreTransfer,
    audio,
    datasets,
    metrics,
    spectral,
)
from sktimbre.exceptions import SktimbreError

# scikit-learn's own words for a parameter out of range, for predicting before fitting, and for sparse and unreadable data.
OURS = (SktimbreError, InvalidParameterError, NotFittedError)
RNG = np.random.default_rng(0)
SOUND = (0.5 * np.sin(np.outer([0.05, 0.11, 0.2], np.arange(1200)))).astype(np.float32)
SPECTRA = LogSTFT(n_fft=64).fit_transform(SOUND)

NUMBERS = st.sampled_from(
    [
        *(
            0,
            1,
            2,
            3,
            4,
            7,
            16,
            63,
            64,
            65,
            1024,
            22050,
            -1,
            -5,
            0.5,
            1.0,
            2.5,
            -0.1,
            1e-30,
            1e30,
            2**31,
            2**63,
            10**30,
        ),
        *(np.int64(64), np.float32(0.5), np.uint8(3), True, False, float("nan"), float("inf"), -float("inf"), 1j),
    ]
)
OBJECTS = st.sampled_from(
    [
        *(
            None,
            "",
            "a\0b",
            "hann",
            "text",
            "agla",
            "source",
            "estimate",
            "pghi",
            b"bytes",
            ("kaiser", 3.0),
            range(3),
            int,
        ),
        *(
            (),
            [],
            {},
            {1: 2},
            set(),
            object(),
            print,
            np.random.default_rng(0),
            np.random.RandomState(0),
            np.dtype("f4"),
        ),
    ]
)
DTYPES = st.sampled_from(["f4", "f8", "f2", "i2", "i8", "u1", "?", "c8", "U3", "O", "M8[s]", "S2", "f4,i4"])
SHAPES = st.lists(st.sampled_from([0, 1, 2, 3, 5, 33, 64, 600]), max_size=4).filter(
    lambda s: np.prod(s, dtype=float) < 1e5
)


@st.composite
def arrays(draw):
    shape, dtype = tuple(draw(SHAPES)), np.dtype(draw(DTYPES))
    if dtype.kind in "fiucb":
        scale = draw(st.sampled_from([0, 1e-38, 1, 1, 1, 30, 1000, 1e30]))
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made = (RNG.standard_normal(shape) * scale).astype(dtype)
    else:
        made = np.zeros(shape, dtype)
    if dtype.kind == "f" and made.size and draw(st.booleans()):
        with np.errstate(over="ignore"):
            made.flat[draw(st.integers(0, made.size - 1))] = draw(
                st.sampled_from([np.nan, np.inf, -np.inf, 3e38, -0.0])
            )
    return draw(st.sampled_from([made, made, made.T, made[..., ::2] if made.ndim else made, np.asfortranarray(made)]))


def lists(of):
    return st.lists(of, max_size=3)


ARRAYS = arrays()
SOUNDS = st.sampled_from(
    [
        *(
            SOUND,
            SOUND[:1],
            SOUND[0],
            SOUND.astype("f8"),
            list(SOUND),
            [SOUND[0], SOUND[1][:700]],
            SOUND.tolist(),
            0 * SOUND,
        ),
        *(SOUND[:, :1], SOUND[:, :64], SOUND * 1e-30, SOUND * 1e8, np.ones((2, 500)), [list(SOUND[0, :9]), [1.0]]),
    ]
)
MADE_SPECTRA = st.sampled_from(
    [
        *(SPECTRA, SPECTRA[0], list(SPECTRA), [SPECTRA[0], SPECTRA[1][:, :3]], 0 * SPECTRA, -SPECTRA, 100 * SPECTRA),
        *(SPECTRA[..., :1], SPECTRA[:, :1], SPECTRA.astype("f8"), 70 + SPECTRA, [SPECTRA[0], SPECTRA[1][:5]]),
    ]
)
DATA = st.one_of(SOUNDS, SOUNDS, MADE_SPECTRA, ARRAYS, lists(ARRAYS), OBJECTS, NUMBERS)


def is_number_above(value, most):
    return isinstance(value, int | float | np.integer | np.floating) and np.isfinite(float(value)) and value > most


# Sizes that ask for hours of work are no errors.
ANYTHING = st.one_of(NUMBERS, OBJECTS, ARRAYS)
MODEST, FEW, SECONDS = (ANYTHING.filter(lambda v, most=most: not is_number_above(v, most)) for most in (5000, 4, 5))
SETTING = {
    "n_iter": MODEST,
    "epochs": MODEST,
    "filters": MODEST,
    "n_notes": FEW,
    "duration": SECONDS,
    "segment_length": MODEST,
    "length": MODEST,
    "n_frames": MODEST,
}

FUNCTIONS = {
    "resample": (audio.resample, ("y",)),
    "to_mono": (audio.to_mono, ("y",)),
    "segment": (datasets.segment, ("y",)),
    "overlap_add": (datasets.overlap_add, ("segments",)),
    "pitch_from_name": (datasets.pitch_from_name, ()),
    "make_paired_notes": (datasets.make_paired_notes, ()),
    "stft": (spectral.stft, ("y",)),
    "istft": (spectral.istft, ("spectrum", "S", "spectra", "X")),
    "griffin_lim": (spectral.griffin_lim, ("magnitude", "S", "spectra")),
    "initial_phasors": (spectral.initial_phasors, ("magnitude", "S", "spectra")),
    "STFTGeometry": (spectral.STFTGeometry, ()),
    **{
        name: (getattr(metrics, name), ("y", "y_true", "y_pred"))
        for name in metrics.__all__
        if inspect.isfunction(getattr(metrics, name))
    },
}
SETTINGS = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))


def drawn(data, function, named):
    """Draw arguments: data for those that are data, others left at their defaults or anything."""
    arguments = {}
    changed = data.draw(st.lists(st.sampled_from(sorted(inspect.signature(function).parameters)), max_size=2))
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        if name in named:
            arguments[name] = data.draw(DATA, label=name)
        elif parameter.default is parameter.empty or name in changed:
            arguments[name] = data.draw(SETTING.get(name, ANYTHING), label=name)
    return arguments


def outcome(function, *args, **kwargs):
    """Return the result, or None after an error of ours; anything else fails the test."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return function(*args, **kwargs)
        except OURS:
            return None
        except TypeError as error:
            # What scikit-learn says of sparse, complex, unreadable data, as every estimator does.
            if "sklearn" in inspect.getinnerframes(error.__traceback__)[-1].filename:
                return None
            raise


def check_finite(result):
    if isinstance(result, np.ndarray) and result.dtype.kind in "fc":
        assert np.isfinite(result).all()
    elif isinstance(result, list | tuple):
        for part in result:
            check_finite(part)


@pytest.mark.parametrize("name", FUNCTIONS)
@SETTINGS
@given(data=st.data())
def test_functions(name, data):
    function, named = FUNCTIONS[name]
    result = outcome(function, **drawn(data, function, named))
    if name not in ("estimate_f0", "f0_error", "loudness_correlation"):  # NaN means unpitched and constant there
        check_finite(result)


ESTIMATORS = {
    "LogSTFT": LogSTFT,
    "GriffinLimInverter": GriffinLimInverter,
    "TimbreTransfer": TimbreTransfer,
    **{name: getattr(metrics, name) for name in metrics.__all__ if name.endswith("Control")},
}


@pytest.mark.parametrize("name", ESTIMATORS)
@SETTINGS
@given(data=st.data())
def test_estimators(name, data):
    made = outcome(ESTIMATORS[name], **drawn(data, ESTIMATORS[name], ()))
    if name == "TimbreTransfer" and made.autoencoder is None:
        made.autoencoder = metrics.PerBinLinearControl()
    X = data.draw(st.one_of(SOUNDS, MADE_SPECTRA, DATA), label="X")
    y = data.draw(st.one_of(st.just(X), DATA, st.none()), label="y")
    extra = {"pitches": data.draw(ANYTHING, label="pitches")} if name == "TransposedNeighboursControl" else {}
    fitted = outcome(made.fit, X, y, **extra)
    if fitted is None:
        return
    for method in ("predict", "transform", "inverse_transform", "complex_transform", "predict_spectra"):
        if hasattr(made, method):
            Z = data.draw(st.one_of(st.just(X), DATA), label=method)
            check_finite(outcome(getattr(made, method), Z))
    if hasattr(made, "score"):
        score = outcome(made.score, X, y)
        assert score is None or np.isfinite(score)
    if name == "TimbreTransfer":
        blocks = data.draw(lists(DATA), label="blocks")
        check_finite(outcome(lambda: list(made.predict_blocks(blocks, data.draw(MODEST), data.draw(MODEST)))))


@SETTINGS
@given(data=st.data())
def test_streaming_inverter(data):
    stream = outcome(StreamingInverter, **{"n_fft": 64, **drawn(data, StreamingInverter, ())})
    for _ in range(3 if stream else 0):
        check_finite(
            outcome(stream.push, data.draw(st.one_of(MADE_SPECTRA, st.sampled_from(list(SPECTRA)), ARRAYS, OBJECTS)))
        )
    if stream:
        check_finite(outcome(stream.finish, data.draw(MODEST)))


@settings(SETTINGS, max_examples=10)
@given(data=st.data())
def test_autoencoder(data):
    arguments = {"architecture": "shallow", "filters": 2, "epochs": 1, "random_state": 0}
    changed = data.draw(st.lists(st.sampled_from(sorted(inspect.signature(TimbreAutoencoder).parameters)), max_size=2))
    for name in changed:
        arguments[name] = data.draw(SETTING.get(name, ANYTHING), label=name)
    arguments["epochs"] = min(arguments["epochs"], 2) if isinstance(arguments["epochs"], int) else arguments["epochs"]
    if "checkpoint" in arguments:
        arguments["checkpoint"] = None
    made = outcome(TimbreAutoencoder, **arguments)
    S = data.draw(st.one_of(MADE_SPECTRA, DATA), label="S")
    y = data.draw(st.one_of(st.none(), st.just(S), DATA), label="y")
    if outcome(made.fit, S, y) is None:
        return
    for method in ("predict", "encode", "decode", "score"):
        result = outcome(getattr(made, method), data.draw(st.one_of(st.just(S), DATA), label=method))
        check_finite(result)


@SETTINGS
@given(value=st.one_of(ANYTHING, DATA))
def test_files(value, tmp_path_factory):
    folder = tmp_path_factory.mktemp("any")
    for function in (audio.read_audio, audio.AudioReader, sktimbre.load, datasets.load_notes):
        if not (value is False or value is True or isinstance(value, int | np.integer)):  # open file descriptors
            outcome(function, value)
    outcome(audio.write_audio, folder / "a.wav", value, 22050)
    outcome(audio.write_audio, folder / "b.flac", SOUND, value)
    outcome(audio.write_audio, folder / "c.wav", SOUND, 22050, subtype=value)
    outcome(audio.AudioWriter, folder / "d.wav", 22050, n_channels=value)
    outcome(sktimbre.save, value, folder / "m")
