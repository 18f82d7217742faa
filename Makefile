# PiSM: every command does its own set-up.
#   make demo    a whole ceremony on the emulated box
#   make test    the tests
#   make help    everything else

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help venv demo deb deb-lint vm-test fresh-test fuzz test judges check lint bench golden docs pictures emulate lock clean system-run system-dev system-judges \
	system-image image image-check image-lock image-boot

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# What is locked is installed as it stands: nothing is resolved, so no release of any day can change or break it.
# pip check says afterwards that the locked packages are all there are needed.
PIP := $(BIN)/python -m pip --disable-pip-version-check
INSTALL := $(PIP) install --quiet --no-deps
LOCKED := $(INSTALL) --require-hashes --no-build-isolation --use-pep517
# One more than there are cores: some tests wait.
WORKERS ?= $(shell expr $$(nproc) + 1)

help: ## Say what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

# The system's own programs. Each set is looked for first; only what is missing is installed.
system-run:
	@systemd/need.sh mcopy:mtools mkfs.vfat:dosfstools

system-dev:
	@systemd/need.sh mcopy:mtools mkfs.vfat:dosfstools mkfs.exfat:exfatprogs age:age openssl:openssl certtool:gnutls-bin sfdisk:fdisk \
		faketime:faketime strace:strace systemd-analyze:systemd ssh-keygen:openssh-client chromium:chromium

system-judges: system-dev
	@systemd/need.sh go:golang-go node:nodejs npm:npm

# setuptools comes first: it builds what comes as a source package, here and not in an environment that pip fills.
$(VENV)/.run: requirements.txt pyproject.toml
	@test $(PYTHON) != python3 || systemd/need.sh python3:python3
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "PiSM needs Python 3.11 or later; '$(PYTHON)' is $$($(PYTHON) -V)"; exit 1; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV) \
		|| { systemd/need.sh :python3-venv && $(PYTHON) -m venv --clear $(VENV); }
	@awk '/^[^ ]/ { take = /^setuptools==/ } take' requirements.txt >$(VENV)/build.txt
	$(LOCKED) -r $(VENV)/build.txt
	$(LOCKED) -r requirements.txt
	$(INSTALL) --no-build-isolation --editable .
	$(PIP) check
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.run
	$(LOCKED) -r requirements-dev.txt
	$(PIP) check
	@touch $@

venv: $(VENV)/.run ## Build .venv from the locked packages; the command is .venv/bin/pism

demo: system-run $(VENV)/.run ## Play a whole ceremony on the emulated box
	$(BIN)/pism demo $(DEMO)

emulate: system-run $(VENV)/.run ## The emulated box, live in this terminal
	$(BIN)/pism emulate $(EMULATE)

test: system-dev $(VENV)/.dev ## Run the tests
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist worksteal $(TESTS)

judges: system-judges $(VENV)/.dev ## Have foreign programs judge: verifiers, packagers, storms of sticks and of kills
	PISM_JUDGES=1 $(BIN)/python -m pytest -q -n $(WORKERS) --dist worksteal -m judge tests

lint: $(VENV)/.dev ## ruff, mypy --strict, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict
	$(BIN)/lint-imports

check: lint test ## What CI runs

bench: system-dev $(VENV)/.dev ## Measure speed and memory, print the ratios
	@failed=0; for bench in tests/bench/bench_*.py; do \
		echo "== $$bench"; PYTHONPATH=. $(BIN)/python $$bench || failed=1; done; exit $$failed

golden: $(VENV)/.dev ## Record the golden frames anew; look at the difference before you commit
	$(BIN)/python -m tests.golden.record

docs: $(VENV)/.dev ## Write the pages that are made from the code
	$(BIN)/python -m docs.make_errors

pictures: system-run $(VENV)/.run ## Play the manual's scenarios and take its pictures anew
	$(BIN)/python -m docs.make_pictures $(SCENES)

lock: ## Lock the packages anew (needs uv)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate \
		--no-header --extra emulator --extra build pyproject.toml -o requirements.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate \
		--no-header --extra emulator --extra build --extra dev pyproject.toml -o requirements-dev.txt

