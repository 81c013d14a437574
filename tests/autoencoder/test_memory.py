"""Memory that is full: a smaller batch is tried and said aloud, and what comes out is what that batch gives."""

import contextlib
import platform
import subprocess
import sys

import keras
import numpy as np
import pytest
from sklearn.exceptions import FitFailedWarning
from sklearn.model_selection import GridSearchCV

from sktimbre import TimbreAutoencoder
from sktimbre.autoencoder.backend.memory import naming_full_memory
from sktimbre.autoencoder.graph.session import new_session
from sktimbre.autoencoder.training import reuse
from sktimbre.exceptions import OutOfMemoryError, SktimbreError, SmallerBatchWarning

tf = pytest.importorskip("tensorflow")
pytestmark = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="raises TensorFlow's own error")

SMALL = {"architecture": "shallow", "filters": 2, "epochs": 3, "augment": False, "random_state": 0}


def refuse(is_too_large):
    if is_too_large:
        raise MemoryError("out of memory")


@pytest.fixture
def room(monkeypatch):
    """Let training steps fail on batches of more notes than ``notes``, from the step ``first`` on, and on larger networks."""

    class Room:
        notes, first, parameters = 9, 0, 10**6

    step = keras.Model.train_step

    def train_step(self, data):
        notes = Room.notes if self.count_params() <= Room.parameters else 0
        late = self.optimizer.iterations >= Room.first
        # TensorFlow makes its own `ResourceExhaustedError` of it: a real one would take its allocator ten seconds of waiting.
        checked = tf.py_function(refuse, [(tf.shape(data[0])[0] > notes) & late], [])
        with tf.control_dependencies([checked]):
            return step(self, data)

    monkeypatch.setattr(keras.Model, "train_step", train_step)
    # Networks that were traced without the limit are not to be trained again, nor those of this test by others.
    reuse._waiting.clear()
    yield Room
    reuse._waiting.clear()


def assert_equal(a, b):
    assert a.history_ == b.history_
    for mine, other in zip(a.network_.weights, b.network_.weights, strict=True):
        np.testing.assert_array_equal(mine, other)


@pytest.mark.parametrize(
    "parameters", [{}, pytest.param({"depth": 2, "pretraining": "layerwise"}, marks=pytest.mark.slow)], ids=str
)
def test_a_smaller_batch_gives_what_it_gives_when_asked_for(pair, room, parameters):
    room.notes = 2
    with pytest.warns(SmallerBatchWarning) as said:
        model = TimbreAutoencoder(**SMALL, **parameters, batch_size=8).fit(*pair)
    assert [str(w.message).split(";")[0] for w in said] == [
        "Training ran out of memory with batch_size=8", "Training ran out of memory with batch_size=4",
    ]  # fmt: skip
    assert "Set batch_size=2 to" in str(said[-1].message)
    assert_equal(model, TimbreAutoencoder(**SMALL, **parameters, batch_size=2).fit(*pair))


def test_nothing_smaller_than_one(pair, room):
    room.notes = 0
    with (
        pytest.warns(SmallerBatchWarning),
        pytest.raises(OutOfMemoryError, match=r"batch_size=1 .*fewer filters") as full,
    ):
        TimbreAutoencoder(**SMALL, batch_size=2).fit(*pair)
    assert isinstance(full.value.__cause__, tf.errors.ResourceExhaustedError)
    assert isinstance(full.value, MemoryError)
    assert isinstance(full.value, SktimbreError)


