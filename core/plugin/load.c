/* SPDX-License-Identifier: Apache-2.0
 * core/plugin/load.c - loading plugins; the registry of those that are loaded, which is
 * the only global state of tenon.
 */
#include <config.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fenv.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/nearest.h"
#include "plugin/builtin.h"
#include "plugin/elf.h"
#include "plugin/internal.h"

/* A file that was opened by dlopen; those of a lasting fault keep it: their constructors
 * run once, so what they did shows once. */
struct loaded {
	struct loaded *next;
	dev_t device;
	ino_t inode;
	char *file;
	const struct tn_plugin *plugin;	/* NULL: it changes the floating-point mode */
};

static struct loaded *registry;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* How the processor rounds and whether it keeps subnormal numbers. */
struct fp_mode {
	int rounding;
	unsigned control;
	bool subnormals;
};

static struct fp_mode fp_mode(void)
{
	volatile float smallest = 1e-40f;
	struct fp_mode mode = { .rounding = fegetround(), .subnormals = smallest * 1.0f != 0 };

#ifdef __SSE__
	mode.control = __builtin_ia32_stmxcsr() & ~0x3fu;	/* without the sticky flags */
#endif
	return mode;
}

static bool same_mode(struct fp_mode a, struct fp_mode b)
{
	return a.rounding == b.rounding && a.control == b.control && a.subnormals == b.subnormals;
}

static int fail_fp(struct tn_call *call)
{
	return tn_fail(call, TN_EPLUGIN, "loading it changed how the processor rounds or treats "
		"subnormal numbers; was it linked with -ffast-math? (the change was undone)");
}

static const char *file_type(mode_t mode)
{
	return S_ISDIR(mode) ? "a directory" : S_ISFIFO(mode) ? "a FIFO" :
		S_ISSOCK(mode) ? "a socket" : "a device";
}

/* Opens a regular file; -1 after the reason. */
static int open_regular(const char *file, struct stat *st, struct tn_call *call)
{
	/* Not to wait for a writer of a FIFO. */
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 || fstat(fd, st)) {
		tn_fail(call, TN_EPLUGIN, "it cannot be read: %s", strerror(errno));
	} else if (!S_ISREG(st->st_mode)) {
		tn_fail(call, TN_EPLUGIN, "this is %s, a regular file expected",
			file_type(st->st_mode));
	} else {
		return fd;
	}
	if (fd >= 0)
		close(fd);
	return -1;
}

static int check_image(int fd, size_t size, struct tn_call *call)
{
	void *image;
	int error;

	if (!size)
		return tn_elf_check("", 0, TN_PLUGIN_SYMBOL, call);
	image = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (image == MAP_FAILED)
		return tn_fail(call, TN_EPLUGIN, "it cannot be read: %s", strerror(errno));
	error = tn_elf_check(image, size, TN_PLUGIN_SYMBOL, call);
	munmap(image, size);
	return error;
}

/* dlopen; *handle stays NULL after the reason, unless that is the floating-point mode. */
static int open_object(const char *file, void **handle, struct tn_call *call)
{
	struct fp_mode before = fp_mode();
	fenv_t environment;
	const char *why;
	bool out_of_memory;

	fegetenv(&environment);
	dlerror();
	errno = 0;
	*handle = dlopen(file, RTLD_NOW | RTLD_LOCAL);
	out_of_memory = !*handle && errno == ENOMEM;
	why = *handle ? NULL : dlerror();
	if (!same_mode(before, fp_mode())) {
		fesetenv(&environment);
		return fail_fp(call);
	}
	if (out_of_memory)
		return tn_fail(call, TN_ENOMEM, "out of memory");
	return *handle ? 0 : tn_fail(call, TN_EPLUGIN, "%s", why ? why : "dlopen gave no reason");
}

