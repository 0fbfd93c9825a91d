"""Studies: what each of them claims."""
