/* SPDX-License-Identifier: Apache-2.0
 * tests/plugin/broken.c - what can be wrong with a plugin, one case each: opening a pipeline that
 * names it fails with the exit code 69, the file and the reason, and then the same process opens
 * one with a good plugin, which answers.  Prints TAP.
 */
#include <elf.h>
#include <dirent.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <tenon/pipeline.h>
#include <unistd.h>

#include "plugin/plugin.h"

static char top[4096], model[4200], scratch[] = "/tmp/tenon-broken-XXXXXX";
static const char *mocks;
static struct tn_call *call;
static int n, failures;

static void ok(int passed, const char *format, ...) TN_PRINTF(2, 3);
static void ok(int passed, const char *format, ...)
{
	va_list args;

	failures += !passed;
	printf("%sok %d - ", passed ? "" : "not ", ++n);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	puts("");
	if (!passed)
		printf("# %s\n", tn_error_text(call));
	fflush(stdout);
}

/* The error of opening a pipeline with this head, 0 for none. */
static int open_with(const char *head)
{
	const char *settings[] = { "heads.head.use=cls", NULL };
	struct tn_pipeline *p;
	char use[100];

	tn_call_reset(call);
	snprintf(use, sizeof(use), "heads.head.use=%s", head);
	settings[0] = use;
	p = tn_pipeline_open(model, settings, call);
	tn_pipeline_close(p);
	return tn_status(call);
}

static int good_answers(void)
{
	static const char *const settings[] = { "backends=(\"reference\")", "threads=1", NULL };
	struct tn_call *own = tn_call_create();
	struct tn_pipeline *p = tn_pipeline_open(model, settings, own);
	int passed = p && tn_run_text(p, "the same process goes on", own);

	if (!passed)
		printf("# %s\n", tn_error_text(own));
	tn_pipeline_close(p);
	tn_call_destroy(own);
	return passed;
}

/* --- files --- */

static char *image;
static size_t image_size;

static void read_image(void)
{
	char path[4200];
	struct stat st;
	FILE *f;

	snprintf(path, sizeof(path), "%s/head-good.so", mocks);
	f = fopen(path, "rb");
	if (!f || fstat(fileno(f), &st) || !(image = malloc((size_t)st.st_size)))
		exit(99);
	image_size = fread(image, 1, (size_t)st.st_size, f);
	fclose(f);
}

static void write_file(const char *name, const char *bytes, size_t size)
{
	char path[200];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", scratch, name);
	f = fopen(path, "wb");
	if (!f || fwrite(bytes, 1, size, f) != size || fclose(f))
		exit(99);
}

static void make_nothing(const char *name) { }
static void make_empty(const char *name) { write_file(name, "", 0); }
static void make_text(const char *name) { write_file(name, "no plugin\n", 10); }
static void make_cut(const char *name) { write_file(name, image, image_size / 4); }

static void make_directory(const char *name)
{
	char path[200];

	snprintf(path, sizeof(path), "%s/%s", scratch, name);
	if (mkdir(path, 0700))
		exit(99);
}

/* With one byte of the ELF header changed. */
static void make_changed(const char *name, size_t at, int to)
{
	char was = image[at];

	image[at] = (char)to;
	write_file(name, image, image_size);
	image[at] = was;
}

static void make_class(const char *name) { make_changed(name, EI_CLASS, ELFCLASS32); }
static void make_machine(const char *name) { make_changed(name, offsetof(Elf64_Ehdr, e_machine), EM_RISCV); }

static void make_segment(const char *name)
{
	const Elf64_Ehdr *h = (const void *)image;
	Elf64_Phdr *p = (void *)(image + h->e_phoff);
	Elf64_Xword was;

	while (p->p_type != PT_LOAD)
		p++;
	was = p->p_filesz;
	p->p_filesz = 1ull << 40;
	write_file(name, image, image_size);
	p->p_filesz = was;
}

/* --- the cases of one refusal --- */

