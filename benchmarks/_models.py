"""Trainings that the benchmarks of timbre share: their parameters, their files, and their error against time."""

import shutil
import time
from pathlib import Path

import joblib
import keras
import numpy as np
from _common import read_json, write_json

import sktimbre
from sktimbre import GriffinLimInverter, LogSTFT, TimbreAutoencoder, TimbreTransfer
from sktimbre.autoencoder import ARCHITECTURES, THESIS, NetworkOptions, PairAugmenter
from sktimbre.autoencoder.network import Network
from sktimbre.metrics import reconstruction_error

OURS, BASE, WIDE_BASE = "ours", "thesis base", "thesis base 256 filters"
LAYERWISE = {"depth": 2, "pretraining": "layerwise"}
# The thesis trains all networks but the base at 1e-4. With fewer filters this rate is too low for 100 epochs, and with 256
# filters 1e-3 makes the dilated residual network collapse; so the thesis's rate is used with the thesis's filters only.
SLOW = THESIS["optimizer__learning_rate"]
FAST = 1e-3
THESIS_ROWS = {
    BASE: {"architecture": "shallow", "optimizer__learning_rate": FAST},
    WIDE_BASE: {"architecture": "shallow", "optimizer__learning_rate": FAST, "filters": THESIS["filters"]},
    "thesis dilated": {"architecture": "dilated"},
    "thesis residual": {"architecture": "residual"},
    "thesis dilated residual": {},
    "thesis base 2 layers": {"architecture": "shallow", "optimizer__learning_rate": FAST, **LAYERWISE},
    "thesis dilated residual 2 layers": LAYERWISE,
}
OUR_ROWS = {
    OURS: {},
    "ours without augmentation": {"augment": False},
    "ours without smoothing": {"augment": PairAugmenter(smoothing=0)},
    "ours on whole notes": {"augment": PairAugmenter(n_frames=None)},
    "ours without level": {"normalize_level": False},
    "ours 16 filters": {"filters": 16},
    "ours 64 filters": {"filters": 64},
}
TRAINED = (*THESIS_ROWS, *OUR_ROWS)


def parameters(name, thesis_filters=32, epochs=None) -> dict:
    """Return the parameters of a trained row that differ from the defaults."""
    chosen = dict(OUR_ROWS.get(name, {}))
    if name in THESIS_ROWS:
        rate = SLOW if thesis_filters >= THESIS["filters"] else FAST
        chosen = {**THESIS, "optimizer__learning_rate": rate, "filters": thesis_filters, **THESIS_ROWS[name]}
    return chosen if epochs is None else {**chosen, "epochs": epochs}


class ErrorAgainstTime(keras.callbacks.Callback):
    """Record the error on held-out notes and the seconds of training after each epoch, without the time of measuring.

    Parameters
    ----------
    autoencoder : TimbreAutoencoder
        Unfitted estimator with the parameters of the network.
    S, T : ndarray of shape (n_notes, n_frequencies, n_frames)
        Held-out spectra of source and target.
    path : Path
        File in which the curve is stored, so that an interrupted training resumes it.
    """

    def __init__(self, autoencoder, S, T, path):
        super().__init__()
        self.S, self.T, self.path = S, T, path
        self.architecture = ARCHITECTURES[autoencoder.architecture]
        self.options = NetworkOptions(depth=autoencoder.depth, normalize_level=autoencoder.normalize_level)
        self.curve = read_json(path).get("curve", [])

    def on_train_begin(self, logs=None):
        # Each stage of layerwise training has its own model.
        self.network = Network(self.architecture, self.S.shape[1], self.options)
        self.network._model = self.model

    def on_epoch_begin(self, epoch, logs=None):
        self._start = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        before = self.curve[-1][0] if self.curve else 0.0
        seconds = before + time.perf_counter() - self._start
        self.curve.append([seconds, reconstruction_error(self.T, self.network.predict(self.S))])
        write_json(self.path, {"curve": self.curve})


def trained(parameters, notes, training, held_out, checkpoints):
    """Return a fitted TimbreTransfer and its curve of [seconds, error on held-out notes]; load them if they are stored.

    All of ``training`` is trained on for all epochs; held-out notes have no influence.

    Parameters
    ----------
    parameters : dict
        Parameters of TimbreAutoencoder.
    notes : Bunch
        Notes of `_common.real_pairs`.
    training, held_out : ndarray of bool, shape (n_notes,)
        Masks of training notes and held-out notes.
    checkpoints : Path
        Folder of models and of interrupted trainings.
    """
    key = model_key(parameters, notes, training)
    path, curve_path = checkpoints / f"{key}.sktimbre", checkpoints / f"{key}.json"
    if path.exists():
        return sktimbre.load(path), read_json(curve_path)["curve"]
    folder = checkpoints / key
    autoencoder = TimbreAutoencoder(**parameters, validation_split=0, random_state=0, checkpoint=folder)
    if not folder.exists():  # without a training to resume, a curve is left from an earlier attempt
        curve_path.unlink(missing_ok=True)
    stft = LogSTFT().fit(notes.source)
    held_out_spectra = (stft.transform(side[held_out]) for side in (notes.source, notes.target))
    curve = ErrorAgainstTime(autoencoder, *held_out_spectra, curve_path)
    # No correction of loudness for the thesis's networks, which are recognised by their decay.
    model = transfer(autoencoder, loudness=0, noise=0) if "decay" in parameters else transfer(autoencoder)
    model.fit(notes.source[training], notes.target[training], callbacks=[curve])
    for part in (model.autoencoder, model.autoencoder_):
        part.checkpoint = None
    sktimbre.save(model, path)
    shutil.rmtree(folder)
    return model, curve.curve


def transfer(autoencoder, **parameters):
    """Return a TimbreTransfer with the phase retrieval that all rows share."""
    return TimbreTransfer(autoencoder=autoencoder, inverter=GriffinLimInverter(random_state=0), **parameters)


def model_key(parameters, notes, training) -> str:
    """Return a name for a training, which depends on its data and all its parameters, defaults included.

    It does not depend on the package's code: delete the folder of checkpoints after a change.
    """
    given = TimbreAutoencoder(**parameters)
    augmenter = PairAugmenter() if given.augment is True else given.augment
    chosen = {**given.get_params(deep=False), "augment": augmenter and augmenter.get_params()}
    data = notes.source.shape[1], notes.pitches[training].tolist(), float(np.sum(notes.source, dtype=np.float64))
    return joblib.hash((sorted((name, repr(value)) for name, value in chosen.items()), data))


def final_error(curve) -> float:
    """Return the mean error of the last ten epochs."""
    return float(np.mean([error for _, error in curve[-10:]]))


def seconds_to_reach(curve, error) -> float:
    """Return the seconds of training after which the error is at most ``error``; infinity if it never is."""
    return next((seconds for seconds, e in curve if e <= error), float("inf"))


def checkpoints_in(output: Path) -> Path:
    """Return the folder of models inside the folder of results; git ignores it."""
    folder = output / "checkpoints"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
