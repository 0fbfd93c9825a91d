"""Words and numbers of a report, in its language."""

from __future__ import annotations

import copy
import math
import re
import string
from collections.abc import Callable, Mapping, Sequence
from functools import cache, cached_property
from importlib.resources import files
from numbers import Real
from pathlib import Path
from typing import Any

from xmresearch.data.strict_yaml import read_yaml
from xmresearch.errors import StudyError
from xmresearch.identifiers.patterns import scrub

LANGUAGES = ("en", "zh")
NONE_SHOWN = "–"

# How a column's figures are written, by column name, where a study does not say otherwise; others are written with
# `DEFAULT_FORMAT`.
COLUMN_FORMATS = {
    "n": ",d", "weight": "pct", "rank": "d", "items": "d", "received": ",d", "flagged": ",d", "removed": ",d",
    "remaining": ",d", "gap": "+.2f", "truth": "+.2f", "t": ".2f", "df": ",d", "p_adjusted": "p", "p_top": "prob",
    "share": "pct", "within": "pct", "d": "+.2f", "alpha": ".3f", "omega": ".3f", "chisq": ".3f", "npar": "d",
    "pvalue": "p", "cfi": ".3f", "tli": ".3f", "rmsea": ".3f", "srmr": ".3f", "delta_cfi": "+.3f", "delta_rmsea":
    "+.3f", "r2": "pct", "std_all": ".3f", "scores": ",.0f", "priority": "pct1", "value": ".3g", "threshold": ".3g",
    "promised": "pct1", "cases": ",d", "matched": ",d", "matched_share": "pct1", "keys": ",d", "unmatched": ",d",
    "listed": ",d", "answered": ",d", "answered_share": "pct1",
}  # fmt: skip
DEFAULT_FORMAT = ".2f"
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
MOST_NAMED = 4
# unit, its hours, and the hours up to which it is used
DURATIONS = (
    ("seconds", 1 / 3600, 2 / 60), ("minutes", 1 / 60, 2.0), ("hours", 1.0, 48.0), ("days", 24.0, 28 * 24.0),
    ("weeks", 168.0, 104 * 168.0), ("years", 8766.0, math.inf),
)  # fmt: skip
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|$~^@!&])")
TURNING = "\u202a-\u202e\u2066-\u2069"
"""Characters that turn the direction in which what follows is read, as a class of a regular expression has them."""
_UNPRINTED = re.compile(rf"[\x00-\x1f\x7f-\x9f\u2028\u2029{TURNING}\ud800-\udfff\ufffe\uffff]")
_TURNING = re.compile(f"[{TURNING}]")
_LIST_MARK = re.compile(r"^(\(?\w{0,9})([-+:.)])(?=\s|$)")


@cache
def labels(lang: str, own: Path | None = None) -> Mapping[str, Any]:
    """Return the labels of one language.

    Parameters
    ----------
    lang : {'en', 'zh'}
        Language.
    own : Path, optional
        A study's file of words; where it has a label that all studies share, its own is used.

    Returns
    -------
    mapping
        By section, then key.

    Raises
    ------
    StudyError
        There is no such language, or the file of words is missing or no such mapping.
    """
    if lang not in LANGUAGES:
        raise StudyError(f"There is no report language '{lang}'.", f"Languages: {', '.join(LANGUAGES)}.")
    shared = _sections(Path(str(files("xmresearch.report"))) / "labels" / f"{lang}.yml")
    if own is None:
        return shared
    if not own.is_file():
        raise StudyError(f"The study has no words for language '{lang}'.", f"Write {own}.")
    words = _sections(own)
    return {section: shared.get(section, {}) | words.get(section, {}) for section in shared.keys() | words.keys()}


def _sections(path: Path) -> dict[str, dict[str, Any]]:
    """Read a file of words; a key given twice is an error, as the later would take the place of the earlier."""
    content = read_yaml(path, str(path), StudyError, aliases=True).value
    if not isinstance(content, dict) or not all(isinstance(section, dict) for section in content.values()):
        raise StudyError(f"{path} is not a mapping of sections of words.")
    return content


