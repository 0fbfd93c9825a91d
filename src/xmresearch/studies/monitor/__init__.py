"""The study of what is moving: signal or noise."""
