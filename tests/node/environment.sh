#!/usr/bin/env bash
# Installs (once) the peers of the tests that are written for Node; prints where json-server is.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
target=${CARGO_TARGET_DIR:-$here/../../target}
mkdir -p "$target"
folder=$(cd "$target" && pwd)/node
wanted=$(cksum <"$here/package.json")

exec 9>"$target/node.lock"
flock 9
if [ "$(cat "$folder/made-from" 2>/dev/null)" != "$wanted" ]; then
    rm -rf "$folder"
    if ! command -v npm >/dev/null; then
        [ "$(id -u)" = 0 ] && sudo= || sudo=sudo
        $sudo apt-get update -qq >&2
        $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y nodejs npm >&2
    fi
    mkdir -p "$folder"
    cp "$here/package.json" "$folder/"
    npm install --prefix "$folder" --silent --no-audit --no-fund >&2
    echo "$wanted" >"$folder/made-from"
fi
echo "$folder/node_modules/.bin/json-server"
