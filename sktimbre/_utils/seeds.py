"""Convert any kind of ``random_state`` to an integer seed, without numpy's global random state."""

import numpy as np

from sktimbre.exceptions import ParameterError

RandomState = int | np.integer | np.random.RandomState | np.random.Generator | None


def draw_seed(random_state: RandomState) -> int:
    """Return an integer in [0, 2**31) from any kind of ``random_state``.

    An integer is returned modulo 2**31; one number is drawn from a generator; None gives a new random seed.
    """
    if random_state is None:
        return int(np.random.SeedSequence().generate_state(1)[0] >> 1)
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(2**31))
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(2**31 - 1))
    if isinstance(random_state, int | np.integer) and random_state >= 0:
        return int(random_state) % 2**31
    raise ParameterError(
        f"random_state={random_state!r} must be None, a non-negative integer, a numpy Generator or a RandomState."
    )
