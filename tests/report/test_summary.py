"""The report on one page: the report's own sentences under fixed heads, in every format, and nothing that it does not say."""

import io

import docx
import openpyxl
import pptx
import pypdf
import pytest

from xmresearch.report.document import Document, Part
from xmresearch.report.formats import rendered
from xmresearch.report.slide_summary import SIZES, fitting
from xmresearch.report.summary import MOST_ADVICE, MOST_CARDS, MOST_SENTENCES, MOST_WARNINGS, summarised
from xmresearch.report.wording import escaped, labels

HEADS = ("question", "answer", "figures", "advice", "trust")


def said(key, state, *, kind="prose", advice=False, promised=0.05):
    record = {"name": key, "state": state, "promised": promised}
    return Part(
        kind, {"key": key, "title": f"Whether {key}", "claims": [record], "advice": advice}, f"**{key}** is {state}."
    )


def document(*parts, lang="en"):
    made = Document("T", "", "", lang, [Part("section", {"key": "answer", "title": "A"}), *parts])
    made.summary = summarised(made)
    return made


def under(made, head):
    """What stands under a head of the page."""
    title = labels(made.lang)["summary"][head]
    at = next((k for k, p in enumerate(made.summary) if p.content.get("title") == title and p.kind == "head"), None)
    if at is None:
        return []
    end = next((k for k in range(at + 1, len(made.summary)) if made.summary[k].kind == "head"), len(made.summary))
    return made.summary[at + 1 : end]


def test_every_sentence_is_one_of_the_report():
    """Question, answer and advice are parts of the report themselves, whatever the state of their claims."""
    asked = Part("prose", {"key": "question", "claims": []}, "Is it so?")
    sentences = [said(f"c{k}", state) for k, state in enumerate(("settled", "unsettled", "conditional", "withheld"))]
    advice = said("fix", "unsettled", advice=True)
    other = Part("prose", {"key": "aside", "claims": []}, "By the way.")
    made = document(asked, *sentences, advice, other)
    assert under(made, "question") == [asked]
    assert under(made, "answer") == sentences[:MOST_SENTENCES]
    assert under(made, "advice") == [advice]
    assert all(any(part is one for one in made.parts) for head in HEADS[:2] for part in under(made, head))
    trust = "\n".join(p.text for p in under(made, "trust"))
    assert "Settled statements of this report: 1 of 5" in trust
    assert "Not settled: Whether c1; Whether fix." in trust
    assert "failed: Whether c2." in trust
    assert "mean nothing: Whether c3." in trust


def test_no_advice_is_said_to_be_none():
    made = document(said("c", "settled"))
    assert [p.text for p in under(made, "advice")] == [labels("en")["summary"]["no_advice"]]


def test_what_the_register_asks_to_act_on_is_named():
    """A claim that asks for action without being advice stays where it is, and what it says is begun under what to do."""
    asks = said("worst", "settled")
    asks = Part(asks.kind, {**asks.content, "asks": True}, "**Work on North.** It comes last (Table 2).")
    advice = said("fix", "settled", advice=True)
    advice = Part(advice.kind, {**advice.content, "asks": True}, advice.text)
    made = document(asks, advice)
    assert under(made, "answer") == [asks]
    assert [p.text for p in under(made, "advice")] == [advice.text, "To be acted on: Work on North."]
    assert [p.text for p in under(document(asks), "advice")] == ["To be acted on: Work on North."]


def test_what_is_said_without_a_claim_is_said_of_the_trust():
    """That figures are associations, not effects, stands beside what is advised on them."""
    asked = Part("prose", {"key": "question", "claims": []}, "Is it so?")
    caveat = Part("prose", {"key": "association", "claims": []}, "**These are associations.** Try it out.")
    note = Part("callout", {"key": "asked_once", "tone": "note"}, "Expectations were not asked.")
    made = document(note, asked, said("fix", "settled", advice=True), caveat)
    assert under(made, "question") == [asked]
    assert under(made, "trust")[:2] == [note, caveat]
    assert under(made, "answer") == []


def test_sentences_of_the_figures_come_before_others():
    items = [
        {
            "key": "worth", "label": "l", "value": "v", "note": "n",
            "claims": [{"name": "worth", "state": "settled", "promised": 0.05}],
        }
    ]  # fmt: skip
    others = [said(f"s{k}", "settled") for k in range(MOST_SENTENCES)]
    worth = said("worth", "settled")
    made = document(Part("cards", {"items": items}), *others, worth)
    assert under(made, "answer") == [*others[: MOST_SENTENCES - 1], worth]


@pytest.mark.parametrize(
    ("states", "shown"),
    [
        ([("settled", 0.05), ("settled", 0.01), ("unsettled", 0.2)], "Settled statements of this report: 2 of 3. Each of these is wrong at a rate of at most 5.0"),
        ([("settled", None), ("unsettled", 0.05)], "Settled statements of this report: 1 of 2."),
        ([("conditional", 0.05)], "Settled statements of this report: none of 1."),
    ],
)  # fmt: skip
def test_the_rate_is_that_of_what_is_settled(states, shown):
    made = document(*(said(f"c{k}", state, promised=p) for k, (state, p) in enumerate(states)))
    line = next(p.text for p in under(made, "trust"))
    assert line.startswith(shown)
    assert ("wrong at" in line) == ("wrong at" in shown)


