"""Rows that are elsewhere: in databases and object stores."""
