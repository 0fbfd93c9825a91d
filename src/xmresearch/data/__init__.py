"""Read, check and screen surveys."""

from typing import TYPE_CHECKING

from xmresearch.lazy import front_door

if TYPE_CHECKING:
    from xmresearch.data.codebook import Codebook as Codebook
    from xmresearch.data.codebook_file import load_codebook as load_codebook
    from xmresearch.data.codebook_file import parse_codebook as parse_codebook
    from xmresearch.data.config import DatasetSource as DatasetSource
    from xmresearch.data.config import FeedbackSource as FeedbackSource
    from xmresearch.data.config import FileSource as FileSource
    from xmresearch.data.config import RolloutSource as RolloutSource
    from xmresearch.data.config import ScenarioSource as ScenarioSource
    from xmresearch.data.config import SqlSource as SqlSource
    from xmresearch.data.config import TouchpointsSource as TouchpointsSource
    from xmresearch.data.datasets import load_dataset as load_dataset
    from xmresearch.data.load import load_survey as load_survey
    from xmresearch.data.panel import PanelData as PanelData
    from xmresearch.data.panel import load_panel as load_panel
    from xmresearch.data.readers import read_survey as read_survey
    from xmresearch.data.readers import scan_survey as scan_survey
    from xmresearch.data.screening_params import Screening as Screening
    from xmresearch.data.survey import Survey as Survey
    from xmresearch.data.survey import prepare_survey as prepare_survey
    from xmresearch.data.touches import TouchData as TouchData
    from xmresearch.data.touches import load_touches as load_touches
    from xmresearch.data.verbatim_rows import load_verbatims as load_verbatims
else:
    __getattr__, __dir__ = front_door(__name__)

FOLDER_VARIABLE = "XMRESEARCH_DATA"
