"""Sphinx's settings for the reference pages; `build.py` writes the pages."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Hashable
from typing import TYPE_CHECKING, Any

from docutils import nodes
from names import homes
from sphinx.addnodes import pending_xref
from sphinx.util.docutils import SphinxRole

import xmresearch

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "xmresearch"
author = "The xmresearch contributors"
copyright = author
version = release = xmresearch.__version__
extensions = ["sphinx.ext.autodoc", "sphinx.ext.napoleon"]
default_role = "code-or-name"
html_theme = "furo"
html_title = f"xmresearch {version}"
html_copy_source = False
html_show_sphinx = False
napoleon_google_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False
autodoc_class_signature = "separated"
autodoc_default_options = {"members": True}
autodoc_member_order = "bysource"
autodoc_typehints = "none"
python_use_unqualified_type_names = True
_OURS = re.compile(r"(?:xmresearch|xm)(?:\.\w+)+\Z")


class CodeOrName(SphinxRole):
    """What stands in single backticks: a link where it is a name of the package, which must exist, and code otherwise."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Return the node of one such text."""
        text = nodes.literal(self.rawtext, self.text, classes=["code"])
        if not _OURS.match(self.text):
            return [text], []
        try:
            target = _described(re.sub(r"\Axm\.", "xmresearch.", self.text))
        except (AttributeError, ModuleNotFoundError):
            message = self.inliner.reporter.warning(f"'{self.text}' names nothing in the package", line=self.lineno)
            return [text], [message]
        link = pending_xref(
            self.rawtext, text, refdomain="py", reftype="obj", reftarget=target, refdoc=self.env.docname
        )
        return [link], []


def _described(name: str) -> str:
    """Return under which name a thing is described; raise where a dotted name is neither a module nor anything in one."""
    parts = name.split(".")
    found: Any = importlib.import_module(parts[0])
    for k, part in enumerate(parts[1:], 2):
        if part in getattr(found, "__dataclass_fields__", {}):
            return name
        try:
            found = getattr(found, part)
        except AttributeError:
            if not inspect.ismodule(found):
                raise
            found = importlib.import_module(".".join(parts[:k]))
    return homes().get(found, name) if isinstance(found, Hashable) else name


def setup(app: Sphinx) -> None:
    """Register the role."""
    app.add_role("code-or-name", CodeOrName())
