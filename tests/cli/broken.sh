#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tests/cli/broken.sh - broken files, as a user meets them: for each the exit code, the place and
# the sentence.  The tables:
#
#     ST  weights (each way of a header: checkpoint/test_safetensors.c)
#     CJ  config.json        TJ  tokenizer.json, merges     VT  vocab.txt
#     LC  the configuration (its syntax: base/test_config.c)          TX  texts
#
# A row is `ID~CODE~EDIT~SENTENCE`.  EDIT is shell in a fresh copy of a small model directory;
# `s FILE SCRIPT` edits a file with sed, `put FILE` writes one from printf's arguments.  SENTENCE
# is what standard error says, without "tenon: ", the folder and notes; where it says nothing, the
# first line of standard output.  With CODE 0 notes count.  "..." leaves the rest open.
: "${TENON:=./tenon}" "${top_srcdir:=.}"
case $TENON in /*) ;; *) TENON=$PWD/$TENON ;; esac
golden=$(cd "$top_srcdir/tests/golden" && pwd)
unset HOME
export OMP_WAIT_POLICY=passive LC_ALL=C
. "$top_srcdir/tests/tap.sh"
cases=0 expected=0

s() {
	sed -E "$2" "$1" >t && mv t "$1"
}
put() {
	local file=$1
	shift
	# shellcheck disable=SC2059
	printf "$@" >"$file"
}

# fresh: m is a small BERT with its tokenizer; tokenizers of other kinds are these few pieces.
fresh() {
	rm -rf "$out/m" && mkdir "$out/m" && cd "$out/m" || exit 1
	cp "$golden/bert-seqcls-h100/"{config.json,tokenizer.json,vocab.txt} .
	ln -s "$golden/bert-seqcls-h100/model.safetensors" .
}
kind() {
	rm -f vocab.txt
	put tokenizer.json '{"version":"1.0","added_tokens":[{"id":0,"content":"<s>","special":true}],
"normalizer":null,
"pre_tokenizer":{"type":"Whitespace"},
"post_processor":null,
"decoder":null,
%s}' "$1"
}
bpe() {
	kind '"model":{"type":"BPE","unk_token":"?","vocab":{"<s>":0,"?":1,"a":2,"b":3,"c":4,"ab":5,"abc":6},
"merges":["a b","ab c"]}'
}
unigram() {
	kind '"model":{"type":"Unigram","unk_id":1,"vocab":[["<s>",0.0],["?",-1.5],["a",-2.0],["ab",-2.5]]}'
}
words() {
	kind '"model":{"type":"WordLevel","unk_token":"?","vocab":{"<s>":0,"?":1,"a":2,"b":3}}'
}
vocab() {
	rm -f tokenizer.json
}

# keep GROUP: with SEEDS, a folder, the files that the rows make go there and nothing is run; see
# tests/fuzz/seeds.sh.
keep() {
	local file pair
	seeds=$((seeds + 1))
	for pair in ST/safetensors/model.safetensors CJ/model/config.json TJ/tokenizer/tokenizer.json \
			VT/vocab/vocab.txt LC/config/p.cfg LC/config/q.cfg TX/jsonl/f TX/jsonl/f.jsonl TX/conll/f.conll; do
		file=${pair##*/}
		[ "${pair%%/*}" = "$1" ] && [ -f "$file" ] && [ "$(stat -L -c %s "$file")" -le 65536 ] &&
			cp "$file" "$SEEDS/$(basename "$(dirname "$pair")")/$1-$seeds-$file"
	done
	return 0
}
seeds=0

