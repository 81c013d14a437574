"""
Pipeline and GridSearchCV
=========================

The parts are scikit-learn estimators: they go into a Pipeline, and their parameters into a search.
"""

# %%
# A Pipeline
# ----------
# Audio goes in as ``X``, and the target audio as ``y``. A Pipeline never transforms
# ``y``; `TimbreAutoencoder` does it, with its ``target_transformer``, which has to be
# the same STFT as the first step.
from sklearn.pipeline import Pipeline

from sktimbre import GriffinLimInverter, LogSTFT, TimbreAutoencoder
from sktimbre.datasets import make_paired_notes

notes = make_paired_notes(9, duration=0.4)
stft = LogSTFT(n_fft=512)
network = TimbreAutoencoder(
    "shallow",
    filters=4,
    epochs=15,
    validation_split=0,
    target_transformer=stft,
    optimizer__learning_rate=3e-3,
    random_state=0,
)
pipe = Pipeline(
    [("stft", stft), ("autoencoder", network), ("invert", GriffinLimInverter())]
)
audio = pipe.fit(notes.source, notes.target).transform(notes.source)
audio.shape

# %%
# Without the last step the Pipeline ends in a regressor, with ``predict`` for spectra
# and ``score`` for their error:
pipe[:-1].predict(notes.source).shape, pipe[:-1].score(notes.source, notes.target)

# %%
# A search
# --------
# In a Pipeline the size of the STFT would stand in two places. `TimbreTransfer` has
# one STFT for both sides, so that its size can be searched as well. The default score
# is the negative reconstruction error, higher is better; no ``scoring=`` is needed.
# Errors of different STFTs are of different spectra, so compare sizes by a metric of
# audio, such as this one.
from sklearn.model_selection import GridSearchCV, KFold

from sktimbre import TimbreTransfer
from sktimbre.metrics import get_scorer

model = TimbreTransfer(
    stft=LogSTFT(), autoencoder=network.set_params(target_transformer=None)
)
search = GridSearchCV(
    model,
    {"stft__n_fft": [256, 512], "autoencoder__filters": [2, 4]},
    scoring=get_scorer("neg_log_spectral_distance", n_fft=512),
    cv=KFold(2, shuffle=True, random_state=0),
)
search.fit(notes.source, notes.target)
for parameters, score in zip(
    search.cv_results_["params"], search.cv_results_["mean_test_score"], strict=True
):
    print(f"{-score:6.2f} dB  {parameters}")

# %%
from sktimbre.plotting import SearchDisplay

display = SearchDisplay.from_estimator(search, parameter="stft__n_fft")

# %%
# Folds are of whole notes, so the notes that are scored have pitches that the training
# did not see. Here they are mixed; a number, ``cv=3``, would cut the sorted pitches into
# three registers and ask for notes outside the range of the training.
#
# Any regressor
# -------------
# A regressor for tables is given one frame a row.
from sklearn.linear_model import Ridge

ridge = TimbreTransfer(stft=LogSTFT(n_fft=512), autoencoder=Ridge()).fit(
    notes.source[::2], notes.target[::2]
)
ridge.score(notes.source[1::2], notes.target[1::2])
