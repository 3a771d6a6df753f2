#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tests/bench/peers/setup.sh - a virtual environment with the peers, outside the repository:
#
#	tests/bench/peers/setup.sh FOLDER
#
# pip's own settings (PIP_EXTRA_INDEX_URL ...) can name a place with PyTorch built for CPUs
# alone, which is much smaller.  nncf is wanted by OpenVINO's int8 only.
set -eu

[ $# -eq 1 ] || { echo "usage: $0 FOLDER" >&2; exit 64; }
python3 -m venv "$1"
"$1/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 \
	onnxruntime onnx ctranslate2 openvino transformers safetensors
"$1/bin/pip" install --quiet --disable-pip-version-check nncf ||
	echo "nncf cannot be had: no int8 rows of OpenVINO" >&2
"$1/bin/pip" list --disable-pip-version-check 2>/dev/null |
	grep -E '^(torch|onnx|onnxruntime|ctranslate2|openvino|transformers|nncf) '
