# make run               set up, build, start Sohoa, send a sample dossier through it, keep serving
# make test              set up, check form and licences, lint, run every test
# make rolling           programs of the commit OLDER beside those of this one, in one cluster
# make story             a citizen's papers from a birth to the next procedure, told with what came out
# make schemathesis      everything that the interface's description allows, asked EXAMPLES times each
#
# Measuring, on the scans of a folder, SCANS=FOLDER: gold/ (images, NAME.gt.txt beside each) and
# pdf/ (as they arrived):
# make bench             reading: Sohoa, OCRmyPDF, Tesseract and trueocr in turns
# make bench-pdf         the PDFs that the last `make bench` left: veraPDF, size, likeness
# make bench-deskew      pages turned by known angles: Sohoa, jdeskew, Tesseract
# make bench-confidence  whether confidences mean what they say; how often the second engine won
# make bench-readers     pages a minute of two readers and of one; memory over a thousand pages
#
# Measuring, on what is made for it:
# make bench-cluster     intake beside bare PUTs, one worker and two, a counter's page behind BACKLOG
#                        others, what a dossier and requirements cost with PAGES pages in the
#                        records; a plot
# make bench-audit       lookups and requirements with the audit and without
# make bench-records     the same over HTTP beside the bare SQL that they need, among RECORDS records
#                        on PostgreSQL and EMBEDDED on SQLite; what its line in the audit adds to a
#                        lookup
# make bench-faults      each fault RUNS times on a running cluster: lost, doubled, seconds
#
# make fuzz              every fuzz target for SECONDS, its corpus grown from the sample papers, and
#                        from the files of HOSTILE=FOLDER where that is said

.PHONY: run test rolling story schemathesis fuzz setup form lint fmt scans bench bench-pdf bench-deskew \
	bench-confidence bench-cluster bench-audit bench-records bench-faults bench-readers bench-setup

run:
	deploy/setup.sh run
	cargo build --release --locked --quiet -p sohoa -p sohoa-reader
	deploy/try.sh target/release

# Clippy's driver is the compiler that lints, too: with it nothing is checked first and compiled after.
# Most of its builds are cold: they keep no state for the next one, and no lines for backtraces.
LINTING = RUSTC_WORKSPACE_WRAPPER=clippy-driver CLIPPY_ARGS=-D__CLIPPY_HACKERY__warnings__CLIPPY_HACKERY__ \
	CARGO_INCREMENTAL=0 CARGO_PROFILE_DEV_DEBUG=none

# The suite runs the programs themselves, so they are built first, along with the tests, and while
# that is done the rest is set up, which compiling doesn't need. Tests wait for others more than they
# reckon, so more are at work than there are cores. What they started of a cluster's parts is stopped
# after them.
test:
	deploy/setup.sh run
	$(LINTING) cargo build --workspace --all-targets --locked & building=$$!; \
	$(MAKE) --no-print-directory form || { kill $$building; exit 1; }; wait $$building
	python3 -m unittest discover --quiet --start-directory tests/bench
	.parts/deploy/bin/python -m unittest discover --quiet --start-directory tests/deploy
	RUST_TEST_THREADS=4 $(LINTING) cargo test --workspace --locked; failed=$$?; \
	for part in target/cluster/*/ target/stage/*/; do \
		[ ! -d "$$part" ] || deploy/cluster/$$(basename $$part | cut -d- -f1).sh stop $$part; \
	done; exit $$failed

# Through real processes, with papers that a scanner would send.
story: setup
	$(LINTING) cargo build --workspace --all-targets --locked --quiet
	$(LINTING) cargo test --workspace --locked --quiet --test suite -- story --nocapture

# The older programs are built first, where the present ones go, and put aside.
OLDER ?= HEAD~1
rolling: setup
	rm -rf target/older target/older-tree && mkdir -p target/older && git worktree prune
	git worktree add --quiet --detach target/older-tree $(OLDER)
	cd target/older-tree && \
		CARGO_TARGET_DIR=$(CURDIR)/target cargo build --workspace --bins --locked --quiet
	cp target/debug/sohoa target/debug/sohoa-reader target/older
	git worktree remove --force target/older-tree
	$(LINTING) cargo build --workspace --all-targets --locked --quiet
	SOHOA_OLDER=$(CURDIR)/target/older/sohoa $(LINTING) \
		cargo test --workspace --locked --test cluster -- --ignored --nocapture rolling

