"""What a scorecard claims."""
