/* SPDX-License-Identifier: Apache-2.0
 * tests/plugin/abi_layout.c - prints the layout of all that crosses between core and plugins:
 * "struct S SIZE ALIGN" ("frozen" behind it where it is), then " .MEMBER OFFSET+SIZE" of each member; the numbers of the enums.
 * Compared with abi-MAJOR.txt by tests/plugin/abi.sh; fails when a member is not listed here.
 */
#include <stdalign.h>
#include <stdio.h>
#include <tenon/impl/backend.h>
#include <tenon/impl/head.h>
#include <tenon/impl/model.h>
#include <tenon/impl/tokenizer.h>

/* The struct that is being printed, and the end of its last member. */
static struct {
	const char *name;
	size_t size, align, end;
} now;
static int unlisted;

static void begin(const char *name, size_t size, size_t align, const char *frozen)
{
	now.name = name;
	now.size = size;
	now.align = align;
	now.end = 0;
	printf("%s %zu %zu%s\n", name, size, align, frozen);
}

/* A gap that alignment does not explain is a member that is missing above. */
static void gap(size_t to, size_t align)
{
	if (to < now.end || to - now.end < align)
		return;
	fprintf(stderr, "%s: bytes %zu to %zu belong to no member that is listed\n", now.name,
		now.end, to);
	unlisted = 1;
}

static void member(const char *name, size_t offset, size_t size, size_t align)
{
	gap(offset, align);
	now.end = offset + size;
	printf("  .%s %zu+%zu\n", name, offset, size);
}

#define LIST(s, frozen) do { typedef s type_; begin(#s, sizeof(type_), alignof(type_), frozen)
#define STRUCT(s) LIST(s, "")
#define FROZEN(s) LIST(s, " frozen")
#define M(m) member(#m, offsetof(type_, m), sizeof(((type_ *)0)->m), \
	alignof(__typeof__(((type_ *)0)->m)))
#define END() gap(now.size, now.align); } while (0)
/* Members of a union are printed with their own. */
#define UNION FROZEN
#define ENUM(name) printf("enum %s\n", name)
#define V(v) printf("  %s %d\n", #v, (int)v)

static void print_common(void)
{
	FROZEN(struct tn_text);
	M(text); M(len);
	END();

	FROZEN(struct tn_input);
	M(text); M(pair); M(words); M(n_words); M(id);
	END();

	FROZEN(struct tn_buffer);
	M(data); M(bytes); M(memory);
	END();

	FROZEN(struct tn_tensor);
	M(buffer); M(offset); M(dtype); M(n_dims); M(dims); M(row_stride);
	END();

	FROZEN(struct tn_strings);
	M(items); M(n);
	END();

	FROZEN(struct tn_option);
	M(name); M(type); M(offset); M(text); M(number); M(min); M(max); M(choices); M(help);
	END();

	STRUCT(struct tn_plugin);
	M(magic); M(size); M(abi_major); M(abi_minor); M(kind); M(fingerprint); M(names);
	M(version); M(licence); M(about); M(build); M(state); M(options); M(impl); M(impl_size);
	M(rank);
	END();

	FROZEN(struct tn_base);
	M(plugin); M(core);
	END();
}

static void print_ops(void)
{
	STRUCT(struct tn_attention_attr);
	M(heads); M(kv_heads); M(head_size); M(bias); M(causal); M(left); M(right); M(state);
	M(span); M(c2p); M(p2c); M(scale); M(dropout); M(key);
	END();

	UNION(union tn_attr);
	M(view.first); M(view.cols); M(view.first_row); M(view.rows); M(act.kind);
	M(reduce.kind); M(reduce.over); M(cast.dtype); M(scale.by); M(scale.plus);
	M(gather.precision);
	M(linear.parts); M(linear.bias); M(linear.act); M(linear.residual);
	M(linear.precision);
	M(matmul.transpose_a); M(matmul.transpose_b); M(matmul.precision); M(norm.eps);
	M(norm.bias); M(norm.residual); M(rope.theta); M(rope.heads); M(rope.head_size); M(rope.rotary);
	M(rope.interleaved); M(rope.inverse); M(rel_table.buckets); M(rel_table.max_distance); M(rel_table.span);
	M(rel_table.bidirectional); M(softmax.log); M(loss.smoothing); M(loss.weighted);
	M(loss.mse); M(dropout.rate); M(dropout.key); M(scatter.rows); M(scatter.axis);
	M(attention); M(bytes_);
	END();

	FROZEN(struct tn_spec);
	M(dtype); M(axis); M(n_dims); M(dims);
	END();

	STRUCT(struct tn_axis);
	M(rows); M(seqs); M(start); M(past); M(slot);
	END();

	STRUCT(struct tn_node);
	M(op); M(version); M(n_in); M(n_out); M(attr); M(in); M(out); M(weight_in); M(custom);
	M(custom_data); M(name);
	END();
}