static const struct {
	const char *id, *head, *reason;
	void (*make)(const char *name);	/* NULL: a mock */
} refused[] = {
	{ "PL01", "nowhere", "no head \"nowhere\"", make_nothing },
	{ "PL02", "empty", "the file is empty", make_empty },
	{ "PL02", "text", "no ELF magic", make_text },
	{ "PL02", "folder", "this is a directory, a regular file expected", make_directory },
	{ "PL03", "cut", "(truncated?)", make_cut },
	{ "PL04", "class", "ELF class 1, 2 expected", make_class },
	{ "PL04", "machine", "made for the machine RISC-V", make_machine },
	{ "PL05", "segment", "(truncated?)", make_segment },
	{ "PL06", "no-entry", "does not export the function tn_plugin_v1", NULL },
	{ "PL07", "abi-major", "made for plugin ABI 7", NULL },
	{ "PL07", "newer-minor", "needs a newer tenon", NULL },
	{ "PL07", "older-major", "build it again", NULL },
	{ "PL07", "too-short", "its descriptor has 16 bytes", NULL },
	{ "PL07", "too-long", "its descriptor has ", NULL },
	{ "PL07", "long-table", "its table of slots has ", NULL },
	{ "PL08", "fingerprint", "another layout: bytes of struct tn_option", NULL },
	{ "PL09", "undefined", "undefined symbol: tn_mock_missing", NULL },
	{ "PL11", "open-fails", "the mock does not want to", NULL },
	{ "PL11", "no-slot", "its slot decode is NULL", NULL },
	{ "PL12", "open-fails", "the mock does not want to", NULL },
	{ "PL15", "fast-math", "changed how the processor rounds", NULL },
	{ "PL15", "exec-stack", "asks for an executable stack", NULL },
	{ "PL16", "../head-good", "a plugin's name is at most", make_nothing },
};

static void test_refused(void)
{
	char name[100], file[200];

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		int error, names_file;

		snprintf(name, sizeof(name), "head-%s.so", refused[i].head);
		if (refused[i].make)
			refused[i].make(name);
		error = open_with(refused[i].head);
		snprintf(file, sizeof(file), "/%s", name);
		/* The fault of an open plugin is its own. */
		names_file = strstr(tn_error_text(call), file) || !strcmp(refused[i].head, "open-fails") ||
			strchr(refused[i].head, '/');
		ok(error == TN_EPLUGIN && strstr(tn_error_text(call), refused[i].reason) &&
			names_file && good_answers(), "%s %s: %s", refused[i].id, refused[i].head,
			refused[i].reason);
	}
}

/* --- the others --- */

static int reason_has(void *user, const struct tn_plugin_entry *e)
{
	const char **want = user;

	if (!strcmp(e->name, want[0]) && ((e->reason && strstr(e->reason, want[1])) ||
			(e->hidden_by && strstr(e->hidden_by, want[1]) && strcmp(e->file, e->hidden_by))))
		want[2] = "found";
	return 0;
}

/* Whether the scan of two directories gives this reason for a plugin. */
static int scan_finds(const char *dir, const char *name, const char *reason)
{
	const char *dirs[] = { dir, mocks }, *want[] = { name, reason, NULL };
	const struct tn_plugin_path path = { dirs, 2 };

	tn_call_reset(call);
	return !tn_plugin_scan(&path, reason_has, want, call) && want[2] && good_answers();
}

/* What the fixture answers, with its option at `by`. */
static double fixture_answer(const char *by)
{
	const char *settings[] = { "heads.head.use=abi-fixture", by, "threads=1", NULL };
	struct tn_pipeline *p;
	double answer = 0;

	tn_call_reset(call);
	p = tn_pipeline_open(model, settings, call);
	if (p)
		answer = tn_real(tn_get(tn_run_text(p, "an older plugin", call), "head"), 0);
	tn_pipeline_close(p);
	return answer;
}

static void test_older(void)
{
	const double one = fixture_answer("heads.head.by=1"), two = fixture_answer("heads.head.by=2");

	ok(one != 0 && two == 2 * one && good_answers(),
		"PL07 a plugin of ABI 1.0, from declarations of its own: %g, %g", one, two);
}

static void test_constructors(void)
{
	char deadly[4200];

	snprintf(deadly, sizeof(deadly), "%s/deadly", mocks);
	ok(scan_finds(deadly, "crash", "by signal 11"), "PL10 a constructor that crashes, in a scan");
	ok(scan_finds(deadly, "exit", "exit code 0"), "PL10 a constructor that exits, in a scan");
}

