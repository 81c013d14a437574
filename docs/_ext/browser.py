"""Write the page that converts sounds in the browser: its files, the shipped models as exports, and ONNX Runtime."""

import json
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

PAGE = Path(__file__).parents[1] / "browser"
RUNTIME = "onnxruntime-web@1.30.0"
RUNTIME_FILES = ("ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm")
EXPORTED = ("network.onnx", "settings.json")
# Written last, so that it tells when the page was.
INDEX = "models.json"


class RuntimeMissing(Exception):
    """ONNX Runtime cannot be had."""


def build(folder, models=None):
    """Write the page into a folder, which any web server can serve.

    Parameters
    ----------
    folder : path-like
        Created if it does not exist.
    models : iterable of str, default=None
        Names of shipped models; None: all.

    Raises
    ------
    RuntimeMissing
        npm is missing, or cannot get ONNX Runtime.
    """
    import sktimbre
    from sktimbre import models as shipped

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    fetch_runtime(folder / "ort")
    for file in PAGE.iterdir():
        shutil.copyfile(file, folder / file.name)
    shutil.rmtree(folder / "models", ignore_errors=True)
    index = []
    for name in shipped.names() if models is None else models:
        model = shipped.load(name)
        (folder / "models" / name).mkdir(parents=True)
        with tempfile.TemporaryDirectory() as export:
            sktimbre.export(model, export)
            for file in EXPORTED:
                shutil.copyfile(Path(export) / file, folder / "models" / name / file)
        index.append({"name": name, "target": shipped.card(name).target, "sr": int(model.sr)})
    (folder / INDEX).write_text(json.dumps(index, indent=1) + "\n")


def fetch_runtime(folder):
    """Get the files of ONNX Runtime by npm, unless the folder has them in this version."""
    version = folder / "version.txt"
    if version.exists() and version.read_text() == RUNTIME:
        return
    npm = shutil.which("npm")
    if not npm:
        raise RuntimeMissing("npm is missing: install Node.js with npm.")
    with tempfile.TemporaryDirectory() as packed:
        command = [npm, "pack", RUNTIME, "--loglevel=error", "--pack-destination", packed]
        try:
            subprocess.run(command, cwd=packed, check=True, capture_output=True, text=True, timeout=120)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            said = error.stderr.splitlines() if isinstance(error.stderr, str) else []
            raise RuntimeMissing(f"npm cannot get {RUNTIME}: {said[0] if said else error}") from None
        folder.mkdir(exist_ok=True)
        with tarfile.open(next(Path(packed).glob("*.tgz"))) as archive:
            for name in RUNTIME_FILES:
                (folder / name).write_bytes(archive.extractfile(f"package/dist/{name}").read())
    version.write_text(RUNTIME)


def make(app):
    """Write the page into the folder of static files, unless it is newer than the models and its sources."""
    from sphinx.util import logging

    from sktimbre import models

    folder = Path(app.srcdir) / "_static" / "browser"
    sources = [Path(__file__), *PAGE.iterdir(), *map(models.path, models.names())]
    index = folder / INDEX
    if index.exists() and index.stat().st_mtime > max(file.stat().st_mtime for file in sources):
        return
    try:
        build(folder)
    except RuntimeMissing as error:
        message = "The page that converts in the browser is left out: %s"
        logging.getLogger(__name__).warning(message, error, type="browser")
        shutil.rmtree(folder)


def setup(app):
    """Register with Sphinx."""
    app.connect("builder-inited", make)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
