"""Gaps, reliability, importance, drivers and scores of survey instruments."""
