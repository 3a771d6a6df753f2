/* SPDX-License-Identifier: Apache-2.0
 * tests/checkpoint/test_model_dir.c - model directories as they are found, right and wrong;
 * values of config.json.
 */
#include <math.h>
#include <stdint.h>
#include <tenon/impl/model.h>

#include "check_main.h"
#include "checkpoint/model_dir.h"
#include "checkpoint/safetensors.h"
#include "temporary.h"

static const char config[] = "{\"architectures\":[\"BertModel\"],\"model_type\":\"bert\"}";
static const char tokenizer[] = "{\"version\":\"1.0\",\"x\":{\"model\":{\"type\":\"no\"}},"
	"\"y\":\"model\",\"added_tokens\":[{\"content\":\"\\\"model\\\":{\\\\\"}],"
	"\"model\":{\"x\":{\"type\":\"no\"},\"type\":\"WordPiece\",\"vocab\":{}}}";

static void write_weights(const char *name, const char *tensor)
{
	static const float data[2];
	const struct tn_st_item item = { tensor, TN_F32, 1, { 2 }, data };
	struct tn_call *call = tn_call_create();
	char *path = temporary(name);

	temporary_text(name, "");
	ck_assert_int_eq(tn_st_write(path, &item, 1, NULL, call), 0);
	free(path);
	tn_call_destroy(call);
}

static void write_model(void)
{
	temporary_text("m/config.json", config);
	temporary_text("m/tokenizer.json", tokenizer);
	write_weights("m/model.safetensors", "a");
}

static void drop(const char *name)
{
	char *path = temporary(name);

	ck_assert_int_eq(unlink(path), 0);
	free(path);
}

static struct tn_model_dir *open_dir(const char *name, struct tn_call *call)
{
	char *path = temporary(name);
	struct tn_model_dir *dir = tn_model_dir_open(path, tn_call_arena(call), call);

	ck_assert_msg(dir != NULL, "%s", tn_error_text(call));
	free(path);
	return dir;
}

/* Opening a name must fail with this text; $ stands for the test's directory. */
static void refuse(const char *name, enum tn_error code, const char *message)
{
	struct tn_call *call = tn_call_create();
	char *path = temporary(name), expected[2048];
	size_t n = 0;

	for (const char *p = message; *p; p++)
		n += (size_t)snprintf(expected + n, sizeof(expected) - n, "%.*s",
			*p == '$' ? 100 : 1, *p == '$' ? temporary_path : p);
	ck_assert_ptr_null(tn_model_dir_open(path, tn_call_arena(call), call));
	ck_assert_str_eq(tn_error_text(call), expected);
	ck_assert_int_eq(tn_status(call), code);
	free(path);
	tn_call_destroy(call);
}

START_TEST(test_plain_directory)
{
	struct tn_call *call = tn_call_create();
	struct tn_model_dir *dir;

	write_model();
	temporary_text("m/vocab.txt", "[UNK]\n");
	temporary_text("m/tokenizer_config.json", "{\"model_max_length\":512}");
	dir = open_dir("m", call);
	ck_assert_str_eq(dir->model_type, "bert");
	ck_assert_str_eq(dir->class, "BertModel");
	ck_assert_ptr_null(dir->head_options);
	ck_assert_uint_eq(dir->n_labels, 0);
	ck_assert_uint_eq(dir->n_weight_files, 1);
	ck_assert_str_eq(strrchr(dir->weight_files[0], '/'), "/model.safetensors");
	ck_assert_str_eq(strrchr(dir->config_path, '/'), "/config.json");
	ck_assert_str_eq(dir->tokenizer_type, "wordpiece");
	ck_assert_str_eq(strrchr(dir->files.tokenizer_json, '/'), "/tokenizer.json");
	ck_assert_str_eq(strrchr(dir->files.vocab_txt, '/'), "/vocab.txt");
	ck_assert_ptr_null(dir->files.vocab_json);
	ck_assert_ptr_null(dir->files.special_tokens);
	ck_assert_int_eq(tn_int(tn_get(dir->files.tokenizer_config, "model_max_length"), 0), 512);
	ck_assert_ptr_eq(dir->files.config, dir->config);
	temporary_text("m/tokenizer.json", "{\"model\":{\"type\":[\"no\"]},\"type\":\"no\"}");
	ck_assert_ptr_null(open_dir("m", call)->tokenizer_type);
	temporary_text("m/tokenizer.json", "{\"model\":{\"type\":\"../x\"}}");
	refuse("m", TN_EDATA, "$/m/tokenizer.json: the type of its model is \"../x\", expected the "
		"name of a tokenizer");
	tn_call_destroy(call);
}
END_TEST