static void print_backend(void)
{
	STRUCT(struct tn_memory_impl);
	M(size); M(alloc); M(free); M(copy_in); M(copy_out); M(sync);
	END();

	FROZEN(struct tn_backend);
	M(plugin); M(core);
	END();

	STRUCT(struct tn_offer);
	M(pack); M(strided); M(by_rows); M(workspace); M(reason);
	END();

	FROZEN(struct tn_step);
	M(node); M(packed); M(in); M(out); M(axis); M(kv_axis); M(workspace); M(prepared);
	END();

	STRUCT(struct tn_backend_impl);
	M(open); M(supports); M(pack); M(unpack); M(run); M(memory); M(ops); M(close);
	END();

	STRUCT(struct tn_custom_op);
	M(size); M(n_out); M(n_saved); M(name); M(infer); M(workspace); M(forward); M(backward);
	M(keep_in); M(keep_out);
	END();
}

static void print_tokenizer(void)
{
	FROZEN(struct tn_token);
	M(id); M(word); M(begin); M(end);
	END();

	FROZEN(struct tn_tokens);
	M(items); M(n); M(capacity);
	END();

	FROZEN(struct tn_template_item);
	M(id); M(sequence); M(type);
	END();

	FROZEN(struct tn_tokenizer_info);
	M(vocab_size); M(unk); M(cls); M(sep); M(pad); M(mask); M(bos); M(eos); M(single);
	M(n_single); M(pair); M(n_pair); M(max_length);
	END();

	STRUCT(struct tn_tokenizer_files);
	M(directory); M(tokenizer_json); M(vocab_txt); M(vocab_json); M(merges_txt);
	M(sentencepiece); M(tokenizer_config); M(special_tokens); M(config);
	END();

	FROZEN(struct tn_tokenizer);
	M(plugin); M(core);
	END();

	STRUCT(struct tn_tokenizer_impl);
	M(open); M(encode); M(encode_words); M(decode); M(piece); M(info); M(close);
	END();
}

static void print_model_and_head(void)
{
	FROZEN(struct tn_model_class);
	M(name); M(head); M(feature); M(weights);
	END();

	STRUCT(struct tn_model_info);
	M(kind); M(width); M(layers); M(vocab_size); M(max_positions); M(segments);
	END();

	FROZEN(struct tn_model);
	M(plugin); M(core);
	END();

	STRUCT(struct tn_model_impl);
	M(classes); M(prefix); M(tokenizer); M(sentencepiece); M(open); M(feature); M(close);
	END();

	STRUCT(struct tn_head_env);
	M(name); M(feature); M(weights); M(labels); M(n_labels); M(config); M(tokenizer);
	M(tokenizer_info); M(tensor); M(untrained); M(gold); M(core);
	END();

	FROZEN(struct tn_word);
	M(begin); M(end);
	END();

	STRUCT(struct tn_example);
	M(text); M(pair); M(words); M(n_words); M(words_given); M(truncated);
	END();

	FROZEN(struct tn_window_token);
	M(id); M(word); M(begin); M(end); M(sequence); M(type);
	END();

	FROZEN(struct tn_window);
	M(tokens); M(n_tokens); M(keep_begin); M(keep_end); M(scores); M(rows); M(cols);
	M(first_word);
	END();

	STRUCT(struct tn_scores);
	M(example); M(windows); M(n_windows); M(joined); M(rows); M(cols);
	END();

	STRUCT(struct tn_gold);
	M(label); M(labels); M(tags); M(has_answers); M(answers); M(n_answers); M(ids);
	END();

	STRUCT(struct tn_target);
	M(example); M(window); M(n_words); M(last); M(gold); M(rows); M(core);
	END();

	FROZEN(struct tn_head);
	M(plugin); M(core);
	END();

	STRUCT(struct tn_head_impl);
	M(task); M(on_overflow); M(config_only); M(open); M(forward); M(loss); M(target);
	M(decode); M(refresh); M(save); M(close);
	END();
}

