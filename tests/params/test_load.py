import string
import subprocess
import sys

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from xmresearch.data.config import FileSource, SqlSource
from xmresearch.errors import DataError, ParamsError
from xmresearch.params.load import load_params
from xmresearch.params.registry import study_names
from xmresearch.params.schema import commented_params, json_schema
from xmresearch.studies.servqual.params import ServqualParams


@pytest.fixture
def write(tmp_path):
    def writer(text, name="p.yml"):
        path = tmp_path / name
        path.write_text(text, "utf-8")
        return path

    return writer


def test_defaults_are_the_simulated_hall(write):
    params = load_params(write("study: servqual\n"))
    assert params == ServqualParams()
    assert params.data.source == "scenario"


@pytest.mark.parametrize("data", ["{path: s.csv}", "{source: dataset, name: kiosk_servqual}"])
def test_data_of_ones_own_need_nothing_that_the_hall_has(write, data):
    params = load_params(write(f"study: servqual\ndata: {data}\nsegments: [site]\n"))
    assert params.codebook == "servqual"
    assert [params.id_column, params.weight_column, params.duration_column, params.outcome] == [None] * 4
    assert params.segments == ["site"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("study: servqual\nconfidnce: 0.9\n", r"line 2: unknown key 'confidnce'. Did you mean 'confidence'"),
        ("study: servqual\ndata: {pth: x, source: file}\n", r"unknown key 'data.pth'. Did you mean 'path'"),
        ("study: servqual\nscreening:\n  missing: {acton: drop}\n", r"line 3: .*'screening.missing.acton'.*'action'"),
        ("study: servqual\nconfidence: high\n", r"line 2: confidence: .*number \(given: 'high'\)"),
        ("study: servqual\nbootstrap: '2000'\n", r"bootstrap: .*integer \(given: '2000'\)"),
        ("study: servqual\nconfidence: 1.5\n", r"less than 1 \(given: 1.5\)"),
        ("study: servqual\nlang: fr\n", r"lang is 'fr'; it must be 'en' or 'zh'"),
        ("study: servqual\nname: ../x\n", "name"),
        ("study: servqual\nlang: en\nlang: zh\n", "line 3: the key 'lang' is given twice"),
        ("study: servqul\n", "Did you mean 'servqual'"),
        ("name: x\n", "no study"),
        ("study: servqual\ndata: {source: fil}\n", "must be one of scenario, dataset, file"),
        ("study: servqual\nsegments: branch\n", "segments: .*list"),
        ("- a\n", "not a mapping"),
        ("a: [\n", "not valid YAML"),
        ("? [a]\n: 3\n", "key must be plain text"),
        ("study: servqual\nx: !!python/object/apply:os.system ['true']\n", "not valid YAML"),
    ],
)
def test_mistakes_are_one_clear_line(write, text, message):
    with pytest.raises(ParamsError, match=message) as caught:
        load_params(write(text))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("study", study_names())
def test_texts_can_be_given_by_language(write, study):
    path = write(
        f"study: {study}\ntitle: {{en: Halls, zh: 大厅}}\nclient: The city\nfieldwork: {{zh: 三月}}\n", f"{study}.yml"
    )
    texts = {lang: load_params(path, lang=lang) for lang in ("en", "zh")}
    assert [(p.title, p.client, p.fieldwork) for p in texts.values()] == [
        ("Halls", "The city", "三月"), ("大厅", "The city", "三月"),
    ]  # fmt: skip
    plain = load_params(write(f"study: {study}\ntitle: Halls\n"))
    assert (plain.title, plain.client) == ("Halls", None)


@pytest.mark.parametrize("study", ["did", "attribution"])
def test_labels_need_no_second_language(write, study):
    params = load_params(write(f"study: {study}\nlabels: {{a: Hall, b: {{zh: 厅}}, c: {{en: Desk, zh: 台}}}}\n"))
    assert params.names() == {"en": {"a": "Hall", "b": "厅", "c": "Desk"}, "zh": {"a": "Hall", "b": "厅", "c": "台"}}


@pytest.mark.parametrize("text", ["{en: Halls, de: Hallen}", "{}", "3", "''", "{en: 3}", "[a]"])
def test_a_text_of_no_language_is_refused(write, text):
    with pytest.raises(ParamsError, match="line 2: title: "):
        load_params(write(f"study: servqual\ntitle: {text}\n"))


