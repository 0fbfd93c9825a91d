# make study: a report from the built-in demo; make studies: every study's demo, and an index of all runs; make test: all checks. Both build the environment first.
PARAMS ?= params/servqual/service_hall.yml
REPORT_LANG ?= en
UV_COMPILE_BYTECODE = 1
export UV_COMPILE_BYTECODE
unexport PYTHONDONTWRITEBYTECODE
unexport VIRTUAL_ENV

# uv from the system where it runs, otherwise from a small environment of its own
UV := $(shell uv --version >/dev/null 2>&1 && echo uv || echo .tools/bin/uv)
RUN = $(UV) run --locked --no-sync

.PHONY: study studies test wheel docs bench lab lint env schema sync clean

study: sync
	$(RUN) xmresearch run $(PARAMS)

studies: sync
	for demo in $$($(RUN) xmresearch studies --demos); do $(RUN) xmresearch run $$demo --lang $(REPORT_LANG) || exit 1; done
	$(RUN) xmresearch index --lang $(REPORT_LANG)

test: lint
	$(RUN) pytest

wheel: sync
	$(RUN) pytest tests/run/test_wheel.py -m wheel -n0

docs: sync
	$(RUN) python src/docs/build.py outputs/docs

bench: sync
	$(RUN) pytest tests/benchmarks -m benchmark -n0

lab: sync
	$(RUN) jupyter lab notebooks

lint: sync
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) mypy
	$(RUN) lint-imports
	$(RUN) nbstripout --verify notebooks/*.ipynb

env: sync
	$(RUN) pyproject2conda yaml --pyproject pyproject.toml --python-include infer --group dev --name xmresearch \
		--no-header --overwrite force --pip-dep "-e ." --output environment.yml

schema: sync
	for study in $$($(RUN) xmresearch studies --names); do $(RUN) xmresearch schema $$study > params/$$study.schema.json; done

sync: $(filter .tools/bin/uv,$(UV))
	$(UV) sync --locked --quiet

.tools/bin/uv:
	python3 -m venv .tools
	.tools/bin/pip install --quiet --disable-pip-version-check uv

clean:
	rm -rf outputs/* .venv .tools .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .benchmarks
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
