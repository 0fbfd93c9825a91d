"""The figures that two runs of a study of verbatims are compared by."""

from xmresearch.params.headline import Headline

HEADLINES = (
    Headline("pains", ("theme",), "pain", "pain_lower", "pain_upper"),
    Headline("pains", ("theme",), "frequency", "frequency_lower", "frequency_upper", unit="share"),
)
