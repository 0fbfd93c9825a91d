"""The structural equation study: what it claims."""
