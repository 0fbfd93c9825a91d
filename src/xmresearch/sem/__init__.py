"""Structural equation models in lavaan's syntax."""