/* The descriptor and its table as this tenon knows them: shorter ones get a tail of zeros. */
static const struct tn_plugin *whole(const struct tn_plugin *plugin, struct tn_call *call)
{
	const size_t table = tn_plugin_impl_size(plugin->kind);
	struct tn_plugin *copy;

	if (plugin->size == sizeof(*plugin) && plugin->impl_size == table)
		return plugin;
	copy = calloc(1, sizeof(*copy) + table);
	if (!copy) {
		tn_fail(call, TN_ENOMEM, "out of memory");
		return NULL;
	}
	memcpy(copy, plugin, plugin->size);
	copy->impl.head = memcpy(copy + 1, plugin->impl.head, plugin->impl_size);
	return copy;
}

static const struct tn_plugin *descriptor(void *handle, enum tn_plugin_kind kind,
	const char *name, struct tn_call *call)
{
	const struct tn_plugin *plugin;
	tn_plugin_function *function;

	dlerror();
	*(void **)&function = dlsym(handle, TN_PLUGIN_SYMBOL);
	if (!function) {
		tn_fail(call, TN_EPLUGIN, "%s", dlerror());
		return NULL;
	}
	plugin = function();
	if (!plugin)
		tn_fail(call, TN_EPLUGIN, "its function " TN_PLUGIN_SYMBOL " returned NULL");
	else if (!tn_plugin_check(plugin, kind, name, call))
		return whole(plugin, call);
	return NULL;
}

static struct loaded *registered(const struct stat *st)
{
	for (struct loaded *l = registry; l; l = l->next)
		if (l->device == st->st_dev && l->inode == st->st_ino)
			return l;
	return NULL;
}

static const struct tn_plugin *register_file(const char *file, const struct stat *st,
	const struct tn_plugin *plugin, struct tn_call *call)
{
	struct loaded *l = calloc(1, sizeof(*l));

	if (!l || !(l->file = strdup(file))) {
		free(l);
		tn_fail(call, TN_ENOMEM, "out of memory");
		return NULL;
	}
	l->device = st->st_dev;
	l->inode = st->st_ino;
	l->plugin = plugin;
	l->next = registry;
	registry = l;
	return plugin;
}

static const struct tn_plugin *load_open_file(enum tn_plugin_kind kind, const char *name,
	const char *file, int fd, const struct stat *st, struct tn_call *call)
{
	const struct tn_plugin *plugin;
	struct loaded *l = registered(st);
	void *handle;

	if (l && !l->plugin) {
		fail_fp(call);
		return NULL;
	}
	if (l)
		return tn_plugin_check(l->plugin, kind, name, call) ? NULL : l->plugin;
	if (check_image(fd, (size_t)st->st_size, call))
		return NULL;
	if (open_object(file, &handle, call)) {
		if (handle)
			register_file(file, st, NULL, call);
		return NULL;
	}
	plugin = descriptor(handle, kind, name, call);
	return plugin ? register_file(file, st, plugin, call) : NULL;
}

static bool is_builtin(const char *file)
{
	return !strncmp(file, TN_BUILTIN_DIR "/", sizeof(TN_BUILTIN_DIR));
}

const struct tn_plugin *tn_plugin_load_file(enum tn_plugin_kind kind, const char *name,
	const char *file, struct tn_call *call)
{
	const struct tn_plugin *plugin;
	struct stat st;
	int fd;

	if (is_builtin(file))
		return tn_builtin_named(kind, name);
	fd = open_regular(file, &st, call);
	if (fd < 0)
		return NULL;
	pthread_mutex_lock(&lock);
	plugin = load_open_file(kind, name, file, fd, &st, call);
	pthread_mutex_unlock(&lock);
	close(fd);
	return plugin;
}

const char *tn_plugin_file(const struct tn_plugin *plugin)
{
	const char *file = NULL;

	pthread_mutex_lock(&lock);
	for (const struct loaded *l = registry; l && !file; l = l->next)
		if (l->plugin == plugin)
			file = l->file;
	pthread_mutex_unlock(&lock);
	return file ? file : TN_BUILTIN_DIR;
}

