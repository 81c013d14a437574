"""What compiling costs and where it leaves its traces, in fresh processes."""

import os
import subprocess
import sys

import numpy as np
import pytest

from sktimbre import LogSTFT
from sktimbre.spectral import STFTGeometry
from sktimbre.spectral._kernels import lanes


def run(code, **environment):
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **environment})
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


BUILD = "import sys, numpy as np; from sktimbre import GriffinLimInverter, LogSTFT, StreamingInverter; "
LOADED = "print([m for m in ('numba', 'librosa', 'tensorflow') if m in sys.modules])"


def test_constructing_loads_no_compiler():
    assert run(f"{BUILD} LogSTFT(), GriffinLimInverter(), StreamingInverter(); {LOADED}") == "[]"


def test_sizes_for_scipy_load_no_compiler():
    work = "GriffinLimInverter(2, init='random').fit_transform(LogSTFT(100).fit_transform(np.ones((2, 900)))); "
    assert run(f"{BUILD} {work} {LOADED}") == "[]"


COMPILED = f"""{BUILD}
import gc
import sktimbre.spectral.threads
sktimbre.spectral.threads.LEAST_WORK = 1
X = np.random.default_rng(0).standard_normal((3, 900))
y = GriffinLimInverter(2, n_jobs=2).fit_transform(LogSTFT(64, n_jobs=2).fit_transform(X))
assert y.shape == (3, 896)
from numba.core.dispatcher import Dispatcher
print(sum(sum(o.stats.cache_misses.values()) for o in gc.get_objects() if isinstance(o, Dispatcher)))
"""


ANALYSE = f"{BUILD} assert LogSTFT(64).fit_transform(np.ones((2, 900))).shape == (2, 33, 29)"


@pytest.mark.slow
def test_a_later_process_finds_the_kernels_on_disk(tmp_path):
    # In a place of its own: beside other processes numba may lose an entry of its index, and compile once more.
    first, second = (int(run(COMPILED, NUMBA_CACHE_DIR=str(tmp_path))) for _ in range(2))
    assert first > 0
    assert second == 0


@pytest.mark.slow
def test_without_a_place_for_a_cache_it_still_works():
    # numba asks each of its locators in turn; here none of them can write, as in a read-only installation.
    blocked = (
        "import numba.core.caching as caching\n"
        "def no(self): raise OSError('read-only')\n"
        "for name in dir(caching):\n"
        "    if name.endswith('CacheLocator') and hasattr(getattr(caching, name), 'ensure_cache_path'):\n"
        "        getattr(caching, name).ensure_cache_path = no\n"
    )
    run(blocked + ANALYSE)


@pytest.mark.slow
def test_a_cache_elsewhere_is_used_where_the_package_cannot_be_written(tmp_path):
    run(ANALYSE, NUMBA_CACHE_DIR=str(tmp_path))
    assert list(tmp_path.rglob("*.nbi"))


@pytest.mark.parametrize("n_fft", [8, 64, 1024])
def test_the_kernel_s_logarithm_is_numpy_s(n_fft):
    X = np.random.default_rng(0).standard_normal((1, 8000)).astype(np.float32) * np.geomspace(1e-6, 1e3, 8000)
    transformer = LogSTFT(n_fft).fit(X)
    expected = np.log1p(np.abs(transformer.complex_transform(X)))
    np.testing.assert_allclose(transformer.transform(X), expected, rtol=2e-6, atol=1e-7)


def test_layouts_of_long_recordings_are_not_kept():
    geometry = STFTGeometry(256)
    for n_frames, kept in ((100, True), (1 << 15, False)):
        one, other = (lanes.layout(geometry, n_frames, 0, n_frames * geometry.hop) for _ in range(2))
        assert (one is other) is kept
