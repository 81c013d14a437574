import pytest


@pytest.fixture(scope="session")
def convert_while_it_comes():
    """Convert a recording that comes in blocks of 7 samples; return the outputs and the most samples that were waited for."""

    def convert(model, x, latency):
        given, returned, worst, outputs = 0, 0, 0, []

        def blocks():
            nonlocal given
            for start in range(0, len(x), 7):
                given = min(len(x), start + 7)
                yield x[start:given]

        for audio in model.predict_blocks(blocks(), latency=latency):
            worst = max(worst, given - returned) if given < len(x) else worst
            returned += len(audio)
            outputs.append(audio)
        return outputs, worst

    return convert
