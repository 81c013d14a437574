"""Errors and warnings of sktimbre; every error is a `SktimbreError`."""

__all__ = [
    "AudioError",
    "AudioFileError",
    "ClippingWarning",
    "CollapsedModelWarning",
    "DatasetError",
    "DivergedError",
    "ForkedProcessError",
    "OutOfMemoryError",
    "ParameterError",
    "PersistenceError",
    "SktimbreError",
    "SmallerBatchWarning",
    "VersionWarning",
]


class SktimbreError(Exception):
    """Base of all errors that sktimbre raises on its own account."""


class ParameterError(SktimbreError, ValueError):
    """A parameter, or a combination of parameters, is out of its range."""


class AudioError(SktimbreError, ValueError):
    """Audio or spectra in memory cannot be used: empty, not finite, of the wrong rank, mismatched in a pair."""


class AudioFileError(SktimbreError, OSError):
    """A sound file cannot be read or written; the message names it."""


class DatasetError(SktimbreError, ValueError):
    """A folder or an archive of notes cannot be used: nothing in it, a name without a pitch, no pair."""


class DivergedError(SktimbreError, ArithmeticError):
    """A training ended in weights that are not finite."""


class ForkedProcessError(SktimbreError, RuntimeError):
    """A network was used in a process that was forked after TensorFlow had run."""


class OutOfMemoryError(SktimbreError, MemoryError):
    """A network does not fit into the memory of the device, however little it is given at a time."""


class PersistenceError(SktimbreError, OSError):
    """A saved model cannot be written, read or trusted."""


class ClippingWarning(UserWarning):
    """Samples beyond full scale were clipped while writing a file."""


class CollapsedModelWarning(UserWarning):
    """A fitted network's output does not depend on its input: it has learnt nothing."""


class SmallerBatchWarning(UserWarning):
    """Memory was full, and a network goes on with less at a time."""


class VersionWarning(UserWarning):
    """A model was saved with versions of this package or of others that may make another model of it."""
