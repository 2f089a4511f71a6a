# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the check of every proxy does; sourced by its check.sh, which has `here` (its folder) and `start_proxy`. Everything
# listens on loopback, on ports that were free, and ends with the script: by its process id, nothing else.
set -euo pipefail
: "${here:?}"

examples=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
python=${PYTHON:-$examples/../../.venv/bin/python}
folder=$(mktemp -d)
pids=()

finish() {
  local status=$?
  for pid in ${pids[@]+"${pids[@]}"}; do
    kill "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
  [ "$status" = 0 ] || tail -n 20 "$folder"/*.log 2>/dev/null >&2 || true
  rm -rf "$folder"
  exit "$status"
}
trap finish EXIT

start() { # name, command...: in the background, its words in a file
  local name=$1
  shift
  "$@" >"$folder/$name.log" 2>&1 &
  pids+=($!)
}

wait_for() { # port
  local tries
  for tries in $(seq 200); do
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return
    sleep 0.1
  done
  fail "nothing listens on port $1 after $((tries / 10)) s"
}

fail() {
  echo "$(basename "$here"): FAILED: $1" >&2
  exit 1
}

# Ports that nobody uses at the moment.
free_ports() {
  "$python" - <<'PYTHON'
import socket
sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
print(*(one.getsockname()[1] for one in sockets))
PYTHON
}

tessera() { "$python" -m tessera_service "$@" --data-dir "$folder/data"; }

member() { "$python" -c 'import json, sys; print(json.load(sys.stdin)["data"][sys.argv[1]])' "$1"; }

call() { # path, curl's arguments...: of the token surface
  local path=$1
  shift
  curl -sS --fail-with-body --max-time 10 "http://127.0.0.1:$tessera_port$path" -H 'X-Tenant-ID: default' \
    -H 'X-Request-ID: check' -H 'Content-Type: application/json' "$@"
}

issue() { # permissions as JSON -> an access token of alice
  call /v1/token -H "Authorization: Bearer $operator" \
    -d "{\"sub\": \"alice\", \"scope\": \"read\", \"permissions\": $1}" | member access_token
}

expect() { # status, path, curl's arguments...: through the proxy; the answer stands in $folder/answer
  local status=$1 path=$2 found
  shift 2
  found=$(curl -sS --max-time 10 -o "$folder/answer" -w '%{http_code}' "http://127.0.0.1:$proxy_port$path" "$@")
  [ "$found" = "$status" ] || fail "$path: expected $status, found $found: $(head -c 300 "$folder/answer")"
}

expect_closed() { # path, curl's arguments...: it does not reach the backend
  local path=$1 found
  shift
  found=$(curl -sS --path-as-is --max-time 10 -o /dev/null -w '%{http_code}' "http://127.0.0.1:$proxy_port$path" "$@")
  [ "$found" != 200 ] || fail "$path passed"
}

expect_header() { # name, value: what reached the backend, once; "" is nothing, or a header without a value
  "$python" - "$folder/answer" "$1" "$2" <<'PYTHON' || fail "the backend got another $1"
import json, sys
path, name, wanted = sys.argv[1:]
found = json.load(open(path))["headers"].get(name, [""])
sys.exit(found != [wanted] and f"{name}: {found}")
PYTHON
}

"$python" -c 'import tessera_service' || fail "no tessera_service in $python: make install, or set PYTHON"
read -r tessera_port backend_port proxy_port < <(free_ports)

export AUTHZ_POLICIES='{"reports": {"permissions": ["report.read"]}}' SESSION_STORAGE_TYPE=database
operator=$(tessera tokens mint --tenant default --subject check --permission token.generate)
start tessera "$python" -m tessera_service serve --port "$tessera_port" --data-dir "$folder/data"
tessera_pid=${pids[-1]}
start backend "$python" "$examples/backend.py" "$backend_port"
wait_for "$tessera_port"
wait_for "$backend_port"
start_proxy
wait_for "$proxy_port"

forged=(-H 'X-Auth-Subject: root' -H 'X-Auth-Tenant: other' -H 'X-Auth-Session: forged' -H 'X-Auth-Scopes: all'
  -H 'X-Auth-Permissions: all' -H 'X_Auth_Subject: root')
alice=$(issue '["profile.read"]')

expect 401 / # no token
expect 401 / -H 'Authorization: Bearer forged'
expect 401 / "${forged[@]}"

expect 200 / -H "Authorization: Bearer $alice"
expect_header x-auth-subject alice
expect_header x-auth-tenant default
expect_header x-auth-scopes read
expect_header x-auth-permissions profile.read

expect 200 / -H "Authorization: Bearer $alice" "${forged[@]}" # what a client forged is overwritten
expect_header x-auth-subject alice
expect_header x-auth-tenant default
expect_header x-auth-scopes read
expect_header x-auth-permissions profile.read
expect_header x_auth_subject ''
for named in X-Auth-Subject 'close, x-auth-subject , X-Auth-Tenant'; do # nor taken away as headers of one hop
  expect 200 / -H "Authorization: Bearer $alice" -H "Connection: $named"
  expect_header x-auth-subject alice
  expect_header x-auth-tenant default
done
expect 200 / -H "Authorization: Bearer $operator" "${forged[@]}" # also where there is nothing to tell
expect_header x-auth-subject check
expect_header x-auth-session ''
expect_header x-auth-scopes ''

expect 200 / -H "Authorization: Bearer $alice" -d 'a body' # another method, with its body
grep -q '"method": "POST", "body": "a body"' "$folder/answer" || fail "the body did not reach the backend"

expect 403 /reports/1 -H "Authorization: Bearer $alice" # a policy
expect 200 /reports/1 -H "Authorization: Bearer $(issue '["report.read"]')"
expect 401 /reports/1
for spelled in /reports /reports/ //reports/1 /./reports/1 /x/../reports/1 /%72eports/1 /reports%2f1 /x/%2e%2e/reports/1; do
  expect_closed "$spelled" -H "Authorization: Bearer $alice" # however the path is spelled
done

call /v1/token/revoke -H "Authorization: Bearer $alice" -d '{}'
expect 401 / -H "Authorization: Bearer $alice" # revoked

kill "$tessera_pid"
wait "$tessera_pid"
expect 503 / -H "Authorization: Bearer $operator" # the service is down
expect 503 /
echo "$(basename "$here"): all as it should be"
