"""Every demo comes out the same to the last bit, with the compile caches cold and warm."""

import os
import time

import pytest

from xmresearch.params.registry import study_names
from xmresearch.run.study import run_study
from xmresearch.run.verify import verify_run

pytestmark = pytest.mark.benchmark


@pytest.mark.parametrize("study", study_names())
def test_a_demo_is_bit_identical_from_cold_and_warm_caches(study, root, tmp_path, monkeypatch):
    """Caches of pytensor and numba are empty for the run and for one verification, and hold what that left for the other."""
    flags = os.environ.get("PYTENSOR_FLAGS", "")
    said = []
    for k, cold in enumerate((True, True, False)):
        if cold:
            caches = tmp_path / f"caches{k}"
            monkeypatch.setenv("PYTENSOR_FLAGS", ",".join(filter(None, (flags, f"base_compiledir={caches}/pytensor"))))
            monkeypatch.setenv("NUMBA_CACHE_DIR", f"{caches}/numba")
        began = time.perf_counter()
        if k == 0:
            done = run_study(root / f"params/{study}/service_hall.yml", out=tmp_path / "out")
        else:
            found = verify_run(done.folder)
            assert found.state == "identical", "\n".join(found.lines())
        said.append(f"{'run' if k == 0 else 'verify'} {'cold' if cold else 'warm'} {time.perf_counter() - began:.0f} s")
    print(f"\n{study}: bit-identical; {', '.join(said)}")
