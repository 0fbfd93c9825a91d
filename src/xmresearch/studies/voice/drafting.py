"""What a study of verbatims would make of a file: a column of what people wrote, and what stands beside it."""

from __future__ import annotations

import re

from xmresearch.data.profile.file_profile import FileProfile
from xmresearch.data.profile.guess import Guess
from xmresearch.identifiers.open_text import is_open_text
from xmresearch.params.proposal import Proposal, Written, unsuited
from xmresearch.studies.voice.reading import FEWEST_TEXTS

FIT = 1
"""How well a column of texts suits: less than what asks for a study of its own."""


_COMMENTS = re.compile(
    r"comment|answer|feedback|review|verbatim|remark|opinion|complain|suggest|reason|\bwhy\b|own words|\btext\b|答复|评论|评价|意见|建议|留言|反馈|投诉|原因|为什么|内容",
    re.IGNORECASE,
)
"""What the heading of a column of comments says: titles of pages are sentences too."""


def propose(profile: FileProfile) -> Proposal:
    """Say whether a file suits the study, and draft its params.

    Parameters
    ----------
    profile : FileProfile
        What is known of the file.

    Returns
    -------
    Proposal
    """
    frame = profile.table.frame
    roles = profile.table.roles
    texts = [
        c for c in profile.of_kind("text")
        if is_open_text(frame[c.name]) and (roles.get(c.name) == "comment" or _COMMENTS.search(f"{c.name} {c.question}"))
    ]  # fmt: skip
    if not texts:
        return unsuited("no column holds what people wrote in their own words")
    text = max(texts, key=lambda c: c.answered)
    if text.answered < FEWEST_TEXTS:
        return unsuited(f"{text.answered} texts are too few for a study of verbatims")
    written = Written()
    several = "" if len(texts) == 1 else "several columns could be it: say which texts are to be read"
    found = [("text", Guess(text.name, "most cells hold sentences", several))]
    written.put("text", text.name, found[0][1])
    ground = Guess(
        "service_hall",
        "the shipped one",
        "themes of a service hall: write those of your own, with their terms, and name the file",
    )
    written.put("codeframe", "service_hall", ground)
    found.append(("codeframe", ground))
    for key, kinds in (
        ("date", ("date",)),
        ("customer", ("identifier",)),
        ("rating", ("rating",)),
        ("touchpoint", ("choice",)),
    ):
        columns = profile.of_kind(*kinds)
        if columns:
            doubt = "" if len(columns) == 1 else "the first of several"
            guess = Guess(columns[0].name, columns[0].kind.why, doubt)
            written.put(key, columns[0].name, guess)
            found.append((key, guess))
        else:
            written.lines.append(f"{key}: null  # no column was found for it")
    pro = f"'{text.name}' holds {text.answered:,d} texts in people's own words"
    return Proposal(FIT, (pro,), params=written, found=tuple(found))
