# make demo   sets everything up and runs the product with a sample knowledge base
# make test   sets everything up and runs every test, in a real browser too
# Both install on the first run only; the second one starts within seconds.

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell for p in python3.11 python3.12 python3 python; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
WEB_SOURCES := $(shell find web_widget -type f -not -path '*/node_modules/*' -not -path 'web_widget/static/*' \
	\( -name '*.ts' -o -name '*.tsx' -o -name '*.css' -o -name '*.html' -o -name '*.json' -o -name '*.js' -o -name '*.mjs' \) 2>/dev/null)
RUN_STAMP := $(VENV)/.jieli-run
DEV_STAMP := $(VENV)/.jieli-dev
BROWSER_STAMP := $(VENV)/.jieli-browser
WEB_STAMP := web_widget/static/.built

.PHONY: help install demo test check e2e bench web clean lock screenshots
.DEFAULT_GOAL := help

help: ## Show this list
	@grep -E '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

$(RUN_STAMP): pyproject.toml constraints.txt setup_env.py
	@$(if $(PYTHON),$(PYTHON),$(error Python 3.11 or newer was not found; install it, or call make PYTHON=/path/to/python3.11)) setup_env.py run

$(DEV_STAMP): pyproject.toml constraints.txt setup_env.py
	@$(if $(PYTHON),$(PYTHON),$(error Python 3.11 or newer was not found; install it, or call make PYTHON=/path/to/python3.11)) setup_env.py dev

$(WEB_STAMP): $(WEB_SOURCES) hatch_build.py
	@$(if $(wildcard $(BIN)/python),$(BIN)/python,$(PYTHON)) hatch_build.py
	@touch $@

$(BROWSER_STAMP): | $(DEV_STAMP)
	@$(BIN)/python -m tests.e2e.browser
	@touch $@

install: $(RUN_STAMP) $(WEB_STAMP) ## Install into .venv and build the browser parts

demo: install ## Run the product with a sample shop, knowledge base and two agents
	@$(BIN)/jieli demo

test: $(DEV_STAMP) $(WEB_STAMP) $(BROWSER_STAMP) ## Run all tests: browser units, then Python and end to end
	@cd web_widget && ../$(BIN)/python ../hatch_build.py npm test
	@$(BIN)/python -m pytest

check: $(DEV_STAMP) $(WEB_STAMP) ## Lint, types, dependency rules
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@cd web_widget && ../$(BIN)/python ../hatch_build.py npm run check

e2e: $(DEV_STAMP) $(WEB_STAMP) $(BROWSER_STAMP) ## Only the tests that drive a real browser
	@$(BIN)/python -m pytest -m e2e

screenshots: $(DEV_STAMP) $(WEB_STAMP) $(BROWSER_STAMP) ## Make the README's pictures anew with the end-to-end test
	@JIELI_SCREENSHOTS=docs/images $(BIN)/python -m pytest -m e2e

bench: $(DEV_STAMP) $(WEB_STAMP) ## Measure relay, handoff and retrieval on this machine
	@$(BIN)/jieli bench chat
	@$(BIN)/jieli bench handoff

web: $(WEB_STAMP) ## Build widget and console into web_widget/static

lock: $(DEV_STAMP) ## Write constraints.txt from what is installed
	@$(BIN)/python setup_env.py lock

clean: ## Remove everything that was installed or built
	rm -rf $(VENV) web_widget/static web_widget/node_modules web_widget/*/node_modules build dist .pytest_cache .mypy_cache .ruff_cache