# How often each operation is asked, with each of two keys.
EXAMPLES ?= 50
schemathesis:
	deploy/setup.sh schemathesis
	cargo build --locked --quiet -p sohoa -p sohoa-reader
	.parts/schemathesis/bin/python tests/schemathesis/run.py target/debug $(EXAMPLES)

setup:
	deploy/setup.sh test

form: setup
	cargo fmt --all --check
	cargo fmt --manifest-path tests/fuzz/engine/Cargo.toml --check
	.parts/bin/cargo-deny --log-level error check bans licenses sources

lint: form
	cargo clippy --workspace --all-targets --locked --quiet -- --deny warnings

fmt:
	cargo fmt --all
	cargo fmt --manifest-path tests/fuzz/engine/Cargo.toml

# Scans to measure with; none come with the checkout.
SCANS ?=
scans:
	@[ -d "$(SCANS)/gold" ] && [ -d "$(SCANS)/pdf" ] || { \
	    echo "make: set SCANS=FOLDER (gold/, pdf/)" >&2; exit 1; }

# How often each reader reads them; figures are medians.
RUNS ?= 1
OUT = target/bench
BENCH = .parts/bench/bin/python tests/bench

bench: scans bench-setup
	$(BENCH)/bench.py target/release $(SCANS) $(OUT) $(RUNS)
	$(BENCH)/table.py $(OUT) $(SCANS)/gold
	$(BENCH)/table.py $(OUT) $(SCANS)/gold --per-page
	$(BENCH)/worst.py $(OUT)/gold/sohoa $(SCANS)/gold $(OUT)/worst 3

# Of what the last `make bench` left: it takes no reading.
bench-pdf: scans
	$(BENCH)/pdfs.py $(OUT) $(SCANS)

bench-deskew: scans bench-setup
	cargo build --release --locked --quiet -p imaging --example straight
	$(BENCH)/turned.py target/release $(SCANS)

bench-confidence: scans bench-setup
	mkdir -p $(OUT)
	target/release/sohoa --log error read $(wildcard $(SCANS)/gold/*.jpg $(SCANS)/gold/*.tif) \
	    --json $(OUT)/words.json
	$(BENCH)/confidence.py $(OUT)/words.json $(SCANS)/gold

# Seeds a private PostgreSQL: about 4 GB and some minutes for each million.
PAGES ?= 10000 1000000 10000000
# Pages before the counter's.
BACKLOG ?= 5000
bench-cluster: bench-setup
	deploy/setup.sh test
	cargo build --release --locked --quiet -p sohoa -p sohoa-reader -p tests --bins
	mkdir -p $(OUT)
	target/release/cluster_bench --backlog $(BACKLOG) --to $(OUT)/cluster.jsonl
	SOHOA_BENCH_PAGES="$(PAGES)" SOHOA_BENCH_PROGRAMS=$(CURDIR)/target/release \
	    cargo test --workspace --locked --test cluster -- \
	    --ignored --nocapture growth >$(OUT)/growth.txt; failed=$$?; cat $(OUT)/growth.txt; \
	for part in postgres rabbitmq seaweedfs; do \
		deploy/cluster/$$part.sh stop target/cluster/$$part; \
	done; exit $$failed
	$(BENCH)/cluster.py $(OUT)/cluster.jsonl $(OUT)/growth.txt $(OUT)/cluster.svg

# With the programs that the suite runs, for only those have fail points: Sohoa's speed is not what
# is measured.
SEED ?= 1
bench-faults: RUNS = 20
bench-faults:
	deploy/setup.sh test
	cargo build --workspace --bins --locked --quiet
	target/debug/faults $(RUNS) --seed $(SEED)

bench-audit:
	deploy/setup.sh test
	cargo test --workspace --locked --test cluster -- --ignored --nocapture what_the_audit_costs
	deploy/cluster/postgres.sh stop target/cluster/postgres

# Seeds a private PostgreSQL with the records of a third as many citizens: gigabytes.
RECORDS ?= 10000000
EMBEDDED ?= 200000
bench-records:
	deploy/setup.sh test
	cargo build --release --locked --quiet -p sohoa -p sohoa-reader -p tests --bins
	target/release/records_bench --records $(RECORDS) --embedded $(EMBEDDED)

bench-readers: scans bench-setup
	$(BENCH)/readers.py target/release $(SCANS)

bench-setup:
	deploy/setup.sh bench
	cargo build --release --locked --quiet -p sohoa -p sohoa-reader

SECONDS ?= 600
HOSTILE ?=
fuzz:
	deploy/setup.sh fuzz
	tests/fuzz/run.sh $(SECONDS) $(HOSTILE)
