#!/usr/bin/env bash
# Makes the CRI client's messages from their .proto files (needs protoc: apt install protobuf-compiler).
# With a folder as argument the result goes there instead, for the test that compares.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PWD/node_modules/.bin:$PATH
generate() {
	local folder=$1 file=$2 out=${3:-$1/generated}
	mkdir -p "$out"
	protoc --proto_path="$folder" --es_out="$out" --es_opt=target=js+dts "$file"
}
generate detector/containers/cri runtime.proto "${1:+$1/cri}"
generate detector/containers/testing kubelet.proto "${1:+$1/testing}"
