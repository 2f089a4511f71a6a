#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Starts nginx with tessera.conf in front of a small backend and a tessera of its own, and looks at what passes.
here=$(cd "$(dirname "$0")" && pwd)
PATH=$PATH:/usr/sbin
command -v nginx >/dev/null || { echo "nginx is not installed: script/bootstrap gateways" >&2; exit 77; }

start_proxy() {
  sed -e "s/127.0.0.1:8081/127.0.0.1:$tessera_port/" -e "s/127.0.0.1:9000/127.0.0.1:$backend_port/" \
    -e "s/127.0.0.1:8080/127.0.0.1:$proxy_port/" "$here/tessera.conf" >"$folder/tessera.conf"
  cat >"$folder/nginx.conf" <<NGINX
daemon off;
worker_processes 1;
pid nginx.pid;
error_log stderr;
events {}
http {
    access_log off;
    client_body_temp_path client_body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    include tessera.conf;
}
NGINX
  chmod 755 "$folder" # started by root, its worker is somebody else
  start nginx nginx -p "$folder" -c nginx.conf -e stderr
}

# shellcheck source=examples/gateways/steps.sh
source "$here/../steps.sh"
