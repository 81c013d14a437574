"""Code that depends on Keras's backend: several devices, out-of-memory errors, forked processes."""
