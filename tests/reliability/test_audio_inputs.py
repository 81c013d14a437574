"""Whatever takes audio takes the same kinds of it, and refuses the rest by the same errors."""

import inspect
import re

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline

from sktimbre import GriffinLimInverter, LogSTFT, TimbreAutoencoder, TimbreTransfer, metrics, spectral
from sktimbre.audio import write_audio
from sktimbre.baselines import IdentityBaseline, TransposedNeighboursBaseline
from sktimbre.exceptions import AudioError, AudioFileError
from sktimbre.plotting import HarmonicDisplay, SpectrogramDisplay

SR = 22050
SOUND = (0.5 * np.sin(2 * np.pi * np.outer([220.0, 330.0, 440.0, 550.0], np.arange(4000)) / SR)).astype(np.float32)
STFT = LogSTFT(n_fft=64)
SPECTRA = STFT.transform(SOUND)
MODEL = TimbreTransfer(STFT, Ridge(), GriffinLimInverter(n_iter=0)).fit(SOUND, SOUND)
BASELINE = TransposedNeighboursBaseline(n_fft=64).fit(SOUND, SOUND, pitches=[57, 64, 69, 73])
PIPELINE = make_pipeline(LogSTFT(n_fft=64), IdentityBaseline()).fit(SOUND)
NETWORK = TimbreAutoencoder("shallow", filters=2, epochs=1, random_state=0, target_transformer=STFT)


def by_stream(X, y=SOUND):
    return TimbreTransfer(STFT, NETWORK).partial_fit(X, y)


def paired(metric):
    return lambda y: metric(SOUND, y)


TAKE_AUDIO = {
    "LogSTFT.fit": STFT.fit,
    "LogSTFT.transform": STFT.transform,
    "LogSTFT.complex_transform": STFT.complex_transform,
    "Pipeline.predict": PIPELINE.predict,
    "TimbreTransfer.fit, target": lambda y: TimbreTransfer(STFT, Ridge()).fit(SOUND, y),
    "TimbreTransfer.partial_fit": by_stream,
    "TimbreTransfer.partial_fit, target": lambda y: by_stream(SOUND, y),
    "TimbreTransfer.score, target": lambda y: MODEL.score(SOUND, y),
    "TimbreTransfer.predict": MODEL.predict,
    "TimbreTransfer.predict_spectra": MODEL.predict_spectra,
    "TimbreTransfer.fit": lambda X: TimbreTransfer(STFT, Ridge()).fit(X, SOUND),
    "TimbreTransfer.score": lambda X: MODEL.score(X, SOUND),
    "TimbreAutoencoder.fit, target": lambda y: NETWORK.fit(SPECTRA, y),
    "TransposedNeighboursBaseline.fit": lambda X: BASELINE.fit(X, SOUND, pitches=[57, 64, 69, 73]),
    "TransposedNeighboursBaseline.predict": lambda X: BASELINE.predict(X, pitches=[57, 64, 69, 73]),
    "IdentityBaseline.fit, target": lambda y: IdentityBaseline().fit(SPECTRA, y),
    "estimate_f0": metrics.estimate_f0,
    "SpectrogramDisplay": SpectrogramDisplay,
    "HarmonicDisplay.from_predictions": lambda y: HarmonicDisplay.from_predictions(SOUND, y, SOUND),
    **{
        name: paired(getattr(metrics, name))
        for name in metrics.__all__
        if "y_pred" in getattr(inspect.unwrap(getattr(metrics, name)), "__annotations__", ())
    },
}
# A list of two-dimensional notes is spectra to these.
SPECTRA_TOO = {
    name for name in TAKE_AUDIO if re.search("Autoencoder|Identity|reconst|log_spectral|convergence|Spectrogram", name)
}
FROM_FILES = {name for name in TAKE_AUDIO if name.startswith("TimbreTransfer") and "partial_fit" not in name}
ALL = pytest.mark.parametrize("name", TAKE_AUDIO)


def bad(value):
    X = SOUND.copy()
    X[1, 7] = value
    return X


