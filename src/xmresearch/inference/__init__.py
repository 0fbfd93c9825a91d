"""Sampling from a posterior density whose gradient is written out."""
