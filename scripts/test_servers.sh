#!/bin/sh
# Install the servers that the tests talk to, and the browser that they look with, where that can be done unasked: as root on Debian or
# Ubuntu. Elsewhere say what will be left out; nothing fails here.
set -eu
PATH="$PATH:/usr/sbin:/usr/local/sbin"

missing=""
wants() { # package, whether it is there, what it is for
    if [ "$2" = no ]; then
        missing="$missing $1"
        echo "$1 is missing: it is for the tests of $3" >&2
    fi
}
has() { if command -v "$1" > /dev/null; then echo yes; else echo no; fi; }

postgres=$(has postgres)
# Debian keeps it out of the path, in a folder named after its version.
for program in /usr/lib/postgresql/*/bin/postgres; do
    if [ -x "$program" ]; then postgres=yes; fi
done
browser=no
for program in chromium chromium-browser google-chrome; do
    if [ "$(has "$program")" = yes ]; then browser=yes; fi
done
wants chromium "$browser" "the HTML report"
wants nginx "$(has nginx)" "HTTP/2"
wants mosquitto "$(has mosquitto)" "rocust.contrib.mqtt"
wants postgresql "$postgres" "rocust.contrib.postgres"

if [ -z "$missing" ]; then
    exit 0
fi
if command -v apt-get > /dev/null && [ "$(id -u)" = 0 ]; then
    echo "installing$missing" >&2
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    # shellcheck disable=SC2086 # several packages
    apt-get install -y -qq --no-install-recommends $missing > /dev/null
    exit 0
fi
echo "so those tests are left out. hint: make debian-packages" >&2