def test_the_page_takes_no_more_than_it_holds():
    callouts = [Part("callout", {"tone": "warning"}, f"Mind {k}.") for k in range(MOST_WARNINGS + 1)]
    simulated = Part("callout", {"tone": "simulated"}, "Made up.")
    card = {"label": "l", "value": "v", "note": "n"}
    cards = Part("cards", {"items": [card | {"key": "respondents", "claims": []}, *(card | {"value": f"v{k}", "claims": [{"name": f"c{k}", "state": "settled", "promised": 0.05}]} for k in range(MOST_CARDS))]})  # fmt: skip
    sentences = [said(f"s{k}", "settled") for k in range(MOST_SENTENCES + 1)]
    advice = [said(f"a{k}", "settled", advice=True) for k in range(MOST_ADVICE + 1)]
    made = document(*callouts, simulated, cards, *sentences, *advice)
    assert [p for p in under(made, "trust") if p.kind == "callout"] == [*callouts[:MOST_WARNINGS], simulated]
    assert [i["value"] for p in under(made, "figures") for i in p.content["items"]] == [
        f"v{k}" for k in range(MOST_CARDS)
    ]
    assert under(made, "answer") == sentences[:MOST_SENTENCES]
    assert under(made, "advice") == advice[:MOST_ADVICE]


@pytest.mark.parametrize(
    ("states", "shown"),
    [
        # the first figure is the report's headline, whatever its state; what is settled comes before what is not
        ("size figure unsettled unsettled settled", "figure unsettled settled"),
        ("size unsettled settled conditional settled settled", "unsettled settled settled"),
        ("size unsettled", "size unsettled"),
        ("size figure", "size figure"),
    ],
)
def test_figures_of_the_page_are_the_headline_and_what_is_settled(states, shown):
    items = [
        {
            "key": "analysed" if state == "size" else f"k{k}", "label": "l", "value": state, "note": "n",
            "claims": [] if state in ("size", "figure") else [{"name": f"c{k}", "state": state, "promised": 0.05}],
        }
        for k, state in enumerate(states.split())
    ]  # fmt: skip
    made = document(Part("cards", {"items": items}), said("s", "settled"))
    assert [i["value"] for p in under(made, "figures") for i in p.content["items"]] == shown.split()


def test_a_report_that_claims_nothing_has_no_page():
    assert document(Part("prose", {"key": "question", "claims": []}, "Is it so?")).summary == []
    assert summarised(Document("T", "", "", "en", [said("c", "settled")])) == []


def written(lang, hostile="=1+1 #eval <b>"):
    """A report with everything that the page takes, whose names are hostile."""
    record = {"name": "c", "state": "settled", "promised": 0.05}
    cards = Part("cards", {"items": [{"label": hostile, "value": "1", "note": hostile, "claims": [record]}]})
    question = Part("prose", {"key": "question", "claims": []}, "Is it?")
    return document(question, cards, said("c", "settled"), said(escaped(hostile), "unsettled"), lang=lang)


def test_the_page_comes_first_in_every_format():
    lang = "zh"
    made = written(lang)
    words = labels(lang)["summary"]
    files = {kind: rendered(made, kind) for kind in ("html", "pdf", "docx", "xlsx", "pptx")}
    first = pypdf.PdfReader(io.BytesIO(files["pdf"])).pages[0].extract_text()
    paragraphs = [p.text for p in docx.Document(io.BytesIO(files["docx"])).paragraphs]
    book = openpyxl.load_workbook(io.BytesIO(files["xlsx"]))
    cells = [str(v) for row in book["summary"].values for v in row if v is not None]
    slide = pptx.Presentation(io.BytesIO(files["pptx"])).slides[1]
    shown = "\n".join(s.text_frame.text for s in slide.shapes if s.has_text_frame)
    for head in ("question", "answer", "advice", "trust"):
        assert words[head].replace(" ", "") in first.replace(" ", ""), head
        assert words[head] in paragraphs
        assert words[head] in cells
        assert words[head] in shown
    heads = [words[head] for head in ("question", "answer", "advice", "trust")]
    assert [p for p in paragraphs if p in heads] == heads
    assert book.sheetnames[0] == "summary"
    assert "=1+1 #eval <b>" in "".join(cells)
    html = files["html"].decode()
    assert html.index('class="one-page"') < html.index('id="sec-answer"')
    page = html[html.index('class="one-page"') : html.index('id="sec-answer"')]
    assert "<b>" not in page.replace("<strong>", "")
    assert "&lt;b&gt;" in page


def test_slides_are_set_in_the_largest_size_that_fits():
    line = [("x" * 100, False)]
    assert fitting([line], 8.0, 5.0) == SIZES[0]
    sizes = [fitting([line] * n, 8.0, 5.0) for n in (5, 10, 14, 18, 60)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] == SIZES[-1]
    assert len(set(sizes)) > 2
