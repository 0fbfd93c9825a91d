"""Strict parameters, one model per study."""
