#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes the mock plugins: build.sh SOURCE DIRECTORY COMPILER-COMMAND ...
set -e
source=$1 out=$2
shift 2
compile="$*"

# mock KIND-NAME FLAG ...: what is changed of the good one.
mock() {
	name=$1
	shift
	$compile -fPIC -shared -DNAME="\"${name#*-}\"" "$source" -o "$out/$name.so" "$@"
}

mkdir -p "$out"
mock head-good -DNAMES='"good","also-good"'
mock head-short -DSIZE='offsetof(struct tn_plugin,rank)'
mock head-old-table '-DIMPL=.impl.head=&old_head' '-DIMPL_SIZE=offsetof(struct tn_head_impl,refresh)'
mock head-cut-table '-DIMPL_SIZE=offsetof(struct tn_head_impl,decode)'
mock head-long-table '-DIMPL_SIZE=sizeof(struct tn_head_impl)+8'
mock head-no-table -DIMPL_SIZE=0
mock head-no-entry -Dtn_plugin_v1=tn_plugin_v0
mock head-null '-DRETURNED=options[0].name?NULL:&plugin'
mock head-wrong-magic -DMAGIC=0x12345678
mock head-too-short -DSIZE=16
mock head-too-long '-DSIZE=sizeof(struct tn_plugin)+8'
mock head-clash-1 -DHELPER=1
mock head-clash-2 -DHELPER=2
mock head-open-fails '-DIMPL=.impl.head=&fails_to_open'
mock head-abi-major -DMAJOR=7
mock head-newer-minor -DMINOR=999
mock head-older-major -DMAJOR=0
mock head-fingerprint '-DFINGERPRINT=(TN_ABI_FINGERPRINT+(1u<<16))'
mock head-wrong-kind -DKIND=TN_MODEL
mock head-wrong-name -DNAMES='"another"'
mock head-no-name -DNAMES=NULL
mock head-no-impl -DIMPL=.impl.head=NULL
mock head-no-slot '-DIMPL=.impl.head=&no_decode'
mock backend-no-slot -DKIND=TN_BACKEND '-DIMPL=.impl.backend=&no_supports'
mock backend-picky -DKIND=TN_BACKEND '-DIMPL=.impl.backend=&picky'
mock model-no-slot -DKIND=TN_MODEL '-DIMPL=.impl.model=&no_classes'
mock tokenizer-no-slot -DKIND=TN_TOKENIZER '-DIMPL=.impl.tokenizer=&no_open'
mock head-small-state '-DSTATE=sizeof(void*)'
mock head-outside-state -DFLOOR_AT=4096
mock head-over-base -DFLOOR_AT=0
mock head-bad-default -DFLOOR=1.5
mock head-bad-choice -DWAY='"middle"'
mock head-option-twice -DSECOND_OPTION='"floor"'
mock head-falls '-DIMPL=.impl.head=&falls'
mock head-undefined '-DSTART=tn_mock_missing()'
mock head-fast-math '-DSTART=fast_math()'
mock head-exec-stack -Wl,-z,execstack

# A head of an older ABI, from declarations of its own.
$compile -fPIC -shared "${source%/mock/*}/plugin/abi_fixture.c" -o "$out/head-abi-fixture.so"

# Those that only a child process survives.
mkdir -p "$out/deadly"
mock deadly/head-crash '-DSTART=crash()'
mock deadly/head-exit '-DSTART=_exit(0)'
mock deadly/head-hang '-DSTART=hang()'
touch "$out/built"
