# The front door. `make` alone says what there is.
PYTHON ?= python3
MODELS ?= models
PORT   ?= 8080
GRPC_PORT ?= 8500
PYTEST ?=
TESTERS ?= 2
STEP   ?=
RUNS   ?= 20000000
MINUTES ?= 30
BENCH  ?=
ARTIFACTS ?= artifacts
PEERS  := litserve bentoml mlserver pytriton
BIN    := .venv/bin
NODE   := $(and $(shell command -v node),$(shell command -v npm))

.DEFAULT_GOAL := help
.PHONY: $(shell sed -n 's/^\([a-z-]*\): .*\#\# .*/\1/p' $(MAKEFILE_LIST))

help:           ## this list
	@sed -n 's/^\([a-z-]*\): .*## /\1\t/p' $(MAKEFILE_LIST) | awk -F'\t' '{printf "  make %-23s%s\n", $$1, $$2}'

install: .venv/.installed  ## build .venv from the pinned, hashed requirements; nothing else

# Installed without resolving (--no-deps): the lock is the whole closure, with exactly one TensorFlow in it.
.venv/.installed: requirements/dev.txt pyproject.toml clients/python/pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || { \
	  echo "Penstock needs Python 3.11, 3.12 or 3.13 (TensorFlow has wheels for these), not $$($(PYTHON) --version)."; \
	  echo "Name another with: make install PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  v=$$($(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
	  echo "$(PYTHON) cannot make virtual environments: its ensurepip is missing."; \
	  echo "On Debian and Ubuntu: apt-get install python$$v-venv"; exit 1; }
	@echo "Building .venv (about 1.9 GB, a minute or two the first time) ..."
	@$(PYTHON) -m venv .venv
	@.ci/install $(BIN)/python requirements/dev.txt
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation -e . -e clients/python
	@touch $@

up: install console-or-word ## train and publish two small models unless they are there, and serve them on port $(PORT)
	@for job in digits diabetes; do \
	  ls $(MODELS)/$$job/[1-9]*/saved_model.pb >/dev/null 2>&1 || $(BIN)/penstock train $$job --models $(MODELS) || exit 1; \
	done
	@exec $(BIN)/penstock serve --models $(MODELS) --port $(PORT) --grpc-port $(GRPC_PORT)

# Triton's client holds protobuf below the major that the gateway runs, so it lives alone; only tests use it.
.venv-triton/.installed: requirements/triton.txt
	@$(PYTHON) -m venv .venv-triton
	@.venv-triton/bin/python -m pip install --disable-pip-version-check --quiet --no-deps --require-hashes -r requirements/triton.txt
	@touch $@

TS   := clients/typescript
CONSOLE := serving/console

NPM_CI := npm ci --no-audit --no-fund --loglevel=error

$(TS)/node_modules/.installed: $(TS)/package-lock.json
	@cd $(TS) && $(NPM_CI)
	@touch $@

