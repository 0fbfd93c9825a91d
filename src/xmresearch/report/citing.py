"""How a report is cited: author, the year of its data, title, who published it, and the run that made it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from xmresearch.display import Shown
from xmresearch.report.client_style import ClientStyle
from xmresearch.report.wording import escaped, in_line, labels

_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")


@dataclass(frozen=True, repr=False)
class Front(Shown):
    """What stands on a report's front beside its title, and how it looks.

    Attributes
    ----------
    author, organisation : str
        Who wrote and who published it; '' where nobody is named.
    data_date : str
        When the data are from, never when the report was made; '' where it is not known.
    run, version : str
        Key of the run, and version of the package.
    style : ClientStyle
        The client's look.
    """

    author: str = ""
    organisation: str = ""
    data_date: str = ""
    run: str = ""
    version: str = ""
    style: ClientStyle = field(default_factory=ClientStyle)


def citation(front: Front, title: str, data_date: str, lang: str) -> str:
    """Return how a report is cited.

    Parameters
    ----------
    front : Front
        Who wrote it, and the run.
    title : str
        Of the report.
    data_date : str
        When the data are from; its last year dates the report.
    lang : {'en', 'zh'}
        Language: the manner of APA in English, of GB/T 7714 in Chinese.

    Returns
    -------
    str
        Markdown.

    References
    ----------
    American Psychological Association (2020). Publication manual (7th ed.), section 10.4.
    GB/T 7714-2015. Rules for bibliographic references and citations to information resources.
    """
    words = labels(lang)["citing"]
    author, organisation, date = (escaped(in_line(text)) for text in (front.author, front.organisation, data_date))
    years = _YEAR.findall(data_date)
    whose = author or organisation
    publisher = organisation if author else ""
    details = [words["data"].format(date)] if date else []
    details += [words["run"].format(escaped(front.run))] if front.run else []
    details += [f"xmresearch {escaped(front.version)}"] if front.version else []
    kind = "named" if whose else "unnamed"
    return str(words[kind]).format(
        author=whose, year=max(years) if years else words["undated"], title=escaped(title),
        publisher=words["publisher"].format(publisher) if publisher else "", details=_begun(words["between"].join(details)),
    )  # fmt: skip


def _begun(text: str) -> str:
    return text[:1].upper() + text[1:]
