# Aragora Serverless. `make` lists the targets. Needs Rust, Python 3.10+ (with venv) and make;
# everything else is installed under .local/.

API_PORT ?= 3000
AWS_PORT ?= 4566
PYTHON ?= python3

VENV := .local/venv
# Each file is a full closure; pip could not match its extras with their hashes by itself.
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r
STACK := $(VENV)/bin/python infra/local/stack.py
FUNCTIONS := $(notdir $(wildcard functions/*))

# Short waits, because no emulator lets a test move time; ports nobody else has.
TEST_STACK := --dir .local/test --fresh --api-port 0 --aws-port 0 \
  --param FanOutTimeoutSeconds=10 --param EventsVisibilitySeconds=10 \
  --param DeliverTimeoutSeconds=40 --param DeliveriesVisibilitySeconds=40 \
  --param WebhookTimeoutSeconds=5 --param SweepGraceSeconds=3 --param CircuitOpenSeconds=5 \
  --param RedeliverTimeoutSeconds=15 --param JobsVisibilitySeconds=20 \
  --param ExplainTimeoutSeconds=15 --param ExplanationsVisibilitySeconds=20 \
  --param AuthFailuresPerAddress=1000000 --param AllowedOrigins=https://app.example.test

.DEFAULT_GOAL := help
.PHONY: help up down reset logs token demo test fairness lint fmt bench bench-explain package validate deploy invoke clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: $(VENV)/ready ## Build and run everything on loopback; DETACH=1 returns when it is up; API_PORT, AWS_PORT
	@exec $(STACK) up --api-port $(API_PORT) --aws-port $(AWS_PORT) $(if $(DETACH),--detach)

down: $(VENV)/ready ## Stop it; its data is kept
	@exec $(STACK) down

reset: $(VENV)/ready ## Stop it and drop its data
	@exec $(STACK) reset

logs: $(VENV)/ready ## Follow the logs of the functions
	@exec $(STACK) logs

token: $(VENV)/ready ## Print an access token; ROLE, ORG, USER_ID
	@exec $(STACK) token $(if $(ROLE),--role $(ROLE)) $(if $(ORG),--org $(ORG)) $(if $(USER_ID),--user $(USER_ID))

demo: $(VENV)/ready ## Show one event delivered and one dead letter redriven, on the running stack
	@exec $(STACK) demo

test: lint $(VENV)/ready ## Everything: lints, unit tests, and system tests on a stack of their own
	$(VENV)/bin/python -m unittest discover --start-directory infra/local
	$(STACK) exec $(TEST_STACK) --profile dev -- cargo test --locked --workspace --no-fail-fast

fairness: $(VENV)/ready ## Measure one organisation beside another's hanging endpoint; wants a quiet machine
	$(STACK) exec $(TEST_STACK) -- cargo test --locked --workspace --test it -- --ignored --nocapture fairness

lint: $(VENV)/lint ## Format, clippy, cargo-deny when it is there, and the template
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	@if command -v cargo-deny >/dev/null; then cargo deny --all-features check; else echo "cargo-deny is not installed: skipped"; fi
	$(VENV)/bin/cfn-lint template.yaml

fmt: ## Format the Rust sources
	cargo fmt --all

bench: $(VENV)/ready bench-explain ## Print what deliveries, explanations and pages cost, and write .local/bench.json
	cargo build --locked --profile ci -p aragora-tests --bin bench
	$(STACK) exec --dir .local/bench --fresh --api-port 0 --aws-port 0 -- cargo run --locked --profile ci -p aragora-tests --bin bench

bench-explain: .local/aragora/ready ## Explanations per CPU-second beside the published Python package, into .local/bench-explain
	cargo run --locked --release -p aragora-explain --example explain_bench .local/bench-explain
	.local/aragora/bin/python infra/local/explain_reference.py .local/bench-explain

package: .local/cargo-lambda/ready ## Build the functions for AWS (arm64, release) into target/lambda/
	rustup target add aarch64-unknown-linux-gnu
	$(CARGO_LAMBDA) build --locked --release --arm64 $(FUNCTIONS:%=--package %)

validate: .local/sam/ready ## What SAM itself says about the template
	SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=us-east-1 .local/sam/bin/sam validate --lint

deploy: package .local/sam/ready ## sam deploy, with the credentials of the environment; ARGS for more
	SAM_CLI_TELEMETRY=0 .local/sam/bin/sam deploy $(ARGS)

invoke: .local/cargo-lambda/ready ## Invoke FUNCTION of the running stack with its event in infra/local/payloads/, or PAYLOAD
	AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test $(CARGO_LAMBDA) invoke --remote --region us-east-1 --endpoint-url http://127.0.0.1:$(AWS_PORT) --data-file $(or $(PAYLOAD),infra/local/payloads/$(FUNCTION).json) aragora-$(FUNCTION)

clean: down ## Stop the stack, and drop its data and all that was installed or built
	rm -rf .local target

CARGO_LAMBDA = PATH="$(CURDIR)/.local/cargo-lambda/bin:$$PATH" cargo-lambda lambda

# One environment per requirements file that cannot share one. `ready` is newer than its pins.
$(VENV)/ready: infra/local/requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Python 3.10 or newer is needed; set PYTHON=")'
	@echo "installing the local stack under $(VENV) ..."
	@$(PYTHON) -m venv --clear $(VENV)
	@$(VENV)/bin/python $(PIP_INSTALL) $<
	@touch $@

$(VENV)/lint: infra/local/requirements-lint.txt $(VENV)/ready
	@echo "installing cfn-lint under $(VENV) ..."
	@$(VENV)/bin/python $(PIP_INSTALL) $<
	@touch $@

.local/%/ready: infra/local/requirements-%.txt
	@echo "installing $* under .local/$* ..."
	@$(PYTHON) -m venv --clear .local/$*
	@.local/$*/bin/python $(PIP_INSTALL) $<
	@touch $@