/* A link to nothing is there, and wrong. */
static bool is_there(enum tn_plugin_kind kind, const char *name, const char *file)
{
	struct stat st;

	if (is_builtin(file))
		return tn_builtin_named(kind, name);
	return !lstat(file, &st) || (errno != ENOENT && errno != ENOTDIR);
}

/* The texts of a list with commas between them, at most `most`. */
static const char *join(const char *const *items, size_t n, size_t most, struct tn_call *call)
{
	const char *all = "";

	for (size_t i = 0; i < n && i < most && all; i++)
		all = tn_printf(call, "%s%s%s", all, i ? ", " : "", items[i]);
	return n > most && all ? tn_printf(call, "%s, ...", all) : all;
}

/* No directory has the file: says which plugins of the kind there are. */
static void fail_absent(enum tn_plugin_kind kind, const char *name,
	const struct tn_plugin_dirs *dirs, const char *const *tried, struct tn_call *call)
{
	const char *word = tn_plugin_kind_name(kind), *nearest = NULL;
	struct tn_plugin_found *found;
	const char **names;
	size_t n, n_names = 0;

	if (tn_plugin_files(dirs, kind, &found, &n, call) ||
		!(names = tn_alloc_n(call, n + 1, sizeof(*names))))
		return;
	for (size_t i = 0; i < n; i++)
		if (!n_names || strcmp(names[n_names - 1], found[i].name))
			names[n_names++] = found[i].name;
	nearest = tn_nearest(name, names, n_names);
	tn_fault(call, TN_EPLUGIN, "no %s \"%s\"%s%s%s (%ss: %s; tried %s)", word, name,
		nearest ? "; did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "",
		word, n_names ? join(names, n_names, 30, call) : "none",
		join(tried, dirs->n, dirs->n, call));
}

static const struct tn_plugin *load_from(enum tn_plugin_kind kind, const char *name,
	const struct tn_plugin_dirs *dirs, struct tn_call *call)
{
	const char **tried = tn_alloc_n(call, dirs->n, sizeof(*tried));
	const struct tn_plugin *plugin;
	struct tn_call *inner;
	size_t i;

	for (i = 0; tried && i < dirs->n; i++) {
		tried[i] = tn_printf(call, "%s/%s-%s.so", dirs->items[i],
			tn_plugin_kind_name(kind), name);
		if (!tried[i])
			return NULL;
		if (is_there(kind, name, tried[i]))
			break;
	}
	if (!tried || i == dirs->n) {
		if (tried)
			fail_absent(kind, name, dirs, tried, call);
		return NULL;
	}
	inner = tn_call_create();
	if (!inner) {
		tn_fail(call, TN_ENOMEM, "out of memory");
		return NULL;
	}
	plugin = tn_plugin_load_file(kind, name, tried[i], inner);
	if (!plugin)
		tn_fault(call, tn_status(inner), "%s \"%s\": %s: %s%s%s%s",
			tn_plugin_kind_name(kind), name, tried[i], tn_error_text(inner),
			i ? " (tried " : "", i ? join(tried, i + 1, i + 1, call) : "",
			i ? ")" : "");
	tn_call_destroy(inner);
	return plugin;
}

const struct tn_plugin *tn_plugin_load(enum tn_plugin_kind kind, const char *name,
	const struct tn_plugin_path *path, struct tn_call *call)
{
	struct tn_plugin_dirs dirs;

	if (!tn_plugin_kind_name(kind)) {
		tn_fault(call, TN_EPLUGIN, "plugin kind %d is unknown", kind);
		return NULL;
	}
	if (!tn_plugin_name_ok(name, strnlen(name, 65))) {
		tn_fault(call, TN_EPLUGIN, "%s %s: a plugin's name is at most 64 of a-z, 0-9, \"_\", "
			"\".\" and \"-\", begins with a letter or digit and has no \"..\"",
			tn_plugin_kind_name(kind), tn_quote(call, name, strlen(name)));
		return NULL;
	}
	return tn_plugin_dirs(path, &dirs, call) ? NULL : load_from(kind, name, &dirs, call);
}
