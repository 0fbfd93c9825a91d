"""The study of linkage: experience with behaviour and results, within branches and between them."""
