"""The public names of the package, and on which page each is described."""

from __future__ import annotations

import inspect
from functools import cache
from types import ModuleType

import xmresearch

Names = list[tuple[str, object]]


def public(module: ModuleType) -> Names:
    """Return what a package offers: its `__all__`, or the classes and functions that a module defines."""
    listed = getattr(module, "__all__", None)
    if listed is not None:
        return [(name, getattr(module, name)) for name in listed]
    own = ((n, t) for n, t in vars(module).items() if not n.startswith("_"))
    return [(n, t) for n, t in own if getattr(t, "__module__", "") == module.__name__]


@cache
def packages() -> dict[str, ModuleType]:
    """Return the packages that have a page, by name."""
    return {name: thing for name, thing in public(xmresearch) if inspect.ismodule(thing)}


def described(module: ModuleType) -> Names:
    """Return the functions and classes of a package, functions first: people call them, and they give the results."""
    found = [(n, t) for n, t in public(module) if inspect.isclass(t) or inspect.isroutine(t)]
    return sorted(found, key=lambda entry: (inspect.isclass(entry[1]), entry[0].lower()))


@cache
def homes() -> dict[object, str]:
    """Return the dotted name under which each thing is described, once: where it was written, where that has a page."""
    found: dict[object, str] = {}
    for module in [*packages().values(), xmresearch]:
        for name, thing in described(module):
            written_here = str(getattr(thing, "__module__", "")).startswith(f"{module.__name__}.")
            if thing not in found or (written_here and module is not xmresearch):
                found[thing] = f"{module.__name__}.{name}"
    return found
