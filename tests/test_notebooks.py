"""How estimators show themselves in notebooks."""

from html.parser import HTMLParser

import pytest
from sklearn.linear_model import Ridge
from sklearn.pipeline import Pipeline

from sktimbre import GriffinLimInverter, LogSTFT, TimbreAutoencoder, TimbreTransfer
from sktimbre.datasets import make_paired_notes

TRANSFER = TimbreTransfer(stft=LogSTFT(n_fft=128), autoencoder=Ridge(alpha=3.0))
PIPELINE = Pipeline([("stft", LogSTFT(n_fft=64)), ("net", TimbreAutoencoder()), ("invert", GriffinLimInverter())])
VOID = {"input", "br", "img", "hr", "meta", "link", "path", "circle"}


class Balanced(HTMLParser):
    """Notes tags that are not closed by their like, and all text."""

    def __init__(self):
        super().__init__()
        self.open, self.wrong, self.text = [], [], []

    def handle_starttag(self, tag, attrs):
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID and (not self.open or self.open.pop() != tag):
            self.wrong.append(tag)

    def handle_data(self, data):
        self.text.append(data.strip())


def shown(estimator):
    page = Balanced()
    page.feed(estimator._repr_html_())
    assert page.wrong == []
    assert page.open == []
    return page.text


@pytest.mark.parametrize("fitted", [False, True])
def test_transfer(fitted):
    notes = make_paired_notes(2, duration=0.1)
    model = TimbreTransfer(**TRANSFER.get_params(deep=False))
    text = shown(model.fit(notes.source, notes.target) if fitted else model)
    for name in ("TimbreTransfer", "LogSTFT", "Ridge"):
        assert name in text
    assert ("Fitted" in text) == fitted
    assert ("Not fitted" in text) != fitted


def test_pipeline():
    text = shown(PIPELINE)
    for name in ("Pipeline", "LogSTFT", "TimbreAutoencoder", "GriffinLimInverter"):
        assert name in text
    bundle = PIPELINE._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html"}
    assert "LogSTFT(n_fft=64)" in bundle["text/plain"]
