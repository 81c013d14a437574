"""A decorator for `fit` and `partial_fit` of all estimators."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

__all__ = ["restores_on_failure"]

Method = TypeVar("Method", bound=Callable[..., Any])


def restores_on_failure(method: Method) -> Method:
    """Decorate a method so that the estimator's attributes are restored after an exception or interruption.

    Attributes are not copied: the method must replace fitted attributes, not change them in place.

    Examples
    --------
    >>> class Model:
    ...     @restores_on_failure
    ...     def fit(self, X):
    ...         self.n_features_in_ = len(X)
    ...         self.mean_ = sum(X) / len(X)
    >>> model = Model()
    >>> model.fit([])
    Traceback (most recent call last):
    ...
    ZeroDivisionError: division by zero
    >>> vars(model)
    {}
    """

    @wraps(method)
    def restoring(self: Any, *args: Any, **kwargs: Any) -> Any:
        before = vars(self).copy()
        try:
            return method(self, *args, **kwargs)
        except BaseException:
            vars(self).clear()
            vars(self).update(before)
            raise

    return restoring  # type: ignore[return-value]