class Interrupt(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        if epoch == 1:
            raise KeyboardInterrupt


# Keras's variables, where Keras itself is not named as the place.
REEMITTED = pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")


@REEMITTED
def test_a_checkpoint_remembers_the_smaller_batch(pair, room, tmp_path):
    room.notes = 4
    settings = {**SMALL, "batch_size": 8, "checkpoint": tmp_path}
    with pytest.warns(SmallerBatchWarning), contextlib.suppress(KeyboardInterrupt):
        TimbreAutoencoder(**settings).fit(*pair, callbacks=[Interrupt()])
    # It goes on without another try: a warning would be an error here.
    assert_equal(TimbreAutoencoder(**settings).fit(*pair), TimbreAutoencoder(**{**SMALL, "batch_size": 4}).fit(*pair))


@REEMITTED
def test_epochs_of_a_checkpoint_are_not_lost(pair, room, tmp_path):
    settings = {**SMALL, "batch_size": 4, "validation_split": 0, "checkpoint": tmp_path}
    room.notes, room.first = 2, 4  # three steps of four notes in an epoch
    rates = []

    class Rates(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            rates.append(float(self.model.optimizer.learning_rate))

    with pytest.warns(SmallerBatchWarning):
        model = TimbreAutoencoder(**settings).fit(*pair, callbacks=[Rates()])
    reuse._waiting.clear()
    room.notes = 4
    whole = TimbreAutoencoder(**{**settings, "checkpoint": None}).fit(*pair)
    assert len(model.history_["loss"]) == 3
    assert model.history_["loss"][0] == whole.history_["loss"][0]
    assert model.history_["loss"][1] != whole.history_["loss"][1]
    # The course of the learning rate goes on from the epoch, whatever the number of steps: down to about zero.
    assert rates[0] > rates[1] > rates[2]
    assert rates[2] < 0.02 * rates[0]


def test_a_candidate_that_is_too_large_does_not_take_the_search_down(pair, room):
    room.parameters = 100
    search = GridSearchCV(TimbreAutoencoder(**{**SMALL, "batch_size": 1}), {"filters": [2, 20]}, cv=2)
    with pytest.warns(FitFailedWarning, match="batch_size=1"), pytest.warns(UserWarning, match="non-finite"):
        search.fit(*pair)
    assert np.isfinite(search.cv_results_["mean_test_score"]).tolist() == [True, False]
    assert search.best_params_ == {"filters": 2}


@pytest.fixture
def small_device(monkeypatch):
    """Let networks fail on more frames at a time than ``frames``."""

    class Device:
        frames = 10**6

    call = keras.Model.__call__

    def checked(self, x, *args, **kwargs):
        # While it is built and traced for training, nothing is computed.
        if not isinstance(x, keras.KerasTensor) and tf.executing_eagerly() and x.shape[0] * x.shape[2] > Device.frames:
            raise tf.errors.ResourceExhaustedError(None, None, "failed to allocate memory")
        return call(self, x, *args, **kwargs)

    class Session:
        def __init__(self, *graph):
            self.session = new_session(*graph)

        def run(self, names, given):
            if given["spectra"].shape[0] * given["spectra"].shape[2] > Device.frames:
                raise RuntimeError("Failed to allocate memory for requested buffer of size 12800000000")
            return self.session.run(names, given)

    monkeypatch.setattr(keras.Model, "__call__", checked)
    monkeypatch.setattr("sktimbre.autoencoder.graph.session.new_session", Session)
    return Device


def test_predictions_in_smaller_pieces(pair, small_device):
    model = TimbreAutoencoder(**SMALL).fit(*pair)
    S = np.random.default_rng(0).random((2, 33, 300), np.float32)
    whole, notes = model.predict(S), model.predict(list(S))
    small_device.frames = 130
    with pytest.warns(SmallerBatchWarning, match="Predicting .* frames at a time ran out of memory"):
        pieces = model.predict(S)
    np.testing.assert_allclose(pieces, whole, atol=1e-5)
    # The next time there is nothing left to find out, and a model that is stored begins anew elsewhere.
    for piece, note in zip(model.predict(list(S)), notes, strict=True):
        np.testing.assert_allclose(piece, note, atol=1e-5)
    assert "working_bytes" not in model.network_.__getstate__()


def test_no_piece_is_small_enough(pair, small_device):
    model = TimbreAutoencoder(**SMALL).fit(*pair)
    small_device.frames = 0
    for method in (model.predict, model.encode):
        with pytest.raises(OutOfMemoryError, match="shorter or fewer notes"):
            method(pair[0])


SAID = [
    tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor with shape[4,513,96,32]"),
    tf.errors.InternalError(None, None, "Failed to allocate scratch space: CUDA_ERROR_OUT_OF_MEMORY: out of memory"),
    RuntimeError("RESOURCE_EXHAUSTED: Out of memory while trying to allocate 17179869184 bytes."),
    RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    RuntimeError(
        "[ONNXRuntimeError] : 1 : FAIL : bfc_arena.cc:360 Failed to allocate memory for requested buffer of size 99"
    ),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    MemoryError(),
]
NOT_OF_MEMORY = [
    tf.errors.ResourceExhaustedError(None, None, "log/events.v2; No space left on device"),
    RuntimeError("cuDNN launch failure"),
]


@pytest.mark.parametrize("error", SAID, ids=lambda e: str(e)[:20])
def test_what_the_backends_say(error):
    with pytest.raises(OutOfMemoryError, match=r"Out of memory\. Try less\.") as full, naming_full_memory("Try less."):
        raise error
    assert full.value.__cause__ is error


@pytest.mark.parametrize("error", NOT_OF_MEMORY, ids=lambda e: str(e)[:20])
def test_other_errors_are_left_alone(error):
    with pytest.raises(type(error)) as raised, naming_full_memory("Try less."):
        raise error
    assert raised.value is error


def test_freed_memory_is_kept_after_a_training():
    """TensorFlow lets glibc return all freed memory, which costs page faults; they are counted in a fresh process."""
    if platform.libc_ver()[0] != "glibc":
        pytest.skip("needs glibc")
    code = """
import resource
import numpy as np
from sktimbre import TimbreAutoencoder
S = np.random.default_rng(0).random((2, 33, 8), np.float32)
TimbreAutoencoder("shallow", filters=1, epochs=1, batch_size=1, random_state=0).fit(S, S)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(50):
    touched = b"x" * 2**22
    del touched
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    # 1,024 pages of 4 kB each time; the first time they are new.
    assert int(done.stdout.splitlines()[-1]) < 10 * 1024
