"""Parameters of TimbreTransfer: ranges, constructor, routing and tags."""

from numbers import Real
from typing import Any, ClassVar

from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping

from sktimbre.transfer.parts import new_autoencoder
from sktimbre.transfer.settings import PHASES, RANGES

__all__ = ["TransferParameters"]

# Values of parameters that earlier versions did not have, with which their models convert as before.
FORMER = {"noise": 0.0, "amount": 1.0, "transpose": 0.0, "mix": 1.0, "keep_noise": 0.0}


class TransferParameters(BaseEstimator):
    """Base class of `TimbreTransfer`, whose docstring describes the parameters."""

    _parameter_constraints: ClassVar[dict[str, list]] = {
        "stft": [HasMethods(["fit", "transform"]), None],
        "autoencoder": [HasMethods(["fit", "predict"]), None],
        "inverter": [HasMethods(["fit", "transform"]), None],
        "phase": [StrOptions(set(PHASES))],
        **{name: [Interval(Real, *limits, closed="both")] for name, limits in RANGES.items()},
        "sr": [Interval(Real, 0, None, closed="neither")],
        "memory": [None, str, HasMethods(["cache"])],
    }

    def __init__(
        self,
        stft=None,
        autoencoder=None,
        inverter=None,
        phase="estimate",
        loudness=0.75,
        noise=1.0,
        keep_noise=0.0,
        amount=1.0,
        transpose=0.0,
        mix=1.0,
        sr=22050,
        memory=None,
    ):
        self.stft = stft
        self.autoencoder = autoencoder
        self.inverter = inverter
        self.phase = phase
        self.loudness = loudness
        self.noise = noise
        self.keep_noise = keep_noise
        self.amount = amount
        self.transpose = transpose
        self.mix = mix
        self.sr = sr
        self.memory = memory

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore a pickle or a file; those from before a parameter convert as they did.

        Parameters
        ----------
        state : dict of str to object
            Attributes.
        """
        super().__setstate__({**FORMER, **state})

    def get_metadata_routing(self) -> MetadataRouter:
        """Return the metadata routing: parameters of `fit` are passed to the autoencoder's ``fit``.

        Returns
        -------
        sklearn.utils.metadata_routing.MetadataRouter
        """
        fits = MethodMapping().add(caller="fit", callee="fit")
        autoencoder = new_autoencoder(self.autoencoder)
        return MetadataRouter(owner=type(self).__name__).add(autoencoder=autoencoder, method_mapping=fits)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.target_tags.single_output = False
        tags.target_tags.required = True
        return tags
