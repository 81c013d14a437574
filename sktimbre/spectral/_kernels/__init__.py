"""Compiled and scipy.fft implementations of the STFT and of phase retrieval; only `spectral` imports them."""
