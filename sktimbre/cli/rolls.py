"""Pictures of the notes of recordings, for `sktimbre pairs --rolls`."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from sktimbre.cli.session import check_folder, check_output
from sktimbre.exceptions import ParameterError

__all__ = ["draw_rolls", "plan_rolls"]


def plan_rolls(
    source: Path | list[Path], target: Path | list[Path], folder: Path, overwrite: bool, options: Mapping[str, Any]
) -> dict[Path, Path]:
    """Return the picture of each sound file; those of several sources have a folder for each.

    Parameters
    ----------
    source, target : Path or list of Path
        Both sides.
    folder : Path
        Where the pictures will be.
    overwrite : bool
        Whether pictures may be replaced.
    options : dict
        Options of `load_pairs`, of which those that choose files are used.

    Raises
    ------
    ParameterError, SktimbreError
        A picture cannot be written.
    """
    from sktimbre.datasets.pairing import folders_of
    from sktimbre.datasets.sounds import find_sounds

    check_folder(folder, "--rolls")
    pictures: dict[Path, Path] = {}
    sides: dict[str, list[Any]] = {"source": folders_of(source), "target": [target]}
    for side, roots in sides.items():
        for i, root in enumerate(roots):
            place = folder / side / (f"{i + 1}-{root.resolve().name}" if len(roots) > 1 else "")
            how: dict[str, Any] = {
                "match": options.get(f"{side}_match"),
                "recursive": options.get("recursive") or False,
            }
            for file in find_sounds(root, side, **how)[0]:
                below = file.relative_to(root) if isinstance(root, Path) else Path(file.name)
                pictures[file] = place / below.parent / f"{file.name}.png"
    if len(set(pictures.values())) < len(pictures):
        raise ParameterError(
            f"--rolls {folder}: two recordings of a side have the same name; draw one folder at a time."
        )
    for picture in pictures.values():
        if picture.parent.exists():
            check_output(picture, overwrite)
    return pictures


def draw_rolls(pictures: Mapping[Path, Path], files: Iterable[Path], overwrite: bool) -> None:
    """Draw the notes of recordings over their spectrograms.

    Parameters
    ----------
    pictures : dict of Path to Path
        As `plan_rolls` returns them.
    files : iterable of Path
        Recordings that are drawn.
    overwrite : bool
        Whether pictures may be replaced.
    """
    from sktimbre.audio import atomic_path, read_audio
    from sktimbre.datasets.cutfiles import cut_file
    from sktimbre.datasets.played import usable
    from sktimbre.plotting import NotesDisplay

    for file in files:
        picture = pictures[file]
        picture.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(picture, overwrite) as temporary:
            y, sr = read_audio(file)
            NotesDisplay(y, usable(cut_file(file).cut), sr=sr).plot().figure_.savefig(temporary, dpi=110)
