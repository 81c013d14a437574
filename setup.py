"""Install requirements. Bounds are lower ones; an upper bound needs a known break, with the reason beside it."""

import os

from setuptools import find_packages, setup

CORE = [
    "numpy>=1.26",
    "scipy>=1.11.1",  # 1.11.0 was withdrawn
    "scikit-learn>=1.6",
    "joblib>=1.4",
    "tensorflow>=2.18",
    "keras>=3.6",
    "scikeras>=0.13",
    "onnx>=1.16",
    "onnxruntime>=1.18.1",
    "librosa>=0.10.2",
    "numba>=0.59",
    "soundfile>=0.12.1",
    "soxr>=0.3.7",
    "platformdirs>=2.5",
    "pooch>=1.8",
    "requests>=2.31",
    "skops>=0.16",  # up to 0.11 a file could run code (CVE-2025-54412); 0.16 is the one whose loaders were read
    "packaging>=22",
    "tqdm>=4.66",
    "lazy_loader>=0.6",  # earlier ones hide functions behind modules of their name
    "matplotlib>=3.8",
    "typer>=0.16",  # earlier ones break with click 8.2
    "rich>=13.7",
    "jinja2>=3.1",
]
# What is installed in place of TensorFlow where KERAS_BACKEND names another backend of Keras.
BACKENDS = {"torch": "torch>=2.2", "jax": "jax>=0.4.30"}
EXTRAS = {
    "gpu": ["tensorflow[and-cuda]>=2.18"],
    "live": ["sounddevice>=0.4.6"],
    "scale": ["dask[distributed]>=2024.5"],
    "search": ["optuna>=4"],
    "test": [
        "pytest>=8",
        "pytest-timeout>=2.3",
        "pytest-xdist>=3.6",
        "hypothesis>=6.100",
        "dask[distributed]>=2024.5",
        "ipython>=8",
        "numpydoc>=1.8",
        "optuna>=4",
        "pandas>=2.1",
        "psutil>=5.9",
        "selenium>=4.20",
        "ruff>=0.6",
        "mypy>=1.11",
    ],
    "benchmark": ["mir_eval>=0.7"],
    "docs": [
        "sphinx>=7.3",
        "numpydoc>=1.8",
        "sphinx-gallery>=0.19",
        "pydata-sphinx-theme>=0.15",
        "myst-parser>=4",
        "ipython>=8",
    ],
}

setup(
    version="0.1.0",
    packages=find_packages(include=["sktimbre", "sktimbre.*"]),
    package_data={
        "sktimbre": [
            "py.typed",
            "**/*.pyi",
            "*.pyi",
            "cli/*.html",
            "cli/*.css",
            "cli/*.js",
            "transfer/*.md",
            "datasets/*.flac",
            "models/*.sktimbre",
            "models/*.json",
        ]
    },
    install_requires=[
        BACKENDS.get(os.environ.get("KERAS_BACKEND", ""), name) if name.startswith("tensorflow") else name
        for name in CORE
    ],
    extras_require=EXTRAS,
)