static void test_two(void)
{
	char path[200], other[200], good[4200];
	const struct tn_plugin *first, *again;

	snprintf(path, sizeof(path), "%s/head-good.so", scratch);
	snprintf(good, sizeof(good), "%s/head-good.so", mocks);
	write_file("head-good.so", image, image_size);
	ok(scan_finds(scratch, "good", path), "PL13 one name in two directories: both files are named");
	first = tn_plugin_load(TN_HEAD, "good", NULL, call);
	ok(first && !strcmp(tn_plugin_file(first), path), "PL13 the first directory's is loaded");
	unlink(path);
	snprintf(other, sizeof(other), "%s/head-also-good.so", scratch);
	ok(!symlink(good, other) && (again = tn_plugin_load(TN_HEAD, "good", NULL, call)) &&
		again == tn_plugin_load(TN_HEAD, "also-good", NULL, call),
		"PL13 one file under two names is loaded once");
	unlink(other);
	ok(tn_plugin_load(TN_HEAD, "clash-1", NULL, call) && tn_plugin_load(TN_HEAD, "clash-2", NULL,
		call) && good_answers(), "PL14 two plugins with one symbol keep each its own");
	unlink(path);
	/* A new version comes by rename, beside the one that runs. */
	write_file("head-new", image, image_size);
	write_file("head-good.so", image, image_size);
	first = tn_plugin_load(TN_HEAD, "good", NULL, call);
	snprintf(good, sizeof(good), "%s/head-new", scratch);
	ok(first && !rename(good, path) && tn_plugin_load(TN_HEAD, "good", NULL, call) &&
		!strcmp(first->names[0], "good") && good_answers(),
		"PL19 a file that is replaced by rename while it is loaded");
	unlink(path);
}

static void test_not_the_current_directory(void)
{
	char before[4200];

	write_file("head-here.so", image, image_size);
	ok(getcwd(before, sizeof(before)) && !chdir(scratch) &&
		setenv("TENON_PLUGIN_PATH", getenv("BUILT_PLUGINS"), 1) == 0 &&
		open_with("here") == TN_EPLUGIN && !chdir(before) && good_answers(),
		"PL16 the current directory is not searched");
}

static size_t lines_of(const char *path)
{
	size_t lines = 0;
	FILE *f = fopen(path, "r");

	for (int c; f && (c = fgetc(f)) != EOF;)
		lines += c == '\n';
	if (f)
		fclose(f);
	return lines;
}

static size_t files_open(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t count = 0;

	while (dir && readdir(dir))
		count++;
	if (dir)
		closedir(dir);
	return count;
}

static void test_thousand(void)
{
	const int times = getenv("SANITIZED") ? 60 : 1000;
	size_t memory = 0, maps = 0, files = 0;
	int passed = 1;

	for (int i = 0; i < times && passed; i++) {
		if (i == times / 2) {
			memory = mallinfo2().uordblks;
			maps = lines_of("/proc/self/maps");
			files = files_open();
		}
		passed = good_answers();
	}
	printf("# %zu bytes and %zu maps, %zu files; then %zu, %zu and %zu\n", memory, maps, files,
		(size_t)mallinfo2().uordblks, lines_of("/proc/self/maps"), files_open());
	/* A block that is left each time is one of at least 32 bytes; caches of malloc vary. */
	ok(passed && files_open() == files && lines_of("/proc/self/maps") <= maps + 8 &&
		mallinfo2().uordblks < memory + 24 * (size_t)times / 2,
		"PL20 a pipeline opened and closed %d times leaves no memory, maps or files", times);
}

static void tidy(void)
{
	DIR *dir = opendir(scratch);
	char path[500];

	for (struct dirent *e; dir && (e = readdir(dir));) {
		snprintf(path, sizeof(path), "%s/%s", scratch, e->d_name);
		remove(path);
	}
	if (dir)
		closedir(dir);
	rmdir(scratch);
}

int main(void)
{
	const char *build = getenv("top_builddir"), *source = getenv("top_srcdir");
	const char *plugins = getenv("TENON_PLUGIN_PATH");
	static char path[20000], mock_dir[4200];

	if (!plugins || !realpath(source ? source : ".", top) || !mkdtemp(scratch))
		return 99;
	setenv("BUILT_PLUGINS", plugins, 1);
	snprintf(model, sizeof(model), "%s/tests/golden/bert-seqcls-h100", top);
	if (!realpath(build ? build : ".", top))
		return 99;
	snprintf(mock_dir, sizeof(mock_dir), "%s/tests/mock", top);
	mocks = mock_dir;
	snprintf(path, sizeof(path), "%s:%s:%s", scratch, mocks, plugins);
	setenv("TENON_PLUGIN_PATH", path, 1);
	call = tn_call_create();
	read_image();
	test_refused();
	test_older();
	test_constructors();
	test_two();
	test_not_the_current_directory();
	test_thousand();
	printf("1..%d\n", n);
	tidy();
	free(image);
	tn_call_destroy(call);
	return failures != 0;
}