static void link_to(const char *target, const char *name)
{
	char *path = temporary(name);

	ck_assert_int_eq(symlink(target, path), 0);
	free(path);
}

START_TEST(test_hub_cache)
{
	struct tn_call *call = tn_call_create();
	struct tn_model_dir *dir;
	struct tn_safetensors *f;

	temporary_text("hub/blobs/c0ffee", config);
	temporary_text("hub/blobs/badcafe", tokenizer);
	write_weights("hub/blobs/deadbeef", "a");
	temporary_text("hub/snapshots/rev/keep", "");
	link_to("../../blobs/c0ffee", "hub/snapshots/rev/config.json");
	link_to("../../blobs/badcafe", "hub/snapshots/rev/tokenizer.json");
	link_to("../../blobs/deadbeef", "hub/snapshots/rev/model.safetensors");
	dir = open_dir("hub/snapshots/rev", call);
	ck_assert_str_eq(dir->class, "BertModel");
	f = tn_st_open(dir->weight_files[0], call);
	ck_assert_ptr_nonnull(f);
	tn_st_close(f);
	refuse("hub", TN_ENOINPUT, "$/hub: a folder of the Hub's cache; name one of the "
		"directories under its snapshots");
	drop("hub/blobs/deadbeef");
	refuse("hub/snapshots/rev", TN_ENOINPUT, "$/hub/snapshots/rev/model.safetensors: a link "
		"to a file that is not there; download the model again");
	tn_call_destroy(call);
}
END_TEST

START_TEST(test_not_a_directory)
{
	refuse("none", TN_ENOINPUT, "$/none: there is no such model directory; models are read "
		"from the disk, `hf download NAME --local-dir DIR` fetches one");
	temporary_text("x.cfg", "");
	refuse("x.cfg", TN_EDATA, "$/x.cfg: a configuration file, expected a model directory");
	refuse("x.cfg/y", TN_ENOINPUT, "$/x.cfg/y: there is no such model directory; models are "
		"read from the disk, `hf download NAME --local-dir DIR` fetches one");
	temporary_text("x.gguf", "");
	refuse("x.gguf", TN_EDATA, "$/x.gguf: a file, expected a model directory; name the one "
		"that holds config.json and model.safetensors");
}
END_TEST

START_TEST(test_no_config)
{
	temporary_text("m/README.md", "");
	refuse("m", TN_ENOINPUT, "$/m: there is no config.json; expected a Hugging Face model "
		"directory");
	temporary_text("m/ner.cfg", "");
	refuse("m", TN_ENOINPUT, "$/m: there is no config.json; for a pipeline name its file, "
		"ner.cfg");
	temporary_text("m/onnx/model.onnx", "");
	refuse("m", TN_EDATA, "$/m: model.onnx is an ONNX file, which is not read; get the model's "
		"Hugging Face directory with model.safetensors");
	temporary_text("m/q4.gguf", "");
	refuse("m", TN_EDATA, "$/m: q4.gguf is a GGUF file, which is not read; get the model's "
		"Hugging Face directory with model.safetensors");
	temporary_text("m/adapter_config.json", "{}");
	refuse("m", TN_EDATA, "$/m: an adapter without its model; merge the two with peft "
		"(merge_and_unload, then save_pretrained) and name that directory");
}
END_TEST

