#!/usr/bin/env bash
# Installs what the tests need beside a Rust toolchain, and runs all of them. Arguments go to
# `cargo test`.
set -euo pipefail
cd "$(dirname "$0")/.."
bash tests/python/environment.sh >/dev/null
bash tests/node/environment.sh >/dev/null
bash connectors/toolchain.sh
case " $* " in
*" --release "*) profile=release ;;
*) profile=debug ;;
esac
# `cargo test` builds the binary itself; the suites need not ask for it again.
target=${CARGO_TARGET_DIR:-target}
mkdir -p "$target"
HYGGE_BIN=$(cd "$target" && pwd)/$profile/hygge
export HYGGE_BIN
# One failure hides no other.
exec cargo test --workspace --no-fail-fast "$@"
