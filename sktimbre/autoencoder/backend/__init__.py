"""What depends on Keras's backend: several devices, full memory, forked processes."""
