"""How the documentation is built: `make docs`. It needs no network."""

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
    "members",
]
exclude_patterns = ["_build", "gallery"]
templates_path = ["_templates"]
# `LogSTFT` in a docstring is a link where there is something of that name, and plain code where there is not.
default_role = "py:obj"

autosummary_generate = True
autodoc_typehints = "none"  # shapes and units, which types do not tell, stand in the docstrings
autodoc_member_order = "bysource"
toc_object_entries_show_parents = "hide"
numpydoc_show_class_members = False  # the template of classes lists them
numpydoc_class_members_toctree = False

# The checks of docstrings are those of tests/test_docs.py.
_validation = tomllib.loads((DOCS.parent / "pyproject.toml").read_text())["tool"]["numpydoc_validation"]
numpydoc_validation_checks = set(_validation["checks"])
numpydoc_validation_exclude = set(_validation["exclude"])

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
# Pages beside the guide are found by what is there.
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
    "min_reported_time": 3600,  # timings of whoever built the pages tell a reader nothing
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
# The front page speaks for itself; the other pages have their section's list on the left.
html_sidebars = {"index": []}
