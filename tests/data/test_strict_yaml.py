"""YAML that is read, and what of it is refused."""

import time

import pytest
import yaml

from xmresearch.data import strict_yaml
from xmresearch.data.strict_yaml import MOST_BYTES, Invalid, Refused, parse_yaml, read_yaml
from xmresearch.errors import ParamsError

TEXT = """\
name: a
n: 5
share: .5
when: 2025-03-01
none: null
flags: [yes, "no", ~, 0x1F]
quoted: '5'
nested:
  - {a: 1, b: [x, y]}
  - |
    two
    lines
"""
LAUGHS = "a: &a [x, x]\n" + "".join(
    f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.fixture(params=["CSafeLoader", "SafeLoader"])
def loader(request, monkeypatch):
    if not hasattr(yaml, request.param):
        pytest.skip("libyaml is not there")
    monkeypatch.setattr(strict_yaml, "_Loader", getattr(yaml, request.param))


def test_it_says_what_yaml_says(loader):
    content = parse_yaml(TEXT)
    assert content.value == yaml.safe_load(TEXT)
    places = {("n",): 2, ("nested",): 8, ("nested", 0, "b"): 9, ("nested", 1): 10, ("nested", 0, "c"): 9, ("x",): None}
    assert {place: content.line_of(place) for place in places} == places
    assert parse_yaml("").value is None
    assert parse_yaml("").line_of(["a"]) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: {c: 1, c: 2}\n", "line 2: the key 'c' is given twice"),
        ("? [a]\n: 3\n", "line 1: a key must be plain text"),
        ("a: &x 1\nb: *x\n", r"line 2: '\*x' refers to another part"),
        (LAUGHS, "refers to another part"),
        ("a: 1\n---\nb: 2\n", "a second document"),
        ("[" * 200_000, "more than 50 levels"),
        ("{a: " * 60 + "1" + "}" * 60, "more than 50 levels"),
    ],
)
def test_what_is_refused_is_named(loader, text, message):
    with pytest.raises(Refused, match=message):
        parse_yaml(text)


@pytest.mark.parametrize(
    "text", ["a: [", "a: 'x\n", "a: 2025-13-45\n", "a: !!python/name:os.system\n", "a: \x00", "a: !!int x"]
)
def test_what_is_no_yaml_is_named(loader, text):
    with pytest.raises(Invalid):
        parse_yaml(text)


@pytest.mark.parametrize(
    "text", ["".join(f"k{k}: {k}\n" for k in range(300_000)), f"{{{', '.join(f'k{k}: 1' for k in range(300_000))}}}"]
)
def test_very_many_keys_are_refused_in_under_two_seconds(tmp_path, text):
    (tmp_path / "p.yml").write_text(text)
    start = time.process_time()
    with pytest.raises(ParamsError, match=r"p\.yml: line \d+: more than 50,000 keys and values"):
        read_yaml(tmp_path / "p.yml", "p.yml", ParamsError)
    assert time.process_time() - start < 2


def test_files_that_cannot_be_read_are_named(tmp_path):
    (tmp_path / "p.yml").write_text("x" * (MOST_BYTES + 1))
    with pytest.raises(ParamsError, match=r"p\.yml: the file has 5,000,001 bytes"):
        read_yaml(tmp_path / "p.yml", "p.yml", ParamsError)
    with pytest.raises(ParamsError, match=r"d cannot be read: "):
        read_yaml(tmp_path, "d", ParamsError)
    with pytest.raises(ParamsError, match=r"n cannot be read: No such file"):
        read_yaml(tmp_path / "n", "n", ParamsError)


def test_files_of_our_own_may_let_a_part_stand_for_another(loader):
    assert parse_yaml("a: &x [1]\nb: *x\n", aliases=True).value == {"a": [1], "b": [1]}
    with pytest.raises((Refused, yaml.YAMLError)):
        parse_yaml("b: *x\n", aliases=True)
