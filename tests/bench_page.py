"""The page of what `make bench` measured: ratios against peers and floors, growth with rows, and what each benchmark printed, by study."""

import html
import io

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from measured import FIGURE, GROWTH, RATIO

WORKBENCH = "workbench"
BY_FILE = {
    "servqual": ("servqual", "servperf", "scale", "calibration"), "sem": ("sem", "bayes_sem", "second_program"),
    "did": ("did", "hierarchical", "within", "sensitivity"), "attribution": ("attribution", "customer"), "scorecard": ("scorecard",),
    "drivers": ("driver", "drivers"), "voice": ("voice",),
}  # fmt: skip
"""How the files of benchmarks begin, after `test_`, by study; all else is of the workbench."""
STYLE = """
body { font: 15px/1.5 "Noto Sans", "Segoe UI", "Noto Sans SC", sans-serif; max-width: 68rem; margin: 2rem auto; padding: 0 1rem; color: #1f2933; }
table { border-collapse: collapse; margin: .6rem 0 1.2rem; } th, td { padding: .25rem .8rem; border-bottom: 1px solid #dde3e8; text-align: left; }
td.n { text-align: right; font-variant-numeric: tabular-nums; } .missed { color: #b42318; font-weight: 600; }
h2 { border-bottom: 3px solid #1d5b8f; margin-top: 2.4rem; } pre { overflow-x: auto; background: #f3f6f9; padding: .6rem; font-size: 12px; }
svg { max-width: 100%; height: auto; } summary { cursor: pointer; } .muted { color: #5b6670; } .scroll { overflow-x: auto; }
"""


def study_of(file):
    """Return the study that a file of benchmarks is about."""
    name = file.removesuffix(".py").removeprefix("test_")
    for study, beginnings in BY_FILE.items():
        if any(name == each or name.startswith(f"{each}_") for each in beginnings):
            return study
    return WORKBENCH


def page(entries, about):
    """Return the page.

    Parameters
    ----------
    entries : list of dict
        study, file, name, says, outcome, seconds, when, printed and figures (pairs of kind and content) of each benchmark.
    about : str
        The machine, the versions.
    """
    parts = [
        "<!doctype html><html lang='en'><meta charset='utf-8'><meta name='viewport' content='width=device-width'>",
        f"<title>xmresearch: benchmarks</title><style>{STYLE}</style><h1>Benchmarks</h1><p class='muted'>{html.escape(about)}</p>",
    ]
    for study in sorted({entry["study"] for entry in entries}, key=lambda s: (s == WORKBENCH, s)):
        own = [entry for entry in entries if entry["study"] == study]
        parts += [f"<h2>{study}</h2>", _ratios(own), _figures(own), _growths(own), *map(_printed, own)]
    return "\n".join(parts)


def _of(entries, kind):
    return [(entry, content) for entry in entries for each, content in entry["figures"] if each == kind]


def missed(content):
    """Whether a figure misses its target."""
    if "peer" in content:
        times = content["theirs"] / content["ours"]
        return (content["least"] is not None and times < content["least"]) or (
            content["most"] is not None and 1 / times > content["most"]
        )
    value = content.get("value", content.get("exponent"))
    least, most = content.get("least"), content.get("most")
    return (least is not None and value < least) or (most is not None and value > most)


def _target(content):
    if content.get("least") is not None:
        return f"≥ {content['least']:g}"
    return f"≤ {content['most']:g}" if content.get("most") is not None else ""


def _table(heads, rows):
    if not rows:
        return ""
    head = "".join(f"<th>{html.escape(h)}</th>" for h in heads)
    body = ""
    for content, cells in rows:
        shown = "".join(f"<td{'' if k == 0 else ' class=n'}>{html.escape(c)}</td>" for k, c in enumerate(cells))
        body += f"<tr{' class=missed' if missed(content) else ''}>{shown}</tr>"
    return f"<div class='scroll'><table><tr>{head}</tr>{body}</table></div>"


def _ratios(entries):
    found = [content for _, content in _of(entries, RATIO)]
    rows = []
    for c in found:
        times, floor = c["theirs"] / c["ours"], c["most"] is not None
        said = f"{1 / times:.2f} x the floor" if floor else f"{times:.1f} x"
        rows.append(
            (
                c,
                [
                    c["what"],
                    f"{c['ours']:.3g} {c['unit']}",
                    c["peer"],
                    f"{c['theirs']:.3g} {c['unit']}",
                    said,
                    _target(c),
                ],
            )
        )
    return _table(["task", "ours", "peer or floor", "theirs", "ratio", "target"], rows) + (
        _bars(found) if found else ""
    )


def _figures(entries):
    rows = [(c, [c["what"], f"{c['value']:,.4g} {c['unit']}", _target(c)]) for _, c in _of(entries, FIGURE)]
    return _table(["figure", "measured", "target"], rows)


def _growths(entries):
    shown = ""
    for _, c in _of(entries, GROWTH):
        mark = " class='missed'" if missed(c) else ""
        shown += f"<p{mark}>{html.escape(c['what'])}: rows<sup>{c['exponent']:.3f}</sup> {_target(c)}</p>{_growth(c)}"
    return shown


def _printed(entry):
    head = f"{entry['name']}: {entry['outcome']}, {entry['seconds']:.0f} s, {entry['when']}"
    mark = "" if entry["outcome"] == "passed" else " class='missed'"
    says = f"<p>{html.escape(entry['says'])}</p>" if entry["says"] else ""
    text = f"<pre>{html.escape(entry['printed'])}</pre>" if entry["printed"] else ""
    return f"<details><summary{mark}>{html.escape(head)}</summary>{says}{text}</details>"


def _svg(figure):
    buffer = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": "bench"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue().split("?>", 1)[1].split('dtd">', 1)[-1]


def _bars(found):
    """Draw how many times as much peers cost, with a mark where the target is."""
    figure = Figure(figsize=(8, 0.6 + 0.32 * len(found)), layout="constrained")
    axes = figure.subplots()
    times = [c["theirs"] / c["ours"] for c in found]
    at = np.arange(len(found))[::-1]
    axes.barh(at, times, color=["#b42318" if missed(c) else "#1d5b8f" for c in found], height=0.6)
    for y, c in zip(at, found, strict=True):
        target = c["least"] if c["least"] is not None else c["most"] and 1 / c["most"]
        if target:
            axes.plot([target, target], [y - 0.4, y + 0.4], color="#1f2933")
    axes.set_xscale("log")
    axes.axvline(1, color="#5b6670", linewidth=0.8)
    axes.set_yticks(at, [f"{c['what']} / {c['peer']}"[:70] for c in found], fontsize=8)
    axes.set_xlabel("times what ours costs (mark: target)")
    return _svg(figure)


def _growth(content):
    """Draw costs by size on logarithmic axes, with the power that is fitted."""
    figure = Figure(figsize=(5, 3), layout="constrained")
    axes = figure.subplots()
    sizes, costs = np.array(content["sizes"]), np.array(content["costs"])
    power = np.exp(np.log(costs).mean() + content["exponent"] * (np.log(sizes) - np.log(sizes).mean()))
    axes.loglog(sizes, power, color="#5b6670", linewidth=1)
    axes.loglog(sizes, costs, "o", color="#1d5b8f")
    axes.set_xlabel("rows")
    axes.set_ylabel(content["unit"])
    return _svg(figure)
