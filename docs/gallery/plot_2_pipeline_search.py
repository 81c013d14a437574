"""
Pipeline and GridSearchCV
=========================

Use the parts as steps of a scikit-learn Pipeline, and search their parameters.
"""

# %%
# A Pipeline
# ----------
# ``X`` is the source audio and ``y`` the target audio. A Pipeline does not transform
# ``y``; `TimbreAutoencoder` transforms it with its ``target_transformer``, which has to
# be the same STFT as the first step.
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
# A note, after so little training:
import numpy as np
from IPython.display import Audio

Audio(np.clip(audio[4], -1, 1), rate=notes.sr, normalize=False)

# %%
# Without the last step the Pipeline ends in a regressor: ``predict`` returns spectra,
# and ``score`` their negative error:
pipe[:-1].predict(notes.source).shape, pipe[:-1].score(notes.source, notes.target)

# %%
# A search
# --------
# A Pipeline has the STFT parameters in two places. `TimbreTransfer` has one STFT for
# source and target, so they can be searched as well. The default score is the negative
# reconstruction error, and needs no ``scoring=``. Reconstruction errors with different
# STFT parameters are not comparable, so this search uses a metric of audio.
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
# Folds consist of whole notes, so the scored pitches are not in the training set. Here
# the notes are shuffled; ``cv=3`` would cut the sorted pitches into three registers and
# score notes outside the range of the training.
#
# Any regressor
# -------------
# A regressor on tables gets one frame a row.
from sklearn.linear_model import Ridge

ridge = TimbreTransfer(stft=LogSTFT(n_fft=512), autoencoder=Ridge()).fit(
    notes.source[::2], notes.target[::2]
)
ridge.score(notes.source[1::2], notes.target[1::2])