START_TEST(test_no_weights)
{
	temporary_text("m/config.json", config);
	temporary_text("m/tokenizer.json", tokenizer);
	refuse("m", TN_ENOINPUT, "$/m: there is no model.safetensors; download it to where "
		"config.json lies");
	temporary_text("m/other.safetensors", "");
	refuse("m", TN_ENOINPUT, "$/m: there is no model.safetensors; if other.safetensors holds "
		"the model, link it to that name");
	temporary_text("m/adapter_config.json", "{}");
	refuse("m", TN_EDATA, "$/m: an adapter without its model; merge the two with peft "
		"(merge_and_unload, then save_pretrained) and name that directory");
	temporary_text("m/tf_model.h5", "");
	refuse("m", TN_EDATA, "$/m: the weights are only there as tf_model.h5; write "
		"model.safetensors with: python3 -c 'from transformers import BertModel as M; "
		"M.from_pretrained(\"$/m\", from_tf=True).save_pretrained(\"$/m\")'");
	temporary_text("m/pytorch_model-00001-of-00002.bin", "");
	refuse("m", TN_EDATA, "$/m: the weights are only there as "
		"pytorch_model-00001-of-00002.bin, a "
		"pickle, which is never read; write model.safetensors with: python3 -c 'from "
		"transformers import BertModel as M; "
		"M.from_pretrained(\"$/m\").save_pretrained(\"$/m\")'");
	temporary_text("m/config.json", "{\"architectures\":[\"x'; rm "
		"-rf\"],\"model_type\":\"bert\"}");
	refuse("m", TN_EDATA, "$/m: the weights are only there as "
		"pytorch_model-00001-of-00002.bin, a "
		"pickle, which is never read; write model.safetensors with: python3 -c 'from "
		"transformers import AutoModel as M; "
		"M.from_pretrained(\"$/m\").save_pretrained(\"$/m\")'");
}
END_TEST

START_TEST(test_no_tokenizer)
{
	write_model();
	drop("m/tokenizer.json");
	refuse("m", TN_ENOINPUT, "$/m: there is no tokenizer; copy tokenizer.json or vocab.txt "
		"from where the model comes from");
	temporary_text("m/vocab.json", "{}");
	refuse("m", TN_ENOINPUT, "$/m: there is no merges.txt beside vocab.json; copy it, or "
		"tokenizer.json, from where the model comes from");
}
END_TEST

START_TEST(test_model_of_sentencepiece)
{
	struct tn_call *call = tn_call_create();
	struct tn_model_dir *dir;

	write_model();
	drop("m/tokenizer.json");
	temporary_text("m/sentencepiece.bpe.model", "x");
	dir = open_dir("m", call);
	ck_assert_str_eq(strrchr(dir->files.sentencepiece, '/'), "/sentencepiece.bpe.model");
	ck_assert_ptr_null(dir->tokenizer_type);
	temporary_text("m/spiece.model", "x");
	ck_assert_str_eq(strrchr(open_dir("m", call)->files.sentencepiece, '/'), "/spiece.model");
	tn_call_destroy(call);
}
END_TEST

START_TEST(test_lfs_pointers)
{
	static const char pointer[] = "version https://git-lfs.github.com/spec/v1\noid sha256:0\n";
	static const char *const names[] = { "model.safetensors", "tokenizer.json", "config.json" };

	for (size_t i = 0; i < 3; i++) {
		char name[64], message[200];

		write_model();
		snprintf(name, sizeof(name), "m/%s", names[i]);
		temporary_text(name, pointer);
		snprintf(message, sizeof(message), "$/m/%s: a Git LFS pointer instead of the file "
			"itself; run `git lfs pull` in $/m", names[i]);
		refuse("m", TN_EDATA, message);
	}
}
END_TEST

