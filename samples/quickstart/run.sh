#!/usr/bin/env bash
# Builds hygge, generates TPC-H data at scale 0.1 (once), and moves it. Arguments go to `hygge go`.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."
bash connectors/toolchain.sh
cargo build --release --quiet --workspace --bin hygge --bin tpch
bin=${CARGO_TARGET_DIR:-target}/release
if [ ! -e "$here/data/lineitem" ]; then
    "$bin/tpch" "$here/data.part" --scale "${SCALE:-0.1}"
    mv "$here/data.part" "$here/data"
fi
exec "$bin/hygge" --project-dir "$here" go "$@"
