# make run    set up, build, start Sohoa, send a sample dossier through it, keep serving
# make test   set up, check form and licences, run every test
# make bench  reading next to the Tesseract command line, on the scans of SCANS
# make fuzz   every fuzz target for SECONDS, its corpus grown from the files of HOSTILE

.PHONY: run test bench fuzz setup lint fmt

run:
	deploy/setup.sh run
	cargo build --release --locked --quiet -p sohoa -p sohoa-reader
	deploy/try.sh target/release

# The suite runs the programs themselves, so they are built first, along with the tests.
test: setup lint
	cargo build --workspace --all-targets --locked
	cargo test --workspace --locked

setup:
	deploy/setup.sh test

lint:
	cargo fmt --all --check
	cargo fmt --manifest-path tests/fuzz/Cargo.toml --check
	.parts/bin/cargo-deny --log-level error check bans licenses sources
	cargo clippy --workspace --all-targets --locked --quiet -- --deny warnings

fmt:
	cargo fmt --all
	cargo fmt --manifest-path tests/fuzz/Cargo.toml

SCANS ?= ../shared/data/scans/gold
bench:
	deploy/setup.sh test
	cargo build --release --locked --quiet -p sohoa -p sohoa-reader
	tests/bench/reading.sh target/release $(SCANS)

SECONDS ?= 600
HOSTILE ?= ../shared/data/hostile
fuzz:
	deploy/setup.sh fuzz
	tests/fuzz/run.sh $(SECONDS) $(HOSTILE)
