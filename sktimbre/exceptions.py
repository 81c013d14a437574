"""Errors and warnings of sktimbre; every error is a `SktimbreError`."""

__all__ = [
    "AudioError",
    "AudioFileError",
    "ClippingWarning",
    "CollapsedModelWarning",
    "DatasetError",
    "DatasetWarning",
    "DivergedError",
    "ForkedProcessError",
    "OutOfMemoryError",
    "ParameterError",
    "PersistenceError",
    "PitchRangeWarning",
    "SktimbreError",
    "SmallerBatchWarning",
    "VersionWarning",
]


class SktimbreError(Exception):
    """Base class of the errors that sktimbre raises."""


class ParameterError(SktimbreError, ValueError):
    """A parameter, or a combination of parameters, is out of its range."""


class AudioError(SktimbreError, ValueError):
    """Audio or spectra in memory cannot be used: empty, not finite, of the wrong rank, mismatched in a pair."""


class AudioFileError(SktimbreError, OSError):
    """A sound file cannot be read or written; the message names it."""


class DatasetError(SktimbreError, ValueError):
    """A folder or an archive of notes cannot be used: it has no sound files, a name without a pitch, or no pairs."""


class DivergedError(SktimbreError, ArithmeticError):
    """Training diverged: the weights are not finite."""


class ForkedProcessError(SktimbreError, RuntimeError):
    """A network was used in a process that was forked after TensorFlow had run."""


class OutOfMemoryError(SktimbreError, MemoryError):
    """A network does not fit into the memory of the device, even with the smallest batch."""


class PersistenceError(SktimbreError, OSError):
    """A model cannot be saved, or its file cannot be read or is not trusted."""


class ClippingWarning(UserWarning):
    """Samples beyond full scale were clipped while writing a file."""


class CollapsedModelWarning(UserWarning):
    """A fitted network's output does not depend on its input."""


class DatasetWarning(UserWarning):
    """Files of a folder of notes were left out, or their names were corrected by what is heard."""


class PitchRangeWarning(UserWarning):
    """A recording has pitches outside of the range that the model was trained on."""


class SmallerBatchWarning(UserWarning):
    """The device ran out of memory, and a network continues with smaller batches."""


class VersionWarning(UserWarning):
    """A model was saved with other versions of this package or its dependencies, and may behave differently."""
