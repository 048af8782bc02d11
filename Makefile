PY ?= python3
BIN := .venv/bin

.venv/.uv: requirements/uv.txt
	rm -rf .venv && $(PY) -m venv .venv && $(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes --only-binary :all: -r $< && touch $@
.venv/.prod: requirements/prod.txt .venv/.uv
	$(BIN)/uv pip install -q --no-config --python $(BIN)/python --require-hashes --only-binary :all: -r $< && touch $@
.venv/.dev: requirements/dev.txt .venv/.uv
	$(BIN)/uv pip install -q --no-config --python $(BIN)/python --require-hashes --only-binary :all: -r $< && touch $@ .venv/.prod
