"""Did the change work? Bayesian difference-in-differences on cell statistics."""
