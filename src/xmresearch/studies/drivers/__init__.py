"""The study of what to fix first."""
