#!/usr/bin/env bash
# Builds hygge, generates TPC-H data at scale 0.1 (once), starts a small API, and moves everything.
# Arguments go to `hygge go`.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."
bash connectors/toolchain.sh
cargo build --release --quiet --workspace --bin hygge --bin tpch --bin api
bin=${CARGO_TARGET_DIR:-target}/release
if [ ! -e "$here/data/lineitem" ]; then
    "$bin/tpch" "$here/data.part" --scale "${SCALE:-0.1}"
    mv "$here/data.part" "$here/data"
fi
# It says where it is as soon as it answers, and ends with this script.
coproc API { exec "$bin/api"; }
trap 'kill "$API_PID" 2>/dev/null' EXIT
read -r SAMPLE_API <&"${API[0]}"
export SAMPLE_API
"$bin/hygge" --project-dir "$here" go "$@"