deb: $(VENV)/.run ## Build the Debian packages for both architectures into dist/
	@systemd/need.sh dpkg-deb:dpkg
	$(BIN)/python -m systemd.deb.build $(DEB)

deb-lint: deb ## Judge the packages with lintian
	@systemd/need.sh lintian:lintian
	lintian --allow-root --info --display-info --fail-on error,warning,info dist/*.deb

# The card: what it takes to build it on Debian, from Debian's own packages as systemd/image/packages.lock names them.
system-image:
	@systemd/need.sh dpkg-deb:dpkg mcopy:mtools mkfs.vfat:dosfstools sfdisk:fdisk mke2fs:e2fsprogs depmod:kmod cpio:cpio \
		xz:xz-utils zstd:zstd mksquashfs:squashfs-tools veritysetup:cryptsetup-bin fdtput:device-tree-compiler \
		systemd-sysusers:systemd

image: system-image $(VENV)/.run ## Build the card to flash, its hashes, map and bill of materials into dist/
	$(BIN)/python -m systemd.deb.build arm64
	$(BIN)/python -m systemd.image.build

image-check: image ## Build the card again, in another folder, time zone and umask, and compare all of it to the byte
	@again=$$(mktemp -d); trap 'rm -rf "$$again"' EXIT; cp dist/pism_*_arm64.deb "$$again"; umask 077; \
		TZ=Pacific/Kiritimati LC_ALL=C $(BIN)/python -m systemd.image.build --out "$$again"; \
		for file in "$$again"/pism-*; do cmp "$$file" "dist/$${file##*/}"; done; echo "equal to the byte"

image-boot: image ## Start that very image in QEMU: whole, damaged, altered, and through a box's first day (minutes each)
	@systemd/need.sh qemu-system-aarch64:qemu-system-arm qemu-img:qemu-utils aarch64-linux-gnu-gcc:gcc-aarch64-linux-gnu
	PISM_CARD=$$(ls $(CURDIR)/dist/pism-*-rpi64.img.xz) $(BIN)/python -m pytest -q -p no:randomly tests/card

image-lock: system-image $(VENV)/.run ## Lock Debian's packages of the card anew, in the versions of today
	$(BIN)/python -m systemd.image.packages build/image

# What is measured runs alone first; the rest side by side.
VM_RUN := PISM_VM=1 $(BIN)/python -m pytest -q -p no:randomly -W default
VM_ALONE := tests/vm/test_ceremony.py

vm-test: system-dev $(VENV)/.dev ## Install the package in a QEMU machine and use it there (minutes; needs root once)
	rm -rf build/vm-test dist/pism_*_amd64.deb
ifdef VM
	$(VM_RUN) -s tests/vm $(VM)
else
	$(VM_RUN) -s $(VM_ALONE)
	PISM_DEB=$$(ls $(CURDIR)/dist/pism_*_amd64.deb) $(VM_RUN) -n 2 tests/vm --ignore=$(VM_ALONE)
endif

# In memory: a stick is an image of which most is nothing, and flushed hundreds of times.
INSERTIONS ?= 20000
FUZZ_S ?= 3600
FUZZ_SEED ?= $(shell date +%s)
fuzz: system-dev $(VENV)/.dev ## Hostile inputs for FUZZ_S=3600 seconds, and storms of INSERTIONS=20000 sticks, with figures; FUZZ_SEED=
	@folder=$$(mktemp -d -p /dev/shm pism-fuzz.XXXXXX); trap 'rm -rf "$$folder"' EXIT; \
		TMPDIR=$$folder PISM_JUDGES=1 PISM_FUZZ_SEED=$(FUZZ_SEED) PISM_FUZZ_S=$(FUZZ_S) PISM_FUZZ_INSERTIONS=$(INSERTIONS) \
		$(BIN)/python -m pytest -q -n $(WORKERS) -m fuzz tests

fresh-test: ## Run the README's two commands in clean Debian 12 and 13 systems (half an hour or more; needs root)
	tests/fresh/run $(or $(SUITES),bookworm trixie)

clean: ## Remove what was built here
	rm -rf $(VENV) build dist demo *.egg-info
