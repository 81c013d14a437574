"""Training data: pairs of spectra, normalized to the reference level, varied, and put into batches."""