def test_of_very_many_mistakes_some_are_told(write):
    with pytest.raises(ParamsError, match="4,981 more mistakes") as caught:
        load_params(write("study: did\n" + "".join(f"k{k}: 1\n" for k in range(5001))))
    assert len(caught.value.parts) == 21


def test_missing_file_names_the_nearest(write, tmp_path):
    write("study: servqual\n", "kiosk.yml")
    with pytest.raises(ParamsError, match=r"does not exist.*Did you mean 'kiosk\.yml'"):
        load_params(tmp_path / "kisk.yml")


def test_file_that_is_not_utf8(tmp_path):
    path = tmp_path / "p.yml"
    path.write_bytes(b"name: \xff\xfe\xfa")
    with pytest.raises(ParamsError, match="not UTF-8"):
        load_params(path)


def test_overrides_reach_into_sections(write):
    path = write("study: servqual\n")
    params = load_params(path, ["data.n=50", "lang=zh", "segments=[branch]"], lang="en")
    assert params.data.n == 50
    assert params.segments == ["branch"]
    assert params.lang == "en"


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("n", "key=value"),
        ("lang.x=1", "not a section|lang"),
        ("boostrap=300", "Did you mean 'bootstrap'"),
        ("a=[", "YAML"),
    ],
)
def test_wrong_overrides(write, override, message):
    with pytest.raises(ParamsError, match=message):
        load_params(write("study: servqual\nlang: en\n"), [override])


def test_input_files_start_from_the_params_file(tmp_path):
    params = ServqualParams.model_validate({"data": {"path": "s.csv"}, "codebook": "c.yml"})
    with pytest.raises(DataError, match=r"data\.path: the file 's\.csv' does not exist"):
        params.input_files(tmp_path)
    (tmp_path / "s.csv").write_text("a\n")
    (tmp_path / "c.yml").write_text("a: 1\n")
    assert params.input_files(tmp_path) == {"data": tmp_path / "s.csv", "codebook": tmp_path / "c.yml"}


def test_new_file_validates_and_holds_every_key(write):
    text = commented_params("servqual", "mine")
    assert load_params(write(text)) == ServqualParams(name="mine")
    assert set(yaml.safe_load(text)) == set(ServqualParams.model_fields)
    with pytest.raises(ParamsError, match="Did you mean 'servqual'"):
        commented_params("servqal", "mine")
    with pytest.raises(ParamsError, match="name"):
        commented_params("servqual", "Mine!")


def test_new_file_shows_what_can_be_said_of_a_file(write):
    text = commented_params("servqual", "mine")
    file, query = (
        yaml.safe_load("\n".join(["data:", *(line[2:] for line in part.splitlines() if line.startswith("#   "))]))
        for part in text.split("# data:\n")[1:]
    )
    assert set(file["data"]) == set(FileSource.model_fields)
    assert FileSource.model_validate(file["data"]) == FileSource(source="file", path="survey.csv")
    asked = SqlSource.model_validate({"source": "sql", **query["data"]})
    assert asked.url == "postgresql://HOST/DATABASE"
    assert {"sql", "url", "name", "timeout"} == set(query["data"])


@pytest.mark.parametrize("study", study_names())
def test_committed_schema_is_the_models(root, study):
    assert (root / "params" / f"{study}.schema.json").read_text("utf-8") == json_schema(study)


def test_committed_params_validate(root):
    for path in (root / "params" / "servqual").glob("*.yml"):
        if not path.stem.endswith("_codebook"):
            assert load_params(path).name == path.stem


def test_params_load_without_the_heavy_libraries():
    code = (
        "import sys; from xmresearch.run.plan import plan_run; "
        "print(sorted({'pandas', 'numpy', 'scipy', 'matplotlib', 'papermill'} & set(sys.modules)))"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(string.printable, max_size=6))
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
)


@settings(max_examples=150, deadline=None)
@given(
    st.dictionaries(
        st.one_of(st.sampled_from([*ServqualParams.model_fields, "x"]), st.text(max_size=5)), values, max_size=4
    )
)
def test_any_content_gives_params_or_a_clear_error(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "fuzz.yml"
    path.write_text(yaml.safe_dump({"study": "servqual", **content}, allow_unicode=True), "utf-8")
    try:
        params = load_params(path)
    except ParamsError as error:
        assert str(error)
    else:
        assert ServqualParams.model_validate(params.model_dump(mode="json")) == params


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=60))
def test_any_text_gives_params_or_a_clear_error(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "fuzz2.yml"
    path.write_text(text, "utf-8")
    with pytest.raises(ParamsError):
        load_params(path)
