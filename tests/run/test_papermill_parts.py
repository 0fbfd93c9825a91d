"""What papermill loads for others is left out, and is there for who asks for it afterwards."""

import subprocess
import sys

from xmresearch.run.papermill_parts import UNUSED

PROGRAM = """
import importlib, sys
{before}
from xmresearch.run import engine
print([name for name in {names} if name in sys.modules])
print([importlib.import_module(name).__name__ for name in {names}])
"""


def _said(before):
    code = PROGRAM.format(before=before, names=list(UNUSED))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_what_is_not_used_is_not_loaded_and_can_be_afterwards():
    assert _said("") == ["[]", str(list(UNUSED))]


def test_what_was_loaded_before_stays():
    assert _said("import rfc3987_syntax")[0] == "['rfc3987_syntax']"