START_TEST(test_config_faults)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{ "[]", "$/m/config.json: a list, expected an object" },
		{ "{}", "$/m/config.json: the key \"model_type\" is missing; it names the model's "
			"family, as in \"model_type\": \"bert\"" },
		{ "{\"model_type\":3}", "$/m/config.json: \"model_type\" is an integer, expected "
			"the name of a model family" },
		{ "{\"model_type\":\"../x\"}", "$/m/config.json: \"model_type\" is \"../x\", "
			"expected the name of a model family" },
		{ "{\"model_type\":\"\"}", "$/m/config.json: \"model_type\" is \"\", expected "
			"the name of a model family" },
	};
	char *large = calloc(1, (1 << 20) + 2);
	struct tn_call *call = tn_call_create();
	char *path = temporary("m");

	write_model();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		temporary_text("m/config.json", cases[i].text);
		refuse("m", TN_EDATA, cases[i].message);
	}
	memset(large, ' ', (1 << 20) + 1);
	temporary_text("m/config.json", large);	/* CJ10 */
	refuse("m", TN_EDATA, "$/m/config.json: the file has 1048577 bytes, at most 1048576 are "
		"read");
	temporary_text("m/config.json", "{\"model_type\":\"a\",\"model_type\":\"b\"}");
	ck_assert_ptr_null(tn_model_dir_open(path, tn_call_arena(call), call));
	ck_assert_ptr_nonnull(strstr(tn_error_text(call), "/m/config.json:1:"));
	ck_assert_ptr_nonnull(strstr(tn_error_text(call), "duplicate"));
	tn_call_reset(call);
	temporary_text("m/config.json", "\xef\xbb\xbf{\"model_type\":\"a\"}");
	ck_assert_ptr_null(tn_model_dir_open(path, tn_call_arena(call), call));
	tn_call_destroy(call);
	free(path);
	free(large);
}
END_TEST

static void keep_note(void *user, const char *text)
{
	snprintf(user, 200, "%s", text);
}

START_TEST(test_code_in_config_is_only_noted)	/* CJ11 */
{
	struct tn_call *call = tn_call_create();
	char note[200] = "";

	write_model();
	temporary_text("m/config.json", "{\"model_type\":\"bert\",\"auto_map\":{\"AutoModel\":"
		"\"modeling.X\"},\"_attn_implementation\":\"/etc/passwd\"}");
	tn_on_note(call, keep_note, note);
	ck_assert_ptr_null(open_dir("m", call)->class);
	ck_assert_ptr_nonnull(strstr(note, "auto_map names code, which is never run"));
	tn_call_destroy(call);
}
END_TEST

#define HEAD "{\"model_type\":\"bert\",\"architectures\":[\"BertForTokenClassification\"]"

START_TEST(test_labels)
{
	static const struct {
		const char *text, *message;
	} wrong[] = {
		{ "[\"a\"]", "\"id2label\" is a list, expected an object of ids and labels" },
		{ "{\"0\":\"a\",\"2\":\"b\"}", "\"id2label\" has the id \"2\", expected the ids 0 "
			"to 1 for its 2 labels" },
		{ "{\"0\":\"a\",\"01\":\"b\"}", "\"id2label\" has the id \"01\", expected the ids "
			"0 to 1 for its 2 labels" },
		{ "{\"0\":\"a\",\"-1\":\"b\"}", "\"id2label\" has the id \"-1\", expected the ids "
			"0 to 1 for its 2 labels" },
		{ "{\"0\":\"a\",\"18446744073709551617\":\"b\"}", "\"id2label\" has the id "
			"\"18446744073709551617\", expected the ids 0 to 1 for its 2 labels" },
		{ "{\"0\":\"a\",\"1\":null}", "label 1 of \"id2label\" is null, expected a "
			"string" },
	};
	struct tn_call *call = tn_call_create();
	struct tn_model_dir *dir;
	char text[400], message[400];

	write_model();
	temporary_text("m/config.json",
		HEAD ",\"id2label\":{\"2\":\"I\",\"0\":\"O\",\"1\":\"B\"}}");
	dir = open_dir("m", call);
	ck_assert_uint_eq(dir->n_labels, 3);
	ck_assert_str_eq(dir->labels[0], "O");
	ck_assert_str_eq(dir->labels[1], "B");
	ck_assert_str_eq(dir->labels[2], "I");
	/* transformers leaves out what equals its defaults */
	temporary_text("m/config.json", HEAD "}");
	dir = open_dir("m", call);
	ck_assert_uint_eq(dir->n_labels, 2);
	ck_assert_str_eq(dir->labels[1], "LABEL_1");
	temporary_text("m/config.json", HEAD ",\"num_labels\":3}");
	ck_assert_str_eq(open_dir("m", call)->labels[2], "LABEL_2");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		snprintf(text, sizeof(text), HEAD ",\"id2label\":%s}", wrong[i].text);
		temporary_text("m/config.json", text);
		snprintf(message, sizeof(message), "$/m/config.json: %s", wrong[i].message);
		refuse("m", TN_EDATA, message);
	}
	tn_call_destroy(call);
}
END_TEST

