#!/usr/bin/env bash
# Installs what the tests need beside a Rust toolchain, and runs all of them. Arguments go to
# `cargo test`.
set -euo pipefail
cd "$(dirname "$0")/.."
bash tests/python/environment.sh >/dev/null
exec cargo test --workspace "$@"
