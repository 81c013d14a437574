"""Network: an architecture with its weights as numpy arrays, run by ONNX Runtime in bounded memory."""

import os
import threading
import warnings
from dataclasses import replace
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from sktimbre._utils.containers import is_ragged
from sktimbre._utils.notes import NotesOnDisk
from sktimbre._utils.validation import Batch, Notes
from sktimbre.autoencoder.backend.forks import check_not_forked
from sktimbre.autoencoder.backend.memory import naming_full_memory
from sktimbre.autoencoder.backend.running import ADVICE, run
from sktimbre.autoencoder.data.level import CONTEXT, normalized_notes
from sktimbre.autoencoder.networks.options import NetworkOptions
from sktimbre.autoencoder.receptive_field import FURTHEST_FRAMES, ReceptiveField, receptive_field
from sktimbre.exceptions import AudioError, OutOfMemoryError, ParameterError, SmallerBatchWarning
from sktimbre.spectral.log_magnitudes import scaled

__all__ = ["Network"]

# Bytes of activations held at a time during prediction.
WORKING_BYTES = 32 * 2**20
# What is stored of a network with a graph, beside its weights.
FACTS = ("reach", "frame_multiple", "values_per_frame")
# Largest difference between a graph and its model in log-magnitudes, for values of up to one.
LARGEST_DIFFERENCE = 1e-3
# Module of the architectures that files refer to by name.
ARCHITECTURES_IN = "sktimbre.autoencoder.networks.architectures"

_building = threading.RLock()


