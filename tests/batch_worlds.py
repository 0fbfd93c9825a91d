"""Batches that have ended, made of folders as runs leave them, without a kernel."""

import hashlib
import json

import pandas as pd
from recorded_runs import record

from xmresearch.claims.rules import larger
from xmresearch.params.registry import find_study
from xmresearch.report.blocks import Block
from xmresearch.report.compose import Report
from xmresearch.run.batch.job import Job, Outcome
from xmresearch.run.batch.summary import write_summary
from xmresearch.run.batch.sweep import Sweep
from xmresearch.run.manifest import NAME

Z = 1.959963984540054
BRANCHES = {
    "en": [f"Branch {k}" for k in range(1, 401)],
    "zh": [f"{d}营业厅{k}" for k in range(1, 80) for d in "东西南北中"],
}


def did_blocks(lang, figures, n, failed=(), threshold=None):
    """What a run of `did` shows of its outcomes: the table of effects, and a claim about each."""
    names = {outcome: outcome.title() for outcome in figures}
    report = Report(
        lang, find_study("did"), names, facts={"clustered": "no", "outcome": next(iter(figures)), "noun": "units"}
    )
    report._show("title", title="T", client="", lang=lang, period="", glance="g")
    table = pd.DataFrame([
        {"outcome": name, "measure": "mean", "n": n, "estimate": y, "ci_lower": y - Z * s, "ci_upper": y + Z * s, "decimals": 2}
        for name, (y, s) in figures.items()
    ])  # fmt: skip
    report.table("outcomes", table, ["outcome", "measure", "n", "estimate", "ci"])
    for name, (y, s) in figures.items():
        made = larger("effect", y, y - Z * s, y + Z * s, threshold or 0.0, confidence=0.95)
        state = made.record() | ({"state": "conditional", "failed": ["trends"]} if name in failed else {})
        state |= {"name": f"effect_{name}", "title": f"Effect on {name}"}
        report.blocks.append(Block("prose", {"key": f"effect_{name}", "text": "**It changed.**", "claims": [state]}))
    other = {"name": "trends", "kind": "assumption", "state": "unsettled", "verdict": "unsettled", "rule": "joint_test",
             "promised": 0.05, "failed": [], "title": "Parallel trends"}  # fmt: skip
    report.blocks.append(Block("prose", {"key": "trends", "text": "Trends.", "claims": [other]}))
    return report.blocks


def scorecard_blocks(lang, figures, n):
    """What a run of `scorecard` shows of its metrics."""
    report = Report(lang, find_study("scorecard"), {m: m.upper() for m in figures})
    report._show("title", title="S", client="", lang=lang, period="", glance="g")
    table = pd.DataFrame([
        {"metric": name, "wave": "2025", "reported": True, "measure": "mean", "n": n, "estimate": y, "ci_lower": y - Z * s, "ci_upper": y + Z * s, "decimals": 1}
        for name, (y, s) in figures.items()
    ])  # fmt: skip
    report.table("waves", table, ["metric", "n", "estimate", "ci"])
    return report.blocks


class Batch:
    """A batch in the making; `home` is its output folder."""

    def __init__(self, home, lang="en"):
        self.home, self.lang, self.outcomes, self.not_begun = home, lang, [], []

    def job(self, varied, study="did", params="params/did/branches.yml"):
        name = f"r{len(self.outcomes) + len(self.not_begun)}"
        overrides = tuple(f"{k}={json.dumps(v, ensure_ascii=False)}" for k, v in varied.items())
        return Job(name, study, str((self.home.parent / params).resolve()), overrides, varied, None, str(self.home))

    def whole(self, varied, figures, *, study="did", n=200, failed=(), source=None, threshold=None, **settings):
        """Add a run that is whole: by default of a file of its own, with `data.where` as it is varied."""
        job = self.job(varied, study)
        blocks = (
            did_blocks(self.lang, figures, n, failed, threshold)
            if study == "did"
            else scorecard_blocks(self.lang, figures, n)
        )
        where = {k.removeprefix("data.where."): [v] for k, v in varied.items() if k.startswith("data.where.")}
        params = {"study": study, "name": job.name, "lang": self.lang, "confidence": 0.95, "data": {"source": "file", "path": "a.csv", "where": where}, **settings}  # fmt: skip
        key = hashlib.sha256(job.name.encode()).hexdigest()[:16]
        folder = record(self.home / study / job.name / key, blocks, params)
        manifest = json.loads((folder / NAME).read_text("utf-8"))
        manifest["inputs"] = {"data": source or f"file of {job.name}"}
        (folder / NAME).write_text(json.dumps(manifest), "utf-8")
        self.outcomes.append(Outcome(job, "done", str(folder)))
        return self

    def failed(self, varied, error="The column 'q1' is missing. Name it.", notebook=True):
        """Add a run that failed."""
        job = self.job(varied)
        kept = str(self.home / job.study / job.name / "failed-00ff" / "executed.ipynb") if notebook else ""
        self.outcomes.append(Outcome(job, "failed", kept, error=error, exit_code=3))
        return self

    def left(self, varied):
        """Add a run that was not begun."""
        self.not_begun.append(self.job(varied))
        return self

    def summary(self, **sweep):
        """Write the summary."""
        made = Sweep(**({"name": "branches", "params": ["p.yml"]} | sweep))
        return write_summary(made, self.outcomes, self.not_begun, self.home, self.lang)


def branches(home, effects, errors, lang="en", names=None, **more):
    """Make a batch with one outcome over branches, each with rows of its own."""
    batch = Batch(home, lang)
    for name, y, s in zip(names or BRANCHES[lang], effects, errors, strict=False):
        batch.whole({"data.where.branch": name}, {"waiting": (float(y), float(s))}, source="one file", **more)
    return batch
