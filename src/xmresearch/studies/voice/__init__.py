"""The study of verbatims: what hurts, how often, how badly."""
