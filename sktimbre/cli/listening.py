"""The listening page: one file with sounds, pictures and numbers in it, to be opened in any browser."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Sample", "listening_page"]

TEMPLATE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ title }}</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
  table { border-collapse: collapse; }
  th, td { padding: .25rem .8rem; border-bottom: 1px solid #ccc; text-align: right; }
  th:first-child, td:first-child { text-align: left; }
  .sounds { display: flex; flex-wrap: wrap; gap: 1rem; }
  figure { margin: 0; }
  audio { width: 18rem; max-width: 100%; }
  img { max-width: 100%; }
</style>
</head>
<body>
<h1>{{ title }}</h1>
<p>{{ description }}</p>
<table>
<thead><tr>{% for heading in table[0] %}<th scope="col">{{ heading }}</th>{% endfor %}</tr></thead>
<tbody>
{% for row in table[1:] %}<tr>{% for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>
{% endfor %}</tbody>
</table>
{% for sample in samples %}
<section>
<h2>{{ sample.name }}</h2>
<div class="sounds">
{% for label, sound in sample.sounds.items() %}
<figure><figcaption>{{ label }}</figcaption>
<audio controls preload="none" src="{{ sound | data_uri('audio/wav') }}"
 aria-label="{{ sample.name }}, {{ label }}"></audio></figure>
{% endfor %}
</div>
<img src="{{ sample.picture | data_uri('image/png') }}" alt="Spectrograms of {{ sample.name }}: source, output, target">
</section>
{% endfor %}
</body>
</html>
"""


@dataclass(frozen=True)
class Sample:
    """One note of the page.

    Parameters
    ----------
    name : str
        What it is called.
    sounds : mapping of str to bytes
        WAV files by their captions.
    picture : bytes
        A PNG file.
    """

    name: str
    sounds: Mapping[str, bytes]
    picture: bytes


def listening_page(title: str, description: str, table: Sequence[Sequence[Any]], samples: Sequence[Sample]) -> str:
    """Return a page of HTML that needs no other file.

    Parameters
    ----------
    title, description : str
        Shown at the top.
    table : sequence of sequence
        Rows of cells, the first of them the headings.
    samples : sequence of Sample
        The notes.

    Returns
    -------
    str

    Examples
    --------
    >>> from sktimbre.cli.listening import Sample, listening_page
    >>> page = listening_page("A & B", "Two", [["", "error"]], [Sample("C4", {"Source": b"RIFF"}, b"PNG")])
    >>> "A &amp; B" in page, "data:audio/wav;base64,UklGRg==" in page
    (True, True)
    """
    import jinja2

    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    environment.filters["data_uri"] = _data_uri
    return environment.from_string(TEMPLATE).render(title=title, description=description, table=table, samples=samples)


def _data_uri(content: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"
