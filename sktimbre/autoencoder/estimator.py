"""TimbreAutoencoder: log-magnitude spectra of one instrument to those of another."""

from numbers import Integral, Real
from os import PathLike
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin, TransformerMixin, _fit_context, clone
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from sktimbre._utils.containers import is_ragged, returns_notes
from sktimbre._utils.fitting import restores_on_failure
from sktimbre._utils.seeds import draw_seed
from sktimbre._utils.validation import Batch, check_spectra
from sktimbre.autoencoder.data.augmentation import PairAugmenter
from sktimbre.autoencoder.data.pairs import split_notes
from sktimbre.autoencoder.network import Network, ReceptiveField, warn_if_collapsed
from sktimbre.autoencoder.networks.options import NAMES
from sktimbre.spectral.targets import target_spectra
from sktimbre.storage.notes import as_stored, choose

__all__ = ["TimbreAutoencoder"]

# Of names of the optimizer's arguments.
PREFIX = "optimizer__"


class TimbreAutoencoder(RegressorMixin, TransformerMixin, BaseEstimator):
    """Convolutional autoencoder from the spectra of one instrument to those of another.

    The defaults were chosen by ``benchmarks/timbre.py``: its row "ours", flute to clarinet, 30 pairs.

    Parameters
    ----------
    architecture : {"unet", "shallow", "dilated", "residual", "dilated_residual"} or callable, default="unet"
        A U-Net along frequency, a network of the thesis, or ``f(n_frequencies, options) -> keras.Model``: see
        `autoencoder.architectures`.
    depth : int in [1, 4] or None, default=None
        Levels of convolution and pooling; None is 3 for the U-Net and 1 for the others.
    filters : int, default=32
        Channels of the U-Net's first level, or of the first two levels of the thesis's networks; later ones have more. The
        thesis's number is 256.
    kernel_size : int, default=3
        Of undilated convolutions.
    activation : {"leaky_relu", "relu", "prelu"}, default="leaky_relu"
        Inside the network; the output is always non-negative.
    dropout : float in [0, 1), default=0.0
        Rate before each convolution.
    l1, l2 : float, default=0.0
        Penalties on the kernels.
    sparsity_target : float in (0, 1), default=0.01
        Wanted mean activation of the code's channels.
    sparsity_weight : float, default=0.0
        Weight of the Kullback-Leibler penalty on it; the thesis's is 0.5.
    tied_weights : bool, default=False
        Whether the decoder is the transposed encoder (thesis section 2.3.3).
    optimizer : str or keras.optimizers.Optimizer, default="adam"
        A name that Keras knows, or an instance, of which a copy is used.
    optimizer__learning_rate : float or None, default=None
        None is 3e-3 for the U-Net and 1e-3 for others.
    optimizer__weight_decay, optimizer__momentum, optimizer__clipnorm : float or None, default=None
        Passed to the optimizer; None leaves its own default.
    optimizer__nesterov : bool or None, default=None
        Passed to the optimizer.
    optimizer_params : dict or None, default=None
        Further arguments of the optimizer by name. ``set_params(optimizer__beta_1=0.8)`` sets one of them, so that a search
        can vary it; one that the optimizer does not have is refused by `fit`.
    schedule : {"constant", "step", "exponential", "cosine", "plateau"} or None, default=None
        Course of the learning rate over the training: constant; divided by ten after each third; down to a hundredth;
        down to zero along a cosine; halved after ten epochs without improvement. None is "cosine", and for an optimizer
        given as an instance "constant".
    warmup : float in [0, 1) or None, default=None
        Fraction of the training over which the learning rate rises from zero; None is 0.05 with "cosine" and 0 with others.
    decay : float, default=0.0
        Decay of the learning rate per step: ``learning_rate / (1 + decay * step)``; the thesis's is 1e-6.
    augment : bool or PairAugmenter, default=True
        Whether each epoch draws new variations of the pairs, and how; True is ``PairAugmenter()``.
    normalize_level : bool, default=True
        Whether each frame is brought to the level of full notes before the network sees it, and given its own back: gain on
        the input is then the same gain on the output.
    quiet_weight : float, default=0.1
        Weight in the loss of the squared error of ``log(1 + abs(STFT) / 0.02)``, in which weak partials and noise count as
        much as strong partials, as they do in log-spectral distances; 0 leaves the thesis's loss.
    epochs : int, default=100
        Passes over the training notes.
    batch_size : int, default=4
        Notes, or variations of them, in a batch; halved, with a warning, where memory is full.
    validation_split : float in [0, 1), default=0.15
        Fraction of the notes, drawn with ``random_state``, that is kept to measure and to stop by.
    early_stopping : int, bool or None, default=None
        Stop after so many epochs without improvement of the (validation) reconstruction error, and keep the best
        weights; True is 20.
    pretraining : {"layerwise", "layerwise_finetuned"} or None, default=None
        Train one level after the other, each with a new decoder, the levels below frozen (thesis section 3.2); then, if
        fine-tuned, all together. Each stage runs ``epochs``.
    standardize : bool, default=False
        Free the input of the mean and scale of the training sources, and give the output those of the targets; the output
        of the U-Net, a change of its input, keeps its own.
    checkpoint : path-like or None, default=None
        A folder in which training keeps its state after each epoch. The same fit on the same data, with an integer
        ``random_state``, goes on from there after an interruption and ends in the same weights; a finished one is not
        repeated. Delete the folder when it is no longer needed.
    distribution : {"mirrored"} or None, default=None
        "mirrored" shares each batch out among all GPUs that TensorFlow sees (`tf.distribute.MirroredStrategy`), or among its
        CPUs if there are several; with one device the network trains as usual. But for rounding, and for the draws of
        dropout, the results are those of one device. Needs Keras 3.10 or later with its TensorFlow backend.
    target_transformer : transformer or None, default=None
        Turns targets given as audio into spectra; None is ``LogSTFT()``.
    random_state : int, Generator, RandomState or None, default=None
        Seed of weights, dropout, order and validation notes. Equal seeds give equal bits on a CPU; no global random
        state is read or changed.
    verbose : int, default=0
        0 is silent, 1 shows a bar for each epoch, 2 a line.

    Attributes
    ----------
    network_ : Network
        The architecture, what it was built with, and its weights as numpy arrays.
    history_ : dict of str to list of float
        ``loss`` (with penalties, at the level that the network sees) and ``reconstruction_error`` of each epoch, and both
        with ``val_`` in front where there are validation notes. With ``augment`` those of training are of the variations.
    target_transformer_ : transformer
        Fitted on the targets of `fit`, where these were audio.
    optimizer_state_ : list of ndarray
        After `partial_fit`: what it goes on with beside the weights. With "adam" twice their size.
    validation_indices_ : ndarray of int
        Notes that were kept for validation.
    n_features_in_ : int
        Number of frequencies.
    n_parameters_ : int
        Number of weights.
    receptive_field_ : ReceptiveField
        Frames and bins of the input that one value of the output depends on.

    See Also
    --------
    sktimbre.TimbreTransfer : Audio to audio.

    References
    ----------
    .. [1] M. Paterna, "Timbre modification using deep learning", MSc thesis, Aalborg University Copenhagen, 2017.

    Examples
    --------
    >>> from sktimbre import LogSTFT, TimbreAutoencoder
    >>> from sktimbre.datasets import make_paired_notes
    >>> notes = make_paired_notes(4, duration=0.3, random_state=0)
    >>> S = LogSTFT(n_fft=256).fit_transform(notes.source)
    >>> model = TimbreAutoencoder(filters=4, epochs=2, random_state=0).fit(S)
    >>> model.predict(S).shape == S.shape
    True
    """

    _parameter_constraints: ClassVar[dict[str, list]] = {
        "architecture": [StrOptions(set(NAMES)), callable],
        "depth": [Interval(Integral, 1, 4, closed="both"), None],
        "filters": [Interval(Integral, 1, None, closed="left")],
        "kernel_size": [Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions({"relu", "leaky_relu", "prelu"})],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "l1": [Interval(Real, 0, None, closed="left")],
        "l2": [Interval(Real, 0, None, closed="left")],
        "sparsity_target": [Interval(Real, 0, 1, closed="neither")],
        "sparsity_weight": [Interval(Real, 0, None, closed="left")],
        "tied_weights": ["boolean"],
        "optimizer": [str, HasMethods(["get_config", "apply_gradients"])],
        "optimizer__learning_rate": [Interval(Real, 0, None, closed="neither"), None],
        "optimizer__weight_decay": [Interval(Real, 0, None, closed="left"), None],
        "optimizer__momentum": [Interval(Real, 0, 1, closed="left"), None],
        "optimizer__clipnorm": [Interval(Real, 0, None, closed="neither"), None],
        "optimizer__nesterov": ["boolean", None],
        "optimizer_params": [dict, None],
        "schedule": [StrOptions({"constant", "step", "exponential", "cosine", "plateau"}), None],
        "warmup": [Interval(Real, 0, 1, closed="left"), None],
        "decay": [Interval(Real, 0, None, closed="left")],
        "augment": ["boolean", PairAugmenter],
        "normalize_level": ["boolean"],
        "quiet_weight": [Interval(Real, 0, None, closed="left")],
        "epochs": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "validation_split": [Interval(Real, 0, 1, closed="left")],
        "early_stopping": ["boolean", Interval(Integral, 1, None, closed="left"), None],
        "pretraining": [StrOptions({"layerwise", "layerwise_finetuned"}), None],
        "standardize": ["boolean"],
        "checkpoint": [str, PathLike, None],
        "distribution": [StrOptions({"mirrored"}), None],
        "target_transformer": [HasMethods(["fit", "transform"]), None],
        "random_state": ["random_state", np.random.Generator],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        architecture="unet",
        depth=None,
        filters=32,
        kernel_size=3,
        activation="leaky_relu",
        dropout=0.0,
        l1=0.0,
        l2=0.0,
        sparsity_target=0.01,
        sparsity_weight=0.0,
        tied_weights=False,
        optimizer="adam",
        optimizer__learning_rate=None,
        optimizer__weight_decay=None,
        optimizer__momentum=None,
        optimizer__clipnorm=None,
        optimizer__nesterov=None,
        optimizer_params=None,
        schedule=None,
        warmup=None,
        decay=0.0,
        augment=True,
        normalize_level=True,
        quiet_weight=0.1,
        epochs=100,
        batch_size=4,
        validation_split=0.15,
        early_stopping=None,
        pretraining=None,
        standardize=False,
        checkpoint=None,
        distribution=None,
        target_transformer=None,
        random_state=None,
        verbose=0,
    ):
        self.architecture = architecture
        self.depth = depth
        self.filters = filters
        self.kernel_size = kernel_size
        self.activation = activation
        self.dropout = dropout
        self.l1 = l1
        self.l2 = l2
        self.sparsity_target = sparsity_target
        self.sparsity_weight = sparsity_weight
        self.tied_weights = tied_weights
        self.optimizer = optimizer
        self.optimizer__learning_rate = optimizer__learning_rate
        self.optimizer__weight_decay = optimizer__weight_decay
        self.optimizer__momentum = optimizer__momentum
        self.optimizer__clipnorm = optimizer__clipnorm
        self.optimizer__nesterov = optimizer__nesterov
        self.optimizer_params = optimizer_params
        self.schedule = schedule
        self.warmup = warmup
        self.decay = decay
        self.augment = augment
        self.normalize_level = normalize_level
        self.quiet_weight = quiet_weight
        self.epochs = epochs
        self.batch_size = batch_size
        self.validation_split = validation_split
        self.early_stopping = early_stopping
        self.pretraining = pretraining
        self.standardize = standardize
        self.checkpoint = checkpoint
        self.distribution = distribution
        self.target_transformer = target_transformer
        self.random_state = random_state
        self.verbose = verbose

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters; with ``deep``, those in ``optimizer_params`` also as ``optimizer__...``.

        Parameters
        ----------
        deep : bool, default=True
            Whether parameters of parts are returned as well, as in scikit-learn.

        Returns
        -------
        dict of str to object
        """
        params = super().get_params(deep)
        if not deep:
            return params
        return params | {f"{PREFIX}{name}": value for name, value in (self.optimizer_params or {}).items()}

    def set_params(self, **params: Any) -> "TimbreAutoencoder":
        """Set parameters. ``optimizer__...`` is an argument of the optimizer, whatever its name.

        Parameters
        ----------
        **params
            Names and values, as in scikit-learn.

        Returns
        -------
        TimbreAutoencoder
        """
        own = {name: params.pop(name) for name in list(params) if name in self._get_param_names()}
        for name, value in own.items():
            setattr(self, name, value)
        further = {name: params.pop(name) for name in list(params) if name.startswith(PREFIX)}
        if further:
            given = {name.removeprefix(PREFIX): value for name, value in further.items()}
            self.optimizer_params = {**(self.optimizer_params or {}), **given}
        return super().set_params(**params)

    @_fit_context(prefer_skip_nested_validation=True)
    @restores_on_failure
    def fit(self, X: Any, y: Any = None, *, validation_data: Any = None, callbacks: Any = ()) -> "TimbreAutoencoder":
        """Train the network.

        Parameters
        ----------
        X : ndarray of shape (n_notes, n_frequencies, n_frames) or list of 2-D arrays
            Log-magnitude spectra of the source. Notes of a list may differ in length: they are padded, and padding
            does not count. A `numpy.memmap` is not taken into memory, here and as ``y``: notes are read when they are used.
        y : spectra of the shapes of X, audio (n_notes, n_samples) or list of 1-D arrays, or None
            The target; audio goes through ``target_transformer``; None reconstructs X.
        validation_data : tuple (X, y) or None
            Pairs to validate on in place of ``validation_split``.
        callbacks : sequence of keras.callbacks.Callback
            Called while training.

        Returns
        -------
        TimbreAutoencoder

        Raises
        ------
        AudioError
            Spectra are empty, not finite or of the wrong rank, or sources and targets do not match.
        ParameterError
            A parameter is out of range, the optimizer does not take one of its own, or Keras cannot distribute.
        DivergedError
            Weights are not finite at the end: the learning rate was too high.
        OutOfMemoryError
            Memory is full even with a batch of one.
        PersistenceError
            The checkpoint cannot be written, or is damaged.

        Warns
        -----
        CollapsedModelWarning
            The network's output does not depend on its input.
        SmallerBatchWarning
            Memory was full, and a smaller batch is tried.
        """
        from sktimbre.autoencoder.backend.distribution import scope
        from sktimbre.autoencoder.training.loop import train_network
        from sktimbre.autoencoder.training.settings import network_options, training_options

        seed = draw_seed(self.random_state)
        options = training_options(self, seed)
        self.target_transformer_ = self._new_target_transformer()
        X, T = self._pairs(X, y, fit=True)
        if validation_data is None:
            training, held_out = split_notes(len(X), self.validation_split, seed)
            validation = choose(X, held_out), choose(T, held_out)
        else:
            training, held_out = np.arange(len(X)), np.arange(0)
            given = self._pairs(*validation_data, name="validation_data[0]", reset=False)
            validation = tuple(choose(side, range(len(side))) for side in given)
        pairs = choose(X, training), choose(T, training)
        network = Network(self._architecture(), self.n_features_in_, network_options(self, seed, pairs))
        with scope(self.distribution):
            history = train_network(network, pairs, validation, options, list(callbacks))
        self.network_, self.history_, self.validation_indices_ = network, history, held_out
        self.__dict__.pop("optimizer_state_", None)
        warn_if_collapsed(network, *pairs)
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    @restores_on_failure
    def partial_fit(self, X: Any, y: Any = None) -> "TimbreAutoencoder":
        """Train the network by one pass over these notes; later calls go on where this one ends.

        The first call builds the network, with ``standardize`` by the notes that it is given; after `fit` the fitted network
        goes on, with an optimizer that begins anew. What a training with an end needs has no place here: the learning rate
        is constant but for ``decay``, no notes are held out, and ``epochs`` and ``validation_split`` are not looked at.
        Neighbours for ``augment`` are looked for among the notes of one call.

        Parameters
        ----------
        X, y
            As in `fit`.

        Returns
        -------
        TimbreAutoencoder

        Raises
        ------
        AudioError
            As in `fit`; or the number of frequencies is not that of the first call.
        ParameterError
            A parameter is out of range or needs a training with an end (``schedule``, ``warmup``, ``early_stopping``,
            ``pretraining``, ``checkpoint``) or several devices (``distribution``); or one that the network or the optimizer
            is built with was changed.
        DivergedError
            Weights are not finite at the end; the model is as it was before the call.
        """
        earlier = getattr(self, "network_", None)
        if earlier is None:
            self.target_transformer_ = self._new_target_transformer()
        X, T = self._pairs(X, y, fit=earlier is None, reset=earlier is None)
        from sktimbre.autoencoder.training.settings import network_options, stream_options
        from sktimbre.autoencoder.training.stream import go_on

        seed = earlier.options.seed if earlier else draw_seed(self.random_state)
        history = getattr(self, "history_", {})
        options = stream_options(self, seed, len(history.get("loss", ())))
        pairs = choose(X, range(len(X))), choose(T, range(len(T)))
        built = network_options(self, seed, pairs, earlier)
        network = Network(self._architecture(), self.n_features_in_, built)
        new, state = go_on(network, earlier, pairs, options, getattr(self, "optimizer_state_", None))
        self.network_, self.optimizer_state_ = network, state
        # Nothing is held out of a stream: after a fit with validation its columns have gaps here.
        self.history_ = {name: [*history.get(name, ()), *new.get(name, [np.nan])] for name in history or new}
        if earlier is None:
            self.validation_indices_ = np.arange(0)
        return self

    @returns_notes
    def predict(self, X: Any) -> Batch:
        """Return the target's log-magnitude spectra.

        Parameters
        ----------
        X : ndarray of shape (n_notes, n_frequencies, n_frames) or list of 2-D arrays
            Spectra of the source, of any number of frames: long ones are run in overlapping pieces, in bounded memory.

        Returns
        -------
        ndarray of the shape of X or list of 2-D arrays, float32, non-negative

        Raises
        ------
        AudioError
            The spectra are empty, not finite or of another number of frequencies.
        """
        X = self._checked(X)
        return self.network_.predict(X)

    def transform(self, X: Any) -> Batch:
        """Return `predict`, so that an inverter can follow in a Pipeline.

        Parameters
        ----------
        X : ndarray of shape (n_notes, n_frequencies, n_frames) or list of 2-D arrays
            Spectra of the source.

        Returns
        -------
        ndarray of the shape of X or list of 2-D arrays, float32, non-negative
        """
        return self.predict(X)

    @returns_notes
    def encode(self, X: Any) -> Batch:
        """Return the code.

        Parameters
        ----------
        X : ndarray of shape (n_notes, n_frequencies, n_frames) or list of 2-D arrays
            Spectra of the source.

        Returns
        -------
        ndarray of shape (n_notes, height, width, channels) or list of 3-D arrays, float32

        Raises
        ------
        ParameterError
            The architecture has no layer named "code".
        """
        X = self._checked(X)
        return self.network_.encode(X)

    def decode(self, codes: Any) -> Batch:
        """Return the spectra of codes from `encode`; pooled codes give a multiple of the pooling in frames.

        Parameters
        ----------
        codes : ndarray of shape (n_notes, height, width, channels) or list of 3-D arrays
            Codes.

        Returns
        -------
        ndarray of shape (n_notes, n_frequencies, n_frames) or list of 2-D arrays, float32
            At the level that the network works at.

        Raises
        ------
        ParameterError
            The architecture has connections past its code, as a U-Net has.
        """
        check_is_fitted(self)
        return self.network_.decode(
            [np.asarray(c, np.float32) for c in codes] if is_ragged(codes) else np.asarray(codes)
        )

    def score(self, X: Any, y: Any = None) -> float:
        """Return the negative reconstruction error (mean squared error of log-magnitudes); higher is better.

        Parameters
        ----------
        X, y
            As in `fit`.

        Returns
        -------
        float
        """
        check_is_fitted(self)
        X, T = self._pairs(X, y, reset=False)
        predicted = self.network_.predict(X)
        total = sum(float(np.sum(np.square(t - p), dtype=np.float64)) for t, p in zip(T, predicted, strict=True))
        return -total / sum(t.size for t in T)

    @property
    def n_parameters_(self) -> int:
        """Number of weights."""
        check_is_fitted(self)
        return self.network_.n_parameters

    @property
    def receptive_field_(self) -> ReceptiveField:
        """Frames and bins of the input that one value of the output depends on."""
        check_is_fitted(self)
        return self.network_.receptive_field

    def _pairs(self, X, y, *, fit=False, **how):
        """Return checked spectra of source and target; with ``fit`` the target transformer is fitted, where y is audio."""
        X = check_spectra(as_stored(X, 3), estimator=self, **how)
        # Models of before this attribute existed have none.
        transformer = getattr(self, "target_transformer_", None) or self._new_target_transformer()
        return X, target_spectra(X, as_stored(y, 3), transformer, fit=fit)

    def _new_target_transformer(self):
        if self.target_transformer is not None:
            return clone(self.target_transformer)
        from sktimbre.spectral import LogSTFT

        return LogSTFT()

    def _checked(self, X):
        check_is_fitted(self)
        return check_spectra(X, estimator=self, reset=False)

    def _architecture(self):
        from sktimbre.autoencoder.networks.architectures import ARCHITECTURES

        return ARCHITECTURES[self.architecture] if isinstance(self.architecture, str) else self.architecture

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.target_tags.required = False
        tags.target_tags.multi_output = True
        tags.target_tags.single_output = False
        tags.non_deterministic = self.random_state is None
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags
