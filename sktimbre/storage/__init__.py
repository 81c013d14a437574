"""Notes that are not in memory: sound files and memory maps read note by note, and spectra kept on disk while training."""