# table GROUP COMMAND...: the rows of standard input, each with this command.
table() {
	local group=$1 id code edit sentence status said bad=0 good=0
	shift
	while IFS='~' read -r id code edit sentence; do
		case $id in ''|'#'*) continue ;; esac
		fresh
		eval "$edit"
		[ -z "$SEEDS" ] || { keep "$group" && continue; }
		"$TENON" "$@" >"$out/out" 2>"$out/err" </dev/null
		status=$?
		said=$(sed "s|$out/m/||g; s|$out/||g; s/^tenon: //; $([ "$code" = 0 ] || echo /^note:/d)" "$out/err")
		[ -n "$said" ] || said=$(head -n 1 "$out/out" | sed "s|$out/m/||g; s|$out/||g")
		case $sentence in
		*...) [ "${said#"${sentence%...}"}" != "$said" ] ;;
		*) [ "$said" = "$sentence" ] ;;
		esac && [ $status = "$code" ] && good=$((good + 1)) && continue
		bad=$((bad + 1))
		printf '# %s: %s: exit %s, expected %s\n#   found    %s\n#   expected %s\n' "$id" "$edit" \
			$status "$code" "${said:0:600}" "$sentence"
	done
	cases=$((cases + good)) expected=$((expected + good + bad))
	cd "$out" || exit 1
	[ -z "$SEEDS" ] || return
	[ $bad = 0 ]
	ok $? "$group: $good of $((good + bad)) cases" /dev/null
}
check="check $out/m --set backends=reference"
table ST $check <<'ROWS'
ST01~65~rm model.safetensors; : >model.safetensors~model.safetensors: byte 0: the file ends here, expected the header length of 8 bytes
ST02~65~rm model.safetensors; put model.safetensors 1234567~model.safetensors: byte 7: the file ends here, expected the header length of 8 bytes
ST03~65~rm model.safetensors; put model.safetensors '\3\0\0\0\0\0\0\0{}'~model.safetensors: byte 0: the header length is 3, the file has 2 bytes behind it
ST04~65~rm model.safetensors; put model.safetensors '\370\377\377\377\377\377\377\377{}'~model.safetensors: byte 0: the header length is 18446744073709551608, the file has 2 bytes behind it
ST19~65~cp --remove-destination "$(readlink model.safetensors)" .; printf x >>model.safetensors~model.safetensors: byte 332816: 1 bytes behind the last tensor belong to no tensor
ST20~65~cp --remove-destination "$(readlink model.safetensors)" .; truncate -s -1 model.safetensors~model.safetensors: byte 2563: tensor "classifier.weight": data_offsets end at byte 330168 of the data, which has 330167
ST30~65~rm model.safetensors; mkfifo model.safetensors~model.safetensors: not a regular file, expected a regular file
ST30~65~rm model.safetensors; mkdir model.safetensors~model.safetensors: a directory, expected a regular file
ST30~65~ln -sf /dev/zero model.safetensors~model.safetensors: not a regular file, expected a regular file
ST32~65~rm model.safetensors; put model.safetensors.index.json '{"weight_map":{"a":"../x.safetensors"}}'~model.safetensors.index.json: the shard "../x.safetensors" is no plain file name
ST32~66~rm model.safetensors; put model.safetensors.index.json '{"weight_map":{"a":"x.safetensors"}}'~model.safetensors.index.json: the shard "x.safetensors" is not there; download the model again
ROWS
table CJ $check <<'ROWS'
CJ01~65~s config.json '/hidden_size/d'~config.json: the key "hidden_size" is missing, expected a whole number of 1 to 1048576
CJ02~65~s config.json '/hidden_size/s/100/null/'~config.json: "hidden_size" is null, expected a whole number of 1 to 1048576
CJ02~65~s config.json '/hidden_size/s/100/"100"/'~config.json: "hidden_size" is "100", expected a whole number of 1 to 1048576
CJ02~65~s config.json '/hidden_size/s/100/100.0/'~config.json: "hidden_size" is 100.0, expected a whole number of 1 to 1048576
CJ02~65~s config.json '/hidden_size/s/100/true/'~config.json: "hidden_size" is true, expected a whole number of 1 to 1048576
CJ03~65~s config.json '/hidden_size/s/100/0/'~config.json: "hidden_size" is 0, expected a whole number of 1 to 1048576
CJ03~65~s config.json '/hidden_size/s/100/-4/'~config.json: "hidden_size" is -4, expected a whole number of 1 to 1048576
CJ03~65~s config.json '/hidden_size/s/100/2147483648/'~config.json: "hidden_size" is 2147483648, expected a whole number of 1 to 1048576
CJ03~65~s config.json '/hidden_size/s/100/9223372036854775807/'~config.json: "hidden_size" is 9223372036854775807, expected a whole number of 1 to 1048576
CJ03~65~s config.json '/hidden_size/s/100/9223372036854775808/'~config.json: "hidden_size" is 9.223372036854776e+18, expected a whole number of 1 to 1048576
CJ03~65~s config.json '/hidden_size/s/100/1e30/'~config.json: "hidden_size" is 1e+30, expected a whole number of 1 to 1048576
CJ04~65~s config.json '/attention_heads/s/4/3/'~config.json: the width is 100, expected a multiple of the 3 attention heads
CJ06~65~s config.json '/vocab_size/s/102/103/;/type_vocab/s/103/2/'~model.safetensors: tensor "embeddings.word_embeddings.weight" has the shape [102,100], the model needs [103,100]
CJ06~65~s config.json '/hidden_layers/s/1/2/'~model.safetensors: there is no tensor "encoder.layer.1.attention.self.query.weight", which the model needs
CJ06~65~s config.json '/max_position/s/128/256/'~model.safetensors: tensor "embeddings.position_embeddings.weight" has the shape [128,100], the model needs [256,100]
CJ06~65~s config.json '/intermediate/s/39/40/'~model.safetensors: tensor "encoder.layer.0.intermediate.dense.weight" has the shape [39,100], the model needs [40,100]
CJ07~65~s config.json '/hidden_layers/s/1/2147483647/'~config.json: "num_hidden_layers" is 2147483647, expected a whole number of 1 to 1024
CJ07~65~s config.json '/max_position/s/128/2147483647/'~config.json: "max_position_embeddings" is 2147483647, expected a whole number of 1 to 1048576
CJ08~65~s config.json '/hidden_act/s/gelu/gleu/'~config.json: "hidden_act" is "gleu", expected one of: ...
CJ08~69~s config.json '/model_type/s/bert/brt/'~no model "brt"; did you mean "bert"? (models: ...
CJ08~78~s config.json 's/BertForSeq/BertForSec/'~config.json: the class BertForSecuenceClassification is not one that model bert knows a head for; name the heads in a configuration file
CJ09~65~s config.json '/norm_eps/s/1e-12/0/'~config.json: "layer_norm_eps" is 0, expected a number of 1e-30 to 1
CJ09~65~s config.json '/norm_eps/s/1e-12/-1e-12/'~config.json: "layer_norm_eps" is -1e-12, expected a number of 1e-30 to 1
CJ09~65~s config.json '/norm_eps/s/1e-12/NaN/'~config.json:27:23: byte 571: invalid token near 'NaN'
CJ09~65~s config.json '/hidden_dropout/s/0.1/1.0/'~config.json: "hidden_dropout_prob" is 1.0, expected a number of 0 to 0.999
CJ09~65~s config.json '/hidden_dropout/s/0.1/-0.1/'~config.json: "hidden_dropout_prob" is -0.1, expected a number of 0 to 0.999
CJ10~65~s config.json '/hidden_size/s/.*/&"hidden_size":100,/'~config.json:13:34: byte 323: duplicate object key near '"hidden_size"'
CJ10~65~s config.json "/hidden_size/s/100/$(printf '[%.0s' {1..3000})/"~config.json:13:2065: byte 2354: maximum parsing depth reached near '['
CJ10~65~head -c 1048577 /dev/zero | tr '\0' ' ' >config.json~config.json: the file has 1048577 bytes, at most 1048576 are read
CJ10~65~s config.json '1s/^/\xef\xbb\xbf/'~config.json:1:1: byte 3: invalid token near '﻿'
CJ10~65~s config.json '$d'~config.json:39:0: byte 889: '}' expected near end of file
CJ10~65~s config.json '/hidden_act/s/gelu/ge\xff/'~config.json:11:19: byte 254: unable to decode byte 0xff near '"ge'
CJ10~65~: >config.json~config.json:1:0: byte 0: unexpected token near end of file
CJ11~0~s config.json '/hidden_size/s/.*/&"auto_map":{"AutoModel":"\/etc\/passwd"},/'~note: config.json: auto_map names code, which is never run
CJ12~0~s config.json '/hidden_size/s/.*/&"something_new":[1],/'~model: m, bert ...
ROWS
table TJ tokenize "$out/m" "abc x" <<'ROWS'
TJ00~0~bpe~{"input":0,"tokens":[{"id":6,"piece":"abc","bytes":[0,3],"word":0,"text":0},{"id":1,"piece":"?","bytes":[4,5],"word":1,"text":0}]}
TJ00~0~unigram~{"input":0,"tokens":[{"id":3,"piece":"ab","bytes":[0,2],"word":0,"text":0},{"id":1,"piece":"?","bytes":[2,3],"word":0,"text":0},{"id":1,"piece":"?","bytes":[4,5],"word":1,"text":0}]}
TJ00~0~words~{"input":0,"tokens":[{"id":1,"piece":"?","bytes":[0,3],"word":0,"text":0},{"id":1,"piece":"?","bytes":[4,5],"word":1,"text":0}]}
TJ01~65~bpe; s tokenizer.json 's/"ab c"/"ab d"/'~tokenizer.json: byte 285: merge 2: no piece "d", which is to be merged
TJ01~65~bpe; s tokenizer.json 's/\["a b","ab c"\]/[["a","b"],["ab","d"]]/'~tokenizer.json: byte 290: merge 2: no piece "d", which is to be merged
TJ02~65~bpe; s tokenizer.json 's/"ab c"/"abc"/'~tokenizer.json: byte 289: the merge "abc", expected two pieces with one space between them
TJ02~65~bpe; s tokenizer.json 's/"ab c"/"a b c"/'~tokenizer.json: byte 291: the merge "a b c", expected two pieces with one space between them
TJ02~65~bpe; s tokenizer.json 's/\["a b","ab c"\]/[["a","b"],["ab"]]/'~tokenizer.json: byte 294: expected a merge of two pieces
TJ02~65~bpe; s tokenizer.json 's/\["a b","ab c"\]/[["a","b"],["a","b","c"]]/'~tokenizer.json: byte 297: expected a merge of two pieces
TJ02~65~bpe; s tokenizer.json 's/"ab c"/7/'~tokenizer.json: byte 284: expected a string
TJ03~65~bpe; s tokenizer.json 's/"ab c"/"c c"/'~tokenizer.json: byte 285: merge 2: no piece that "c" and "c" could become
TJ04~0~bpe; s tokenizer.json 's/"ab c"/"ab c","a b"/'~{"input":0,"tokens":[{"id":6,"piece":"abc","bytes":[0,3],"word":0,"text":0},{"id":1,"piece":"?","bytes":[4,5],"word":1,"text":0}]}
TJ05~65~bpe; s tokenizer.json 's/"abc":6/"abc":-1/'~tokenizer.json: byte 266: "-1" is no integer of 0 to 2147483646
TJ05~65~bpe; s tokenizer.json 's/"abc":6/"abc":6.0/'~tokenizer.json: byte 267: "6.0" is no integer of 0 to 2147483646
TJ05~65~bpe; s tokenizer.json 's/"abc":6/"abc":102/'~tokenizer.json: "abc" has id 102, but there are only 7 pieces
TJ07~0~bpe; s tokenizer.json 's/"abc":6/"abc":7/'~{"input":0,"tokens":[{"id":7,"piece":"abc","bytes":[0,3],"word":0,"text":0},{"id":1,"piece":"?","bytes":[4,5],"word":1,"text":0}]}
TJ05~65~bpe; s tokenizer.json 's/"abc":6/"abc":2147483648/'~tokenizer.json: byte 274: "2147483648" is no integer of 0 to 2147483646
TJ05~65~bpe; s tokenizer.json 's/"abc":6/"abc":99999999999999999999/'~tokenizer.json: byte 284: "99999999999999999999" is no integer of 0 to 2147483646
TJ05~65~words; s tokenizer.json 's/"b":3/"b":-1/'~tokenizer.json: byte 251: "-1" is no integer of 0 to 2147483646
TJ05~65~words; s tokenizer.json 's/"b":3/"b":2147483648/'~tokenizer.json: byte 259: "2147483648" is no integer of 0 to 2147483646
TJ05~65~s tokenizer.json '/"a": 5/s/5/-5/'~tokenizer.json: byte 2724: "-5" is no integer of 0 to 2147483646
TJ05~65~s config.json '/vocab_size": 102/s/102/101/'~tokenizer.json: 102 pieces, but config.json has a vocab_size of 101
TJ06~65~bpe; s tokenizer.json 's/"abc":6/"abc":5/'~tokenizer.json: "ab" and "abc" both have id 5
TJ06~65~words; s tokenizer.json 's/"b":3/"b":2/'~tokenizer.json: "a" and "b" both have id 2
TJ06~65~s tokenizer.json '/"a": 5/s/5/6/'~tokenizer.json: "a" and "b" both have id 6
TJ07~65~words; s tokenizer.json 's/"b":3/"b":9/'~tokenizer.json: "b" has id 9, but there are only 4 pieces
TJ08~65~bpe; s tokenizer.json 's/"unk_token":"[?]"/"unk_token":"!"/'~tokenizer.json: no piece "!", the unk_token
TJ08~65~words; s tokenizer.json 's/"unk_token":"[?]"/"unk_token":"!"/'~byte 0: the word "abc" is no piece, and neither is "!", the unk_token
TJ08~65~unigram; s tokenizer.json 's/"unk_id":1/"unk_id":4/'~tokenizer.json: byte 207: unk_id is 4, but there are only 4 pieces
TJ08~65~unigram; s tokenizer.json 's/"unk_id":1/"unk_id":null/'~byte 0: in the word "abc" is a character that no piece has, and the model has no unk_id
TJ08~65~s tokenizer.json '/unk_token/s/.UNK./[unk]/'~tokenizer.json: no piece "[unk]", the unk_token
TJ09~65~bpe; s tokenizer.json 's/"id":0,/"id":-1,/'~tokenizer.json: added_tokens: the "id" of item 0 is no integer of 0 to 2147483646
TJ09~65~bpe; s tokenizer.json 's/"id":0,/"id":4294967296,/'~tokenizer.json: added_tokens: the "id" of item 0 is no integer of 0 to 2147483646
TJ08~0~bpe; s tokenizer.json 's/"unk_token":"[?]"/"unk_token":null/'~{"input":0,"tokens":[{"id":6,"piece":"abc","bytes":[0,3],"word":0,"text":0}]}
TJ09~65~bpe; s tokenizer.json 's/"id":0,/"id":"0",/'~tokenizer.json: added_tokens: the "id" of item 0 is no integer of 0 to 2147483646
TJ09~65~bpe; s tokenizer.json 's/"content":"<s>",//'~tokenizer.json: added_tokens: item 0 has no text "content"
TJ10~65~bpe; s tokenizer.json 's/"normalizer":null/"normalizer":{"type":"NFX"}/'~tokenizer.json: normalizer: type "NFX" is not known; known are ...
TJ10~65~bpe; s tokenizer.json 's/"Whitespace"/"Whitespce"/'~tokenizer.json: pre_tokenizer: type "Whitespce" is not known; known are ...
TJ10~65~bpe; s tokenizer.json 's/"post_processor":null/"post_processor":{"type":"P"}/'~tokenizer.json: post_processor: type "P" is not known; known are ...
TJ10~65~bpe; s tokenizer.json 's/"decoder":null/"decoder":{"type":"P"}/'~tokenizer.json: decoder: type "P" is not known; known are ...
TJ10~69~bpe; s tokenizer.json 's/"BPE"/"BPX"/'~no tokenizer "bpx"; did you mean "bpe"? (tokenizers: ...
TJ11~65~s tokenizer.json '0,/"id": "\[SEP\]"/s//"id": "[SEQ]"/'~tokenizer.json: post_processor: the template has "[SEQ]", which is not among the special tokens
TJ11~65~bpe; s tokenizer.json 's/"post_processor":null/"post_processor":{"type":"RobertaProcessing","sep":["x",9],"cls":["<s>",0]}/'~tokenizer.json: post_processor: "sep" names no token by text and id
TJ12~65~bpe; s tokenizer.json 's/\{"type":"Whitespace"\}/{"type":"Split","pattern":{"Regex":"(a"},"behavior":"Isolated"}/'~tokenizer.json: pre_tokenizer: the regular expression "(a" is not among those that are known
TJ13~65~bpe; s tokenizer.json 's/\{"type":"Whitespace"\}/{"type":"Split","pattern":{"Regex":"(a+)+$"},"behavior":"Isolated"}/'~tokenizer.json: pre_tokenizer: the regular expression "(a+)+$" is not among those that are known
TJ16~65~unigram; s tokenizer.json 's/"normalizer":null/"normalizer":{"type":"Precompiled","precompiled_charsmap":"!!!!"}/'~tokenizer.json: normalizer: precompiled_charsmap: byte 0: not base64
TJ16~65~unigram; s tokenizer.json 's/"normalizer":null/"normalizer":{"type":"Precompiled","precompiled_charsmap":"\/\/\/\/\/wAAAAA="}/'~tokenizer.json: normalizer: precompiled_charsmap: byte 0: a double array of 4294967295 bytes in a table of 8
TJ18~65~truncate -s 9G tokenizer.json~tokenizer.json: the file has 9663676416 bytes, at most 268435456 are read
TJ20~65~: >tokenizer.json~tokenizer.json: byte 0: expected an object
TJ20~65~put tokenizer.json '[]'~tokenizer.json: byte 0: expected an object
TJ20~65~put tokenizer.json '{}'~tokenizer.json: no model with a vocabulary
TJ20~65~bpe; s tokenizer.json '$s/\}$//'~tokenizer.json: byte 292: expected , or }
TJ20~65~bpe; s tokenizer.json 's/"ab c"/"ab \xff"/'~tokenizer.json: byte 288: not UTF-8
TJ20~65~unigram; s tokenizer.json 's/-2.5/"x"/'~tokenizer.json: byte 258: expected a number
TJ20~65~unigram; s tokenizer.json 's/-2.5/1e999/'~tokenizer.json: byte 263: the score "1e999" is out of range
TJ20~65~unigram; s tokenizer.json 's/\["ab",-2.5\]/["ab"]/'~tokenizer.json: byte 258: expected the score of "ab"
ROWS
table VT tokenize "$out/m" "a" <<'ROWS'
VT01~65~vocab; : >vocab.txt~vocab.txt: empty, expected one piece a line
VT02~65~vocab; s vocab.txt '/^\[UNK/s/.*/[unk]/'~vocab.txt: no piece "[UNK]", the unk_token
VT02~65~vocab; s vocab.txt '/^\[CLS/s/.*/[cls]/'~vocab.txt: no piece "[CLS]", the cls_token
VT02~65~vocab; s vocab.txt '/^\[SEP/s/.*/[sep]/'~vocab.txt: no piece "[SEP]", the sep_token
VT02~65~vocab; s vocab.txt '/^\[PAD/s/.*/[pad]/'~vocab.txt: no piece "[PAD]", the pad_token
VT03~65~vocab; s vocab.txt '7s/.*/a/'~vocab.txt:7: the piece "a" stands on line 6 too
VT04~0~vocab; s vocab.txt '60s/.*//'~{"input":0,"tokens":[{"id":2,"piece":"[CLS]","special":true},{"id":5,"piece":"a","bytes":[0,1],"word":0,"text":0},{"id":3,"piece":"[SEP]","special":true}]}
VT05~0~vocab; s vocab.txt 's/$/\r/'~note: vocab.txt: CR line ends are passed over
VT06~0~vocab; truncate -s -1 vocab.txt~{"input":0,"tokens":[{"id":2,"piece":"[CLS]","special":true},{"id":5,"piece":"a","bytes":[0,1],"word":0,"text":0},{"id":3,"piece":"[SEP]","special":true}]}
VT07~0~vocab; s vocab.txt '1s/^/\xef\xbb\xbf/'~note: vocab.txt: the byte order mark is passed over
VT08~65~vocab; s vocab.txt '9s/.*/x\xff/'~vocab.txt:9: byte 1 of the line is not UTF-8
VT08~65~vocab; s vocab.txt '9s/.*/x\x00y/'~vocab.txt:9: byte 1 of the line is NUL
VT09~65~vocab; s vocab.txt "9s/.*/$(printf 'x%.0s' {1..1100})/"~vocab.txt:9: a piece of 1100 bytes, at most 1024 are allowed
VT09~65~vocab; yes '' | head -n 16777218 >vocab.txt~vocab.txt:16777217: more than 16777216 lines
VT10~65~vocab; echo more >>vocab.txt~vocab.txt: 103 pieces, but config.json has a vocab_size of 102
VT11~65~vocab; truncate -s 9G vocab.txt~vocab.txt: 9663676416 bytes, at most 268435456 are read
ROWS
table LC check "$out/m/p.cfg" --set backends=reference <<'ROWS'
LC00~0~put p.cfg 'model = ".";\n'~model: ., bert ...
LC01~78~put p.cfg 'model = ".";\nthreads = ;\n'~p.cfg:2:11: a value is missing before this ;
LC01~78~put p.cfg 'model = ".";\n@include "q.cfg"\n'; put q.cfg '\nthreads = ;\n'~q.cfg:2:11: a value is missing before this ;
LC02~78~put p.cfg 'model = ".";\nthread = 2;\n'~p.cfg:2: thread: no such setting; did you mean "threads"? (known: ...
LC03~78~put p.cfg 'model = ".";\nthreads = 3000000000;\n'~p.cfg:2: threads is 3000000000, expected 0 to 4096
LC03~78~put p.cfg 'model = ".";\nthreads = 4294967301L;\n'~p.cfg:2: threads is 4294967301, expected 0 to 4096
LC03~78~put p.cfg 'model = ".";\nthreads = 99999999999999999999999;\n'~p.cfg:2:11: 99999999999999999999999 does not fit 64 bits: expected -9223372036854775808 to 9223372036854775807
LC03~78~put p.cfg 'model = ".";\nthreads = 1e999;\n'~p.cfg:2:11: 1e999 is beyond the largest real number, 1.7976931348623157e308
LC03~78~put p.cfg 'model = ".";\nthreads = 2.0;\n'~p.cfg:2: threads is a real number, expected an integer
LC03~78~put p.cfg 'model = 3;\n'~p.cfg:1: model is an integer, expected a string, the model's directory
LC04~78~put p.cfg 'threads = 1;\n'~p.cfg: there is no setting "model", which names the model's directory
LC04~78~put p.cfg 'model = ".";\nheads = { a = { }; };\n'~p.cfg:2: heads.a has no "use", which names its plugin
LC05~69~put p.cfg 'model = ".";\nheads = { a = { use = "clz"; }; };\n'~p.cfg:2: heads.a: no head "clz"; did you mean "cls"? (heads: ...
LC06~78~put p.cfg 'model = ".";\n@include "none.cfg"\n'~p.cfg:2:1: @include: none.cfg: there is no such file
LC06~78~put p.cfg 'model = ".";\n@include "p.cfg"\n'~p.cfg:2:1: @include: p.cfg includes itself
LC06~78~put p.cfg 'model = ".";\n@include "."\n'~p.cfg:2:1: @include: .: a directory, expected a regular file
LC06~78~put p.cfg 'model = ".";\n@include "f"\n'; mkfifo f~p.cfg:2:1: @include: f: not a regular file, expected a regular file
LC06~78~put p.cfg 'model = ".";\n@include "/dev/zero"\n'~p.cfg:2:1: @include: /dev/zero: not a regular file, expected a regular file
LC06~78~put p.cfg '@include "1.cfg"\n'; for i in {1..11}; do put $i.cfg '@include "%d.cfg"\n' $((i + 1)); done; : >12.cfg~10.cfg:1:1: @include: more than 10 files include each other
LC07~78~head -c 1048577 /dev/zero | tr '\0' '\n' >p.cfg~p.cfg: the file has 1048577 bytes, at most 1048576 are read
LC08~78~put p.cfg 'model = ".";\nthreads = 1;\nthreads = 2;\n'~p.cfg:3:1: "threads" is set twice, first at p.cfg:2
LC09~78~put p.cfg 'model = ".";\n/* never\n'~p.cfg:2:1: the comment that begins here is never closed by */
LC10~78~put p.cfg 'model = "\xff";\n'~p.cfg:1:10: byte 0xff is not UTF-8
LC10~78~put p.cfg 'model = ".";\n\0\n'~p.cfg:2:1: a NUL byte stands here
LC11~66~put p.cfg 'model = "none/here";\n'~p.cfg:1: model: none/here: No such file or directory
LC12~0~put p.cfg 'model = ".";\n'; chmod 666 p.cfg~note: p.cfg: anybody may write to this file, which can name plugins to be loaded
LC13~78~put p.cfg 'model = ".";\nthreads = -1;\n'~p.cfg:2: threads is -1, expected 0 to 4096
LC13~78~put p.cfg 'model = ".";\nwindow = { tokens = 0; };\n'~p.cfg:2: window.tokens is 0, expected 3 to 16777216
LC13~78~put p.cfg 'model = ".";\nwindow = { tokens = 1000000; };\n'~p.cfg:2: window.tokens is 1000000, the model takes at most 128
LC14~78~put p.cfg 'model = ".";\nthreads = 1,5;\n'~p.cfg:2:13: expected a setting, NAME = VALUE;, found "5"; names begin with a letter (the decimal sign of numbers is a point)
LC30~78~put p.cfg 'model = ".";\nbackends = ( "reference"\n  "native" );\n'~p.cfg:3:3: this string stands right behind another one (on line 2): a comma or a semicolon is missing between them
LC30~78~put p.cfg "$(printf '(%.0s' {1..5000})"~p.cfg:1:1: expected a setting, NAME = VALUE;, found "("
LC30~78~mkfifo p.cfg~p.cfg: not a regular file, expected a regular file
ROWS
table TX run "$out/m" --set backends=reference --format jsonl --input f <<'ROWS'
TX01~0~put f '\n'~{"input":0,"text":"","truncated":false,"result":{"label":...
TX01~0~put f '   \n'~{"input":0,"text":"   ","truncated":false,"result":{"label":...
TX02~65~put f 'ab\xffc\n'~{"input":0,"error":"f:1: byte 2: 0xff is not UTF-8"}
TX02~65~put f 'ab\xc3\n'~{"input":0,"error":"f:1: byte 2: 0xc3 is not UTF-8"}
TX02~65~put f '\xed\xa0\x80\n'~{"input":0,"error":"f:1: byte 0: 0xed is not UTF-8"}
TX02~65~put f 'a\xf4\x90\x80\x80\n'~{"input":0,"error":"f:1: byte 1: 0xf4 is not UTF-8"}
TX03~0~put f 'a\0b\n'~{"input":0,"text":"a\u0000b","truncated":false,"result":{"label":...
TX05~0~for i in {1..300}; do printf 'cat '; done >f~{"input":0,"text":"cat cat ...
TX06~0~put f '\xf4\x8f\xbf\xbf \xef\xbf\xbe \xe2\x80\xae \xef\xbb\xbf\n'~{"input":0,"text":"􏿿 ￾ ‮ ﻿","truncated":false,"result":{"label":...
TX07~0~put f 'a\r\nb\xe2\x80\xa8c\rd\n'~{"input":0,"text":"a","truncated":false,"result":{"label":...
TX08~66~:~f: there is no such file
TX08~65~mkdir f~f: a directory, expected a file of texts
TX08~74~ln -s /proc/self/mem f~f: Input/output error
TX09~65~put f 'b\xff\na\nc\n'~{"input":0,"error":"f:1: byte 1: 0xff is not UTF-8"}
ROWS
table TX run "$out/m" --set backends=reference --format jsonl --input f.jsonl <<'ROWS'
TX02~65~put f.jsonl '{"text":"ab\xff"}\n'~{"input":0,"error":"f.jsonl:1: byte 11: 0xff is not UTF-8"}
TX09~65~put f.jsonl '{"text":1}\n'~{"input":0,"error":"f.jsonl:1: \"text\" is an integer, expected a string"}
TX09~65~put f.jsonl '{"text":"a"\n'~{"input":0,"error":"f.jsonl:1: byte 11: '}' expected near end of file"}
TX09~65~put f.jsonl '{"txt":"a"}\n'~{"input":0,"error":"f.jsonl:1: expected \"text\", \"words\", or \"question\" and \"context\""}
TX09~65~put f.jsonl '["a"]\n'~{"input":0,"error":"f.jsonl:1: byte 0: a list, expected an object"}
TX09~65~put f.jsonl '{"text":"a","text":"b"}\n'~{"input":0,"error":"f.jsonl:1: byte 18: duplicate object key near '\"text\"'"}
TX09~65~put f.jsonl '{"words":["a",1]}\n'~{"input":0,"error":"f.jsonl:1: \"words\" holds an integer, expected strings"}
TX09~65~put f.jsonl '{"text":"a","words":["a"]}\n'~{"input":0,"error":"f.jsonl:1: more than one of \"text\", \"words\" and \"question\" is given"}
TX09~65~put f.jsonl '{"text":"\\ud800"}\n'~{"input":0,"error":"f.jsonl:1: byte 16: invalid Unicode '\\uD800' near '\"\\ud800\"'"}
TX09~65~put f.jsonl '%s\n' "$(printf '[%.0s' {1..3000})"~{"input":0,"error":"f.jsonl:1: byte 2049: maximum parsing depth reached near '['"}
ROWS
table TX run "$out/m" --set backends=reference --format jsonl --input f.conll <<'ROWS'
TX09~65~put f.conll 'a\tO\nb\n\nc\tO\n'~{"input":0,"error":"f.conll:2: 1 columns, the first line of the sentence has 2"}
TX09~65~put f.conll 'a\xff\tO\n\n'~{"input":0,"error":"f.conll:1: byte 1: 0xff is not UTF-8"}
ROWS
table TX run "$out/m" --set backends=reference --format jsonl --input f --set heads.result.on_overflow=error <<'ROWS'
TX05~65~for i in {1..300}; do printf 'cat '; done >f~{"input":0,"error":"f:1: the input has 300 tokens, a window takes 128 with its special tokens (on_overflow = \"error\")"}
ROWS
[ $cases = $expected ]
ok $? "$cases of $expected cases" /dev/null
plan
