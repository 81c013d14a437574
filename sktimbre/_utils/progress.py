"""Progress bars on standard error."""

from typing import Any


class _NoBar:
    def __enter__(self) -> "_NoBar":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def update(self, n: int) -> None:
        pass


def with_bar(*, total: int | None, description: str, unit: str, show: bool) -> Any:
    """Return a context manager with ``update(n)``: a tqdm bar, or one that shows nothing and does not import tqdm.

    Parameters
    ----------
    total : int or None
        Sum of all updates, None if unknown.
    description, unit : str
        Text before the bar, and unit of the count; bytes ("B") are shown with SI prefixes.
    show : bool
        Whether to show a bar.

    Examples
    --------
    >>> with with_bar(total=3, description="Reading", unit="file", show=False) as bar:
    ...     bar.update(1)
    """
    if not show:
        return _NoBar()
    from tqdm import tqdm

    return tqdm(total=total, desc=description, unit=unit, unit_scale=unit == "B")
