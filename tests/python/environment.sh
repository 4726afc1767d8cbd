#!/usr/bin/env bash
# Makes (once) the Python environment that the tests read tables with; prints its interpreter.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
target=${CARGO_TARGET_DIR:-$here/../../target}
mkdir -p "$target"
venv=$(cd "$target" && pwd)/python
wanted=$(cksum <"$here/requirements.txt")

exec 9>"$target/python.lock"
flock 9
if [ "$(cat "$venv/made-from" 2>/dev/null)" != "$wanted" ]; then
    rm -rf "$venv"
    if ! python3 -m venv "$venv" >&2; then
        rm -rf "$venv"
        [ "$(id -u)" = 0 ] && sudo= || sudo=sudo
        $sudo apt-get update -qq >&2
        $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y python3 python3-venv >&2
        python3 -m venv "$venv" >&2
    fi
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt" >&2
    echo "$wanted" >"$venv/made-from"
fi
echo "$venv/bin/python"
