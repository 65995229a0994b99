PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.requirements-$(shell cksum requirements.txt | cut -d' ' -f1)
SLOW_STAMP := $(VENV)/.slow-$(shell cksum requirements-slow.txt | cut -d' ' -f1)

export KERAS_BACKEND := tensorflow
# TensorFlow's errors are shown, its notices and warnings are not.
export TF_CPP_MIN_LOG_LEVEL ?= 2
export MPLBACKEND ?= Agg
export PYTHONPATH := $(CURDIR)

BAZEL ?= bazel
BAZEL_TARGETS ?= //...

PAPER ?=

REVIEW ?=

# Optimising what a test runs for milliseconds takes XLA seconds.
QUICK_XLA := --xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true

PEERS_VENV ?= .venv-peers
LITERT_VENV ?= .venv-litert
DOCS_VENV ?= .venv-docs

.PHONY: help setup demo test test-slow test-backends lint format docs notebooks screenshots bench bench-peers bench-litert bench-backends test-matrix paper review build-files bazel-test clean

help:  ## List the commands
	@grep -E '^[a-z-]+:.*##' Makefile | sed 's/:.*##/ -/'

$(STAMP):
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 11) else f"Python 3.11 or newer is needed. Received: {v.major}.{v.minor}")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing requirements.txt into $(VENV) (once; a minute or more) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@rm -f $(VENV)/.requirements-*
	@touch $@

setup: $(STAMP)  ## Create the virtual environment and install everything

demo: $(STAMP)  ## Meta-train, compare and export on digits, in minutes (DEMO=--meta_steps=4000)
	$(BIN)/python -m l2l_tf.cli.demo $(DEMO)

lint: $(STAMP)  ## Check style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(STAMP)  ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

test: lint  ## Set up, check style and run the test suite without its slow part
	XLA_FLAGS="$(QUICK_XLA) $(XLA_FLAGS)" $(BIN)/python -m pytest -q -n 2 --dist loadfile

