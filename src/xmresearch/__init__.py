"""xmresearch: a research workbench for measured experience.

Everything is loaded when it is first used.

Examples
--------
>>> import xmresearch as xm
>>> survey = xm.load_survey("answers.csv", codebook="servqual")
>>> xm.psychometrics.gaps(survey.frame, survey.codebook)
>>> xm.sem.fit(xm.sem.model_text("servqual"), survey.frame)
"""

from typing import TYPE_CHECKING

from xmresearch.lazy import front_door

if TYPE_CHECKING:
    from xmresearch import attribution as attribution
    from xmresearch import causal as causal
    from xmresearch import claims as claims
    from xmresearch import data as data
    from xmresearch import drivers as drivers
    from xmresearch import errors as errors
    from xmresearch import journeys as journeys
    from xmresearch import linkage as linkage
    from xmresearch import metrics as metrics
    from xmresearch import missing as missing
    from xmresearch import monitoring as monitoring
    from xmresearch import outcomes as outcomes
    from xmresearch import psychometrics as psychometrics
    from xmresearch import sampling as sampling
    from xmresearch import sem as sem
    from xmresearch import sufficient as sufficient
    from xmresearch import verbatims as verbatims
    from xmresearch.data.codebook_file import load_codebook as load_codebook
    from xmresearch.data.datasets import load_dataset as load_dataset
    from xmresearch.data.load import load_survey as load_survey
    from xmresearch.data.panel import load_panel as load_panel
    from xmresearch.data.readers import read_survey as read_survey
    from xmresearch.data.touches import load_cases as load_cases
    from xmresearch.data.touches import load_touches as load_touches
    from xmresearch.params.registry import find_study as find_study
    from xmresearch.params.registry import study_names as study_names
    from xmresearch.run.study import run_study as run_study
else:
    __getattr__, __dir__ = front_door(__name__)

__version__ = "0.1.0"