$(TS)/dist/penstock-client.min.js: $(TS)/node_modules/.installed $(TS)/package.json $(wildcard $(TS)/tsconfig*.json $(TS)/src/*.ts)
	@cd $(TS) && npm run --silent build

client-ts: $(TS)/dist/penstock-client.min.js  ## build the TypeScript client (Node 18 or newer, and npm)

$(CONSOLE)/node_modules/.installed: $(CONSOLE)/package-lock.json
	@cd $(CONSOLE) && $(NPM_CI)
	@touch $@

$(CONSOLE)/dist/index.html: $(CONSOLE)/node_modules/.installed $(CONSOLE)/index.html $(CONSOLE)/vite.config.ts \
  $(wildcard $(CONSOLE)/src/* $(CONSOLE)/src/*/*) $(wildcard $(TS)/src/*.ts)
	@cd $(CONSOLE) && npm run --silent build -- --logLevel=warn

console: $(CONSOLE)/dist/index.html ## build the web console, which the gateway serves at / (Node 18 or newer, and npm)

# The gateway serves without it, so that nothing here ends `make up`.
console-or-word:
ifneq ($(NODE),)
	@$(MAKE) --no-print-directory console || echo "The web console could not be built, for the reason above; try again with: make console"
else
	@test -e $(CONSOLE)/dist/index.html || echo "No Node here, so no web console: install nodejs and npm (18 or newer), then: make console"
endif

# By file, so that what a file's tests share is made once, in the order of tests/conftest.py (pytest-xdist's own would
# leave the files of few and long tests to the end). Hundreds of processes read the byte code that the first one wrote.
TESTS = env PYTHONDONTWRITEBYTECODE= $(BIN)/pytest --numprocesses $(TESTERS) --dist loadfile --no-loadscope-reorder $(PYTEST)

test: install .venv-triton/.installed $(if $(NODE),client-ts console) ## every test, by TESTERS processes at once
	$(TESTS)

check: install .venv-triton/.installed $(if $(NODE),client-ts console) ## format, lint, types, import contracts and every test: what CI runs
	$(STEP) $(BIN)/ruff format --check .
	$(STEP) $(BIN)/ruff check .
	$(STEP) $(BIN)/mypy
	$(STEP) $(BIN)/lint-imports
	$(STEP) $(TESTS)

format: install ## write the files as the formatter wants them
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# uv resolves for every supported Python at once and honours overrides; it is used here and nowhere else.
LOCKED = --universal --python-version 3.11 --generate-hashes --no-header --no-annotate
IMAGES = --constraint requirements/dev.txt $(LOCKED)

lock:           ## resolve requirements/*.txt anew: dev and triton, and what Dockerfile.gpu installs
	@test -x .lock-venv/bin/uv || { $(PYTHON) -m venv .lock-venv && .lock-venv/bin/pip install --quiet uv; }
	@.lock-venv/bin/uv pip compile pyproject.toml clients/python/pyproject.toml \
	  --extra serving --extra training --extra loadtests --extra tracing --extra object-store --extra grpc --extra progress --extra dev --override requirements/overrides.txt --no-emit-package tensorflow \
	  $(LOCKED) --output-file requirements/dev.txt
	@.lock-venv/bin/uv pip compile requirements/audit.in $(LOCKED) --output-file requirements/audit.txt
	@.lock-venv/bin/uv pip compile requirements/triton.in $(LOCKED) --output-file requirements/triton.txt
	@.lock-venv/bin/uv pip compile pyproject.toml --extra gateway --extra object-store $(IMAGES) --output-file requirements/gateway.txt
	@.lock-venv/bin/uv pip compile requirements/tensorflow.in --no-deps $(IMAGES) --output-file requirements/tensorflow.txt
	@.lock-venv/bin/uv pip compile requirements/build.in $(IMAGES) --output-file requirements/build.txt
	@.lock-venv/bin/uv pip compile pyproject.toml requirements/training-gpu.in --extra training --extra object-store \
	  --override requirements/training-gpu-overrides.txt --no-emit-package tensorflow-cpu \
	  $(IMAGES) --output-file requirements/training-gpu.txt

lock-peers:     ## resolve the requirements of bench-peers anew, one environment each
	@test -x .lock-venv/bin/uv || { $(PYTHON) -m venv .lock-venv && .lock-venv/bin/pip install --quiet uv; }
	@for peer in $(PEERS); do .lock-venv/bin/uv pip compile requirements/peers/$$peer.in --universal --python-version 3.11 \
	  --generate-hashes --no-header --no-annotate --output-file requirements/peers/$$peer.txt || exit 1; done

proto: install  ## generate the gateway's and the Python client's gRPC messages anew from their .proto files
	$(BIN)/python -W ignore -m grpc_tools.protoc -I . --python_out=. --pyi_out=. serving/grpc/inference.proto
	$(BIN)/python -W ignore -m grpc_tools.protoc -I clients/python --python_out=clients/python --pyi_out=clients/python \
	  penstock_client/grpc_messages.proto

# Its tools' packages conflict with nobody's, and nothing else needs them.
.audit-venv/.installed: requirements/audit.txt
	@$(PYTHON) -m venv .audit-venv
	@.audit-venv/bin/python -m pip install --disable-pip-version-check --quiet --no-deps --require-hashes -r requirements/audit.txt
	@touch $@

audit: .audit-venv/.installed ## look every pinned package up in the advisory databases; needs the network, so `make check` does without
	@.ci/audit

sbom: .audit-venv/.installed ## bills of materials (CycloneDX) in ARTIFACTS: what the images install with pip, and the npm packages
	@.ci/sbom $(ARTIFACTS)

monitoring: install ## write k8s/components/monitoring's dashboard.json and prometheusrule.yaml anew from their sources
	$(BIN)/python -m k8s.components.monitoring.generate

# What coverage finds stays in ARTIFACTS/fuzz for the next run, and so does what ends a target.
fuzz: install   ## feed every reader of bytes RUNS inputs that coverage chooses; then a gateway, the OpenAPI and the model store
	$(BIN)/python tests/integration/fuzz/all_targets.py $(RUNS) $(ARTIFACTS)/fuzz
	PENSTOCK_TEST_FUZZ_INPUTS=100000 $(BIN)/pytest -s tests/integration/fuzz/test_whole_gateway.py
	PENSTOCK_TEST_OPENAPI_EXAMPLES=1000 $(BIN)/pytest -s tests/integration/gateway/test_openapi_driven.py
	PENSTOCK_TEST_STORE_EXAMPLES=20000 $(BIN)/pytest -s tests/integration/model_store/test_faults_at_any_call.py

bench: install  ## the gateway beside bare servers and a naive one, each on one core; BENCH="--rounds 1" passes options on
	$(BIN)/penstock bench $(BENCH)

# Their stacks conflict, so each has its own environment; one that cannot be installed leaves the reason and its row out.
.peers/%/.installed: requirements/peers/%.txt
	@echo "Building .peers/$* (1.6 to 1.8 GB) ..."
	@rm -rf .peers/$* && $(PYTHON) -m venv .peers/$*
	@if .peers/$*/bin/python -m pip install --disable-pip-version-check --quiet --no-deps --require-hashes \
	  -r requirements/peers/$*.txt 2>.peers/$*/pip.log; then touch $@; \
	else grep -v '^WARNING' .peers/$*/pip.log | tail -n 1 >.peers/$*/not-installed; cat .peers/$*/not-installed; fi

bench-small: install ## a minute of it, as CI runs it: the table, and every sample in ARTIFACTS/bench.json
	$(BIN)/penstock bench --rounds 3 --seconds 0.7 --only fastapi in-memory json npy json-64 grpc --output $(ARTIFACTS)
	@mv $(ARTIFACTS)/servers.json $(ARTIFACTS)/bench.json

bench-peers: install $(PEERS:%=.peers/%/.installed) ## the gateway beside LitServe, BentoML, MLServer, Triton and TensorFlow Serving, where they are
	@du -sh .peers
	$(BIN)/penstock bench peers $(BENCH)

bench-rates: install ## servers beside each other at the same rates, open loop; BENCH="--peers" takes in the installed peers
	$(BIN)/penstock bench rates $(BENCH)

bench-overload: install ## goodput at twice the load that can be served, how soon the rest is refused, and the time after it
	$(BIN)/penstock bench overload $(BENCH)

bench-storm: install ## a minute at five times the peak, every fifth request a hostile one
	$(BIN)/penstock bench overload --times 5 --overload-seconds 60 --good-between 4 --rounds 1 --widths 8192 8192 8192 8192 8192 8192 8192 --deadline-ms 2000 $(BENCH)

bench-hostile: install ## latency beside 1,000 slow heads, 1,000 silent connections and 10,000 idle ones, by that alone
	$(BIN)/penstock bench hostile $(BENCH)

bench-memory: install ## the gateway's memory after ten thousand requests and after a million
	$(BIN)/penstock bench memory $(BENCH)

bench-swaps: install ## the gateway's p99 and memory while versions are swapped fifty times
	$(BIN)/penstock bench swaps $(BENCH)


bench-loadgen: install ## the open-loop generator's own lateness at 2,000 requests/s, and its percentiles beside wrk's
	$(BIN)/penstock bench loadgen $(BENCH)

bench-clients: install ## what the Python client costs a call beside httpx2 and grpcio, and predict_many's share of the gateway's rate
	$(BIN)/penstock bench clients --models $(MODELS) $(BENCH)

bench-gpu: install ## the export profile gpu and the gateway before a GPU; BENCH="--device cpu --batch 4 --rounds 1" tries it without
	$(BIN)/penstock bench gpu $(BENCH)

bench-model-servers: install ## the gateway's processor time a request with the backend tfserving, beside that with in_memory
	$(BIN)/python -m loadtests.bench.model_servers $(BENCH)

bench-start: install ## time and memory from `penstock serve` to ready, measured
	$(BIN)/python -m loadtests.bench.start --models $(MODELS)

bench-training: install ## what the shipped jobs reach on the files in DATA, over several seeds
	$(BIN)/python -m training.bench.figures $(DATA)

bench-training-speed: install ## seconds an epoch beside those of a plain script, on DATA/mnist_10k.npz
	$(BIN)/python -m training.bench.speed $(DATA)

bench-training-memory: install ## train from a generated 5 GB CSV in pieces; peak memory and time
	$(BIN)/python -m training.bench.memory


bench-metrics: install ## what counting costs of the gateway's own way of a request
	$(BIN)/python -m loadtests.bench.metrics_cost $(BENCH)

bench-grpc: install ## gRPC Predict against an empty method of grpc.aio, on one core
	$(BIN)/python -m loadtests.bench.grpc_predict

bench-rest: install ## forms of a request beside each other, and the memory of a stream of a million rows
	$(BIN)/python -m loadtests.bench.binary_routes --models $(MODELS)

bench-batching: install ## the batcher in virtual time beside oracles and the policies of others: table, JSON, pictures
	$(BIN)/python -m loadtests.simulation

soak: install   ## MINUTES at 70 % of capacity, a new version every 30 s: do memory, open files, threads or latency drift?
	$(BIN)/penstock bench soak --minutes $(MINUTES)

SEED   ?= 1
chaos: install  ## storms of faults on real processes, with a report in ARTIFACTS/chaos; SEED=n draws others. About 12 minutes
	@echo "seed $(SEED)"
	PENSTOCK_TEST_STORM_SEEDS=1,2,3,4,5,6,7,8,9,10 $(BIN)/pytest tests/unit/serving/batching/test_accounting.py
	PENSTOCK_TEST_ROUNDS=50 PENSTOCK_TEST_AWAY_SECONDS=10 PENSTOCK_TEST_HELD_SECONDS=4 PENSTOCK_TEST_STORMS=3 PENSTOCK_TEST_QUIET=1 \
	  PENSTOCK_TEST_SEED=$(SEED) PENSTOCK_TEST_CHAOS_OUT=$(abspath $(ARTIFACTS))/chaos $(BIN)/pytest tests/integration/chaos

openapi: install ## write docs/openapi.json anew; look at its difference before you commit it
	PENSTOCK_TEST_REFRESH=1 $(BIN)/pytest tests/unit/serving/rest/test_openapi_snapshot.py

clean:          ## remove what the targets above made, but for the models
	rm -rf .venv .venv-triton .audit-venv .lock-venv .peers .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info clients/python/*.egg-info $(TS)/node_modules $(TS)/dist $(TS)/build \
	  $(CONSOLE)/node_modules $(CONSOLE)/dist $(CONSOLE)/build
