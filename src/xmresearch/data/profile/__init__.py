"""What columns of a file seem to be, before anything is known of them: the ground of a draft."""
