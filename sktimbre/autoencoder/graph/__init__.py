"""Networks as ONNX graphs, which run without Keras: exporting them, reading them from files, running them."""
