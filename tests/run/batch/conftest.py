"""A study whose runs do what a file tells them."""

import itertools
import json

import pytest

from xmresearch.run.new_study import new_study

TROUBLE = """# Do what the test tells
import os
import signal
import time
from pathlib import Path

told = Path(f"../told/{confidence:.2f}")
what = told.read_text().split() if told.is_file() else ["nothing"]
if what[0] == "sleep":
    Path(f"../told/begun-{confidence:.2f}").write_text("")
    time.sleep(float(what[1]))
elif what[0] == "kill":
    os.kill(os.getpid() if what[1] == "kernel" else os.getppid(), signal.SIGKILL)
elif what[0] == "raise":
    raise ValueError(f"the answer of {what[1]} is {what[2]}")"""


_COUNT = itertools.count()


@pytest.fixture
def waiting(tmp_path):
    """A small study of its own, named apart from others that this process knows; returns the folder of its params file, demo.yml."""
    name = f"waiting_{next(_COUNT)}"
    folder = new_study(name, tmp_path)
    path = folder / f"{name}.ipynb"
    notebook = json.loads(path.read_text("utf-8"))
    cell = {
        "cell_type": "code",
        "execution_count": None,
        "id": "trouble",
        "metadata": {},
        "outputs": [],
        "source": TROUBLE,
    }
    notebook["cells"].insert(3, cell)
    path.write_text(json.dumps(notebook), "utf-8")
    (tmp_path / "told").mkdir()
    return folder


@pytest.fixture
def tell(waiting):
    """Tell the run of a level what to do; what it is told is no part of its key."""
    return lambda level, what: (waiting.parent / "told" / f"{level:.2f}").write_text(what)
