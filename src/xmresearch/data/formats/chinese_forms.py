"""Exports of 问卷星 (Wenjuanxing), 腾讯问卷 (Tencent Wenjuan) and 收集表 (forms of Tencent Docs)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from xmresearch.data.formats.cells import blank_words, by_stem, joined_by
from xmresearch.data.formats.header import named_columns
from xmresearch.data.formats.opening import Opening
from xmresearch.data.formats.registry import Format
from xmresearch.data.formats.table import Role, Table

NO_ANSWER = ("(空)", "（空）", "(跳过)", "（跳过）", "(未选择)")
_WJX_ROLES: Mapping[str, Role] = {
    "序号": "id", "提交答卷时间": "submitted", "所用时间": "duration", "来源": "channel", "来源详情": "channel", "来自IP": "ip",
}  # fmt: skip
_TENCENT_ROLES: Mapping[str, Role] = {
    "编号": "id", "开始答题时间": "started", "结束答题时间": "submitted", "答题时长": "duration", "语言": "language",
    "地理位置国家和地区": "location", "地理位置省": "location", "地理位置市": "location", "用户类型": "channel",
    "用户标识": "external_id", "昵称": "name", "自定义字段": "external_id", "IP": "ip", "UA": "device",
}  # fmt: skip
_FORM_ROLES: Mapping[str, Role] = {"提交者（自动）": "name", "提交时间（自动）": "submitted"}
_QUESTION = re.compile(r"^(\d+)\s*[、.．]")


def _head(opening: Opening) -> list[str]:
    return opening.rows[0] if opening.rows else []


def recognise_wjx(opening: Opening) -> str:
    """Return what an export of 问卷星 is told by: 序号 and the numbered questions."""
    head = _head(opening)
    if head[:1] != ["序号"]:
        return ""
    numbered = sum(_QUESTION.match(c) is not None and "、" in c[:4] for c in head)
    if {"提交答卷时间", "所用时间"} <= set(head):
        return "the columns 序号, 提交答卷时间 and 所用时间"
    return "the column 序号 before numbered questions" if numbered >= max(1, len(head) // 2) else ""


def read_wjx(opening: Opening, why: str) -> Table:
    """Read an export of 问卷星; the stem of a matrix, which only its first column has, belongs to all of its questions."""
    names, repeated = named_columns(_head(opening))
    frame, encoding = opening.body(names, 1)
    frame, blanked = blank_words(frame, NO_ANSWER)
    several = joined_by(frame, "┋")
    grouped: dict[str, list[str]] = {}
    for name in frame.columns:
        number = _QUESTION.match(name)
        if number and re.search(r"[(（].+[)）]$", name) and frame[name].dropna().isin([0, 1, "0", "1"]).all():
            grouped.setdefault(number[1], []).append(name)
    several |= {f"Q{n}": tuple(options) for n, options in grouped.items() if len(options) > 1}
    return Table(
        frame, "wjx", why, encoding, questions=_stems(list(frame.columns)),
        roles={n: _WJX_ROLES[n] for n in frame.columns if n in _WJX_ROLES}, several=several, declared_missing=blanked,
        notes=repeated,
    )  # fmt: skip


def _stems(names: Sequence[str]) -> dict[str, str]:
    """Return wordings: without numbers, and with the stem of their matrix."""
    stems: dict[str, str] = {}
    found = {}
    for name in names:
        number = _QUESTION.match(name)
        if not number:
            continue
        text = name[number.end() :].strip()
        stem, mark, own = text.partition("—")
        if mark and number[1] not in stems:
            stems[number[1]] = stem.strip()
            found[name] = f"{stem.strip()} {own.strip()}".strip()
        elif number[1] in stems:
            found[name] = f"{stems[number[1]]} {own.strip() if mark else text}".strip()
        else:
            found[name] = text
    return found


def recognise_tencent_wj(opening: Opening) -> str:
    """Return what an export of 腾讯问卷 is told by: 编号 and the times of answering."""
    head = _head(opening)
    return "the columns 编号, 开始答题时间 and 答题时长" if {"编号", "开始答题时间", "答题时长"} <= set(head) else ""


def read_tencent_wj(opening: Opening, why: str) -> Table:
    """Read an export of 腾讯问卷; every option of a question with several answers has a column, `question:option`."""
    names, repeated = named_columns(_head(opening))
    frame, encoding = opening.body(names, 1)
    frame, blanked = blank_words(frame, NO_ANSWER)
    wordings = {n: n[m.end() :].strip() for n in frame.columns if (m := _QUESTION.match(n))}
    options = by_stem([n for n in wordings if ":" in n], ":")
    return Table(
        frame, "tencent_wj", why, encoding, questions=wordings,
        roles={n: _TENCENT_ROLES[n] for n in frame.columns if n in _TENCENT_ROLES}, several=options,
        declared_missing=blanked, notes=repeated,
    )  # fmt: skip


def recognise_tencent_docs(opening: Opening) -> str:
    """Return what a 收集表 is told by: 提交者（自动）."""
    return "the column 提交者（自动）" if "提交者（自动）" in _head(opening) else ""


def read_tencent_docs(opening: Opening, why: str) -> Table:
    """Read a 收集表; several answers stand in one cell, with a comma and a space between them."""
    names, repeated = named_columns(_head(opening))
    frame, encoding = opening.body(names, 1)
    roles = {n: _FORM_ROLES[n] for n in frame.columns if n in _FORM_ROLES}
    questions = {n: n for n in frame.columns if n not in roles}
    return Table(
        frame, "tencent_docs", why, encoding, questions=questions, roles=roles,
        several=joined_by(frame[list(questions)], ", ", least=max(2, len(frame) // 20)), notes=repeated,
    )  # fmt: skip


FORMATS = (
    Format("wjx", "问卷星, by number, text or score", recognise_wjx, read_wjx),
    Format("tencent_wj", "腾讯问卷", recognise_tencent_wj, read_tencent_wj),
    Format("tencent_docs", "收集表 of Tencent Docs", recognise_tencent_docs, read_tencent_docs),
)
