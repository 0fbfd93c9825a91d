"""Run studies reproducibly."""
