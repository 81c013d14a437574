"""Batches of spectra for training: augmented, padded to one length, masked, shuffled with a seed of their own."""

import keras
import numpy as np

__all__ = ["SpectraBatches"]


class SpectraBatches(keras.utils.PyDataset):
    """Pairs of spectra as Keras wants them, with the mask that `losses` reads.

    Keras asks for them in a thread beside training. What is drawn for a batch depends on seed, epoch and the batch's number
    alone, so that an interrupted training goes on with the same.

    Parameters
    ----------
    pairs : tuple of two sequences of ndarray of shape (n_frequencies, n_frames), float32
        Sources and targets; the two of a pair have the same shape.
    batch_size : int
        Examples in a batch.
    frame_multiple : int
        Padded lengths are multiples of this.
    seed : int or None
        Of order and augmentation, new in each epoch; None keeps the order.
    augmenter : PairAugmenter or None
        Draws the examples; each epoch then has as many pieces as the notes are long. None gives the notes as they are.
    """

    def __init__(self, pairs, batch_size, frame_multiple=1, seed=None, augmenter=None):
        super().__init__()
        self.S, self.T = pairs
        self.batch_size = batch_size
        self._variations = None if augmenter is None else augmenter.of(pairs)
        lengths = [note.shape[1] for note in self.S]
        longest = max(lengths)
        if augmenter is not None and augmenter.n_frames is not None:
            longest = min(longest, augmenter.n_frames)
        # One length for all batches, so that the training step is traced once.
        self.n_frames = -(-longest // frame_multiple) * frame_multiple
        self._examples = np.repeat(np.arange(len(lengths)), [-(-n // longest) if augmenter else 1 for n in lengths])
        self._seed = seed
        self.start(0)

    def start(self, epoch: int) -> None:
        """Begin an epoch, counted from 0, with its own order."""
        self.epoch = epoch
        self._order = self._examples
        if self._seed is not None:
            self._order = np.random.default_rng((self._seed, epoch)).permutation(self._examples)

    def __len__(self):
        """Return the batches of an epoch."""
        return -(-len(self._order) // self.batch_size)

    def __getitem__(self, index):
        """Return sources (batch, n_frequencies, n_frames, 1), and targets with the mask as one more row."""
        chosen = self._order[index * self.batch_size : (index + 1) * self.batch_size]
        n_frequencies = len(self.S[0])
        x = np.zeros((len(chosen), n_frequencies, self.n_frames, 1), np.float32)
        y = np.zeros((len(chosen), n_frequencies + 1, self.n_frames, 1), np.float32)
        for row, (source, target) in enumerate(self._drawn(index, chosen)):
            n = source.shape[1]
            x[row, :, :n, 0] = source
            y[row, :-1, :n, 0] = target
            y[row, -1, :n] = 1
        return x, y

    def _drawn(self, index, chosen):
        if self._variations is None:
            return [(self.S[i], self.T[i]) for i in chosen]
        rng = np.random.default_rng((self._seed, self.epoch, index))
        return [self._variations.draw(i, rng) for i in chosen]

    def on_epoch_end(self):
        """Go on with the next epoch."""
        self.start(self.epoch + 1)
