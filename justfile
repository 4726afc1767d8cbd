# Lists the recipes
default:
    @just --list

# Runs the sample project: builds, generates data, moves it
quickstart *ARGS:
    ./samples/quickstart/run.sh {{ARGS}}

# Runs every test
test *ARGS:
    ./tests/run.sh {{ARGS}}

# Runs one suite of end-to-end tests: `just suite faults a_full_disk`
suite NAME *ARGS:
    cargo test --workspace --test {{NAME}} -- --nocapture {{ARGS}}

# Kills a run at many random moments: `just kill 5000 42` is 5,000 kills with seed 42
kill COUNT="1000" SEED="1":
    HYGGE_KILLS={{COUNT}} HYGGE_SEED={{SEED}} cargo test --release --workspace --test kill -- --nocapture

# Builds a connector: `just connector tests/guests/pass_through`
connector DIR:
    cargo run --quiet -- connector build {{DIR}}

# Formats and lints, as CI does
lint:
    cargo fmt --all
    cargo clippy --workspace --all-targets -- -D warnings

# Everything that CI runs
ci:
    ./.ci/run

# Measures hygge against DuckDB, Polars, pyarrow and cp: `just bench --case copy`
bench *ARGS:
    ./tests/bench/run.sh {{ARGS}}

# Measures `type: rest`: JSON to Arrow, and what a request costs against reqwest alone
pace:
    cargo build --release --quiet --workspace --bins
    "${CARGO_TARGET_DIR:-target}/release/json"
    HYGGE_BIN="${CARGO_TARGET_DIR:-target}/release/hygge" "${CARGO_TARGET_DIR:-target}/release/requests"

# Measures connectors: throughput against a built-in Home, start, memory: `just crossing --only load`
crossing *ARGS:
    cargo build --release --quiet --workspace --bins
    TMPDIR="${TMPDIR:-/dev/shm}" HYGGE_BIN="${CARGO_TARGET_DIR:-target}/release/hygge" "${CARGO_TARGET_DIR:-target}/release/crossing" {{ARGS}}
