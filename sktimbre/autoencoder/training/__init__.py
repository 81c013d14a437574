"""How a network is trained: settings, stages, losses, learning rates, checkpoints."""
