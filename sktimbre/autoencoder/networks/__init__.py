"""The networks: options, blocks, layers that Keras does not have, and one function for each architecture."""
