#!/bin/sh
# Install the servers that the tests talk to (nginx), where that can be done unasked: as root on Debian or Ubuntu.
# Elsewhere say what will be left out; nothing fails here.
set -eu
PATH="$PATH:/usr/sbin:/usr/local/sbin"

if command -v nginx > /dev/null; then
    exit 0
fi
if command -v apt-get > /dev/null && [ "$(id -u)" = 0 ]; then
    echo "installing nginx, for the tests of HTTP/2" >&2
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends nginx > /dev/null
    exit 0
fi
echo "nginx is missing, so the tests of HTTP/2 against it are left out. hint: make debian-packages" >&2
