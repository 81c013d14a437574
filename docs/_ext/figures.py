"""Image scraper of the gallery for matplotlib figures created without pyplot, as by `sktimbre.plotting`."""

from matplotlib.figure import Figure
from sphinx_gallery.scrapers import figure_rst


def scrape(block, block_vars, gallery_conf):
    """Save the figures that a block of an example created, and return the reST that shows them."""
    paths = []
    for value in list(block_vars["example_globals"].values()):
        figure = getattr(value, "figure_", value)  # a Display holds its figure
        if isinstance(figure, Figure) and not hasattr(figure, "was_scraped"):
            figure.was_scraped = True
            paths.append(str(next(block_vars["image_path_iterator"])))
            figure.savefig(paths[-1], dpi=120)
    return figure_rst(paths, gallery_conf["src_dir"])
