"""Compare two runs of one study: what changed in data, settings, claims and headline figures."""
