"""Batches of spectra for training: padded to one length, masked, shuffled with a seed of their own."""

import keras
import numpy as np

__all__ = ["SpectraBatches"]


class SpectraBatches(keras.utils.PyDataset):
    """Pairs of spectra as Keras wants them, with the mask that `losses` reads.

    Parameters
    ----------
    pairs : tuple of two sequences of ndarray of shape (n_frequencies, n_frames), float32
        Sources and targets; the two of a pair have the same shape.
    batch_size : int
        Notes in a batch.
    frame_multiple : int
        Padded lengths are multiples of this.
    seed : int or None
        Of the order, new in each epoch; None keeps the order.
    """

    def __init__(self, pairs, batch_size, frame_multiple=1, seed=None):
        super().__init__()
        self.S, self.T = pairs
        self.batch_size = batch_size
        longest = max(note.shape[1] for note in self.S)
        # One length for all batches, so that the training step is traced once.
        self.n_frames = -(-longest // frame_multiple) * frame_multiple
        self._shuffled = seed is not None
        self._rng = np.random.default_rng(seed)
        self._order = np.arange(len(self.S))
        self.on_epoch_end()

    def __len__(self):
        """Return the batches of an epoch."""
        return -(-len(self._order) // self.batch_size)

    def __getitem__(self, index):
        """Return sources (batch, n_frequencies, n_frames, 1), and targets with the mask as one more row."""
        chosen = self._order[index * self.batch_size : (index + 1) * self.batch_size]
        n_frequencies = len(self.S[0])
        x = np.zeros((len(chosen), n_frequencies, self.n_frames, 1), np.float32)
        y = np.zeros((len(chosen), n_frequencies + 1, self.n_frames, 1), np.float32)
        for row, i in enumerate(chosen):
            n = self.S[i].shape[1]
            x[row, :, :n, 0] = self.S[i]
            y[row, :-1, :n, 0] = self.T[i]
            y[row, -1, :n] = 1
        return x, y

    def order_state(self):
        """Return what `restore` needs to go on in the same order."""
        return {"order": self._order.tolist(), "rng": self._rng.bit_generator.state}

    def restore(self, state):
        """Go on from a state of `order_state`."""
        self._order = np.array(state["order"])
        self._rng.bit_generator.state = state["rng"]

    def on_epoch_end(self):
        """Draw a new order."""
        if self._shuffled:
            self._order = self._rng.permutation(len(self.S))
