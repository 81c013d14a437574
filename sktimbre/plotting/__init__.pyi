from .spectrograms import plot_transfer

__all__ = ["plot_transfer"]
