"""Languages are told by script."""

import pytest

from xmresearch.verbatims.languages import language_of


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("服务很好", "zh"),
        ("服務態度很好", "zh"),
        ("app很好用", "zh"),
        ("用iPhone的app打不开", "mixed"),
        ("用iPhone看app" + "服" * 9, "mixed"),
        ("用iPhone看app" + "服" * 11, "zh"),
        ("Don't like it", "en"),
        ("très bien", "en"),
        ("very good 服务很好", "mixed"),
        ("服务 good", "zh"),
        ("very good 服", "en"),
        ("one two three four five six seven 服务", "en"),
        ("one two three four 服务", "mixed"),
        ("とてもよかったです", "other"),
        ("서비스가 좋아요", "other"),
        ("Очень хорошо, ok", "other"),
        ("", "none"),
        ("👍👍 !!! 100", "none"),
    ],
)
def test_a_text_has_the_language_of_its_script(text, language):
    assert language_of(text) == language
