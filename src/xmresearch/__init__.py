"""xmresearch: a research workbench for measured experience."""

__version__ = "0.1.0"