def number(value: Any, spec: str = DEFAULT_FORMAT) -> str:
    """Write a number.

    Parameters
    ----------
    value : number
        NaN and None give a dash.
    spec : str
        A format of Python's, or 'p' (p-value), 'peq' (the same after a sign: '= .012' or '< .001'), 'r' (correlations and the like: two decimals, no zero before the point), 'prob' (probability in per cent, never rounded to certainty), 'pct', 'pct1' (with a decimal), 'brief' (four figures); figures of such formats have no powers of ten where they are large,
        'level' (of confidence, with the decimals it has).

    Returns
    -------
    str
        With a true minus sign.
    """
    if value is None or (isinstance(value, Real) and math.isnan(float(value))):
        return NONE_SHOWN
    if isinstance(value, Real) and math.isinf(float(value)):
        return "∞" if float(value) > 0 else "−∞"
    if spec == "p":
        return "< .001" if value < 0.001 else f"{value:.3f}".replace("0.", ".", 1)
    if spec == "peq":
        shown = number(value, "p")
        return shown if shown.startswith("<") else f"= {shown}"
    if spec == "r":
        return number(value, ".2f").replace("0.", ".", 1) if abs(value) < 1 else number(value, ".2f")
    if spec == "prob":
        return "> 99.9 %" if value > 0.999 else "< 0.1 %" if value < 0.001 else f"{100 * value:.1f} %"
    if spec in ("pct", "pct1"):
        return f"{number(100 * value, '.0f' if spec == 'pct' else '.1f')} %"
    if spec == "level":
        return f"{100 * value:.4g} %"
    if spec == "brief":
        spec = ".4g"
    if spec.endswith("g") and abs(value) >= 1000:
        spec = ",.0f"
    if spec.endswith("d"):
        value = round(float(value))
    text = format(float(value) if not isinstance(value, int) else value, spec)
    if text.lstrip("+-").replace(".", "").strip("0") == "" and text[:1] in "+-" and float(text) == 0:
        text = text[1:]
    if spec.endswith("g") and "e" in text:
        text = _powered(text)
    return text.replace("-", "−")


def _powered(text: str) -> str:
    """Write a number that Python gives a power of ten as people do."""
    mantissa, _, exponent = text.partition("e")
    power = "10" + str(int(exponent)).translate(_RAISED)
    return {"1": power, "+1": f"+{power}", "-1": f"-{power}"}.get(mantissa, f"{mantissa}×{power}")


def _lowered(name: str) -> str:
    """Begin a name in small letters where it stands within a sentence; acronyms stay."""
    return name[:1].lower() + name[1:] if name[1:2].islower() else name


def in_line(text: str) -> str:
    """Write a name of the user's on one line, without identifiers of persons, what is no character and what turns the direction of reading."""
    return scrub(one_line(text)) or (NONE_SHOWN if text else "")


def one_line(text: str) -> str:
    """Write a text on one line, without what is no character and what turns the direction of reading."""
    return " ".join(_UNPRINTED.sub(" ", text).split())


def unturned(text: str) -> str:
    """Write the characters of a code or of JSON that turn the direction of reading as their escapes."""
    return _TURNING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def escaped(text: str) -> str:
    """Keep a name of the user's from being read as Markdown or HTML, wherever in a line or cell it stands."""
    return _LIST_MARK.sub(r"\1\\\2", _SPECIAL.sub(r"\\\1", " ".join(text.split())))


