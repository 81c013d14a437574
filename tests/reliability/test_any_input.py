"""Whatever is passed to whatever is public: a finite result, or an error of ours."""

import inspect
import io
import warnings

import numpy as np
import pandas as pd
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
    baselines,
    datasets,
    metrics,
    plotting,
    spectral,
)
from sktimbre.audio import write_audio
from sktimbre.baselines import IdentityBaseline, PerBinLinearBaseline
from sktimbre.exceptions import SktimbreError

# scikit-learn's own words for a parameter out of range, for predicting before fitting, and for sparse and unreadable data.
OURS = (SktimbreError, InvalidParameterError, NotFittedError)
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
            rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
            made = (rng.standard_normal(shape) * scale).astype(dtype)
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
        *(
            SOUND[:2].T,
            pd.DataFrame(SOUND),
            pd.Series(list(SOUND)),
            pd.Series([SOUND[0], SOUND[1][:700]]),
            pd.Series(SOUND[0]),
        ),
        *(
            np.fromiter(SOUND, object),
            map(abs, SOUND),
            dict(enumerate(SOUND)).values(),
            ["a.wav"],
            pd.Series(["a.wav", "b"]),
        ),
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
    return (
        isinstance(value, int | float | np.integer | np.floating) and np.isfinite(float(value)) and float(value) > most
    )


# Sizes that ask for hours of work are no errors.
ANYTHING = st.one_of(NUMBERS, OBJECTS, ARRAYS)
MODEST, FEW, SECONDS, RATE = (
    ANYTHING.filter(lambda v, most=most: not is_number_above(v, most)) for most in (5000, 4, 5, 1e5)
)
SETTING = {
    "n_iter": MODEST,
    "epochs": MODEST,
    "filters": MODEST,
    "n_notes": FEW,
    "duration": SECONDS,
    "sr": RATE,
    "n_harmonics": MODEST,
    **dict.fromkeys(("source_pitches", "target_pitches"), ANYTHING.filter(lambda value: value is not int)),  # is called
    "segment_length": MODEST,
    "length": MODEST,
    "n_frames": MODEST,
    "geometry": st.one_of(st.just(spectral.STFTGeometry(64)), ANYTHING),
}

FUNCTIONS = {
    "resample": (audio.resample, ("y",)),
    "to_mono": (audio.to_mono, ("y",)),
    "segment": (datasets.segment, ("y",)),
    "overlap_add": (datasets.overlap_add, ("segments",)),
    "pitch_from_name": (datasets.pitch_from_name, ()),
    "make_paired_notes": (datasets.make_paired_notes, ()),
    "stft": (spectral.stft, ("y",)),
    "istft": (spectral.istft, ("D",)),
    "griffin_lim": (spectral.griffin_lim, ("magnitudes", "phasors")),
    "initial_phasors": (spectral.initial_phasors, ("magnitudes",)),
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
    **{name: getattr(baselines, name) for name in baselines.__all__},
}


@pytest.mark.parametrize("name", ESTIMATORS)
@SETTINGS
@given(data=st.data())
def test_estimators(name, data):
    made = outcome(ESTIMATORS[name], **drawn(data, ESTIMATORS[name], ()))
    if name == "TimbreTransfer" and made.autoencoder is None:
        made.autoencoder = PerBinLinearBaseline()
    X = data.draw(st.one_of(SOUNDS, MADE_SPECTRA, DATA), label="X")
    y = data.draw(st.one_of(st.just(X), DATA, st.none()), label="y")
    extra = {"pitches": data.draw(ANYTHING, label="pitches")} if name == "TransposedNeighboursBaseline" else {}
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


