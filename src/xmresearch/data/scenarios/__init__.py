"""Simulated studies whose true values are declared."""