#define INDEX(map) "{\"metadata\":{},\"weight_map\":" map "}"

START_TEST(test_shards)	/* ST32 */
{
	static const struct {
		const char *text;
		enum tn_error code;
		const char *message;
	} wrong[] = {
		{ "{}", TN_EDATA, "\"weight_map\" is missing or empty, expected an object of "
			"tensors and their files" },
		{ INDEX("{\"a\":\"../s1\"}"), TN_EDATA, "the shard \"../s1\" is no plain file "
			"name" },
		{ INDEX("{\"a\":\"/etc/passwd\"}"), TN_EDATA, "the shard \"/etc/passwd\" is no "
			"plain file name" },
		{ INDEX("{\"a\":\"..\"}"), TN_EDATA, "the shard \"..\" is no plain file name" },
		{ INDEX("{\"a\":\"\"}"), TN_EDATA, "the shard \"\" is no plain file name" },
		{ INDEX("{\"a\":1}"), TN_EDATA, "the shard of \"a\" is an integer, expected a file "
			"name" },
		{ INDEX("{\"a\":\"s1\",\"b\":\"s3\"}"), TN_ENOINPUT, "the shard \"s3\" is not "
			"there; download the model again" },
	};
	struct tn_call *call = tn_call_create();
	struct tn_model_dir *dir;
	char message[400];

	write_model();
	drop("m/model.safetensors");
	write_weights("m/s1", "a");
	write_weights("m/s2", "b");
	temporary_text("m/model.safetensors.index.json", INDEX("{\"a\":\"s1\",\"b\":\"s2\"}"));
	dir = open_dir("m", call);
	ck_assert_uint_eq(dir->n_weight_files, 2);
	ck_assert_str_eq(strrchr(dir->weight_files[1], '/'), "/s2");
	ck_assert_str_eq(strrchr(dir->weights_path, '/'), "/model.safetensors.index.json");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		temporary_text("m/model.safetensors.index.json", wrong[i].text);
		snprintf(message, sizeof(message), "$/m/model.safetensors.index.json: %s",
			wrong[i].message);
		refuse("m", wrong[i].code, message);
	}
	tn_call_destroy(call);
}
END_TEST

#define MODULE(type, path) "{\"idx\":0,\"name\":\"0\",\"path\":\"" path			\
	"\",\"type\":\"sentence_transformers.models." type "\"}"
#define POOLING MODULE("Pooling", "1_Pooling")

