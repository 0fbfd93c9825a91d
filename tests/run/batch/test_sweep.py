"""A sweep becomes runs with names and params of their own, or one error that names all that is wrong."""

import json

import pytest

from xmresearch.errors import ParamsError
from xmresearch.run.batch.sweep import MOST_RUNS, Sweep, jobs_of, read_sweep, told


def _sweep(**content):
    return Sweep(**{"name": "s", "params": ["scorecard/service_hall"]} | content)


def _jobs(tmp_path, **content):
    return jobs_of(_sweep(**content), out=tmp_path)


def test_every_combination_is_a_run_with_the_last_key_fastest(tmp_path):
    jobs = _jobs(tmp_path, cross={"data.seed": [1, 2], "lang": ["en", "zh"]})
    assert [job.varied for job in jobs] == [
        {"data.seed": 1, "lang": "en"}, {"data.seed": 1, "lang": "zh"}, {"data.seed": 2, "lang": "en"}, {"data.seed": 2, "lang": "zh"},
    ]  # fmt: skip
    assert [job.name for job in jobs] == [
        "service_hall-1-en", "service_hall-1-zh", "service_hall-2-en", "service_hall-2-zh",
    ]  # fmt: skip
    assert jobs[0].overrides == ("data.seed=1", 'lang="en"', "name=service_hall-1-en")


def test_each_names_combinations_one_by_one_and_crosses_with_the_rest(tmp_path):
    jobs = _jobs(
        tmp_path,
        each=[{"name": "first", "data.seed": 7}, {"name": "second", "data.n": 60}],
        cross={"confidence": [0.9]},
    )
    assert [job.name for job in jobs] == ["first", "second"]
    assert jobs[1].varied == {"name": "second", "data.n": 60, "confidence": 0.9}


def test_several_params_files_keep_their_names(tmp_path):
    jobs = jobs_of(_sweep(params=["scorecard/service_hall", "servqual/service_hall"]), out=tmp_path)
    assert [(job.study, job.name) for job in jobs] == [("scorecard", "service_hall"), ("servqual", "service_hall")]


def test_a_value_of_where_is_a_list_of_one(tmp_path):
    jobs = _jobs(tmp_path, params=["scorecard/patients"], cross={"data.where.ward": ["A", ["B", "C"]]})
    assert [job.overrides[0] for job in jobs] == ['data.where.ward=["A"]', 'data.where.ward=["B", "C"]']
    assert jobs[0].name == "patients-a"
    assert jobs[1].name.startswith("patients-b-c-")


@pytest.mark.parametrize(
    ("values", "names"),
    [
        (["北区", "南区"], None),
        (["North Hall", "north/hall"], None),
        (["x" * 80, "x" * 81], None),
        (["North Hall"], ["service_hall-north-hall"]),
    ],
)
def test_names_tell_values_apart(tmp_path, values, names):
    made = [job.name for job in _jobs(tmp_path, cross={"client": values})]
    assert len(set(made)) == len(values)
    assert all(len(name) <= 64 and name.isascii() for name in made)
    if names:
        assert made == names


def test_values_are_written_for_people():
    assert told(["A", 2]) == "A, 2"
    assert told({"en": "x"}) == '{"en": "x"}'
    assert told(None) == "null"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"cross": {"confidence": []}}, "cross.confidence has no values"),
        ({"cross": {"confidence": [0.9, 0.9]}}, "cross.confidence has the value 0.9 twice"),
        (
            {"cross": {"confidence": [0.9]}, "each": [{"confidence": 0.8}]},
            "'confidence' stands under both cross and each",
        ),
        ({"crosses": {}}, "unknown key 'crosses'"),
        ({"params": []}, "params"),
        ({"name": "A b"}, "name"),
    ],
)
def test_a_wrong_sweep_is_refused_with_its_line(tmp_path, content, said):
    path = tmp_path / "s.yml"
    path.write_text(json.dumps({"name": "s", "params": ["scorecard/service_hall"]} | content))
    with pytest.raises(ParamsError, match=f"s.yml, line 1: .*{said}|s.yml: .*{said}"):
        read_sweep(path)


def test_more_runs_than_can_be_meant_are_refused(tmp_path):
    path = tmp_path / "s.yml"
    cross = {"data.seed": list(range(1000)), "data.n": list(range(100, 200))}
    path.write_text(json.dumps({"name": "s", "params": "scorecard/service_hall", "cross": cross}))
    assert len(list(read_sweep(path).combinations())) == MOST_RUNS
    path.write_text(
        json.dumps({"name": "s", "params": "scorecard/service_hall", "cross": cross | {"lang": ["en", "zh"]}})
    )
    with pytest.raises(ParamsError, match="200,000 runs; at most 100,000"):
        read_sweep(path)


def test_a_missing_sweep_is_named(tmp_path):
    (tmp_path / "branches.yml").write_text("name: s")
    with pytest.raises(ParamsError, match="branch.yml' does not exist. Did you mean 'branches.yml'"):
        read_sweep(tmp_path / "branch.yml")


def test_params_files_start_from_the_sweeps_folder(tmp_path):
    (tmp_path / "own.yml").write_text("study: scorecard\nname: own\n")
    (tmp_path / "s.yml").write_text("name: s\nparams: [own.yml, servqual/service_hall]\n")
    first, second = read_sweep(tmp_path / "s.yml").params
    assert first == str(tmp_path / "own.yml")
    assert second.endswith("params/servqual/service_hall.yml")


def test_all_that_is_wrong_with_any_run_is_told_at_once(tmp_path):
    with pytest.raises(ParamsError) as caught:
        _jobs(tmp_path, cross={"data.seed": [1, -1, "x"]})
    assert "2 problems" in str(caught.value)
    assert "greater than or equal to 0" in str(caught.value)
    assert "valid integer" in str(caught.value)


def test_two_runs_of_one_name_are_refused(tmp_path):
    with pytest.raises(
        ParamsError, match="Two runs of the batch are of the study 'scorecard' and named 'service_hall'"
    ):
        jobs_of(_sweep(params=["scorecard/service_hall", "scorecard/service_hall"]), out=tmp_path)


def test_the_sweep_that_comes_with_the_package_is_right(tmp_path):
    jobs = jobs_of(read_sweep("sweeps/service_hall"), out=tmp_path)
    assert [job.name for job in jobs] == [f"service_hall-{k}" for k in range(1, 5)]
