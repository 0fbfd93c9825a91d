"""A run beside an R Markdown report of the same study: CPU seconds of the processes and of all that they start. Run with 'make bench'."""

import os
import resource
import shutil
import subprocess
import sys

import pypandoc
import pytest

pytestmark = pytest.mark.benchmark
ROUNDS = 3
REPORT = """---
title: Minimum wages and teen employment
output: {html_document: {toc: true, number_sections: true}}
params: {data: ""}
---

```{r setup, include=FALSE}
knitr::opts_chunk$set(echo = TRUE)
d <- read.csv(params$data)
d$on <- as.integer(d$first.treat > 0 & d$year >= d$first.treat)
```

# What was observed

```{r observed}
means <- aggregate(lemp ~ year + first.treat, d, mean)
knitr::kable(means)
matplot(sort(unique(d$year)), tapply(d$lemp, list(d$year, d$first.treat), mean), type = "b", xlab = "year", ylab = "log employment")
```

# Effects over time

```{r estimates}
units <- tapply(d$first.treat, d$countyreal, max)
wide <- tapply(d$lemp, list(d$countyreal, d$year), mean)
found <- do.call(rbind, lapply(c(2004, 2006, 2007), function(g) do.call(rbind, lapply(2004:2007, function(t) {
  base <- if (t >= g) g - 1 else t - 1
  gain <- wide[, as.character(t)] - wide[, as.character(base)]
  one <- gain[units == g]; none <- gain[units == 0]
  data.frame(cohort = g, year = t, estimate = mean(one) - mean(none), se = sqrt(var(one) / length(one) + var(none) / length(none)))
}))))
found$lower <- found$estimate - 1.96 * found$se
found$upper <- found$estimate + 1.96 * found$se
knitr::kable(found, digits = 4)
plot(found$year - found$cohort, found$estimate, xlab = "years since the change", ylab = "effect")
segments(found$year - found$cohort, found$lower, found$year - found$cohort, found$upper)
```

# A regression

```{r regression}
fitted <- lm(lemp ~ on + factor(year) + factor(first.treat), d)
knitr::kable(summary(fitted)$coefficients, digits = 4)
```
"""


def cpu(command):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, check=False,
        env={**os.environ, "RSTUDIO_PANDOC": os.path.dirname(pypandoc.get_pandoc_path()), "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 0, done.stderr[-3000:]
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_a_run_beside_an_r_markdown_report(root, tmp_path, measured):
    rscript, data = shutil.which("Rscript"), os.environ.get("XMRESEARCH_DATA", "")
    file = os.path.join(data, "causal", "mpdta.csv")
    if rscript is None or subprocess.run([rscript, "-e", "library(rmarkdown)"], capture_output=True).returncode:
        pytest.skip("Rscript or its package rmarkdown is absent")
    if not os.path.isfile(file):
        pytest.skip("mpdta.csv is not below XMRESEARCH_DATA")
    (tmp_path / "study.Rmd").write_text(REPORT)
    render = f"rmarkdown::render('{tmp_path / 'study.Rmd'}', params = list(data = '{file}'), quiet = TRUE)"
    run = [sys.executable, "-c", "from xmresearch.cli import main; main()", "run", root / "params/did/mpdta.yml"]
    theirs = min(cpu([rscript, "-e", render]) for _ in range(ROUNDS))
    ours = min(cpu([*run, "--out", tmp_path / str(k)]) for k in range(ROUNDS))
    assert (tmp_path / "study.html").stat().st_size > 100_000
    measured.ratio("a run of mpdta, with its checks and claims", ours, {"R Markdown, estimates alone": theirs}, unit="s of CPU")  # fmt: skip
    measured.figure("a run of mpdta from a new process", ours, "s of CPU", most=4)
