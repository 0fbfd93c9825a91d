from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from warm_command import warm_command
from workers import tcp_cluster as tcp_cluster

from xmresearch.data import FOLDER_VARIABLE
from xmresearch.data.config import ScenarioSource
from xmresearch.data.datasets import load_dataset
from xmresearch.data.load import load_survey
from xmresearch.data.survey import Survey
from xmresearch.errors import DatasetUnavailable
from xmresearch.kept_fits import VARIABLE

ROOT = Path(__file__).resolve().parents[1]


def pytest_configure(config):
    """Let fits be kept in a folder of this session, which its workers share."""
    if not hasattr(config, "workerinput"):
        folder = tempfile.mkdtemp(prefix="xm-fits-")
        os.environ[VARIABLE] = folder
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def hall() -> Survey:
    """The simulated service hall, with weights and segments."""
    return load_survey(
        ScenarioSource(n=600, seed=11),
        codebook="service_hall",
        id_column="respondent",
        weight_column="weight",
        duration_column="duration",
        segments=["branch", "channel"],
    )


@pytest.fixture(scope="session")
def kiosk_frame() -> pd.DataFrame:
    """The real kiosk survey; skips where it cannot be had."""
    try:
        return load_dataset("kiosk_servqual")
    except DatasetUnavailable as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def reference() -> Path:
    """The folder of reference results; skips where it is not there."""
    folder = Path(os.environ.get(FOLDER_VARIABLE, "")) / "reference"
    if not os.environ.get(FOLDER_VARIABLE) or not folder.is_dir():
        pytest.skip(f"Reference results are below {FOLDER_VARIABLE}, which is not set to a folder that has them.")
    return folder


@pytest.fixture(scope="session")
def cases() -> Path:
    """The folder of small inputs that once failed; skips where it is not there."""
    folder = Path(os.environ.get(FOLDER_VARIABLE, "")).resolve().parent / "cases"
    if not os.environ.get(FOLDER_VARIABLE) or not folder.is_dir():
        pytest.skip(f"Cases are beside the folder of {FOLDER_VARIABLE}, which is not set to one that has them.")
    return folder


@pytest.fixture(scope="session")
def postgres_cluster():
    """A real server of PostgreSQL; skips where none is installed."""
    from postgres_cluster import cluster, programs

    found = programs()
    if found is None:
        pytest.skip("PostgreSQL is not installed, or there is no user postgres to start it as.")
    with cluster(found) as made:
        yield made


@pytest.fixture
def postgres(postgres_cluster, monkeypatch):
    """That server, with what its clients need in the environment."""
    for name, value in postgres_cluster.environment.items():
        monkeypatch.setenv(name, value)
    return postgres_cluster


@pytest.fixture(scope="session")
def object_store():
    """A server of S3 on this machine; gives its address."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


@pytest.fixture
def bucket(object_store, monkeypatch):
    """An empty bucket there, with what its clients need in the environment."""
    import boto3

    given = {
        "AWS_ENDPOINT_URL": object_store, "AWS_ACCESS_KEY_ID": "planted-access", "AWS_SECRET_ACCESS_KEY": "planted-secret",
        "AWS_DEFAULT_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true",
    }  # fmt: skip
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    found = boto3.resource("s3").Bucket("answers")
    found.create()
    yield found
    found.objects.all().delete()
    found.delete()


def assert_kiosk_gaps(table: pd.DataFrame, reference: Path) -> None:
    """Compare with reference/servqual/kiosk_gap.csv: computed in R from the published kiosk survey."""
    expected = pd.read_csv(reference / "servqual" / "kiosk_gap.csv")
    columns = {"E": "expectation", "P": "perception", "gap": "gap", "sd": "sd", "t": "t", "p": "p"}
    for theirs, ours in columns.items():
        np.testing.assert_allclose(table[ours], expected[theirs], rtol=1e-8, atol=1e-8, err_msg=theirs)
    np.testing.assert_allclose(table["p"], expected["p"], rtol=1e-8)


@pytest.fixture(scope="session")
def same_as_kiosk_reference(reference):
    return lambda table: assert_kiosk_gaps(table, reference)


def run_cli(
    *arguments: str, cwd: Path = ROOT, fresh: bool = False, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run the command line as a user does: in a process of its own, which has its imports done but where `fresh` or an environment is asked for."""
    if not (fresh or environment):
        return warm_command(list(map(str, arguments)), cwd)
    return subprocess.run(
        [sys.executable, "-c", "from xmresearch.cli import main; main()", *map(str, arguments)],
        capture_output=True, text=True, cwd=cwd, env={**os.environ, **environment}, timeout=300,
    )  # fmt: skip


@pytest.fixture(scope="session")
def cli():
    return run_cli
