"""What a difference-in-differences study claims."""