MODEL = TimbreTransfer(LogSTFT(n_fft=64), IdentityBaseline(), GriffinLimInverter(n_iter=0)).fit(SOUND, SOUND)
NAMES = st.sampled_from(
    ["a", "loss", "reconstruction_error", "params", "split0_test_score", "source", "output", "target"]
)
# Half of what is given to displays is nearly right.
HISTORIES = st.dictionaries(
    NAMES, st.dictionaries(NAMES, st.one_of(ANYTHING, st.just([0.5, 0.2])), max_size=3), max_size=2
)
RESULTS = st.fixed_dictionaries(
    {
        "params": st.one_of(ANYTHING, lists(st.dictionaries(NAMES, ANYTHING, min_size=1, max_size=2))),
        "split0_test_score": st.one_of(ANYTHING, st.just([-0.5, -0.2]), st.just([-0.5])),
    }
)
LEVELS = st.fixed_dictionaries(
    dict.fromkeys(("source", "output", "target"), st.one_of(ANYTHING, st.just([[0.0, -3.0]])))
)
SHOWN = {
    "histories": HISTORIES,
    "cv_results": RESULTS,
    "levels": LEVELS,
    "search": st.builds(lambda results: type("Search", (), {"cv_results_": results})(), RESULTS),
    "estimator": st.sampled_from([MODEL, MODEL.stft_, LogSTFT(n_fft=64), TimbreTransfer(), PerBinLinearBaseline()]),
}
DISPLAYS = {
    f"{name}.{method}" if method else name: getattr(getattr(plotting, name), method)
    if method
    else getattr(plotting, name)
    for name in plotting.__all__
    for method in ("", *(m for m in vars(getattr(plotting, name)) if m.startswith("from_")))
}


def shown(data, name, parameter):
    """Draw an argument of a display: sounds or spectra, or what it asks for, or anything."""
    if parameter.default is parameter.empty:
        usual = SHOWN.get(name, st.one_of(SOUNDS, MADE_SPECTRA))
        # The transform of a Series is pandas's.
        other = DATA.filter(lambda value: name != "estimator" or not hasattr(value, "transform"))
        return data.draw(st.one_of(usual, usual, other), label=name)
    return data.draw(SETTING.get(name, ANYTHING), label=name)


def with_shown(data, function):
    """Return what a display gives for what it asks for and up to two others of its parameters, or None."""
    parameters = {n: p for n, p in inspect.signature(function).parameters.items() if p.kind != p.VAR_KEYWORD}
    others = sorted(n for n, p in parameters.items() if p.default is not p.empty)
    changed = data.draw(st.lists(st.sampled_from(others), max_size=2)) if others else []
    asked = {*parameters} - {*others} | {*changed}
    return outcome(function, **{name: shown(data, name, parameters[name]) for name in sorted(asked)})


@pytest.mark.parametrize("name", DISPLAYS)
@SETTINGS
@given(data=st.data())
def test_displays(name, data):
    display = with_shown(data, DISPLAYS[name])
    if display is not None and with_shown(data, display.plot) is not None:
        outcome(display.figure_.savefig, io.BytesIO(), dpi=20)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Two folders of one note each, and a file that is none."""
    root = tmp_path_factory.mktemp("notes")
    for side in ("a", "b"):
        (root / side).mkdir()
        write_audio(root / side / "C4.wav", SOUND[0], 8000)
    (root / "b" / "D4.wav").write_bytes(b"no sound")
    return root


@SETTINGS
@given(data=st.data())
def test_loading(folders, data):
    """Folders that are there with any settings, and any folders."""
    good = st.sampled_from([folders / "a", str(folders / "b"), [folders / "a" / "C4.wav"], folders / "b" / "D4.wav"])
    arguments = drawn(data, datasets.load_paired_notes, ())
    arguments |= {side: data.draw(st.one_of(good, good, ANYTHING), label=side) for side in ("source", "target")}
    result = outcome(datasets.load_paired_notes, **arguments)
    if result is not None:
        check_finite(list(result.source))


@SETTINGS
@given(data=st.data())
def test_fetching(data, tmp_path_factory, monkeypatch):
    """With a download that fails, or gives anything."""
    import pooch
    import requests

    home = tmp_path_factory.mktemp("home")
    (home / "archive").write_bytes(data.draw(st.binary(max_size=60)))

    def retrieve(url, **options):
        if data.draw(st.booleans()):
            raise requests.ConnectionError("no network")
        return home / "archive"

    monkeypatch.setattr(pooch, "retrieve", retrieve)
    monkeypatch.setenv("SKTIMBRE_DATA_HOME", str(home))
    outcome(datasets.fetch_iowa_notes, **drawn(data, datasets.fetch_iowa_notes, ()))


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
