# Every target works alone on a fresh machine with Python 3.11 or newer, git and make.

VENV := .venv
BIN := $(VENV)/bin

.PHONY: help demo test contract exhaustive realsize real torture mutants check servers bench bench-large requests schema registries lock dist image audit fuzz clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 13

demo: $(VENV)/runtime.done ## clean a sample project on a registry inside the process
	@$(BIN)/holystone demo

test: check servers ## everything that must hold before a commit lands
	@. scripts/required.sh && $(BIN)/python -m pytest -n auto

contract: $(VENV)/dev.done servers ## one set of scenarios on all registries, a line for each
	@. scripts/required.sh && $(BIN)/python -m pytest tests/contract -n auto

exhaustive: $(VENV)/dev.done servers ## make test's tests with every point of failure, not one in three: half an hour
	@. scripts/required.sh && $(BIN)/python -m pytest -n auto --exhaustive -m "not real_size and not real and not image"

realsize: $(VENV)/dev.done servers ## a project of 12,000 tags cleaned on the real registry: minutes, not part of test
	@. scripts/required.sh && $(BIN)/python -m pytest tests/scenarios -m real_size

real: $(VENV)/dev.done ## everything on real servers, as many as are there; writes docs/servers.md
	@scripts/install-servers.sh all
	@. scripts/required.sh && HOLYSTONE_REAL_PAGE=docs/servers.md $(BIN)/python -m pytest tests/real -m ""

torture: $(VENV)/dev.done servers ## faults, lies and kills between the command and real registries: an hour; docs/safety.md
	@$(BIN)/python -m tests.torture $(if $(SEED),--seed $(SEED)) $(if $(SCHEDULES),--schedules $(SCHEDULES)) \
		$(if $(KILLS),--kills $(KILLS)) $(if $(ONLY),--only $(ONLY)) $(if $(JOBS),--jobs $(JOBS)) $(if $(VERBOSE),--verbose)

mutants: $(VENV)/dev.done ## breaks line after line where a mistake deletes what is wanted: a test must fail; docs/safety.md
	@$(BIN)/python -m tests.mutants $(if $(SEED),--seed $(SEED)) $(if $(SAMPLE),--sample $(SAMPLE)) \
		$(if $(ONLY),--only $(ONLY)) $(if $(JOBS),--jobs $(JOBS)) $(if $(VERBOSE),--verbose)

check: $(VENV)/dev.done ## style, types and the architecture's arrows
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

servers: ## the real registries and the independent client that the tests use
	@scripts/install-servers.sh

bench: $(VENV)/dev.done ## what is promised in figures, on the real registry and beside other programs: ten minutes
	@scripts/install-servers.sh bench
	@$(BIN)/python -m benchmarks $(ONLY)

bench-large: $(VENV)/dev.done ## the same for a million tags, and other programs to their end: hours
	@scripts/install-servers.sh bench
	@$(BIN)/python -m benchmarks large

requests: $(VENV)/dev.done ## requests of a cleanup on each registry against the least that it needs: ten minutes
	@$(BIN)/python -m benchmarks.requests $(TAGS)

schema: $(VENV)/runtime.done ## docs/schema anew, after a change of the plan, the JSON output or the events
	$(BIN)/python scripts/write-schema.py docs/schema

registries: $(VENV)/dev.done ## docs/registries.md anew, after a change of what an adapter declares
	$(BIN)/python scripts/write-registries.py docs/registries.md

lock: $(VENV)/dev.done ## locks/*.txt anew from pyproject.toml
	$(BIN)/uv pip compile -q pyproject.toml --extra speed --group dev --extra ecr --extra acr --extra gcr --universal --generate-hashes --no-header --no-emit-index-url -o locks/dev.txt
	$(BIN)/uv pip compile -q pyproject.toml --extra speed -c locks/dev.txt --universal --generate-hashes --no-header --no-emit-index-url -o locks/runtime.txt
	$(BIN)/uv pip compile -q pyproject.toml --extra speed --extra ecr --extra acr --extra gcr -c locks/dev.txt --universal --generate-hashes --no-header --no-emit-index-url -o locks/clouds.txt
	$(BIN)/uv pip compile -q --group build -c locks/dev.txt --universal --generate-hashes --no-header --no-emit-index-url -o locks/build.txt
	$(BIN)/uv pip compile -q --group fuzz -c locks/dev.txt --universal --generate-hashes --no-header --no-emit-index-url -o locks/fuzz.txt
	$(BIN)/uv pip compile -q --group image -c locks/dev.txt --universal --generate-hashes --no-header --no-emit-index-url -o locks/image.txt

fuzz: $(VENV)/fuzz.done ## every parser of something from outside under a coverage-guided fuzzer: an hour; docs/safety.md
	@$(BIN)/python -m tests.fuzz $(if $(SECONDS),--seconds $(SECONDS)) $(if $(SEED),--seed $(SEED)) $(if $(ONLY),--only $(ONLY))

dist: $(VENV)/dev.done ## sdist, wheel, SBOM and hashes into dist/, from the locks alone: two builds are equal
	@scripts/make-dist.sh $(BIN) dist

image: $(VENV)/image.done ## dist, a container image without a daemon (Debian only) and its SBOM, and the tests of what is in it: minutes
	@scripts/make-image.sh $(BIN) dist
	@HOLYSTONE_IMAGE=dist $(BIN)/python -m pytest tests/packaging/test_image.py -m image

audit: $(VENV)/dev.done ## the locked packages among the known vulnerabilities; fails where that cannot be looked up
	@$(BIN)/python scripts/audit.py locks/*.txt

$(VENV)/runtime.done: locks/runtime.txt locks/build.txt pyproject.toml
	@scripts/make-venv.sh $(VENV) locks/runtime.txt
	@touch $@

$(VENV)/dev.done: locks/dev.txt locks/build.txt pyproject.toml
	@scripts/make-venv.sh $(VENV) locks/dev.txt
	@touch $@ $(VENV)/runtime.done

$(VENV)/image.done: locks/image.txt $(VENV)/dev.done
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r locks/image.txt
	@touch $@

$(VENV)/fuzz.done: locks/fuzz.txt $(VENV)/dev.done
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r locks/fuzz.txt
	@touch $@

clean: ## forget the virtual environment and all caches
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
