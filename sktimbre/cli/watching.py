"""Wait for new recordings, until each is completely written."""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress

from sktimbre.cli.planning import Found

__all__ = ["arrivals"]

# Seconds between two searches. A recording is complete if its size and modification time are the same in both.
INTERVAL = 1.0


def arrivals(find: Callable[[], list[Found]], interval: float = INTERVAL) -> Iterator[list[Found]]:
    """Yield new and changed recordings, without end.

    Parameters
    ----------
    find : callable
        Returns all existing recordings.
    interval : float
        Seconds between two searches.

    Yields
    ------
    list of Found
        At least one recording. Each is yielded once, and again after it has changed.
    """
    before: dict[Found, tuple[int, int]] = {}
    handed_out: dict[Found, tuple[int, int]] = {}
    while True:
        now = {}
        found: list[Found] = []
        # Files and folders may disappear during the search, and named files may not be there yet.
        with suppress(OSError):
            found = find()
        for each in found:
            with suppress(OSError):
                state = each.path.stat()
                now[each] = state.st_size, state.st_mtime_ns
        ready = [f for f, state in now.items() if state[0] and state == before.get(f) and state != handed_out.get(f)]
        handed_out |= {each: now[each] for each in ready}
        before = now
        if ready:
            yield ready
        time.sleep(interval)
