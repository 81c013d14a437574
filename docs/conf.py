"""Configuration of Sphinx; `make docs` builds the documentation. npm gets ONNX Runtime for the page in `browser/`."""

import importlib.metadata
import os
import sys
import tomllib
from pathlib import Path

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS / "_ext"))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

project = "sktimbre"
copyright = "The sktimbre developers, BSD-3-Clause"
release = version = importlib.metadata.version("sktimbre")

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "numpydoc",
    "myst_parser",
    "sphinx_gallery.gen_gallery",
    "browser",
    "members",
    "phrase",
]
exclude_patterns = ["_build", "gallery"]
templates_path = ["_templates"]
# `LogSTFT` in a docstring is a link if an object of that name is documented, else plain code.
default_role = "py:obj"

autosummary_generate = True
autodoc_typehints = "none"  # the docstrings give types with shapes and units
autodoc_member_order = "bysource"
toc_object_entries_show_parents = "hide"
numpydoc_show_class_members = False  # the template of classes lists them
numpydoc_class_members_toctree = False

# The same checks of docstrings as in tests/test_docs.py.
_validation = tomllib.loads((DOCS.parent / "pyproject.toml").read_text())["tool"]["numpydoc_validation"]
numpydoc_validation_checks = set(_validation["checks"])
numpydoc_validation_exclude = set(_validation["exclude"])

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
# A toctree with a glob may match no page.
suppress_warnings = ["toc.empty_glob"]

sphinx_gallery_conf = {
    "examples_dirs": "gallery",
    "gallery_dirs": "auto_gallery",
    "filename_pattern": "/plot_",
    "within_subsection_order": "FileNameSortKey",
    "image_scrapers": ("figures.scrape",),
    "doc_module": ("sktimbre",),
    "backreferences_dir": "api/backreferences",
    "reference_url": {"sktimbre": None},
    "download_all_examples": False,
    "show_memory": False,
    "show_signature": False,
    "min_reported_time": 3600,  # shows no timings, which depend on the machine
    "write_computation_times": False,
    "remove_config_comments": True,
}

html_theme = "pydata_sphinx_theme"
html_title = "sktimbre"
html_static_path = ["_static"]
html_css_files = ["custom.css"]
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "logo": {"text": "sktimbre"},
    "navbar_end": ["theme-switcher"],
    "navbar_align": "left",
    "secondary_sidebar_items": ["page-toc"],
    "show_toc_level": 2,
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "tango",
}
# The front page has no sidebar; the others list the pages of their section.
html_sidebars = {"index": []}
