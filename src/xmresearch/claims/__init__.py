"""What may be said: claims, the rules that settle them, and the calibration of those rules."""
