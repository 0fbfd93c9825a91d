"""What tells who somebody is: addresses, numbers and places, in columns and in running text."""
