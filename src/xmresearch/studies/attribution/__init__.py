"""What an attribution study claims."""
