"""A run's folder: settings, checkpoints, metrics, report."""
