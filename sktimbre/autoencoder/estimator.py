"""TimbreAutoencoder: log-magnitude spectra of one instrument to those of another."""

from typing import Any

import numpy as np
from sklearn.base import RegressorMixin, TransformerMixin, _fit_context
from sklearn.utils.validation import check_is_fitted

from sktimbre._utils.containers import returns_notes
from sktimbre._utils.fitting import restores_on_failure
from sktimbre._utils.seeds import draw_seed
from sktimbre._utils.validation import Batch, check_spectra
from sktimbre.autoencoder.data.pairs import split_notes
from sktimbre.autoencoder.data.tuning import chosen_pairs
from sktimbre.autoencoder.network import Network
from sktimbre.autoencoder.parameters import AutoencoderParameters
from sktimbre.autoencoder.receptive_field import ReceptiveField
from sktimbre.spectral.targets import target_spectra
from sktimbre.storage.notes import as_stored

__all__ = ["TimbreAutoencoder"]


class TimbreAutoencoder(RegressorMixin, TransformerMixin, AutoencoderParameters):
    """Convolutional autoencoder from the spectra of one instrument to those of another.

    The defaults were chosen with ``benchmarks/timbre.py`` and ``benchmarks/performances.py``, both flute to clarinet.

    Parameters
    ----------
    architecture : {"unet", "shallow", "dilated", "residual", "dilated_residual"} or callable, default="unet"
        A U-Net along frequency, a network of the thesis, or a function ``f(n_frequencies, options) -> keras.Model``; see
        `sktimbre.autoencoder.ARCHITECTURES`.
    depth : int in [1, 4] or None, default=None
        Number of encoder levels (convolution and pooling); None is 3 for the U-Net and 1 for the others.
    filters : int, default=32
        Channels of the U-Net's first level, or of the first two levels of the thesis's networks; later levels have more. The
        thesis uses 256.
    kernel_size : int, default=3
        Kernel size of undilated convolutions.
    activation : {"leaky_relu", "relu", "prelu"}, default="leaky_relu"
        Activation inside the network; the output is always non-negative.
    dropout : float in [0, 1), default=0.0
        Dropout rate before each convolution.
    l1, l2 : float, default=0.0
        Weights of the L1 and L2 penalties on the kernels.
    sparsity_target : float in (0, 1), default=0.01
        Target mean activation of the code's channels.
    sparsity_weight : float, default=0.0
        Weight of the Kullback-Leibler penalty on the mean activation; the thesis uses 0.5.
    tied_weights : bool, default=False
        Whether the decoder is the transposed encoder (thesis section 2.3.3).
    optimizer : str, keras.optimizers.Optimizer or None, default=None
        "muon" (`Muon`), the name of a Keras optimizer, or an instance, which is copied. None: "muon" for "unet", else "adam".
    optimizer__learning_rate : float or None, default=None
        Learning rate; None is 6e-3 for the U-Net with "muon", 3e-3 with "adam", and 1e-3 otherwise.
    optimizer__weight_decay, optimizer__momentum, optimizer__clipnorm, optimizer__nesterov : float, bool or None, default=None
        Arguments of the optimizer; None is the optimizer's default.
    optimizer_params : dict or None, default=None
        Further arguments of the optimizer by name. ``set_params(optimizer__beta_1=0.8)`` sets one of them, so that a search
        can vary it; `fit` refuses arguments that the optimizer does not have.
    schedule : {"constant", "step", "exponential", "cosine", "plateau"} or None, default=None
        Learning rate over the training: constant; divided by ten after each third; exponential decay to a hundredth;
        cosine decay to zero; halved after ten epochs without improvement. None is "cosine" if ``optimizer`` is a name and
        "constant" if it is an instance.
    warmup : float in [0, 1) or None, default=None
        Fraction of the training in which the learning rate rises from zero; None is 0.05 with "cosine" and 0 with others.
    decay : float, default=0.0
        Decay of the learning rate per step: ``learning_rate / (1 + decay * step)``; the thesis uses 1e-6.
    tuning : {"source", "target"}, default="source"
        Pitch that the network learns: that of the source, for which each training target is transposed to the pitch of its
        source, or that of the target, which may be tuned differently.
    augment : bool or PairAugmenter, default=True
        Whether each epoch trains on new variations of the pairs, drawn as a `PairAugmenter` says; True is ``PairAugmenter()``.
    normalize_level : bool, default=True
        Whether to normalize each frame to the reference level before the network and undo the gain after it. A gain on the
        input is then the same gain on the output.
    quiet_weight : float, default=0.1
        Weight in the loss of the squared error of ``log(1 + abs(STFT) / 0.02)``, in which weak partials and noise count as
        much as strong partials, as in log-spectral distances; 0 is the thesis's loss.
    epochs : int, default=50
        Passes over the training notes; with ``augment``, each of at most ``epoch_size`` variations (`PairAugmenter`).
    batch_size : int, default=4
        Notes, or variations of notes, in a batch; halved, with a warning, when training runs out of memory.
    validation_split : float in [0, 1), default=0.15
        Fraction of the notes, drawn with ``random_state``, that is held out for validation and early stopping.
    early_stopping : int, bool or None, default=None
        Stop after so many epochs without a lower reconstruction error (of the validation notes, if any) and restore the best
        weights; True is 20, None never stops early.
    pretraining : {"layerwise", "layerwise_finetuned"} or None, default=None
        Train one encoder level after the other for ``epochs`` epochs, each with a new decoder and the levels below frozen
        (thesis section 3.2); "layerwise_finetuned" then trains all levels together.
    standardize : bool, default=False
        Standardize the input with mean and standard deviation of the training sources, and rescale the output with those of
        the targets; the U-Net, which predicts a change of its input, does not rescale.
    checkpoint : path-like or None, default=None
        Folder in which `fit` stores its state after each epoch. After an interruption, the same fit on the same data with
        an integer ``random_state`` resumes there and ends with the same weights; a finished fit is not repeated.
    distribution : {"mirrored"} or None, default=None
        "mirrored" splits each batch among all GPUs that TensorFlow sees (`tf.distribute.MirroredStrategy`), or among its
        CPUs if there are several; with one device it has no effect. Results equal those of one device except for rounding
        and the draws of dropout. Needs Keras 3.10 or later with its TensorFlow backend.
    n_jobs : int or None, default=None
        Processes that draw the variations of ``augment`` in `fit`; results do not depend on it. None is 1, a thread of this
        process, which a GPU waits for (``benchmarks/gpu.py``); -1 takes all cores.
    target_transformer : transformer or None, default=None
        Transforms targets from audio to spectra; None is ``LogSTFT()``.
    random_state : int, Generator, RandomState or None, default=None
        Seed of initial weights, dropout, augmentation, order and validation notes. Equal seeds give equal bits on a CPU.
    verbose : int, default=0
        0 is silent, 1 shows a progress bar for each epoch, 2 a line.

    Attributes
    ----------
    network_ : Network
        The architecture, its options, and its weights as numpy arrays.
    history_ : dict of str to list of float
        ``loss`` (with penalties, at the reference level) and ``reconstruction_error`` (at the original level) of each epoch,
        and both with the prefix ``val_`` if there are validation notes. With ``augment``, training values are those of the
        variations.
    target_transformer_ : transformer
        Fitted on the targets of `fit` if they are audio.
    optimizer_state_ : list of ndarray
        State of optimizer and dropout after `partial_fit`, used by the next call: twice the size of the weights.
    validation_indices_ : ndarray of int
        Indices of the validation notes.
    n_features_in_ : int
        Number of frequencies.
    n_parameters_ : int
        Number of weights.
    receptive_field_ : ReceptiveField
        Frames and bins of the input that one output value depends on.

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
    >>> TimbreAutoencoder(filters=4, epochs=2, random_state=0).fit(S).predict(S).shape == S.shape
    True
    """

    @_fit_context(prefer_skip_nested_validation=True)
    @restores_on_failure
    def fit(
        self, X: Any, y: Any = None, *, groups: Any = None, validation_data: Any = None, callbacks: Any = ()
    ) -> "TimbreAutoencoder":
        """Train the network.

        Parameters
        ----------
        X : ndarray of shape (n_notes, n_frequencies, n_frames) or list of 2-D arrays
            Log-magnitude spectra of the source. Notes of a list may differ in length: they are padded, and the loss ignores
            the padding. X and y may be a `numpy.memmap`, whose notes are read when they are used.
        y : spectra of the shapes of X, audio (n_notes, n_samples) or list of 1-D arrays, or None
            The target. Audio is transformed by ``target_transformer``; None reconstructs X.
        groups : array-like of shape (n_notes,) or None
            Groups of notes that are held out together for validation, such as their pitches: takes of one pitch are so alike
            that one of them in training makes the error of the others too low.
        validation_data : tuple (X, y) or None
            Validation pairs, used instead of ``validation_split``.
        callbacks : sequence of keras.callbacks.Callback
            Called during training.

        Returns
        -------
        TimbreAutoencoder

        Raises
        ------
        AudioError
            Spectra are empty, not finite or of the wrong rank, or sources and targets do not match.
        ParameterError
            A parameter is out of range, the optimizer does not take an argument, or Keras cannot distribute the training.
        DivergedError
            Weights are not finite after training: the learning rate was too high.
        OutOfMemoryError
            Training runs out of memory even with a batch of one.
        PersistenceError
            The checkpoint is damaged or cannot be written.

        Warns
        -----
        CollapsedModelWarning
            The network's output does not depend on its input.
        SmallerBatchWarning
            Training ran out of memory and goes on with a smaller batch.
        """
        from sktimbre.autoencoder.backend.distribution import scope
        from sktimbre.autoencoder.training.collapse import warn_if_collapsed
        from sktimbre.autoencoder.training.loop import train_network
        from sktimbre.autoencoder.training.settings import network_options, training_options

        seed = draw_seed(self.random_state)
        options = training_options(self, seed)
        self.target_transformer_ = self._new_target_transformer()
        X, T = self._pairs(X, y, fit=True)
        if validation_data is None:
            training, held_out = split_notes(len(X), self.validation_split, seed, groups)
            validation = chosen_pairs(X, T, held_out, self.tuning)
        else:
            training, held_out = np.arange(len(X)), np.arange(0)
            S, V = self._pairs(*validation_data, name="validation_data[0]", reset=False)
            validation = chosen_pairs(S, V, range(len(S)), self.tuning)
        pairs = chosen_pairs(X, T, training, self.tuning)
        network = Network(self._architecture(), self.n_features_in_, network_options(self, seed, pairs))
        with scope(self.distribution):
            history = train_network(network, pairs, validation, options, list(callbacks), self.n_jobs)
        self.network_, self.history_, self.validation_indices_ = network, history, held_out
        self.__dict__.pop("optimizer_state_", None)
        warn_if_collapsed(network, *pairs)
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    @restores_on_failure
    def partial_fit(self, X: Any, y: Any = None) -> "TimbreAutoencoder":
        """Train the network for one pass over these notes; later calls continue from there.

        The first call builds the network; with ``standardize`` it uses the mean and standard deviation of its notes. After
        `fit`, the fitted network is trained further, with a new optimizer. The learning rate is constant except for
        ``decay``, no notes are held out, and ``epochs`` and ``validation_split`` are ignored. ``augment`` finds the
        neighbours of a note among the notes of the same call.

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
            As in `fit`, or the number of frequencies differs from that of the first call.
        ParameterError
            A parameter is out of range, needs a training of known length (``schedule``, ``warmup``, ``early_stopping``,
            ``pretraining``, ``checkpoint``) or several devices (``distribution``), or belongs to the network or the
            optimizer and was changed after the first call.
        DivergedError
            Weights are not finite after training; the model stays as it was before the call.
        """
        earlier = getattr(self, "network_", None)
        if earlier is None:
            self.target_transformer_ = self._new_target_transformer()
        X, T = self._pairs(X, y, fit=earlier is None, reset=earlier is None)
        from sktimbre.autoencoder.training.incremental import train_one_pass
        from sktimbre.autoencoder.training.settings import network_options, partial_fit_options

        seed = earlier.options.seed if earlier else draw_seed(self.random_state)
        history = getattr(self, "history_", {})
        options = partial_fit_options(self, seed, len(history.get("loss", ())))
        pairs = chosen_pairs(X, T, range(len(X)), self.tuning)
        built = network_options(self, seed, pairs, earlier)
        network = Network(self._architecture(), self.n_features_in_, built)
        new, state = train_one_pass(network, earlier, pairs, options, getattr(self, "optimizer_state_", None))
        self.network_, self.optimizer_state_ = network, state
        # No notes are held out: the ``val_`` columns of an earlier fit continue with NaN.
        self.history_ = {name: [*history.get(name, ()), *new.get(name, [np.nan])] for name in history or new}
        if earlier is None:
            self.validation_indices_ = np.arange(0)
        return self

    @returns_notes
    def predict(self, X: Any) -> Batch:
        """Return the predicted log-magnitude spectra of the target.

        Parameters
        ----------
        X : ndarray of shape (n_notes, n_frequencies, n_frames) or list of 2-D arrays
            Spectra of the source, with any number of frames: long notes are converted in overlapping pieces, in bounded
            memory.

        Returns
        -------
        ndarray of the shape of X or list of 2-D arrays, float32, non-negative

        Raises
        ------
        AudioError
            The spectra are empty or not finite, or the number of frequencies differs from that of `fit`.
        """
        X = self._checked(X)
        return self.network_.predict(X)

    def transform(self, X: Any) -> Batch:
        """Return the output of `predict`, so that an inverter can follow in a Pipeline.

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
        """Return the code of spectra.

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
        """Return the spectra of codes from `encode`.

        Parameters
        ----------
        codes : ndarray of shape (n_notes, height, width, channels) or list of 3-D arrays
            Codes.

        Returns
        -------
        ndarray of shape (n_notes, n_frequencies, n_frames) or list of 2-D arrays, float32
            Spectra, with ``normalize_level`` at the reference level. If the network pools, the number of frames is a multiple
            of its pooling factor.

        Raises
        ------
        ParameterError
            The architecture has skip connections past its code, as a U-Net has.
        """
        check_is_fitted(self)
        return self.network_.decode(codes)

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
        return -self.network_.error(X, T)

    @property
    def n_parameters_(self) -> int:
        """Number of weights."""
        check_is_fitted(self)
        return self.network_.n_parameters

    @property
    def receptive_field_(self) -> ReceptiveField:
        """Frames and bins of the input that one output value depends on."""
        check_is_fitted(self)
        return self.network_.receptive_field

    def _pairs(self, X, y, *, fit=False, **how):
        """Return checked spectra of source and target; with ``fit``, fit the target transformer if y is audio."""
        X = check_spectra(as_stored(X, 3), estimator=self, **how)
        # Models of earlier versions lack this attribute.
        transformer = getattr(self, "target_transformer_", None) or self._new_target_transformer()
        return X, target_spectra(X, as_stored(y, 3), transformer, fit=fit)

    def _checked(self, X):
        check_is_fitted(self)
        return check_spectra(X, estimator=self, reset=False)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array, tags.input_tags.three_d_array = False, True
        tags.target_tags.required = False
        tags.target_tags.multi_output, tags.target_tags.single_output = True, False
        tags.non_deterministic = self.random_state is None
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags
