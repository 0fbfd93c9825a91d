"""Persons made up for tests, planted in files and looked for in every byte that a run leaves."""

from __future__ import annotations

import base64
import gzip
import html
import io
import json
import re
import sys
import urllib.parse
import zipfile
from collections.abc import Collection
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

SURNAMES = ("欧阳", "司马", "上官", "诸葛", "慕容")
GIVEN = ("鹭洲", "砚秋", "霁川", "樾宁", "瑾瑜", "珩之", "昱霖", "蘅芷")
FIRST = ("Zebadiah", "Ottoline", "Peregrine", "Philippa", "Cressida")
LAST = ("Quillfeather", "Thistlewood", "Ravensdale")
_EIGHT = 8
_BASE64 = re.compile(rb"[A-Za-z0-9+/]{24,}={0,2}")
_WEIGHTS = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]


@dataclass
class Canaries:
    """Values that stand for persons; each is given out once and kept."""

    given: dict[str, str] = field(default_factory=dict)
    count: int = 0

    def _keep(self, value: str, where: str) -> str:
        self.given[value] = where
        return value

    def make(self, kind: str, where: str) -> str:
        """Give out a new identifier of a kind, planted at a place."""
        self.count += 1
        k = self.count
        body = f"110105{1950 + k % 50}0{1 + k % 9}1{k % 9}{k % 1000:03d}"
        value = {
            "email": lambda: f"canary.{k}@mail{k % 7}.example.org",
            "mobile": lambda: f"139{k:04d}{7000 + k % 1000}",
            "id_number": lambda: (
                body + "10X98765432"[sum(int(d) * w for d, w in zip(body, _WEIGHTS, strict=True)) % 11]
            ),
            "ip": lambda: f"203.0.{k % 200 + 13}.{k // 200 + 57}",
            "place": lambda: f"{31 + k / 1e4:.6f}, {121 + k / 1e4:.6f}",
            "latitude": lambda: f"31.4159{k:04d}",
            "plate": lambda: f"沪A{10000 + k}",
            "name_zh": lambda: SURNAMES[k % 5] + GIVEN[k % 8],
            "name_en": lambda: f"{FIRST[k % 5]} {LAST[k % 3]}",
        }[kind]()
        return self._keep(value, where)

    def column(self, kind: str, n: int, where: str) -> list[str]:
        """Give out one for each row."""
        return [self.make(kind, where) for _ in range(n)]

    def forms(self) -> dict[bytes, str]:
        """Return every way in which a canary may be written, with where it was planted."""
        found: dict[bytes, str] = {}
        for value, where in self.given.items():
            texts = {
                value,
                urllib.parse.quote(value),
                urllib.parse.quote_plus(value),
                json.dumps(value)[1:-1],
                html.escape(value),
            }
            for text in texts:
                found[text.encode()] = where
            found[value.encode("utf-16-le")] = where
            found[value.encode("gb18030")] = where
            for shift in range(3):
                coded = base64.b64encode(b"\0" * shift + value.encode())
                found[coded[(0, 2, 3)[shift] : len(coded) - 4]] = where
        return found

    def leaks(self, files: dict[str, bytes]) -> list[str]:
        """Say which canaries are in which files."""
        forms = self.forms()
        return sorted(
            {
                f"{name}: canary of {forms[hit]}"
                for name, raw in files.items()
                for part in opened(raw)
                for hit in found_in(part, forms)
            }
        )


def found_in(raw: bytes, forms: Collection[bytes]) -> set[bytes]:
    """Return which of many byte strings, each of at least eight bytes, are in a longer one: all eights of it are looked up at once."""
    beginnings: dict[int, list[bytes]] = {}
    assert all(len(form) >= _EIGHT for form in forms)
    for form in forms:
        beginnings.setdefault(int.from_bytes(form[:_EIGHT], sys.byteorder), []).append(form)
    if len(raw) < _EIGHT:
        return set()
    eights = np.ndarray((len(raw) - _EIGHT + 1,), np.uint64, buffer=raw, strides=(1,))
    known = np.fromiter(beginnings, np.uint64, len(beginnings))
    at = np.flatnonzero(np.isin(eights, known)).tolist()
    return {form for k in at for form in beginnings[int(eights[k])] if raw.startswith(form, k)}


def opened(raw: bytes, depth: int = 3) -> list[bytes]:
    """Return content, and what is packed or coded in it."""
    found = [raw]
    if depth == 0:
        return found
    if raw[:2] == b"\x1f\x8b":
        found += opened(gzip.decompress(raw), depth - 1)
    if raw[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(io.BytesIO(raw)) as packed:
            for name in packed.namelist():
                found += [name.encode(), *opened(packed.read(name), depth - 1)]
    for coded in _BASE64.findall(raw):
        whole = coded[: len(coded) - len(coded.rstrip(b"=")) or None] if b"=" not in coded else coded
        whole += b"=" * (-len(whole) % 4)
        try:
            found += opened(base64.b64decode(whole), depth - 1)
        except ValueError:
            continue
    return found


def left_in(*folders):
    """Return every file below folders by its name, which counts as content too."""
    found = {}
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            found[f"name of {path}"] = str(path.relative_to(folder)).encode()
            if path.is_file() and not path.is_symlink():
                found[str(path.relative_to(folder.parent))] = path.read_bytes()
    return found


def person_columns(canaries: Canaries, n: int) -> dict[str, list[str]]:
    """Return columns as survey tools export them of persons; the last one's name tells nothing."""
    return {
        "RecipientEmail": canaries.column("email", n, "RecipientEmail"),
        "RecipientFirstName": canaries.column("name_en", n, "RecipientFirstName"),
        "姓名": canaries.column("name_zh", n, "姓名"),
        "手机号": canaries.column("mobile", n, "手机号"),
        "身份证号": canaries.column("id_number", n, "身份证号"),
        "IPAddress": canaries.column("ip", n, "IPAddress"),
        "车牌号": canaries.column("plate", n, "车牌号"),
        "LocationLatitude": canaries.column("latitude", n, "LocationLatitude"),
        "other": canaries.column("mobile", n, "a column whose name tells nothing"),
    }


def comments(canaries: Canaries, n: int) -> list[str]:
    """Return free text with structured identifiers in it."""
    kinds = ("email", "mobile", "id_number", "ip", "place", "plate")
    return [f"Please answer to {canaries.make(kinds[k % 6], 'free text')}, 谢谢" for k in range(n)]


def ratings(n: int, seed: int = 5) -> pd.DataFrame:
    """Return answers to the 22 pairs of SERVQUAL and to its outcomes."""
    rng = np.random.default_rng(seed)
    felt = rng.standard_normal((n, 1))
    expected = np.clip(np.round(5.6 + rng.standard_normal((n, 22))), 1, 7)
    seen = np.clip(np.round(4.6 + 0.8 * felt + 0.9 * rng.standard_normal((n, 22))), 1, 7)
    frame = pd.DataFrame(
        np.hstack([expected, seen]).astype(int), columns=[f"{k}{j}" for k in "ep" for j in range(1, 23)]
    )
    frame["quality"] = np.clip(np.round(4.5 + felt[:, 0] + rng.standard_normal(n)), 1, 7).astype(int)
    return frame
