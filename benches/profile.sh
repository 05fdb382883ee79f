#!/bin/sh
# The profile of the hot path, as it stands in BENCHMARKS.md: HttpUser, then FastHttpUser.
# usage: benches/profile.sh path/to/rocust [more options of benches/hot_path.py]
set -eu
[ "$#" -ge 1 ] || { sed -n '2,3s/^# //p' "$0"; exit 2; }
rocust=$1
shift
for file in plain_http.py plain_fast.py; do
    python3 "$(dirname "$0")/hot_path.py" --rocust "$rocust" --file "$file" "$@"
    echo
done
