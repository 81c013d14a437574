"""What a network is trained on: pairs of spectra, brought to one level, varied, and put into batches."""
