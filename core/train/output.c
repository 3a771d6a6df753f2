/* SPDX-License-Identifier: Apache-2.0
 * core/train/output.c - the directory of a run: its log, its checkpoint, the model at the end.
 */
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <glob.h>
#include <limits.h>
#include <math.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "train/export.h"
#include "train/story.h"

bool run_matches(const struct tn_strings *globs, const char *name)
{
	for (size_t i = 0; i < globs->n; i++)
		if (!fnmatch(globs->items[i], name, 0))
			return true;
	return false;
}

int run_place_error(const struct run *r, size_t i, struct tn_call *call)
{
	int code = tn_status(call);
	const char *text = tn_printf(call, "%s", tn_error_text(call));

	tn_clear(call);
	return tn_fail(call, (enum tn_error)code, "%s: %s", r->train.data.items[i].where,
		text ? text : "");
}

static const char *path_of(const struct run *r, const char *name, struct tn_call *call)
{
	const char *path = tn_printf(call, "%s/%s", r->job.output, name);

	return path ? tn_arena_dup(r->arena, path, strlen(path)) : NULL;
}

/* The directory with those above it. */
static int make_directories(const char *path, struct tn_call *call)
{
	char *copy = tn_printf(call, "%s", path);

	for (char *at = copy; copy && *at; at++) {
		if (*at != '/' || at == copy)
			continue;
		*at = 0;
		mkdir(copy, 0777);
		*at = '/';
	}
	if (copy && mkdir(copy, 0777) && errno != EEXIST)
		return tn_fail(call, TN_EIO, "%s: %s", path, strerror(errno));
	return tn_status(call);
}

int run_open_output(struct run *r, const struct tn_train_options *options, struct tn_call *call)
{
	const char *model = path_of(r, "model.safetensors", call);
	bool has_run, has_model;

	r->log = -1;
	r->log_path = path_of(r, "log.jsonl", call);
	r->checkpoint_path = path_of(r, "checkpoint.safetensors", call);
	r->best_path = path_of(r, "best.safetensors", call);
	if (!model || !r->log_path || !r->checkpoint_path || !r->best_path)
		return tn_fail(call, TN_ENOMEM, "out of memory");
	has_run = !access(r->checkpoint_path, F_OK);
	has_model = !access(model, F_OK);
	if (options->resume && !has_run)
		return tn_fail(call, TN_ENOINPUT, "%s: there is no checkpoint to go on from%s",
			r->job.output, has_model ? ": the run has ended" : "");
	if (!options->resume && !options->overwrite && (has_run || has_model))
		return tn_fail(call, TN_ECONFIG, "%s: a %s lies there already: --overwrite begins "
			"anew%s", r->job.output, has_run ? "run" : "model",
			has_run ? ", --resume goes on with it" : "");
	return make_directories(r->job.output, call);
}

/* What decides how a run goes, beside the code. */
static int make_identity(struct run *r, struct tn_call *call)
{
	static const char *const others[] = { "checkpoint", "output" };
	struct tn_value *v = tn_new_object(r->arena);
	const struct tn_value *tree = r->job.tree;
	const char *data = tn_printf(call, "%zu examples, %016llx", r->train.data.n,
		(unsigned long long)r->train.hash);

	for (size_t i = 0; v && i < tn_size(tree); i++)
		if (strcmp(tn_key(tree, i), others[0]) && strcmp(tn_key(tree, i), others[1]))
			tn_set(r->arena, v, tn_key(tree, i), (struct tn_value *)tn_at(tree, i));
	r->identity = data && tn_set(r->arena, v, "content of data.train",
		tn_new_text(r->arena, data)) ? v : NULL;
	return r->identity ? 0 : tn_fail(call, TN_ENOMEM, "out of memory");
}

static int log_error(const struct run *r, struct tn_call *call)
{
	return tn_fail(call, TN_EIO, "%s: %s", r->log_path, strerror(errno));
}

/* What a killed process was writing. */
static void remove_rests(const struct run *r)
{
	static const char *const names[] = { "checkpoint.safetensors", "best.safetensors",
		"model.safetensors", "config.json", "pipeline.cfg" };
	char pattern[PATH_MAX];
	glob_t found;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(pattern, sizeof(pattern), "%s/%s.*-*.tmp", r->job.output, names[i]);
		if (!glob(pattern, GLOB_NOSORT, NULL, &found))
			for (size_t k = 0; k < found.gl_pathc; k++)
				unlink(found.gl_pathv[k]);
		globfree(&found);
	}
}

