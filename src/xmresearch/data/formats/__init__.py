"""How survey tools, statistics packages and logs write their files: one module for each form, found by `registry`."""