class Network:
    """An architecture, its options and its weights.

    Weights are numpy arrays, and beside them is the ONNX graph of the network, which ONNX Runtime runs: a fitted network
    predicts without Keras. A network that has no graph, because it was not fitted or has layers without a counterpart in
    ONNX, and everything but predictions, use a Keras model, built on first use. Neither the model nor the session of ONNX
    Runtime is pickled: a pickle contains plain values and arrays, is about as large as the weights, and loads on a machine
    with other devices.

    Parameters
    ----------
    architecture : callable or str
        See `sktimbre.autoencoder.networks.architectures`; or the name of one of these.
    n_frequencies : int
        Number of frequencies of the spectra.
    options : NetworkOptions
        Options that the architecture is built with.
    """

    # Replaces `WORKING_BYTES` after a prediction has run out of memory.
    working_bytes: float | None = None
    # The ONNX graph without weights; None before it is exported, and why it cannot be.
    graph: bytes | None = None
    not_exported: str | None = None

    def __init__(self, architecture: Any, n_frequencies: int, options: NetworkOptions):
        self._architecture = architecture
        self.n_frequencies = n_frequencies
        self.options = options
        self.weights: list[np.ndarray] | None = None

    @property
    def architecture(self) -> Any:
        """The function that builds the Keras model."""
        if not isinstance(self._architecture, str):
            return self._architecture
        from sktimbre.autoencoder.networks.architectures import ARCHITECTURES

        return ARCHITECTURES[self._architecture]

    def build(self) -> Any:
        """Return a new Keras model with the stored weights, or the initial ones."""
        import keras

        policy = keras.config.dtype_policy()
        try:
            # A fitted network computes in float32, whatever the dtype policy in training and now.
            if self.weights is not None:
                keras.config.set_dtype_policy("float32")
            model = self.architecture(self.n_frequencies, self.options)
        finally:
            keras.config.set_dtype_policy(policy)
        if not isinstance(model, keras.Model):
            raise ParameterError(
                f"architecture={self.architecture!r} returned {type(model).__name__}; it must return a keras.Model."
            )
        shape = model.compute_output_shape((1, self.n_frequencies, 64, 1))
        if tuple(shape) != (1, self.n_frequencies, 64, 1):
            raise ParameterError(
                f"architecture={self.architecture!r} maps spectra of shape (1, {self.n_frequencies}, 64, 1) to shape {shape}; "
                "it must keep the shape."
            )
        if self.weights is not None:
            model.set_weights(self.weights)
        return model

    @property
    def model(self) -> Any:
        """The Keras model, built on first use."""
        check_not_forked()
        with _building:
            if "_model" not in self.__dict__:
                self._model = self.build()
            return self._model

    def keep_weights(self) -> None:
        """Store the model's weights as arrays and its graph, and drop the model."""
        weights = self._model.get_weights()
        self.weights = [np.array(w, w.dtype if np.issubdtype(w.dtype, np.integer) else np.float32) for w in weights]
        self.export()
        del self._model

    def export(self) -> bool:
        """Store the graph of a network with weights, and what is known of its shape; return False if it cannot be exported.

        Predictions then need no model.
        """
        if self.graph or self.not_exported:
            return self.graph is not None
        from sktimbre.autoencoder.graph.export import exported

        try:
            self.graph = exported(self.model)
            if not _is_builtin(self._architecture):
                self._check_graph()
            for name in FACTS:
                getattr(self, name)
        except Exception as error:  # layers of one's own may raise any exception; the network then runs by Keras
            self.graph, self.not_exported = None, str(error) or type(error).__name__
        return self.graph is not None

    def _check_graph(self):
        """Raise an error if the graph of an architecture of one's own computes something else than the model."""
        x = np.random.default_rng(0).random((1, self.n_frequencies, self.frame_multiple * 8, 1), np.float32)
        difference = np.abs(self._session_here().run(None, {"spectra": x})[0] - run(self.model, x)).max()
        if not difference < LARGEST_DIFFERENCE:
            raise ValueError(f"layers whose graph differs by {difference:.2g}")

    @property
    def n_parameters(self) -> int:
        """Number of weights."""
        return sum(w.size for w in self.weights or [])

    def __getstate__(self):
        state = self.__dict__.copy()
        for name in ("_model", "_session", "_session_of", "working_bytes", *(() if self.graph else FACTS)):
            state.pop(name, None)
        function = state.pop("_architecture")
        builtin = _is_builtin(function) and not isinstance(function, str)
        state["architecture"] = function.__name__ if builtin else function
        if "reach" in state:
            state["reach"] = tuple(state["reach"])
        return state

    def __setstate__(self, state):
        state = {**state, "_architecture": state["architecture"]}
        del state["architecture"]
        if "reach" in state:
            state["reach"] = ReceptiveField(*map(int, state["reach"]))
        # Files may have weights in half precision.
        if state.get("weights"):
            state["weights"] = [w.astype(np.float32) if w.dtype == np.float16 else w for w in state["weights"]]
        self.__dict__.update(state)

    @cached_property
    def frame_multiple(self) -> int:
        """Pooling factor of the network over time; numbers of frames are padded to its multiples."""
        for multiple in (1, 2, 4, 8, 16, 32, 64):
            try:
                shape = self.model.compute_output_shape((1, self.n_frequencies, 64 + multiple, 1))
            except ValueError:
                continue
            if shape[2] == 64 + multiple:
                return multiple
        return 64

    @property
    def receptive_field(self) -> ReceptiveField:
        """Frames and bins of the input that one output value depends on, including level normalization."""
        if not self.options.normalize_level:
            return self.reach
        return ReceptiveField(self.reach.frames + 2 * CONTEXT, self.n_frequencies)

    @cached_property
    def reach(self) -> ReceptiveField:
        """Receptive field of the network without level normalization.

        It is measured on a copy with, where the architecture allows, one filter; see `receptive_field`.
        """
        return _reach(self.architecture, self.n_frequencies, replace(self.options, filters=1, dropout=0.0, seed=0))

    @cached_property
    def values_per_frame(self) -> int:
        """Largest number of values that a layer outputs for one frame."""
        return int(max(np.prod([n or 1 for n in layer.output.shape[1:]]) for layer in self.model.layers))

    def predict(self, S: Batch) -> Batch:
        """Return the network's output for spectra (n_notes, n_frequencies, n_frames) or a list of 2-D arrays."""
        if not self.options.normalize_level:
            return self._predict(S)
        normalized, gains = normalized_notes(S, self.options.reference)
        predicted = self._predict(normalized if isinstance(S, list) else np.stack(normalized))
        notes = [scaled(note, 1 / gain) for note, gain in zip(predicted, gains, strict=True)]
        return notes if isinstance(S, list) else np.stack(notes)

    def predict_rest(self, S: np.ndarray, start: int) -> np.ndarray:
        """Return the output for the frames of one note (n_frequencies, n_frames) from ``start`` on, without the others."""
        first = max(0, start - self.reach.frames // 2) // self.frame_multiple * self.frame_multiple
        if not self.options.normalize_level:
            return self._predict([S[:, first:]])[0][:, start - first :]
        (normalized,), (gain,) = normalized_notes([S], self.options.reference)
        return scaled(self._predict([normalized[:, first:]])[0][:, start - first :], 1 / gain[start:])

    def _predict(self, S):
        n_frames = max(note.shape[-1] for note in S)
        longest = first = self._longest_piece(n_frames)
        while True:
            try:
                out = self._predict_in_pieces(S, longest)
                break
            except OutOfMemoryError:
                # A failed attempt takes seconds: halve the frames that were tried, not the larger number allowed.
                tried = min(longest, n_frames if isinstance(S, list) else n_frames * len(S))
                self.working_bytes = tried / 2 * self._bytes_per_frame()
                before, longest = longest, self._longest_piece(n_frames)
                if longest >= before:
                    raise
        if longest < first:
            warnings.warn(
                f"Predicting {first} frames at a time ran out of memory; from now on it is at most {longest} at a time.",
                SmallerBatchWarning,
                stacklevel=4,
            )
        return out

    def _predict_in_pieces(self, S, longest):
        if isinstance(S, list):
            return [self._predict_note(note, longest) for note in S]
        if S.shape[2] > longest:
            return np.stack([self._predict_note(note, longest) for note in S])
        padded = pad_frames(S, self.frame_multiple)[..., np.newaxis]
        step = max(1, longest // padded.shape[2])
        out = np.empty(S.shape, np.float32)
        for start in range(0, len(S), step):
            out[start : start + step] = self._run(padded[start : start + step])[:, :, : S.shape[2], 0]
        return out

    def error(self, S: Notes, T: Notes) -> float:
        """Return the mean squared error of the output for spectra; notes on disk are read and predicted in blocks."""
        from sktimbre.storage.spectra import BLOCK

        step = BLOCK if isinstance(S, NotesOnDisk) else len(S)
        total, size = 0.0, 0
        for start in range(0, len(S), step):
            here = slice(start, start + step)
            for wanted, predicted in zip(T[here], self.predict(S[here]), strict=True):
                total += float(np.sum(np.square(wanted - predicted), dtype=np.float64))
                size += wanted.size
        return total / size

    def encode(self, S: Batch) -> Batch:
        """Return codes of shape (n_notes, height, width, channels), or a list of 3-D arrays."""
        import keras

        encoder = keras.Model(self.model.input, self._code())
        multiple = self.frame_multiple
        notes = normalized_notes(S, self.options.reference)[0] if self.options.normalize_level else S
        codes = [run(encoder, pad_frames(note, multiple)[np.newaxis, ..., np.newaxis])[0] for note in notes]
        return codes if isinstance(S, list) else np.stack(codes)

    def decode(self, codes: Batch) -> Batch:
        """Return the spectra of codes; their number of frames is a multiple of `frame_multiple`."""
        import keras

        codes = [np.asarray(code, np.float32) for code in codes] if is_ragged(codes) else np.asarray(codes)
        try:
            decoder = keras.Model(self._code(), self.model.output)
        except ValueError:
            raise ParameterError(
                f"architecture={self.model.name!r} has skip connections past its code, so a code alone cannot be decoded. Use "
                "an architecture without them, such as 'shallow'."
            ) from None
        height, _, channels = self._code().shape[1:]
        if not np.iterable(codes) or not len(codes):
            raise AudioError(
                f"codes={codes!r} contains no code; pass codes of shape ({height}, width, {channels}), as encode returns them."
            )
        for code in codes:
            if np.ndim(code) != 3 or np.shape(code)[0] != height or np.shape(code)[2] != channels or not np.size(code):
                raise AudioError(
                    f"codes contains a code of shape {np.shape(code)}; pass codes of shape ({height}, width, {channels}), as "
                    "encode returns them."
                )
        spectra = [run(decoder, code[np.newaxis])[0, ..., 0] for code in codes]
        return spectra if isinstance(codes, list) else np.stack(spectra)

    def _code(self):
        try:
            return self.model.get_layer("code").output
        except ValueError:
            raise ParameterError(
                f"architecture={self.model.name!r} has no layer named 'code', which encode and decode need. Give the layer "
                "that outputs the code this name."
            ) from None

    def _predict_note(self, note, longest):
        """Predict one note of any length in overlapping pieces, with the same result as for the whole note."""
        n_frames, multiple = note.shape[1], self.frame_multiple
        if n_frames <= longest:
            return self._run(pad_frames(note, multiple)[np.newaxis, ..., np.newaxis])[0, :, :n_frames, 0]
        context = -(-(self.reach.frames // 2 + 1) // multiple) * multiple
        step = max(multiple, (longest - 2 * context) // multiple * multiple)
        out = np.empty(note.shape, np.float32)
        for start in range(0, n_frames, step):
            first, last = max(0, start - context), min(n_frames, start + step + context)
            piece = self._run(pad_frames(note[:, first:last], multiple)[np.newaxis, ..., np.newaxis])[0, :, :, 0]
            stop = min(n_frames, start + step)
            out[:, start:stop] = piece[:, start - first : stop - first]
        return out

    def _run(self, x):
        """Return the output for spectra (n_notes, n_frequencies, n_frames, 1)."""
        # A network of an earlier version is exported now.
        if self.weights is None or not self.export():
            return run(self.model, x)
        with naming_full_memory(ADVICE):
            return self._session_here().run(None, {"spectra": np.ascontiguousarray(x, np.float32)})[0]

    def _session_here(self):
        """Return the session of this process; one of the process that it was forked from lacks its threads."""
        from sktimbre.autoencoder.graph.session import new_session

        with _building:
            if self.__dict__.get("_session_of") != os.getpid():
                self._session = new_session(self.graph or b"", self.weights or [], self.n_frequencies)
                self._session_of = os.getpid()
            return self._session

    def _longest_piece(self, n_frames):
        """Return how many frames fit into the working memory, or all frames if the receptive field is too long to cut."""
        affordable = max(64, int((self.working_bytes or WORKING_BYTES) / self._bytes_per_frame()))
        if n_frames <= affordable:
            return affordable
        reach = self.reach.frames
        return n_frames if reach >= FURTHEST_FRAMES else max(affordable, 4 * reach)

    def _bytes_per_frame(self):
        # A convolution holds its input, output and workspace at the same time.
        return 4 * 4 * self.values_per_frame


def _is_builtin(architecture):
    return isinstance(architecture, str) or getattr(architecture, "__module__", "") == ARCHITECTURES_IN


@lru_cache(maxsize=32)
def _reach(architecture, n_frequencies, options):
    """Return the receptive field of an architecture; see `Network.reach`."""
    return receptive_field(Network(architecture, n_frequencies, options).build())


def pad_frames(S: np.ndarray, multiple: int) -> np.ndarray:
    """Zero-pad the last axis to a multiple."""
    missing = -S.shape[-1] % multiple
    return np.pad(S, [(0, 0)] * (S.ndim - 1) + [(0, missing)]) if missing else S
