#!/bin/sh
# The load test: by Locust where it is installed, else by a generator of our own, which is never called Locust.
#   sh run.sh URL USERS USERS_A_SECOND SECONDS PAUSE_MS GOAL_P95_MS [DEPLOYMENT]
# What the web machines of the deployment send to port 2878 of this machine stands between the figures.
set -e
cd "${0%/*}"
if [ -n "$7" ]; then
  node metrics-proxy.mjs 2878 "$7" &
  proxy=$!
  trap 'kill $proxy 2>/dev/null || true' EXIT
fi
if command -v locust >/dev/null; then
  export PAUSE_MS="$5" GOAL_P95_MS="$6"
  # Locust counts whole seconds.
  seconds="${4%.*}"
  [ "$seconds" -gt 0 ] || seconds=1
  locust -f locustfile.py --headless --only-summary --loglevel WARNING --stop-timeout 10 -H "${1%/}" -u "$2" -r "$3" -t "${seconds}s"
  exit
fi
node load.mjs "$1" "$2" "$4" "$5" "$6"
