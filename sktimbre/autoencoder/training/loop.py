"""Train a network: stages, learning rate, callbacks, and resuming after an interruption."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import keras
import numpy as np

from sktimbre._utils.notes import NotesOnDisk
from sktimbre.autoencoder.backend.distribution import n_shares, on_replicas
from sktimbre.autoencoder.backend.memory import naming_full_memory
from sktimbre.autoencoder.data.batches import SpectraBatches
from sktimbre.autoencoder.network import Network
from sktimbre.autoencoder.networks.options import NetworkOptions
from sktimbre.autoencoder.training.adapter import train
from sktimbre.autoencoder.training.checkpoint import Checkpoint
from sktimbre.autoencoder.training.description import check_described, described_optimizer
from sktimbre.autoencoder.training.losses import ReconstructionError, SpectralError
from sktimbre.autoencoder.training.schedules import LearningRate
from sktimbre.exceptions import DivergedError, OutOfMemoryError, ParameterError, SmallerBatchWarning

__all__ = ["TrainingOptions", "train_network"]

Pairs = tuple[Sequence[np.ndarray], Sequence[np.ndarray]]

ADVICE = (
    "Even batch_size=1 does not fit: use fewer filters, cut the notes into shorter pieces by PairAugmenter(n_frames=...), or "
    "train on a CPU (CUDA_VISIBLE_DEVICES='')."
)


@dataclass(frozen=True)
class TrainingOptions:
    """Settings of a training, named as the parameters of `TimbreAutoencoder`."""

    optimizer: Any = "adam"
    optimizer_params: dict[str, Any] = field(default_factory=dict)
    schedule: str = "constant"
    warmup: float = 0.0
    decay: float = 0.0
    epochs: int = 50
    batch_size: int = 4
    early_stopping: int | None = None
    quiet_weight: float = 0.0
    augmenter: Any = None
    pretraining: str | None = None
    checkpoint: Any = None
    seed: int = 0
    verbose: int = 0


def train_network(
    network: Network,
    pairs: Pairs,
    validation: Pairs,
    options: TrainingOptions,
    callbacks: list,
    n_jobs: int | None = None,
) -> dict[str, list[float]]:
    """Train a network in place, in one stage or level by level, and return its history.

    Level by level (thesis section 3.2), each stage adds one encoder level and a new decoder, and the levels below are
    frozen. ``pretraining="layerwise"`` ends with the last level; ``"layerwise_finetuned"`` then trains all levels together.

    When training runs out of memory, the stage starts again with half the batch, or resumes at the last epoch of its
    checkpoint.

    Parameters
    ----------
    network : Network
        The network to train.
    pairs, validation : tuple of two sequences of ndarray of shape (n_frequencies, n_frames)
        Sources and targets; validation may be empty.
    options : TrainingOptions
        Settings of the training.
    callbacks : list of keras.callbacks.Callback
        Called in every stage.
    n_jobs : int or None
        Processes that draw variations.

    Returns
    -------
    dict of str to list of float
        Losses and errors of every epoch; with several stages also ``stage``, counted from 0.

    Raises
    ------
    ParameterError
        The optimizer does not take an argument, or the network has no encoder levels to train one by one.
    DivergedError
        Weights are not finite after training.
    OutOfMemoryError
        Training runs out of memory with a batch of one.

    Warns
    -----
    SmallerBatchWarning
        Training ran out of memory and goes on with a smaller batch.
    """
    stages = _stages(network.options, options.pretraining)
    checkpoint = _checkpoint(network, stages, pairs, validation, options)
    histories: list[dict[str, list[float]]] = checkpoint.histories if checkpoint else []
    encoder: dict[str, list[np.ndarray]] = checkpoint.encoder if checkpoint else {}
    if checkpoint and checkpoint.batch_size:
        options = replace(options, batch_size=checkpoint.batch_size)
    # A complete training resumes at its last stage, with no epochs left.
    for number in range(min(checkpoint.stage, len(stages) - 1) if checkpoint else 0, len(stages)):
        stage_options, frozen = stages[number]
        while True:
            stage = Network(network.architecture, network.n_frequencies, stage_options)
            _set_encoder(stage.model, encoder, frozen, of_levels=len(stages) > 1)
            try:
                with naming_full_memory(ADVICE):
                    history = _train_stage(stage, pairs, validation, options, list(callbacks), checkpoint, n_jobs)
                break
            except OutOfMemoryError:
                if options.batch_size == 1:
                    raise
                options = _with_half_the_batch(options)
                if checkpoint:
                    checkpoint.batch_size = options.batch_size
        histories = [*histories[:number], history]
        encoder = _encoder_weights(stage.model)
        if checkpoint and number + 1 < len(stages):
            checkpoint.finish_stage(histories, encoder)
    stage.keep_weights()
    network.weights = stage.weights
    if not all(np.isfinite(w).all() for w in network.weights or []):
        raise DivergedError(
            f"The training diverged: some weights are not finite after {len(histories[-1]['loss'])} epochs with "
            f"{options.optimizer_params}. Lower optimizer__learning_rate, or set optimizer__clipnorm=1.0."
        )
    history = {name: [value for h in histories for value in h[name]] for name in histories[0]}
    if len(stages) > 1:
        history["stage"] = [float(number) for number, h in enumerate(histories) for _ in h["loss"]]
    return history


def _stages(options: NetworkOptions, pretraining: str | None) -> list[tuple[NetworkOptions, int]]:
    """Return for each stage the options of its network and the number of frozen encoder levels."""
    if pretraining is None:
        return [(options, 0)]
    if options.depth_or(1) == 1:
        raise ParameterError(f"pretraining={pretraining!r} needs several encoder levels: set depth=2 or more.")
    greedy = [(replace(options, depth=depth, pooled=True), depth - 1) for depth in range(1, options.depth_or(1) + 1)]
    return [*greedy, (options, 0)] if pretraining == "layerwise_finetuned" else greedy


def _with_half_the_batch(options):
    smaller = options.batch_size // 2
    warnings.warn(
        f"Training ran out of memory with batch_size={options.batch_size}; it goes on with {smaller}. Set "
        f"batch_size={smaller} to start with it; another size may need another optimizer__learning_rate.",
        SmallerBatchWarning,
        stacklevel=5,
    )
    return replace(options, batch_size=smaller)


def _checkpoint(network, stages, pairs, validation, options):
    """Return the checkpoint of these networks, data and settings, or None without a folder."""
    if options.checkpoint is None:
        return None
    built = [check_described(Network(network.architecture, network.n_frequencies, of).build()) for of, _ in stages]
    optimizer = described_optimizer(options.optimizer)
    how = replace(options, optimizer=optimizer, checkpoint=None, verbose=0)
    notes = [tuple(side.digest() if isinstance(side, NotesOnDisk) else side for side in p) for p in (pairs, validation)]
    return Checkpoint(options.checkpoint, (built, network.n_frequencies, network.options, notes, how))


def _encoder_weights(model):
    return {layer.name: layer.get_weights() for layer in model.layers if layer.name.startswith("level")}


def _set_encoder(model, weights, frozen, of_levels):
    """Set the encoder weights of the previous stage, and freeze the lower levels.

    A network that is trained level by level is refused at its first stage if its encoder has no levels.
    """
    for layer in model.layers:
        if layer.name in weights:
            layer.set_weights(weights[layer.name])
        layer.trainable = not any(layer.name.startswith(f"level{level}_") for level in range(frozen))
    if of_levels and not any(layer.name.startswith("level0_") for layer in model.layers):
        raise ParameterError(
            f"architecture={model.name!r} has no layers named 'level0_...', so it cannot be trained level by level. Build it "
            "from sktimbre.autoencoder.networks.blocks, or set pretraining=None."
        )


def _train_stage(network, pairs, validation, options, callbacks, checkpoint, n_jobs):
    multiple = network.frame_multiple
    common = {
        "normalize_level": network.options.normalize_level,
        "reference": network.options.reference,
        "n_shares": n_shares(),
    }
    batches = SpectraBatches(
        pairs, options.batch_size, multiple, options.seed, options.augmenter, **common, n_jobs=n_jobs
    )
    held_out = SpectraBatches(validation, options.batch_size, multiple, **common) if validation[0] else None
    monitor = "val_reconstruction_error" if held_out else "reconstruction_error"
    optimizer_params = dict(options.optimizer_params)
    if options.schedule == "plateau":
        callbacks.append(keras.callbacks.ReduceLROnPlateau(monitor, factor=0.5, patience=10, mode="min"))
    elif options.warmup or options.decay or options.schedule != "constant":
        steps = options.epochs * len(batches)
        rate = optimizer_params["learning_rate"]
        callbacks.append(LearningRate(rate, steps, options.schedule, options.warmup, options.decay))
    if options.early_stopping:
        callbacks.append(
            keras.callbacks.EarlyStopping(
                monitor, patience=options.early_stopping, mode="min", restore_best_weights=True
            )
        )
    done = 0
    if checkpoint:
        callbacks.append(checkpoint.callback(batches, callbacks))
        done = options.epochs if checkpoint.state.get("stopped") else checkpoint.epoch
    try:
        history = train(
            on_replicas(network.model),
            batches,
            loss=SpectralError(options.quiet_weight),
            metrics=[ReconstructionError()],
            optimizer=options.optimizer,
            optimizer_params=optimizer_params,
            epochs=options.epochs,
            initial_epoch=done,
            validation=held_out,
            callbacks=callbacks,
            verbose=options.verbose,
        )
    finally:
        for side in (batches, held_out):
            if side is not None:
                side.close()
    return checkpoint.histories[checkpoint.stage] if checkpoint else history
