# Two commands do everything on a fresh machine with Python 3.11+ and make:
#   make test    all tests, and the static checks among them, side by side
#   make demo    the main job on real packages (see README: what is there yet)
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LOCK := deploy/requirements/dev.lock
STAMP := $(VENV)/.installed

.PHONY: setup check fix test demo schemas asyncapi-validate bench chaos fuzz lock clean browser-test image-tools-test

setup: $(STAMP)

$(STAMP): $(LOCK) pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Drydock needs Python 3.11 or newer; $(PYTHON) is older. Set PYTHON=/path/to/python3.11"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(LOCK)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m shared.contracts.schemas --check

fix: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Each of the side by side processes has engines of its own when it needs them: about 750 MB of memory.
WORKERS ?= 2
test: setup
	$(BIN)/pytest -n $(WORKERS)

# The main job on real packages; see README. DRYDOCK_DATA names the folder (default .drydock/demo).
demo: setup
	$(BIN)/python -m deploy.demo
# Tests the dashboard in a real Chromium. Installs it with apt (Debian, Ubuntu; as root or with sudo) if it is not
# there; elsewhere put `chromium` and `chromedriver` on the PATH first. Pictures of the pages go to .drydock/pictures.
browser-test: setup
	@command -v chromium >/dev/null && command -v chromedriver >/dev/null || { \
	  as_root=; [ "$$(id -u)" = 0 ] || as_root=sudo; \
	  $$as_root apt-get update -qq && $$as_root apt-get install -y -qq --no-install-recommends chromium chromium-driver; }
	DRYDOCK_BROWSER_TEST=1 $(BIN)/pytest -m browser

# Tests that tools and registries of others read what we write. Installs skopeo, umoci, buildah and docker-registry with
# apt (Debian, Ubuntu; as root or with sudo) where they are missing. Where Go is installed, it also fetches the schemas
# of the OCI image-spec, and builds a registry that has the referrers API; else those tests are skipped.
IMAGE_TOOLS := skopeo umoci buildah docker-registry
IMAGE_SPEC := github.com/opencontainers/image-spec@v1.1.1
GO_REGISTRY := github.com/google/go-containerregistry@v0.20.6
image-tools-test: setup
	@for tool in $(IMAGE_TOOLS); do command -v $$tool >/dev/null || missing="$$missing $$tool"; done; \
	  test -z "$$missing" || { as_root=; [ "$$(id -u)" = 0 ] || as_root=sudo; \
	  $$as_root apt-get update -qq && $$as_root apt-get install -y -qq --no-install-recommends $$missing; }
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT; \
	  if command -v go >/dev/null; then \
	    cp tests/integration/image_tools/referrers_registry/main.go "$$folder" && cd "$$folder" && \
	    go mod init referrers >/dev/null 2>&1 && go get $(GO_REGISTRY) >/dev/null 2>&1 && \
	    go build -o registry . && export DRYDOCK_REFERRERS_REGISTRY="$$folder/registry"; \
	    DRYDOCK_OCI_SCHEMAS=$$(go mod download -json $(IMAGE_SPEC) | sed -n 's/.*"Dir": "\(.*\)".*/\1\/schema/p') && \
	    export DRYDOCK_OCI_SCHEMAS; cd $(CURDIR); \
	  fi; \
	  DRYDOCK_IMAGE_TOOLS_TEST=1 $(BIN)/pytest -m image_tools

# Writes schemas/ from the messages; `make check` fails while they differ.
schemas: setup
	$(BIN)/python -m shared.contracts.schemas

# Reads the AsyncAPI documents with the official parser; needs node and npm, installs into a temporary folder.
ASYNCAPI_PARSER := @asyncapi/parser@3.6.3
asyncapi-validate:
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && \
	  npm install --prefix "$$folder" --ignore-scripts --no-audit --no-fund --silent $(ASYNCAPI_PARSER) && \
	  cp shared/contracts/schemas/validate-asyncapi.cjs "$$folder" && \
	  node "$$folder/validate-asyncapi.cjs" schemas/*/asyncapi.json

# What the kernel costs, as ratios on real engines; on a machine that does nothing else.
bench: setup
	$(BIN)/python -m tests.benchmarks.kernel
	$(BIN)/python -m tests.benchmarks.lifecycles

# The long run of all that draws at random: properties, models, mutated packages, faults around 20,000 commands with a
# kill for every hundred. It tries 67 times (or DRYDOCK_TEST_EFFORT) as much as `make test`, each time anew;
# DRYDOCK_TEST_SEED repeats what a run has drawn, which prints its seed.
chaos: check
	DRYDOCK_TEST_EFFORT=$${DRYDOCK_TEST_EFFORT:-67} $(BIN)/pytest -s -m "effort or hypothesis"

# 5,000 and more mutated packages: each must end in a verdict.
fuzz: setup
	DRYDOCK_TEST_EFFORT=$${DRYDOCK_TEST_EFFORT:-50} $(BIN)/pytest -s -q -m effort -k mutated_packages tests/unit

# Rewrites the locked dependencies from pyproject.toml; needs uv (pip install uv).
BUILD_BACKEND = $(shell sed -n 's/^requires = \["\(.*\)"\]/\1/p' pyproject.toml)
lock:
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -q -o deploy/requirements/runtime.lock
	echo $(BUILD_BACKEND) | uv pip compile - --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -q -o deploy/requirements/build.lock
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -q -o deploy/requirements/dev.lock

clean:
	rm -rf $(VENV) .drydock .mypy_cache .ruff_cache .pytest_cache .hypothesis