@ALL
@pytest.mark.parametrize("n_channels", [1, 2])
def test_layout_of_soundfile(name, n_channels):
    recording = np.zeros((SR, n_channels), np.float32)
    for X in (recording, pd.DataFrame(recording)):
        with pytest.raises(AudioError, match=r"soundfile's layout \(n_samples, n_channels\), pass \w+\.T.*to_mono"):
            TAKE_AUDIO[name](X)
    if name not in SPECTRA_TOO:
        with pytest.raises(AudioError, match=r"sktimbre\.audio\.to_mono"):
            TAKE_AUDIO[name]([recording] * 4)


@ALL
def test_what_is_not_finite(name):
    for X in (bad(np.nan), list(bad(np.nan)), pd.Series(list(bad(np.nan)), index=list("dcba"))):
        with pytest.raises(AudioError, match=r"^\w+\[1\] contains NaN at sample 7\. Repair it"):
            TAKE_AUDIO[name](X)
    with pytest.raises(AudioError, match=r"\[1\] contains infinity.* at sample 7"):
        TAKE_AUDIO[name](bad(np.inf))


@ALL
def test_generators(name):
    for X in ((note for note in SOUND), map(np.asarray, SOUND), dict(enumerate(SOUND)).values()):
        with pytest.raises((AudioError, ValueError), match=r"list\(|generator") as caught:
            TAKE_AUDIO[name](X)
        assert type(caught.value).__module__ == "sktimbre.exceptions"


@ALL
def test_names_of_files(name, tmp_path):
    paths = [tmp_path / f"{i}.wav" for i in range(4)]
    for X in (
        paths,
        [str(path) for path in paths],
        np.array([str(path) for path in paths]),
        pd.Series(map(str, paths)),
    ):
        if name in FROM_FILES:
            with pytest.raises(AudioFileError, match=r"0\.wav does not exist"):
                TAKE_AUDIO[name](X)
        else:
            with pytest.raises(AudioError, match="holds names of files"):
                TAKE_AUDIO[name](X)
    with pytest.raises(AudioError, match="holds names of files"):
        TAKE_AUDIO[name](str(paths[0]))


def values_of(found):
    """Return what a call gave as arrays: of an estimator what it predicts, of a display what it draws from."""
    if isinstance(found, np.ndarray | float):
        return [np.asarray(found)]
    if isinstance(found, list | tuple):
        return list(found)
    if isinstance(found, LogSTFT):  # learns nothing
        return [np.asarray(found.n_features_in_)] if hasattr(found, "n_features_in_") else [np.zeros(1)]
    if isinstance(found, TransposedNeighboursBaseline):
        return list(found.predict(SOUND, pitches=[57, 64, 69, 73]))
    if isinstance(found, TimbreTransfer):
        return list(found.predict_spectra(SOUND))
    if isinstance(found, TimbreAutoencoder):
        return list(found.predict(SPECTRA))
    if isinstance(found, IdentityBaseline):
        return [np.asarray(found.score(SPECTRA, SOUND))]
    return [values for line in drawn(found if hasattr(found, "figure_") else found.plot()) for values in line]


def drawn(display):
    """Return what all axes of a display show."""
    for ax in display.figure_.axes:
        for artist in (*ax.images, *ax.collections):
            yield [np.asarray(artist.get_array(), float)]
        for line in ax.lines:
            yield [np.asarray(each, float) for each in line.get_data()]


@ALL
def test_arrays_of_objects_and_series_are_lists(name, tmp_path):
    wanted = values_of(TAKE_AUDIO[name](list(SOUND)))
    assert wanted
    kinds = [tuple(SOUND), np.fromiter(SOUND, object), pd.Series(list(SOUND), index=[3, 1, 2, 0])]
    if name in FROM_FILES:
        paths = [str(tmp_path / f"{i}.wav") for i in range(4)]
        for path, note in zip(paths, SOUND, strict=True):
            write_audio(path, note, SR, subtype="FLOAT")
        kinds += [paths, np.array(paths), np.array(paths, object), pd.Series(paths, index=[3, 1, 2, 0])]
    for X in kinds:
        found = values_of(TAKE_AUDIO[name](X))
        assert len(found) == len(wanted)
        for a, b in zip(found, wanted, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("function", [spectral.stft])
def test_plain_functions(function):
    with pytest.raises(AudioError, match=r"pass y\.T"):
        function(np.zeros((SR, 2)))
    with pytest.raises(AudioError, match=r"y\[1\] contains NaN at sample 7"):
        function(bad(np.nan))