START_TEST(test_sentence_transformer)
{
	struct tn_call *call = tn_call_create();
	struct tn_model_dir *dir;

	write_model();
	temporary_text("m/modules.json", "[" MODULE("Transformer", "") "," POOLING ","
		MODULE("Normalize", "2_Normalize") "]");
	temporary_text("m/1_Pooling/config.json", "{\"word_embedding_dimension\":384,"
		"\"pooling_mode_cls_token\":false,\"pooling_mode_mean_tokens\":true,"
		"\"pooling_mode_mean_sqrt_len_tokens\":false}");
	temporary_text("m/sentence_bert_config.json", "{\"max_seq_length\":256}");
	dir = open_dir("m", call);
	ck_assert_str_eq(dir->class, "SentenceTransformer");
	ck_assert_str_eq(tn_string(tn_get(dir->head_options, "pooling"), ""), "mean");
	ck_assert(tn_bool(tn_get(dir->head_options, "normalize"), false));
	ck_assert_uint_eq(dir->max_tokens, 256);

	temporary_text("m/modules.json", "[" MODULE("Transformer", "") "," POOLING "]");
	temporary_text("m/1_Pooling/config.json", "{\"pooling_mode\":\"cls\"}");
	drop("m/sentence_bert_config.json");
	dir = open_dir("m", call);
	ck_assert_str_eq(tn_string(tn_get(dir->head_options, "pooling"), ""), "cls");
	ck_assert(!tn_bool(tn_get(dir->head_options, "normalize"), true));
	ck_assert_uint_eq(dir->max_tokens, 0);

	/* older directories keep the model in a folder of its own */
	temporary_text("n/modules.json", "[" MODULE("Transformer",
		"0_Transformer") "," POOLING "]");
	temporary_text("n/1_Pooling/config.json", "{\"pooling_mode_max_tokens\":true}");
	temporary_text("n/0_Transformer/config.json", config);
	temporary_text("n/0_Transformer/vocab.txt", "[UNK]\n");
	write_weights("n/0_Transformer/model.safetensors", "a");
	dir = open_dir("n", call);
	ck_assert_str_eq(tn_string(tn_get(dir->head_options, "pooling"), ""), "max");
	ck_assert_ptr_nonnull(strstr(dir->files.vocab_txt, "/n/0_Transformer/vocab.txt"));
	ck_assert_ptr_null(dir->tokenizer_type);
	tn_call_destroy(call);
}
END_TEST

START_TEST(test_wrong_modules)
{
	static const struct {
		const char *modules, *pooling, *message;
	} cases[] = {
		{ "{}", NULL, "$/m/modules.json: expected a list of modules" },
		{ "[" MODULE("Transformer", "") "]", NULL, "$/m/modules.json: there is no Pooling "
			"module, which makes a vector of the tokens" },
		{ "[" POOLING "]", NULL, "$/m/modules.json: module 0 is \"Pooling\", expected "
			"Transformer first, then Pooling, Dense and Normalize" },
		{ "[" MODULE("Transformer", "../m") "]", NULL, "$/m/modules.json: the path "
			"\"../m\" of "
			"module 0 is no plain name" },
		{ "[" MODULE("Transformer", "") "," MODULE("WordEmbeddings", "") "]", NULL,
			"$/m/modules.json: module 1 is \"WordEmbeddings\"; Transformer, Pooling, "
			"Dense and Normalize are known" },
		{ "[" MODULE("Transformer", "") "," MODULE("Dense", "2_Dense") "]", NULL,
			"$/m/modules.json: a Dense module stands where none is known, expected one "
			"at most, between Pooling and Normalize" },
		{ "[" MODULE("Transformer", "") "," POOLING "]", "{}", "$/m/1_Pooling/config.json: "
			"the pooling mode \"none\" is not known, expected one of: cls, mean, max" },
		{ "[" MODULE("Transformer", "") "," POOLING "]", "{\"pooling_mode_cls_token\":true,"
			"\"pooling_mode_max_tokens\":true}", "$/m/1_Pooling/config.json: the "
			"pooling mode \"pooling_mode_max_tokens\" is not known, expected one of: "
			"cls, mean, max" },
		{ "[" MODULE("Transformer", "") "," POOLING "]",
			"{\"pooling_mode_lasttoken\":true}",
			"$/m/1_Pooling/config.json: the pooling mode \"pooling_mode_lasttoken\" is "
			"not known, expected one of: cls, mean, max" },
	};

	write_model();
	temporary_text("m/modules.json", "[" MODULE("Transformer", "") "," POOLING "]");
	refuse("m", TN_ENOINPUT, "$/m/1_Pooling: there is no config.json, which modules.json leads "
		"to; download the model again");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		temporary_text("m/modules.json", cases[i].modules);
		temporary_text("m/1_Pooling/config.json",
			cases[i].pooling ? cases[i].pooling : "{}");
		refuse("m", TN_EDATA, cases[i].message);
	}
	temporary_text("m/modules.json", "[" MODULE("Transformer", "") "," POOLING "]");
	temporary_text("m/sentence_bert_config.json", "{\"max_seq_length\":0}");
	refuse("m", TN_EDATA, "$/m/sentence_bert_config.json: \"max_seq_length\" is out of range, "
		"expected a whole number of 1 to 16777216");
}
END_TEST

