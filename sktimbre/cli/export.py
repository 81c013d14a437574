"""`sktimbre export`: write a model for programs in other languages."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.filesize import decimal

from sktimbre.cli.modelfiles import Model, load_model
from sktimbre.cli.session import Debug, Json, Overwrite, Quiet, check_output, session
from sktimbre.cli.settings import apply_settings, takes_settings

__all__ = ["export"]


@takes_settings
def export(
    model: Model,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FOLDER", help="Folder to write to.")],
    *,
    settings: dict[str, Any],
    overwrite: Overwrite = False,
    as_json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Write a MODEL so that it runs without sktimbre, in any language that has ONNX Runtime.

    The folder gets the network (network.onnx), the settings of all other steps (settings.json), a program that converts a WAV
    file by numpy, scipy and ONNX Runtime alone (convert.py), and a page that explains the steps (README.md).

    Settings of the conversion, such as --transpose, become those of settings.json.

    **Example:** `sktimbre export flute-to-clarinet.sktimbre -o flute-to-clarinet/`
    """
    with session(as_json, quiet, debug) as s:
        with s.status("Loading the model"), s.importing():
            from sktimbre.transfer.exporting import FILES
            from sktimbre.transfer.exporting import export as write

            for name in FILES if output.is_dir() else ():
                check_output(output / name, overwrite)
            transfer = load_model(model)
            apply_settings(transfer, settings)
        folder = write(transfer, output, overwrite=overwrite)
        sizes = {name: (folder / name).stat().st_size for name in FILES}
        lines = [f"{name}  {decimal(size)}" for name, size in sizes.items()]
        s.result({"folder": folder, "files": sizes}, *lines)
