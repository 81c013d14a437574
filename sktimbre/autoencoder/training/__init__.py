"""Training of networks: settings, stages, losses, learning rates, checkpoints."""
