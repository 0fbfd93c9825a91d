"""What a report in some format says, without white space, which formats break lines at."""

import io
import re
from html.parser import HTMLParser

import docx
import openpyxl
import pptx
import pypdf


class Page(HTMLParser):
    """An HTML page: its text outside scripts and styles, and the attributes of all its tags."""

    def __init__(self, content):
        super().__init__()
        self.texts, self.attributes, self.scripts, self._within = [], [], [], ""
        self.feed(content)

    def handle_starttag(self, tag, attrs):
        self._within = tag
        self.attributes += [name for name, _ in attrs]

    def handle_endtag(self, tag):
        self._within = ""

    def handle_data(self, data):
        {"script": self.scripts, "style": []}.get(self._within, self.texts).append(data)


def html_text(content):
    return squeezed("".join(Page(content.decode()).texts))


def squeezed(text):
    return re.sub(r"\s|\u200b", "", text)


def pdf_text(content):
    return squeezed("".join(p.extract_text() for p in pypdf.PdfReader(io.BytesIO(content)).pages))


def docx_text(content):
    word = docx.Document(io.BytesIO(content))
    cells = [c.text for t in word.tables for row in t.rows for c in row.cells]
    return squeezed("".join([*(p.text for p in word.paragraphs), *cells]))


def xlsx_text(content):
    book = openpyxl.load_workbook(io.BytesIO(content))
    return squeezed("".join(str(v) for sheet in book for row in sheet.values for v in row if v is not None))


def pptx_text(content):
    deck = pptx.Presentation(io.BytesIO(content))
    return squeezed("".join(s.text_frame.text for slide in deck.slides for s in slide.shapes if s.has_text_frame))
