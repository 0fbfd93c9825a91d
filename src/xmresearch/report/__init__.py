"""Reports: words, figures, assembly and rendering."""