class Wording(string.Formatter):
    """Looks up labels of one language and fills in figures and names.

    Parameters
    ----------
    lang : {'en', 'zh'}
        Language.
    names : mapping of str to str
        Labels of identifiers that belong to this study: dimensions, statements, segments and their values.
    decimals : int
        Of figures in units of the outcome, whose format is 'scale' or '+scale'.
    words : Path, optional
        The study's own words in that language; see `labels`.
    """

    def __init__(self, lang: str, names: Mapping[str, str], *, decimals: int = 2, words: Path | None = None) -> None:
        self.lang, self.names, self.decimals, self._labels = lang, names, decimals, labels(lang, words)
        self._escape: Callable[[str], str] = escaped

    @cached_property
    def plain(self) -> Wording:
        """The same for captions, cards, notes and heads, which are no Markdown: their names are left as they are."""
        other = copy.copy(self)
        other._escape = str
        return other

    def get(self, section: str, key: str) -> Any:
        """Return a raw label, or raise StudyError naming the one that the labels file lacks."""
        try:
            return self._labels[section][key]
        except KeyError:
            raise StudyError(f"The words in {self.lang}.yml have no '{section}.{key}'.") from None

    def has(self, section: str, key: str) -> bool:
        """Whether a label exists."""
        return key in self._labels.get(section, {})

    def name(self, value: Any, *, whole: bool = False) -> str:
        """Return the label of an identifier: the study's own, then the language's, then itself; of 'segment=value' the value, unless `whole`."""
        text = str(value)
        if text in self.names:
            return in_line(self.names[text])
        values: Mapping[str, str] = self._labels["values"]
        owned = "" if whole or text.startswith("=") else text.partition("=")[2]
        return values.get(text) or in_line(owned or text)

    def text(self, section: str, key: str, facts: Mapping[str, Any] | None = None) -> str:
        """Return a label with its figures filled in; of several variants the one that `facts["case"]` names."""
        return self.filled(self.get(section, key), facts or {}, f"{section}.{key}")

    def filled(self, template: Any, facts: Mapping[str, Any], where: str) -> str:
        """Fill in a label; of several variants the one that `facts["case"]` names. `where` names it in an error."""
        if isinstance(template, Mapping):
            case = facts.get("case")
            if case not in template:
                raise StudyError(f"The words in {self.lang}.yml: '{where}' has no variant '{case}'.")
            template = template[case]
        return str(self.vformat(str(template), (), facts)).strip()

    def format_field(self, value: Any, format_spec: str) -> str:
        """Write one figure or name, as the template asks; names are escaped for Markdown, but for those of `plain`."""
        if isinstance(value, (list, tuple)):
            return self._listed(value, format_spec)
        if format_spec == "code":
            return str(value)
        if isinstance(value, str):
            name = self.name(value, whole=format_spec == "text")
            return self._escape(_lowered(name) if format_spec == "lower" else name)
        return self.number(value, format_spec or ("d" if isinstance(value, int) else DEFAULT_FORMAT))

    def _listed(self, values: Sequence[Any], spec: str) -> str:
        """Write a list, an empty one in a word; of alternatives (format 'or') the first few, and how many others there are."""
        if not values:
            return str(self.get("style", "none"))
        last, more = self.get("style", "list_last"), []
        if spec == "or":
            spec, last = "", self.get("style", "list_or")
            if len(values) > MOST_NAMED + 1:
                more = [self.get("style", "others").format(count=len(values) - MOST_NAMED)]
                values = values[:MOST_NAMED]
        parts = [self.format_field(v, spec) for v in values] + more
        if len(parts) < 2:
            return str(parts[0])
        return str(self.get("style", "list")).join(parts[:-1]) + str(last) + str(parts[-1])

    def number(self, value: Any, spec: str, decimals: int | None = None) -> str:
        """Write a number; 'scale' and '+scale' have the outcome's decimals, or those given; 'hours' is a time, in a unit that fits."""
        if spec == "hours":
            return self._duration(value)
        sign, scaled, _ = spec.partition("scale")
        if scaled:
            spec = f"{sign},.{self.decimals if decimals is None else decimals}f"
        return number(value, spec)

    def _duration(self, hours: Any) -> str:
        if number(hours) == NONE_SHOWN or math.isinf(hours):
            return number(hours)
        if hours < 0:
            return f"−{self._duration(-hours)}"
        name, unit = next(((name, unit) for name, unit, most in DURATIONS if hours < most), DURATIONS[-1][:2])
        amount = hours / unit
        return str(self.get("style", name)).format(
            number(amount, ".0f" if amount >= 20 or name == "seconds" else ".1f")
        )

    def interval(self, low: Any, high: Any, spec: str, decimals: int | None = None) -> str:
        """Write an interval."""
        if number(low) == NONE_SHOWN:
            return NONE_SHOWN
        if spec in ("pct", "prob"):
            return f"{100 * low:.0f}–{100 * high:.0f} %".replace("-", "−")
        if spec == "pct1":
            return f"{100 * low:.1f}–{100 * high:.1f} %".replace("-", "−")
        return f"[{self.number(low, spec, decimals)}, {self.number(high, spec, decimals)}]"
