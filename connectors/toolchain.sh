#!/usr/bin/env bash
# Makes sure that connectors can be built here: a Rust toolchain for WebAssembly. Quiet, and does
# nothing where there is one already. `hygge connector build` looks in the same places.
set -euo pipefail

target=wasm32-unknown-unknown

has_target() {
    local sysroot
    sysroot=$("$1" --print sysroot 2>/dev/null) && [ -d "$sysroot/lib/rustlib/$target/lib" ]
}
has_sources() {
    local sysroot
    sysroot=$("$1" --print sysroot 2>/dev/null) &&
        [ -f "$sysroot/lib/rustlib/src/rust/library/Cargo.toml" ]
}
has_linker() {
    compgen -G "${RUSTUP_HOME:-$HOME/.rustup}/toolchains/*/lib/rustlib/*/bin/rust-lld" >/dev/null ||
        command -v rust-lld wasm-ld >/dev/null ||
        compgen -G "/usr/lib/llvm-*/bin/wasm-ld" >/dev/null
}
ready() {
    has_target rustc || has_target /usr/bin/rustc || has_sources rustc ||
        { [ -x /usr/bin/cargo ] && has_sources /usr/bin/rustc && has_linker; }
}

ready && exit 0

log=$(mktemp)
trap 'rm -f "$log"' EXIT
if command -v rustup >/dev/null && timeout 300 rustup target add "$target" >"$log" 2>&1 && ready; then
    exit 0
fi
if command -v apt-get >/dev/null; then
    as_root=()
    if [ "$(id -u)" != 0 ]; then
        as_root=(sudo -n)
    fi
    packages=(rustc-web cargo-web rust-web-src)
    has_linker || packages+=(lld)
    if { "${as_root[@]}" apt-get update -q &&
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qy "${packages[@]}"; } \
        >>"$log" 2>&1 && ready; then
        exit 0
    fi
fi
tail -n 5 "$log" >&2
cat >&2 <<EOF
hygge's connectors are WebAssembly, and no Rust toolchain for it could be installed. Either of these
will do:
    rustup target add $target
    sudo apt-get install rustc-web cargo-web rust-web-src lld
EOF
exit 1
