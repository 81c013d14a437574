from .shipped import ModelCard, card, load, names, path

__all__ = ["ModelCard", "card", "load", "names", "path"]
