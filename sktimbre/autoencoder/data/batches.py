"""Batches of spectra for training: normalized, augmented, padded to one length and shuffled with their own seed."""

import keras
import numpy as np
from joblib import effective_n_jobs

from sktimbre._utils.notes import note_shapes
from sktimbre.autoencoder.data.ahead import DrawnAhead, draw_all
from sktimbre.autoencoder.data.augmentation import Variations
from sktimbre.autoencoder.data.level import normalized_pairs

__all__ = ["SpectraBatches"]


class SpectraBatches(keras.utils.PyDataset):
    """Batches of pairs of spectra for Keras, with the row of gains that `losses` reads.

    Keras requests batches in a thread beside training. The random numbers of a batch depend only on the seed, the epoch and
    the index of the batch, so that an interrupted training resumes with the same batches.

    Parameters
    ----------
    pairs : tuple of two sequences of ndarray of shape (n_frequencies, n_frames), float32
        Sources and targets; both notes of a pair have the same shape. Notes on disk are read again for every batch.
    batch_size : int
        Examples in a batch.
    frame_multiple : int
        Padded lengths are multiples of this.
    seed : int or None
        Seed of order and augmentation, which change with each epoch; None keeps the order.
    augmenter : PairAugmenter or None
        Draws the examples, in each epoch as many pieces as the notes can be cut into, or as its ``epoch_size``. None returns
        the notes as they are.
    normalize_level : bool
        Whether to normalize both notes of a pair to the reference level by the gains of the source. Variations are only known
        at this level: their row of gains is 1.
    n_shares : int
        Batches are filled up with empty examples to a multiple of this, so that devices get equal shares.
    reference : float or None
        The reference level, as in `level_gain`.
    n_jobs : int or None
        Processes that draw the variations ahead; 1 and None draw them in this process.
    """

    def __init__(
        self,
        pairs,
        batch_size,
        frame_multiple=1,
        seed=None,
        augmenter=None,
        normalize_level=False,
        n_shares=1,
        reference=None,
        n_jobs=None,
    ):
        super().__init__()
        self.S, self.T = pairs
        shapes = note_shapes(self.S)
        lengths = [shape[1] for shape in shapes]
        self.n_frequencies = shapes[0][0]
        self.gains = [np.ones(n, np.float32) for n in lengths]
        if normalize_level:
            self.S, self.T, self.gains = normalized_pairs(self.S, self.T, reference)
        self.batch_size = batch_size
        self.n_shares = n_shares
        self._variations = None if augmenter is None else Variations(augmenter, (self.S, self.T))
        n_jobs = effective_n_jobs(n_jobs)
        self._ahead = DrawnAhead(self._variations, n_jobs) if self._variations and n_jobs > 1 else None
        longest = max(lengths)
        if augmenter is not None and augmenter.n_frames is not None:
            longest = min(longest, augmenter.n_frames)
        # One length for all batches, so that the training step is traced once.
        self.n_frames = -(-longest // frame_multiple) * frame_multiple
        self._examples = np.repeat(np.arange(len(lengths)), [-(-n // longest) if augmenter else 1 for n in lengths])
        self._epoch_size = augmenter.epoch_size if augmenter else None
        self._seed = seed
        self.start(0)

    def start(self, epoch: int) -> None:
        """Start an epoch, counted from 0, with its own order."""
        self.epoch = epoch
        self._order = self._examples
        if self._seed is not None:
            self._order = np.random.default_rng((self._seed, epoch)).permutation(self._examples)[: self._epoch_size]
        if self._ahead:
            self._ahead.forget()

    def __len__(self):
        """Return the number of batches in an epoch."""
        return -(-len(self._order) // self.batch_size)

    def __getitem__(self, index):
        """Return sources (batch, n_frequencies, n_frames, 1), and targets with the gains as an additional last row."""
        chosen, _ = self._task(index)
        n_rows = -(-len(chosen) // self.n_shares) * self.n_shares
        x = np.zeros((n_rows, self.n_frequencies, self.n_frames, 1), np.float32)
        y = np.zeros((n_rows, self.n_frequencies + 1, self.n_frames, 1), np.float32)
        for row, (source, target, gain) in enumerate(self._drawn(index)):
            n = source.shape[1]
            x[row, :, :n, 0] = source
            y[row, :-1, :n, 0] = target
            y[row, -1, :n, 0] = gain
        return x, y

    def _task(self, index):
        """Return the pairs of a batch, and the seed of its variations."""
        chosen = self._order[index * self.batch_size : (index + 1) * self.batch_size]
        return chosen, (self._seed, self.epoch, index)

    def _drawn(self, index):
        if self._variations is None:
            return [(self.S[i], self.T[i], self.gains[i]) for i in self._task(index)[0]]
        drawn = (
            self._ahead(self._task, len(self), index) if self._ahead else draw_all(self._variations, *self._task(index))
        )
        return [(*variation, 1.0) for variation in drawn]

    def on_epoch_end(self):
        """Start the next epoch."""
        self.start(self.epoch + 1)

    def close(self):
        """Release the notes: TensorFlow keeps a reference to this object until the process ends."""
        self.S, self.T, self.gains = [], [], []
        self._variations = None
        if self._ahead:
            self._ahead.close()
