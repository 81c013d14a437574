"""What tests of all rooms share."""

import os
from pathlib import Path

import hypothesis
import pytest

# A change is judged by the same examples each time; whoever runs the tests by hand explores new ones.
hypothesis.settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    hypothesis.settings.load_profile("ci")


@pytest.fixture(scope="session")
def notes_folder() -> Path:
    """The folder of real notes, with flute/, clarinet/ and piano/ in it; tests that want it are skipped without it."""
    named = os.environ.get("SKTIMBRE_DATA")
    data = Path(named) if named else Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = data / "notes"
    if not folder.is_dir():
        pytest.skip(f"needs real notes: no folder {folder}; SKTIMBRE_DATA names another place")
    return folder
