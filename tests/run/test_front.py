"""A report's front and look: they are part of its key and of its record, and no business of its notebook."""

import shutil

import pytest

from xmresearch.errors import XMError
from xmresearch.run.check import check_study
from xmresearch.run.plan import plan_run
from xmresearch.run.public_params import public_params
from xmresearch.run.stamp import front

LOGO = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'


@pytest.fixture
def params(root, tmp_path):
    shutil.copy(root / "params/scorecard/service_hall.yml", tmp_path / "a.yml")
    (tmp_path / "logo.svg").write_text(LOGO, "utf-8")
    return tmp_path / "a.yml"


def test_front_and_look_make_another_key_and_reach_no_notebook(params):
    """The bytes of a report change with them; a format does not change what is computed."""
    plain = plan_run(params)
    settings = {
        "author": "Chen",
        "organisation": "Acme",
        "data_date": "'2025'",
        "style.accent": "'#1d5b80'",
        "style.logo": "logo.svg",
    }
    keys = [plan_run(params, [f"{key}={value}"]).identity.key for key, value in settings.items()]
    assert len({plain.identity.key, *keys}) == 6
    assert plan_run(params, ["formats=[pdf]"]).identity.key == plain.identity.key
    plan = plan_run(params, [f"{key}={value}" for key, value in settings.items()])
    assert plan.params.of_notebook() == plain.params.of_notebook()
    made = front(plan)
    assert (made.author, made.organisation, made.data_date) == ("Chen", "Acme", "2025")
    assert made.run == f"scorecard/service_hall/{plan.identity.key}"
    assert made.style.logo.decode() == LOGO


def test_one_byte_of_the_logo_makes_another_key(params):
    before = plan_run(params, ["style.logo=logo.svg"])
    assert "style.logo" in before.identity.inputs
    (params.parent / "logo.svg").write_text(LOGO.replace("9", "8", 1), "utf-8")
    assert plan_run(params, ["style.logo=logo.svg"]).identity.key != before.identity.key


@pytest.mark.parametrize(
    ("given", "said"),
    [("style.logo=no.png", "does not exist"), ("style.accent=red", "should match"), ("style.logos=x", "logo")],
)
def test_check_refuses_what_a_run_would(params, given, said):
    with pytest.raises(XMError, match="style") as error:
        check_study(params, [given])
    assert said in str(error.value)


def test_a_file_that_tells_who_somebody_is_has_another_name_in_outputs(params):
    shown = public_params(
        {"style": {"logo": "logos/13812345678.png", "accent": "#1d5b8f"}, "author": "Chen, chen@example.org"}
    )
    assert "13812345678" not in str(shown)
    assert shown["style"]["logo"].startswith("logos/")
    assert "chen@example.org" not in shown["author"]