START_TEST(test_dense_module)
{
	static const struct {
		const char *config, *message;
	} cases[] = {
		{ "{\"in_features\":4}", "$/m/2_Dense/config.json: \"out_features\" is missing or out "
			"of range, expected a whole number of 1 to 1000000" },
		{ "{\"out_features\":3,\"activation_function\":\"torch.nn.modules.activation.Mish\"}",
			"$/m/2_Dense/config.json: the activation function "
			"\"torch.nn.modules.activation.Mish\" is not known, expected Tanh, Identity, "
			"ReLU, GELU, SiLU or Sigmoid" },
	};
	struct tn_call *call = tn_call_create();
	struct tn_model_dir *dir;

	write_model();
	temporary_text("m/modules.json", "[" MODULE("Transformer", "") "," POOLING ","
		MODULE("Dense", "2_Dense") "]");
	temporary_text("m/1_Pooling/config.json", "{\"pooling_mode\":\"cls\"}");
	temporary_text("m/2_Dense/config.json", "{\"out_features\":3}");
	refuse("m", TN_ENOINPUT, "$/m/2_Dense: there is no model.safetensors, which modules.json "
		"leads to (pytorch_model.bin is not read)");
	write_weights("m/2_Dense/model.safetensors", "linear.weight");
	dir = open_dir("m", call);
	ck_assert_int_eq(tn_int(tn_get(dir->head_options, "dense"), 0), 3);
	ck_assert_str_eq(tn_string(tn_get(dir->head_options, "activation"), ""), "tanh");
	ck_assert_ptr_nonnull(strstr(dir->head_weights, "/m/2_Dense/model.safetensors"));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		temporary_text("m/2_Dense/config.json", cases[i].config);
		refuse("m", TN_EDATA, cases[i].message);
	}
	tn_call_destroy(call);
}
END_TEST

