"""Names that are loaded on first use: the public ones of a package (PEP 562), and functions."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any


def front_door(package: str) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Make the `__getattr__` and `__dir__` of a package that imports its public names when they are first used.

    The names are those which the package's `__init__` imports for type checkers, under `if TYPE_CHECKING:`. So there is one list,
    which type checkers, editors and import contracts see as well.

    Parameters
    ----------
    package : str
        The package's `__name__`.

    Returns
    -------
    __getattr__, __dir__ : callable
        Of the package; `__all__` is among what the first gives.

    Examples
    --------
    ::

        if TYPE_CHECKING:
            from xmresearch.sem.fitting import fit as fit
        else:
            __getattr__, __dir__ = front_door(__name__)
    """

    @cache
    def origins() -> dict[str, str]:
        return _origins(package)

    def attribute(name: str) -> Any:
        if name == "__all__":
            return sorted(origins())
        # import machinery asks for dunder names while the package is being loaded
        if name.startswith("__") or name not in origins():
            raise AttributeError(f"module {package!r} has no attribute {name!r}", name=name, obj=sys.modules[package])
        origin = origins()[name]
        found = import_module(f"{package}.{name}") if origin == package else getattr(import_module(origin), name)
        setattr(sys.modules[package], name, found)
        return found

    def names() -> list[str]:
        own = (name for name in vars(sys.modules[package]) if name.startswith("__"))
        return sorted({*own, *origins()})

    return attribute, names


def when_called(package: str, module: str, name: str) -> Callable[..., Any]:
    """Return a function that is loaded when it is called first.

    Parameters
    ----------
    package : str
        The package's `__name__`.
    module : str
        Within it.
    name : str
        Of the function.

    Returns
    -------
    callable
    """

    def call(*given: Any, **named: Any) -> Any:
        return getattr(import_module(f"{package}.{module}"), name)(*given, **named)

    return call


def _origins(package: str) -> dict[str, str]:
    """Return the module of each name that the package imports for type checkers; its own name for a subpackage."""
    import ast  # only once a name is asked for: the import alone takes a tenth of what all else takes

    loader: Any = sys.modules[package].__loader__
    return {
        alias.name: statement.module
        for block in ast.parse(loader.get_source(package)).body
        if isinstance(block, ast.If) and isinstance(block.test, ast.Name) and block.test.id == "TYPE_CHECKING"
        for statement in block.body
        if isinstance(statement, ast.ImportFrom) and statement.module
        for alias in statement.names
    }
