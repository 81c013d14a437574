"""Notes on disk: sound files and memory maps read note by note, and spectra stored in files for training."""
