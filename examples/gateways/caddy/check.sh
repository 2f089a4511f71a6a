#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Starts Caddy with the Caddyfile in front of a small backend and a tessera of its own, and looks at what passes.
here=$(cd "$(dirname "$0")" && pwd)
command -v caddy >/dev/null || { echo "caddy is not installed: script/bootstrap gateways" >&2; exit 77; }

start_proxy() {
  export PROXY_PORT=$proxy_port TESSERA=127.0.0.1:$tessera_port BACKEND=127.0.0.1:$backend_port
  export XDG_DATA_HOME=$folder/caddy XDG_CONFIG_HOME=$folder/caddy
  start caddy caddy run --config "$here/Caddyfile" --adapter caddyfile
}

# shellcheck source=examples/gateways/steps.sh
source "$here/../steps.sh"