/* The log stays open and locked: one process trains in a directory. */
static int open_log(struct run *r, struct tn_call *call)
{
	r->log = open(r->log_path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
	if (r->log < 0)
		return log_error(r, call);
	if (flock(r->log, LOCK_EX | LOCK_NB))
		return tn_fail(call, TN_EIO, "%s: another process trains there", r->job.output);
	return 0;
}

int run_begin(struct run *r, bool resume, struct tn_call *call)
{
	if (make_identity(r, call) || open_log(r, call))
		return tn_status(call);
	remove_rests(r);
	if (resume && tn_checkpoint_read(r->checkpoint_path, &r->optimizer, &r->state, r->identity,
			call))
		return tn_status(call);
	r->finished = resume && r->state.step == r->steps;
	if (!resume) {
		unlink(r->checkpoint_path);
		unlink(r->best_path);
	}
	if (ftruncate(r->log, (off_t)r->state.log_bytes) ||
			lseek(r->log, 0, SEEK_END) < 0)
		return log_error(r, call);
	return 0;
}

void run_close_log(struct run *r)
{
	if (r->log > 0)
		close(r->log);
	r->log = -1;
}

static int write_line(struct run *r, const struct tn_value *v, struct tn_call *call)
{
	size_t len, done = 0;
	char *text = v ? tn_json_print(v, &len, call) : NULL;

	if (!text)
		return tn_fail(call, TN_ENOMEM, "out of memory");
	text[len++] = '\n';
	while (done < len) {
		ssize_t n = write(r->log, text + done, len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return log_error(r, call);
		done += (size_t)n;
	}
	r->state.log_bytes += len;
	return 0;
}

int run_log_step(struct run *r, const struct tn_train_step *s, struct tn_call *call)
{
	struct tn_arena *arena = tn_call_arena(call);
	struct tn_value *v = tn_new_object(arena);

	tn_set(arena, v, "step", tn_new_int(arena, (int64_t)s->step));
	tn_set(arena, v, "epoch", tn_new_int(arena, (int64_t)s->epoch + 1));
	tn_set(arena, v, "loss", tn_new_real(arena, s->loss));
	tn_set(arena, v, "rate", tn_new_real(arena, s->rate));
	tn_set(arena, v, "norm", tn_new_real(arena, s->norm));
	tn_set(arena, v, "examples", tn_new_int(arena, (int64_t)s->examples));
	return write_line(r, tn_set(arena, v, "tokens", tn_new_int(arena, (int64_t)s->tokens)) ?
		v : NULL, call);
}

int run_log_evaluation(struct run *r, const struct tn_train_evaluation *e, struct tn_call *call)
{
	struct tn_arena *arena = tn_call_arena(call);
	struct tn_value *v = tn_new_object(arena), *heads = tn_new_object(arena), *head = NULL;
	const char *last = NULL;

	tn_set(arena, v, "step", tn_new_int(arena, (int64_t)e->step));
	tn_set(arena, v, "train_loss", tn_new_real(arena, e->loss));
	tn_set(arena, v, "dev_loss", tn_new_real(arena, e->dev_loss));
	for (size_t i = 0; i < e->n; i++) {
		if (!last || strcmp(last, e->metrics[i].head))
			head = tn_set(arena, heads, e->metrics[i].head, tn_new_object(arena));
		last = e->metrics[i].head;
		tn_set(arena, head, e->metrics[i].name, tn_new_real(arena, e->metrics[i].value));
	}
	tn_set(arena, v, "dev", heads);
	return write_line(r, tn_set(arena, v, "best", tn_new_bool(arena, e->best)) ? v : NULL, call);
}

int run_save(struct run *r, bool last, struct tn_call *call)
{
	/* The log must hold what the checkpoint says that it holds. */
	if (fdatasync(r->log) && errno != EINVAL)
		return log_error(r, call);
	return tn_checkpoint_write(r->checkpoint_path, &r->optimizer, &r->state, r->identity, call);
}

int run_finish(struct run *r, const struct tn_train_events *events, struct tn_call *call)
{
	static const enum tn_dtype dtypes[] = { [TN_STORE_F32] = TN_F32, [TN_STORE_F16] = TN_F16,
		[TN_STORE_BF16] = TN_BF16 };

	if (!isnan(r->state.best) && r->state.best_step != r->state.step &&
			tn_parameters_read(r->best_path, &r->optimizer, call))
		return tn_status(call);
	if (run_evaluate_best(r, events, call))
		return tn_status(call);
	run_guard_end(r, call);
	if (tn_export(r->job.output, &r->objective, dtypes[r->job.dtype], call) ||
			run_tell_story(r, call))
		return tn_status(call);
	unlink(r->best_path);
	unlink(r->checkpoint_path);
	return 0;
}
