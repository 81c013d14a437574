"""Recordings that appear in folders, as soon as they are completely written."""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress

from sktimbre.cli.planning import Found

__all__ = ["arrivals"]

# Seconds between two looks. A recording is taken for complete when neither its size nor its time changed in between.
INTERVAL = 1.0


def arrivals(find: Callable[[], list[Found]], interval: float = INTERVAL) -> Iterator[list[Found]]:
    """Yield recordings that have come or changed, for ever.

    Parameters
    ----------
    find : callable
        Returns all recordings that there are.
    interval : float
        Seconds between two looks.

    Yields
    ------
    list of Found
        Not empty. Each recording comes once, and again when it is written anew.
    """
    before: dict[Found, tuple[int, int]] = {}
    handed_out: dict[Found, tuple[int, int]] = {}
    while True:
        now = {}
        # Files and folders may go while they are looked at; what is left is seen the next time.
        with suppress(OSError):
            for found in find():
                state = found.path.stat()
                now[found] = state.st_size, state.st_mtime_ns
        ready = [f for f, state in now.items() if state[0] and state == before.get(f) and state != handed_out.get(f)]
        handed_out |= {found: now[found] for found in ready}
        before = now
        if ready:
            yield ready
        time.sleep(interval)
