#!/usr/bin/env bash
# Builds hygge, fetches the peers, and measures each case side by side. Arguments go to bench.py:
# `--case NAME`, `--runs N`, `--scale SF`, `--write` (puts the table into README.md).
set -euo pipefail
cd "$(dirname "$0")/../.."
cargo build --release --quiet --workspace --bin hygge --bin tpch
python=$(bash tests/python/environment.sh)
exec "$python" tests/bench/bench.py --bin "${CARGO_TARGET_DIR:-target}/release" "$@"
