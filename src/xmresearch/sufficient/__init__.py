"""Small additive statistics that hold no respondent."""