/* CJ01 to CJ03, CJ08, CJ09: each reader, the text behind the path. */
START_TEST(test_config_values)
{
	static const char text[] = "{\"n\":12,\"null\":null,\"s\":\"12\",\"r\":12.0,\"b\":true,"
		"\"zero\":0,\"minus\":-1,\"big\":2147483648,\"huge\":9223372036854775807,"
		"\"eps\":1e-12,\"list\":[1],\"act\":\"gelu_new\",\"bad\":\"gelo\"}";
	static const struct {
		const char *key, *message;
	} sizes[] = {
		{ "none", "the key \"none\" is missing, expected a whole number of 1 to 65536" },
		{ "null", "\"null\" is null, expected a whole number of 1 to 65536" },
		{ "s", "\"s\" is \"12\", expected a whole number of 1 to 65536" },
		{ "r", "\"r\" is 12.0, expected a whole number of 1 to 65536" },
		{ "b", "\"b\" is true, expected a whole number of 1 to 65536" },
		{ "zero", "\"zero\" is 0, expected a whole number of 1 to 65536" },
		{ "minus", "\"minus\" is -1, expected a whole number of 1 to 65536" },
		{ "big", "\"big\" is 2147483648, expected a whole number of 1 to 65536" },
		{ "huge", "\"huge\" is 9223372036854775807, expected a whole number of 1 to "
			"65536" },
		{ "list", "\"list\" is a list, expected a whole number of 1 to 65536" },
	};
	struct tn_call *call = tn_call_create();
	struct tn_arena *arena = tn_arena_create();
	const struct tn_value *v = tn_json_parse(text, strlen(text), "c", arena, call);
	char message[200];

	ck_assert_uint_eq(tn_config_size(v, "c", "n", -1, 1, 65536, call), 12);
	ck_assert_uint_eq(tn_config_size(v, "c", "none", 7, 1, 65536, call), 7);
	ck_assert(tn_config_real(v, "c", "eps", NAN, 1e-15, 1, call) == 1e-12);
	ck_assert(tn_config_real(v, "c", "n", NAN, 0, 20, call) == 12);
	ck_assert(tn_config_real(v, "c", "none", 0.5, 0, 1, call) == 0.5);
	ck_assert(tn_config_bool(v, "c", "b", false, call));
	ck_assert(tn_config_bool(v, "c", "none", true, call));
	ck_assert_int_eq(tn_config_act(v, "c", "act", NULL, call), TN_ACT_GELU_TANH);
	ck_assert_int_eq(tn_config_act(v, "c", "none", "gelu", call), TN_ACT_GELU);
	ck_assert_str_eq(tn_error_text(call), "");
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		snprintf(message, sizeof(message), "c: %s", sizes[i].message);
		ck_assert_uint_eq(tn_config_size(v, "c", sizes[i].key, -1, 1, 65536, call), 0);
		ck_assert_str_eq(tn_error_text(call), message);
		ck_assert_int_eq(tn_status(call), TN_EDATA);
		tn_clear(call);
	}
	ck_assert(tn_config_real(v, "c", "zero", NAN, 1e-15, 1, call) == 0);
	ck_assert_str_eq(tn_error_text(call), "c: \"zero\" is 0, expected a number of 1e-15 to 1");
	tn_clear(call);
	tn_config_real(v, "c", "none", NAN, 0, 1, call);
	ck_assert_str_eq(tn_error_text(call), "c: the key \"none\" is missing, expected a number");
	tn_clear(call);
	tn_config_bool(v, "c", "s", true, call);
	ck_assert_str_eq(tn_error_text(call), "c: \"s\" is \"12\", expected true or false");
	tn_clear(call);
	ck_assert_int_eq(tn_config_act(v, "c", "bad", "gelu", call), TN_ACT_NONE);
	ck_assert_ptr_nonnull(strstr(tn_error_text(call), "c: \"bad\" is \"gelo\", expected one "
		"of: gelu, "));
	tn_clear(call);
	tn_config_act(v, "c", "none", NULL, call);
	ck_assert_ptr_nonnull(strstr(tn_error_text(call), "c: the key \"none\" is missing"));
	tn_arena_destroy(arena);
	tn_call_destroy(call);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("model directory");

	TN_ADD_IN_TEMPORARY(suite, test_plain_directory);
	TN_ADD_IN_TEMPORARY(suite, test_hub_cache);
	TN_ADD_IN_TEMPORARY(suite, test_not_a_directory);
	TN_ADD_IN_TEMPORARY(suite, test_no_config);
	TN_ADD_IN_TEMPORARY(suite, test_no_weights);
	TN_ADD_IN_TEMPORARY(suite, test_no_tokenizer);
	TN_ADD_IN_TEMPORARY(suite, test_model_of_sentencepiece);
	TN_ADD_IN_TEMPORARY(suite, test_lfs_pointers);
	TN_ADD_IN_TEMPORARY(suite, test_config_faults);
	TN_ADD_IN_TEMPORARY(suite, test_code_in_config_is_only_noted);
	TN_ADD_IN_TEMPORARY(suite, test_labels);
	TN_ADD_IN_TEMPORARY(suite, test_shards);
	TN_ADD_IN_TEMPORARY(suite, test_sentence_transformer);
	TN_ADD_IN_TEMPORARY(suite, test_dense_module);
	TN_ADD_IN_TEMPORARY(suite, test_wrong_modules);
	TN_ADD_IN_TEMPORARY(suite, test_config_values);
	return tn_check_main(suite);
}
