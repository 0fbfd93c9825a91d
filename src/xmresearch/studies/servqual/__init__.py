"""What a SERVQUAL study claims."""
