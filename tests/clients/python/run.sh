#!/usr/bin/env bash
# README's client in Python, as it stands there, with Debian's packages: run.sh RUNED DIRECTORY.
source "$(dirname "${BASH_SOURCE[0]}")/../common.sh"
python=/usr/bin/python3

"$python" -c 'import grpc, google.protobuf' 2>/dev/null ||
  leave_out client_python "$python has no grpc: install python3-grpcio"
rm -rf "$directory"
mkdir -p "$directory"
cp -r "$root/proto" "$directory"
cd "$directory"
readme_block '' | sed -n '/^protoc /,/[^\\]$/p' >protoc.sh
bash -eu protoc.sh
readme_block python >readme.py
start_daemon
"$python" readme.py >readme.out 2>&1 || {
  cat readme.out >&2
  exit 1
}
diff "$root/tests/clients/python/readme.expected" readme.out
PYTHONPATH=. "$python" "$root/tests/clients/python/rerank.py" "$root/tests/data/tiny/rerank-bert"
