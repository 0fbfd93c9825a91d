"""The words of studies, as their reports look them up."""

from xmresearch.params.registry import find_study, study_names
from xmresearch.report.wording import Wording, labels


def words(study, lang):
    """Return a study's words over those that all share."""
    return labels(lang, find_study(study).words(lang))


def wording(study, lang, names=(), **settings):
    """Return a wording that knows a study's words."""
    return Wording(lang, dict(names), words=find_study(study).words(lang), **settings)


def files_of_words(root, lang):
    """Return the files of words of one language: the shared one, that of batches, and each study's."""
    shared = [root / "src/xmresearch" / folder / f"{lang}.yml" for folder in ("report/labels", "run/batch/words")]
    return [*shared, *(find_study(s).words(lang) for s in study_names())]