$(SLOW_STAMP): $(STAMP)
	@command -v chromium >/dev/null || { apt-get -qq update && apt-get -qq install -y chromium >/dev/null; } || { echo "Chromium is needed: apt install chromium, as root."; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-slow.txt
	@rm -f $(VENV)/.slow-*
	@touch $@

test-slow: $(SLOW_STAMP)  ## Run the slow tests, in headless Chromium too
	$(BIN)/python -m pytest -q -m slow

$(DOCS_VENV)/bin/mkdocs:
	@$(PYTHON) -m venv $(DOCS_VENV)
	$(DOCS_VENV)/bin/python -m pip install --quiet --disable-pip-version-check 'mkdocs>=1.6,<2' 'mkdocs-material>=9.6,<10' 'mkdocstrings[python]>=1,<2'

docs: $(DOCS_VENV)/bin/mkdocs  ## Build the documentation site into build/site/html; a broken link is an error
	$(DOCS_VENV)/bin/python -m tools.site build/site/source
	NO_MKDOCS_2_WARNING=1 $(DOCS_VENV)/bin/python -m mkdocs build --strict --quiet
	@echo "build/site/html/index.html"

notebooks: $(SLOW_STAMP)  ## Make the notebooks anew from pages of the docs, and run them
	$(BIN)/python -m tools.notebooks

screenshots: $(SLOW_STAMP)  ## Make the docs' screenshots anew, in headless Chromium
	$(BIN)/python -m tools.screenshots

bench: $(STAMP)  ## Measure the step, its share of training, and meta-training (BENCH=--quick)
	$(BIN)/python -m benchmarks.run $(BENCH)

paper: $(STAMP)  ## Run the paper's experiments into experiments/paper/results, resumable (PAPER='--quick --output_dir=runs/quick')
	$(BIN)/python -m experiments.paper.run $(PAPER)

review: $(STAMP)  ## Run the experiments of the reviewer's questions, resumable (REVIEW='--only=lazy')
	$(BIN)/python -m experiments.review $(REVIEW)

$(PEERS_VENV)/bin/jax-and-torch:
	@$(PYTHON) -m venv $(PEERS_VENV)
	$(PEERS_VENV)/bin/python -m pip install --quiet --disable-pip-version-check jax 'torch==2.13.0' numpy
	@touch $@

bench-peers: $(STAMP) $(PEERS_VENV)/bin/jax-and-torch  ## Measure the LSTM step beside PyTorch's and JAX's
	$(BIN)/python -m benchmarks.peers --python=$(PEERS_VENV)/bin/python $(BENCH)

$(LITERT_VENV)/bin/litert:
	@$(PYTHON) -m venv $(LITERT_VENV)
	$(LITERT_VENV)/bin/python -m pip install --quiet --disable-pip-version-check 'ai-edge-litert>=2,<3' numpy
	@touch $@

bench-litert: $(STAMP) $(LITERT_VENV)/bin/litert  ## Train under LiteRT with every preset: size, time and numbers beside Keras's
	$(BIN)/python -m benchmarks.litert --python=$(LITERT_VENV)/bin/python $(BENCH)

BACKENDS := jax torch
BACKEND_VENVS := $(BACKENDS:%=.venv-%/bin/ready)

# PyTorch comes with its libraries for GPUs, several GB; an index of builds for CPUs alone is named by
# TORCH_PIP='--index-url=...'.
TORCH_PIP ?=

.venv-%/bin/ready: requirements.txt
	@$(PYTHON) -m venv .venv-$*
	@echo "Installing Keras and $* into .venv-$* (once; minutes) ..."
	@.venv-$*/bin/python -m pip install --quiet --disable-pip-version-check $(if $(filter torch,$*),$(TORCH_PIP)) $* $(if $(filter jax,$*),optax)
	@grep -E '^(keras|absl-py|numpy|h5py|scikit-learn|pytest)[<>=]' requirements.txt \
		| .venv-$*/bin/python -m pip install --quiet --disable-pip-version-check -r /dev/stdin
	@touch $@

test-backends: $(STAMP) $(BACKEND_VENVS)  ## Set up JAX and PyTorch, and hold both to TensorFlow's numbers (BACKENDS=jax for one)
	@for backend in $(BACKENDS); do \
		KERAS_BACKEND=$$backend L2L_TENSORFLOW=$(abspath $(BIN)/python) \
			.venv-$$backend/bin/python -m pytest -q -p no:cacheprovider -W ignore tests/optimizer/backends $(TESTS) || exit 1; \
	done

bench-backends: $(STAMP) $(BACKEND_VENVS)  ## Measure the default's step under JAX and PyTorch beside their own optimizers
	$(BIN)/python -m benchmarks.backends $(foreach b,$(BACKENDS),--python=$(b)=.venv-$(b)/bin/python) $(BENCH)

test-matrix: $(STAMP)  ## Run what users' programs touch under several TensorFlow, Keras and Python versions (MATRIX='--versions=2.20:3.12')
	XLA_FLAGS="$(QUICK_XLA) $(XLA_FLAGS)" $(BIN)/python -m tools.test_matrix $(MATRIX)

build-files: $(STAMP)  ## Write the BUILD files anew from the imports, and the list of flags
	$(BIN)/python tools/build_files.py
	$(BIN)/python -m tools.flag_names

bazel-test: $(STAMP)  ## Build and test every Bazel target, offline (Bazel 4 to 6; BAZEL_TARGETS=//tests/rules/... for some)
	@command -v $(BAZEL) >/dev/null || { echo "Bazel is needed: apt install bazel-bootstrap, or BAZEL=/path/to/bazel. Received: BAZEL=$(BAZEL)"; exit 1; }
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BAZEL) --batch test $(BAZEL_TARGETS)

clean:  ## Remove the virtual environment and caches
	rm -rf $(VENV) $(PEERS_VENV) $(LITERT_VENV) $(DOCS_VENV) $(BACKENDS:%=.venv-%) .pytest_cache .ruff_cache .hypothesis build dist *.egg-info
