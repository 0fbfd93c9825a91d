"""Folders of runs as a run leaves them, made of a page's blocks without a kernel."""

import json

from xmresearch.run.cache import file_hash
from xmresearch.run.compare.report import as_notebook
from xmresearch.run.manifest import NAME, output_hashes


def record(folder, blocks, params, inputs=None, code="c0"):
    """Write a whole run: executed notebook, report and manifest; the key is made of the folder's name."""
    folder.mkdir(parents=True)
    (folder / "executed.ipynb").write_text(json.dumps(as_notebook(blocks)), "utf-8")
    (folder / "report.html").write_text("<p>report</p>", "utf-8")
    manifest = {
        "key": folder.name.ljust(16, "0"), "params": params, "inputs": {k: file_hash(p) for k, p in (inputs or {}).items()},
        "code": code, "lock": "", "versions": {}, "outputs": output_hashes(folder),
    }  # fmt: skip
    (folder / NAME).write_text(json.dumps(manifest), "utf-8")
    return folder
