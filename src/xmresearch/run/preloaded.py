"""Imported by a fork server before it forks: by then everything is."""

from xmresearch.run.warm import preload

preload()
