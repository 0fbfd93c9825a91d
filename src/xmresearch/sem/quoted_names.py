"""What stands for the plain signs of a model's text, and names in quotation marks."""

from __future__ import annotations

import re

from xmresearch.errors import ModelError

_WIDE = str.maketrans({
    **{chr(code + 0xFEE0): chr(code) for code in map(ord, "!\"#'()*+,-./:;<=>|~`^0123456789")},
    "\u223c": "~", "\u02dc": "~", "\u301c": "~", "\u2053": "~", "\u2212": "-", "\u2010": "-", "\u2011": "-", "\u2013": "-",
    "\u201c": '"', "\u201d": '"', "\u2018": "'", "\u2019": "'", "\u3000": " ", "\u00a0": " ", "\u00d7": "*", "\ufeff": "",
})  # fmt: skip
_QUOTED = re.compile(r"""(["'`])(.+?)\1""")
_OPEN, _CLOSE = "\ue000", "\ue001"
_MARK = re.compile(rf"{_OPEN}(\d+){_CLOSE}")


def plain_characters(text: str) -> str:
    """Return a text with the plain forms of full-width signs, of tildes, dashes and quotation marks of word processors.

    Parameters
    ----------
    text : str
        Of a model.

    Returns
    -------
    str
        Letters stay as they are, so that Chinese names do; what stands in plain quotation marks or backticks stays as well.
    """
    pieces, at = [], 0
    for match in re.finditer(r"""(["`])[^"`\n]+\1""", text):
        pieces += [text[at : match.start()].translate(_WIDE), match[0]]
        at = match.end()
    return "".join([*pieces, text[at:].translate(_WIDE)])


class Quoted:
    """Takes names in quotation marks out of a text, and puts them back."""

    def __init__(self) -> None:
        self._names: list[str] = []

    def taken_out(self, text: str) -> str:
        """Return the text with a mark, which passes for a name, in place of each quoted one; comments are left alone."""
        if _OPEN in text or _CLOSE in text:
            raise ModelError("The model text holds characters for private use.", "Write it anew by hand.")
        return "\n".join(self._of_line(line) for line in text.splitlines())

    def _of_line(self, line: str) -> str:
        pieces, at = [], 0
        for match in _QUOTED.finditer(line):
            if re.search(r"[#!]", line[at : match.start()]):
                break
            pieces += [line[at : match.start()], f"{_OPEN}{len(self._names)}{_CLOSE}"]
            self._names.append(match[2].strip())
            at = match.end()
        return "".join([*pieces, line[at:]])

    def put_back(self, text: str) -> str:
        """Return a text with names in place of marks."""
        return _MARK.sub(lambda match: self._names[int(match[1])], text)

    def shown(self, text: str) -> str:
        """Return a text as it was written."""
        return _MARK.sub(lambda match: f'"{self._names[int(match[1])]}"', text)
