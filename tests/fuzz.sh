#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tests/fuzz.sh FOLDER SECONDS [TARGET...] - by hand: each target of fuzz/fuzz.c for so many seconds under
# libFuzzer with ASan and UBSan, then a row for each: runs, inputs kept, lines of its readers that they
# reach, faults.  FOLDER keeps the builds and what was found, so the next time goes on.  Needs Debian's clang,
# llvm, libclang-rt-14-dev and libomp-dev.
folder=${1:?usage: tests/fuzz.sh FOLDER SECONDS [TARGET...]} seconds=${2:?seconds for each target}
shift 2
top_srcdir=$(cd "$(dirname "$0")/.." && pwd)
export top_srcdir ASAN_OPTIONS=allocator_may_return_null=1 UBSAN_OPTIONS=print_stacktrace=1
export LSAN_OPTIONS=suppressions=$top_srcdir/tests/lsan.supp:print_suppressions=0
. "$top_srcdir/tests/tap.sh"
profdata=$(compgen -c llvm-profdata | sort -V | tail -n 1) cov=$(compgen -c llvm-cov | sort -V | tail -n 1)
mkdir -p "$folder" && cd "$folder" || exit 1
folder=$PWD

# Which files a target reads with.
reads() {
	case $1 in
	config) echo core/base/config_scan.c core/base/config_check.c core/base/config.c ;;
	json) echo core/base/json.c ;;
	jsonl) echo core/data/jsonl.c core/data/lines.c ;;
	conll | conllu | csv) echo "core/data/$1.c" ;;
	safetensors) echo core/checkpoint/st_check.c core/checkpoint/st_header.c ;;
	model) echo core/checkpoint/config_json.c core/checkpoint/model_dir_labels.c ;;
	signature) echo heads/foreign/signature.c ;;
	vocab) echo plugins/tokenizers/wordpiece/open.c plugins/tokenizers/common/file.c ;;
	tokenizer) echo plugins/tokenizers/common/{document,json,added,vocab,normalizer,pretok,post,decoder}.c ;;
	merges) echo plugins/tokenizers/bpe/read.c ;;
	sentencepiece) echo plugins/tokenizers/unigram/{proto,spm,open_spm}.c ;;
	esac
}
# reached TARGET: the share of their lines, of a report of all files.
reached() {
	awk -v files="$(reads "$1")" '
		BEGIN { n = split(files, names, " ") }
		{ for (i = 1; i <= n; i++) if (index($1, names[i])) { lines += $8; missed += $9 } }
		END { printf "%.1f %% of %d", lines ? 100 - 100 * missed / lines : 0, lines }' "$1.lines"
}
# build NAME FLAGS LINK: all of tenon in one archive, and the program.
build() {
	mkdir -p "$folder/$1" && cd "$folder/$1" || exit 1
	{ [ -f Makefile ] || "$top_srcdir/configure" -q --disable-shared --enable-static --disable-hardening \
		--with-static-plugins=all --without-onednn --without-openblas CC=clang CXX=clang++ tn_cv_kernels_x86=no \
		CFLAGS="-g -O1 -fno-omit-frame-pointer $2" --prefix=/nowhere; } &&
		make -s core/plugin/builtin.def && make -s -j"$(nproc)" core/libtenon.la &&
		clang -g -O1 $2 $3 -I. -I"$top_srcdir/core/include" -I"$top_srcdir/core" -I"$top_srcdir/tests" \
			-c "$top_srcdir/tests/fuzz/fuzz.c" -o fuzz.o &&
		./libtool --silent --tag=CC --mode=link clang $2 ${3:--fsanitize=fuzzer} fuzz.o core/libtenon.la -o fuzz
}
[ -x "$top_srcdir/configure" ] || (cd "$top_srcdir" && ./autogen.sh) >"$folder/log" 2>&1
build fuzzing -fsanitize=fuzzer-no-link,address,undefined >>"$folder/log" 2>&1
ok $? "the build" "$folder/log"
build counting "-fprofile-instr-generate -fcoverage-mapping" -DFUZZ_REPLAY >>"$folder/log" 2>&1
ok $? "the build that counts lines" "$folder/log"
"$top_srcdir/tests/fuzz/seeds.sh" "$folder/seeds" >>"$folder/log" 2>&1
ok $? "seeds" "$folder/log"
cd "$folder" || exit 1
[ $# != 0 ] || set -- $(ls seeds)
for target; do
	mkdir -p "kept/$target" "found"
	TARGET=$target fuzzing/fuzz "kept/$target" "seeds/$target" -max_total_time="$seconds" -timeout=20 \
		-rss_limit_mb=4096 -max_len=65536 -artifact_prefix="found/$target-" -print_final_stats=1 \
		-use_value_profile=1 >"$target.log" 2>&1
	ok $? "$target: nothing found" <(grep -a -A 25 'ERROR\|promise\|runtime error' "$target.log")
	LLVM_PROFILE_FILE=$target.raw counting/fuzz "$target" $(find "kept/$target" "seeds/$target" -type f) \
		>/dev/null 2>&1 && $profdata merge -o "$target.prof" "$target.raw" &&
		$cov report counting/fuzz -instr-profile="$target.prof" >"$target.lines" 2>>log
	echo "# $target: $(sed -n 's/^stat::number_of_executed_units: *//p' "$target.log") runs," \
		"$(find "kept/$target" -type f | wc -l) inputs kept," \
		"$(reached "$target") of lines, $(find found -name "$target-*" | wc -l) faults"
done
plan
