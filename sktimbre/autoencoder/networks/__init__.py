"""Networks: options, layers, building blocks, and one function for each architecture."""