static void print_enums(void)
{
	ENUM("tn_dtype");
	V(TN_F32); V(TN_F64); V(TN_F16); V(TN_BF16); V(TN_I64); V(TN_I32); V(TN_I16); V(TN_I8);
	V(TN_U8); V(TN_BOOL);
	ENUM("tn_option_type");
	V(TN_OPT_END); V(TN_OPT_BOOL); V(TN_OPT_INT); V(TN_OPT_REAL); V(TN_OPT_STRING);
	V(TN_OPT_PATH); V(TN_OPT_CHOICE); V(TN_OPT_STRINGS);
	ENUM("tn_plugin_kind");
	V(TN_TOKENIZER); V(TN_BACKEND); V(TN_MODEL); V(TN_HEAD);
	ENUM("tn_op");
	V(TN_OP_VIEW); V(TN_OP_CONCAT); V(TN_OP_GATHER); V(TN_OP_SEGMENT); V(TN_OP_CAST);
	V(TN_OP_ADD); V(TN_OP_MUL); V(TN_OP_SCALE); V(TN_OP_ACT); V(TN_OP_GLU); V(TN_OP_DROPOUT);
	V(TN_OP_LINEAR); V(TN_OP_MATMUL); V(TN_OP_LAYER_NORM); V(TN_OP_RMS_NORM); V(TN_OP_ROPE);
	V(TN_OP_REL_TABLE); V(TN_OP_ATTENTION); V(TN_OP_SOFTMAX); V(TN_OP_REDUCE);
	V(TN_OP_WHERE); V(TN_OP_L2NORM); V(TN_OP_CROSS_ENTROPY); V(TN_OP_BCE); V(TN_OP_CUSTOM);
	V(TN_OP_ACT_GRAD); V(TN_OP_LAYER_NORM_GRAD); V(TN_OP_SOFTMAX_GRAD);
	V(TN_OP_CROSS_ENTROPY_GRAD); V(TN_OP_ATTENTION_GRAD); V(TN_OP_SCATTER_ADD);
	V(TN_OP_RMS_NORM_GRAD); V(TN_OP_SEGMENT_GRAD); V(TN_OP_REDUCE_GRAD);
	V(TN_OP_REL_TABLE_GRAD); V(TN_OP_L2NORM_GRAD); V(TN_OP_PLACE);
	V(TN_OP_ATTENTION_BIAS_GRAD); V(TN_OP_CUSTOM_GRAD); V(TN_OP_SUM_SQUARES);
	V(TN_OP_ADAMW); V(TN_N_OPS);
	ENUM("tn_act");
	V(TN_ACT_NONE); V(TN_ACT_GELU); V(TN_ACT_GELU_TANH); V(TN_ACT_RELU); V(TN_ACT_SILU);
	V(TN_ACT_TANH); V(TN_ACT_SIGMOID);
	ENUM("tn_reduce");
	V(TN_SUM); V(TN_MEAN); V(TN_MAX);
	ENUM("tn_bias");
	V(TN_BIAS_NONE); V(TN_BIAS_REL); V(TN_BIAS_ALIBI); V(TN_BIAS_DISENTANGLED);
	V(TN_BIAS_TENSOR);
	ENUM("tn_model_kind");
	V(TN_BIDIRECTIONAL); V(TN_CAUSAL); V(TN_ENCODER_DECODER);
	ENUM("tn_task");
	V(TN_TASK_LABEL); V(TN_TASK_VALUES); V(TN_TASK_SPANS); V(TN_TASK_ANSWER);
	V(TN_TASK_VECTOR); V(TN_TASK_TOKENS);
	ENUM("tn_overflow");
	V(TN_OVERFLOW_WINDOW); V(TN_OVERFLOW_TRUNCATE); V(TN_OVERFLOW_ERROR);
}

int main(void)
{
	printf("ABI %d.%d\n", TN_ABI_MAJOR, TN_ABI_MINOR);
	print_common();
	print_ops();
	print_backend();
	print_tokenizer();
	print_model_and_head();
	print_enums();
	return unlisted;
}
