/* SPDX-License-Identifier: Apache-2.0
 * tests/plugin/test_loader.c - each way in which a plugin can be wrong is refused with its
 * own reason, and the process goes on.
 */
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <tenon/impl/head.h>
#include <unistd.h>

#include "check_main.h"
#include "plugin/elf.h"
#include "plugin/plugin.h"

static struct tn_call *call;
static char mocks[PATH_MAX + 16];		/* directory of the mock plugins */
static char scratch[40];

/* A new folder of that name. */
static void make_scratch(void)
{
	strcpy(scratch, "/tmp/tenon-loader-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(scratch));
}

static void set_up(void)
{
	const char *top = getenv("top_builddir");

	ck_assert_ptr_nonnull(realpath(top ? top : ".", mocks));
	strcat(mocks, "/tests/mock");
	setenv("TENON_PLUGIN_PATH", mocks, 1);
	call = tn_call_create();
}

static void tear_down(void)
{
	tn_call_destroy(call);
}

/* The error holds the text. */
static void expect(const char *text)
{
	ck_assert_msg(strstr(tn_error_text(call), text) != NULL, "found: %s\nexpected: %s",
		tn_error_text(call), text);
}

static void expect_good(void)
{
	const struct tn_plugin *good;

	tn_call_reset(call);
	good = tn_plugin_load(TN_HEAD, "good", NULL, call);
	ck_assert_msg(good != NULL, "%s", tn_error_text(call));
	ck_assert_int_eq(good->rank, 77);
}

static const struct { enum tn_plugin_kind kind; const char *name, *reason; } refused[] = {
	{ TN_HEAD, "no-entry", "does not export the function tn_plugin_v1" },
	{ TN_HEAD, "null", "tn_plugin_v1 returned NULL" },
	{ TN_HEAD, "wrong-magic", "begins with 0x12345678, 0x6e6e6574 expected" },
	{ TN_HEAD, "too-short", "descriptor has 16 bytes" },
	{ TN_HEAD, "abi-major", "made for plugin ABI 7, this tenon has ABI 1: it needs a newer tenon" },
	{ TN_HEAD, "newer-minor", "made for plugin ABI 1.999, this tenon has 1." },
	{ TN_HEAD, "older-major", "made for plugin ABI 0, this tenon has ABI 1: build it again" },
	{ TN_HEAD, "long-table", "its table of slots has 88 bytes, at most 80 expected" },
	{ TN_HEAD, "cut-table", "its slot decode is NULL, which every head has" },
	{ TN_HEAD, "no-table", "its slot task is NULL, which every head has" },
	{ TN_HEAD, "fingerprint", "another layout: bytes of struct tn_option: " },
	{ TN_HEAD, "wrong-kind", "it is a model (kind 3), the file's name says head" },
	{ TN_HEAD, "wrong-name",
	  "it is the head \"another\" and does not serve the name \"wrong-name\"" },
	{ TN_HEAD, "no-name", "gives no name" },
	{ TN_HEAD, "no-impl", "no interface (impl.head is NULL)" },
	{ TN_HEAD, "no-slot", "its slot decode is NULL, which every head has" },
	{ TN_BACKEND, "no-slot", "its slot supports is NULL, which every backend has" },
	{ TN_MODEL, "no-slot", "its slot classes is NULL, which every model has" },
	{ TN_TOKENIZER, "no-slot", "its slot open is NULL, which every tokenizer has" },
	{ TN_HEAD, "small-state", "its state has 8 bytes, at least 16 expected" },
	{ TN_HEAD, "outside-state", "its option table: floor lies outside the state" },
	{ TN_HEAD, "over-base", "its option table: floor lies outside the state" },
	{ TN_HEAD, "bad-default", "its option table: floor has a default out of its range" },
	{ TN_HEAD, "bad-choice", "way has a default that is none of its choices" },
	{ TN_HEAD, "option-twice", "its option table: floor stands twice" },
	/* dlerror's own words */
	{ TN_HEAD, "undefined", "undefined symbol: tn_mock_missing" },
	{ TN_HEAD, "fast-math", "changed how the processor rounds or treats subnormal" },
	{ TN_HEAD, "exec-stack", "asks for an executable stack" },
};

START_TEST(test_each_fault_has_its_reason)
{
	char file[8192];

	ck_assert_ptr_null(tn_plugin_load(refused[_i].kind, refused[_i].name, NULL, call));
	ck_assert_int_eq(tn_status(call), TN_EPLUGIN);
	expect(refused[_i].reason);
	snprintf(file, sizeof(file), "%s/%s-%s.so: ", mocks,
		tn_plugin_kind_name(refused[_i].kind), refused[_i].name);
	expect(file);
	/* Asked for again, the answer is the same. */
	tn_call_reset(call);
	ck_assert_ptr_null(tn_plugin_load(refused[_i].kind, refused[_i].name, NULL, call));
	expect(refused[_i].reason);
	expect_good();
}
END_TEST

START_TEST(test_fast_math_is_undone)
{
	volatile float subnormal = 1e-40f;

	ck_assert_ptr_null(tn_plugin_load(TN_HEAD, "fast-math", NULL, call));
	ck_assert(subnormal * 1.0f != 0);
}
END_TEST

START_TEST(test_names)
{
	static const char *const bad[] = { "", "../head-good", "a/b", "-a", ".a", "a..b", "A", "a b",
		"a\n", "0123456789012345678901234567890123456789012345678901234567890123456789" };
	const struct tn_plugin *good, *again;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		tn_call_reset(call);
		ck_assert_ptr_null(tn_plugin_load(TN_HEAD, bad[i], NULL, call));
		ck_assert_int_eq(tn_status(call), TN_EPLUGIN);
		expect("a plugin's name is");
	}
	tn_call_reset(call);
	good = tn_plugin_load(TN_HEAD, "good", NULL, call);
	again = tn_plugin_load(TN_HEAD, "good", NULL, call);
	ck_assert_ptr_nonnull(good);
	ck_assert_ptr_eq(good, again);
}
END_TEST

START_TEST(test_missing_names_the_nearest)
{
	ck_assert_ptr_null(tn_plugin_load(TN_HEAD, "goood", NULL, call));
	ck_assert_int_eq(tn_status(call), TN_EPLUGIN);
	expect("no head \"goood\"; did you mean \"good\"? (heads: abi-fixture, abi-major, ");
	expect("/tests/mock/head-goood.so, ");
	expect("/tenon-1/head-goood.so)");
}
END_TEST

START_TEST(test_every_missing_plugin_is_a_fault)
{
	tn_plugin_load(TN_HEAD, "x1", NULL, call);
	tn_plugin_load(TN_HEAD, "x2", NULL, call);
	ck_assert_uint_eq(tn_n_faults(call), 2);
	ck_assert_ptr_nonnull(strstr(tn_fault_text(call, 1), "\"x2\""));
}
END_TEST

START_TEST(test_shorter_descriptor_has_a_tail_of_zeros)
{
	const struct tn_plugin *p = tn_plugin_load(TN_HEAD, "short", NULL, call);

	ck_assert_msg(p != NULL, "%s", tn_error_text(call));
	ck_assert_int_eq(p->rank, 0);
	ck_assert_str_eq(p->version, "1.2.3");
}
END_TEST

START_TEST(test_slots_beyond_an_older_table_are_absent)
{
	const struct tn_plugin *p = tn_plugin_load(TN_HEAD, "old-table", NULL, call);

	ck_assert_msg(p != NULL, "%s", tn_error_text(call));
	ck_assert_int_eq(p->impl.head->task, TN_TASK_LABEL);
	ck_assert_ptr_nonnull(p->impl.head->decode);
	ck_assert_ptr_null(p->impl.head->refresh);
	ck_assert_ptr_null(p->impl.head->save);
	ck_assert_ptr_eq(tn_plugin_load(TN_HEAD, "old-table", NULL, call), p);
}
END_TEST

static void *load_good(void *unused)
{
	struct tn_call *own = tn_call_create();
	const struct tn_plugin *good = tn_plugin_load(TN_HEAD, "good", NULL, own);

	tn_call_destroy(own);
	return (void *)good;
}

START_TEST(test_threads_get_the_same)
{
	pthread_t threads[8];
	void *good, *first = NULL;

	for (int i = 0; i < 8; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, load_good, NULL), 0);
	for (int i = 0; i < 8; i++) {
		ck_assert_int_eq(pthread_join(threads[i], &good), 0);
		ck_assert_ptr_nonnull(good);
		first = i ? first : good;
		ck_assert_ptr_eq(good, first);
	}
}
END_TEST

/* --- files --- */

static char *path_of(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", scratch, name);
	return path;
}

static unsigned char *read_good(size_t *size)
{
	char path[8192];
	unsigned char *image;
	struct stat st;
	FILE *f;

	snprintf(path, sizeof(path), "%s/head-good.so", mocks);
	f = fopen(path, "rb");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fstat(fileno(f), &st), 0);
	*size = (size_t)st.st_size;
	image = malloc(*size);
	ck_assert_uint_eq(fread(image, 1, *size, f), *size);
	fclose(f);
	return image;
}

static void write_head(const void *bytes, size_t n)
{
	FILE *f = fopen(path_of("head-x.so"), "wb");

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(bytes, 1, n, f), n);
	ck_assert_int_eq(fclose(f), 0);
}

static void expect_file_refused(const char *reason)
{
	const char *dirs[] = { scratch };
	struct tn_plugin_path path = { dirs, 1 };

	ck_assert_ptr_null(tn_plugin_load(TN_HEAD, "x", &path, call));
	ck_assert_int_eq(tn_status(call), TN_EPLUGIN);
	expect(reason);
	unlink(path_of("head-x.so"));
	rmdir(path_of("head-x.so"));
	rmdir(scratch);
	expect_good();
}

START_TEST(test_file_of_the_wrong_type)
{
	make_scratch();
	if (_i == 0)
		ck_assert_int_eq(mkdir(path_of("head-x.so"), 0700), 0);
	else if (_i == 1)
		ck_assert_int_eq(mkfifo(path_of("head-x.so"), 0700), 0);
	else
		ck_assert_int_eq(symlink("nowhere", path_of("head-x.so")), 0);
	expect_file_refused(_i == 0 ? "this is a directory, a regular file expected" :
		_i == 1 ? "this is a FIFO, a regular file expected" :
		"it cannot be read: No such file or directory");
}
END_TEST

/* The first program header of a type. */
static ElfW(Phdr) *segment(unsigned char *image, uint32_t type)
{
	ElfW(Ehdr) *h = (void *)image;
	ElfW(Phdr) *s = (void *)(image + h->e_phoff);

	while (s->p_type != type)
		s++;
	return s;
}

/* The bytes of the file that are needed in memory; debug information lies behind them. */
static size_t end_of_segments(unsigned char *image)
{
	ElfW(Ehdr) *h = (void *)image;
	ElfW(Phdr) *s = (void *)(image + h->e_phoff);
	size_t end = 0;

	for (unsigned i = 0; i < h->e_phnum; i++)
		if (s[i].p_offset + s[i].p_filesz > end)
			end = s[i].p_offset + s[i].p_filesz;
	return end;
}

/* The symbol table's end as the loader counts it: made wrong. */
static void break_dynamic(unsigned char *image)
{
	ElfW(Phdr) *s = segment(image, PT_DYNAMIC);

	for (ElfW(Dyn) *d = (void *)(image + s->p_offset); d->d_tag != DT_NULL; d++)
		if (d->d_tag == DT_GNU_HASH || d->d_tag == DT_HASH)
			d->d_un.d_ptr = 0x7fffffff;
}

static const char *const images[] = {
	"the file is empty",
	"no ELF magic",
	"the file ends within the ELF header: 40 bytes, 64 expected",
	"the file ends within the program headers (truncated?)",
	"(truncated?)",
	"ELF class 1, 2 expected",
	"made for another byte order",
	"made for the machine RISC-V, this is ",
	"made for the machine number 4660, this is ",
	"ELF type 2, a shared object (3) expected",
	"(truncated?)",
	"it has no dynamic segment",
	"does not say that its stack is not executable",
	"its table of dynamic symbols is damaged",
	"is longer in the file than in memory",
	"program headers of 55 bytes, 56 expected",
};
#define N_IMAGES (int)(sizeof(images) / sizeof(images[0]))

START_TEST(test_damaged_image)
{
	size_t size;
	unsigned char *image = read_good(&size);
	ElfW(Ehdr) *h = (void *)image;

	switch (_i) {
	case 0: size = 0; break;
	case 1: memcpy(image, "text", size = 4); break;
	case 2: size = 40; break;
	case 3: size = 100; break;
	case 4: size = end_of_segments(image) - 1; break;
	case 5: h->e_ident[EI_CLASS] = ELFCLASS32; break;
	case 6: h->e_ident[EI_DATA] = 3 - h->e_ident[EI_DATA]; break;
	case 7: h->e_machine = EM_RISCV; break;
	case 8: h->e_machine = 0x1234; break;
	case 9: h->e_type = ET_EXEC; break;
	case 10: segment(image, PT_LOAD)->p_filesz = (size_t)1 << 40; break;
	case 11: segment(image, PT_DYNAMIC)->p_type = PT_NULL; break;
	case 12: segment(image, PT_GNU_STACK)->p_type = PT_NULL; break;
	case 13: break_dynamic(image); break;
	case 14: segment(image, PT_LOAD)->p_memsz = 1; break;
	case 15: h->e_phentsize--; break;
	}
	make_scratch();
	write_head(image, size);
	free(image);
	expect_file_refused(images[_i]);
}
END_TEST

START_TEST(test_one_file_is_loaded_once)
{
	const char *dirs[] = { scratch };
	struct tn_plugin_path path = { dirs, 1 };
	const struct tn_plugin *good = tn_plugin_load(TN_HEAD, "good", NULL, call);
	char target[8192];

	snprintf(target, sizeof(target), "%s/head-good.so", mocks);
	make_scratch();
	ck_assert_int_eq(symlink(target, path_of("head-also-good.so")), 0);
	ck_assert_int_eq(symlink(target, path_of("head-not-listed.so")), 0);
	ck_assert_ptr_eq(tn_plugin_load(TN_HEAD, "also-good", &path, call), good);
	ck_assert_str_eq(tn_plugin_file(good), target);
	ck_assert_ptr_null(tn_plugin_load(TN_HEAD, "not-listed", &path, call));
	expect("does not serve the name \"not-listed\"");
	unlink(path_of("head-also-good.so"));
	unlink(path_of("head-not-listed.so"));
	rmdir(scratch);
}
END_TEST

static void count_note(void *user, const char *text)
{
	++*(int *)user;
}

START_TEST(test_search_order)
{
	const char *dirs[] = { scratch };
	struct tn_plugin_path path = { dirs, 1 };
	char list[8192], copy[8192];
	int notes = 0;

	/* A broken one that comes first is refused, not passed by. */
	make_scratch();
	snprintf(copy, sizeof(copy), "%s/head-good.so", scratch);
	close(open(copy, O_CREAT | O_WRONLY, 0600));
	ck_assert_ptr_null(tn_plugin_load(TN_HEAD, "good", &path, call));
	expect("the file is empty");
	/* In an empty element the current directory would be found. */
	ck_assert_int_eq(chdir(mocks), 0);
	snprintf(list, sizeof(list), "%s::", scratch);
	setenv("TENON_PLUGIN_PATH", list, 1);
	unlink(copy);
	tn_call_reset(call);
	tn_on_note(call, count_note, &notes);
	ck_assert_ptr_null(tn_plugin_load(TN_HEAD, "good", NULL, call));
	ck_assert_int_eq(notes, 1);
	/* The variable's later directory is tried after the first. */
	snprintf(list, sizeof(list), "%s:%s", scratch, mocks);
	setenv("TENON_PLUGIN_PATH", list, 1);
	expect_good();
	rmdir(scratch);
}
END_TEST

/* --- the check of an image, on 20,000 mutations --- */

static uint32_t next(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*state >> 33);
}

START_TEST(test_mutations_never_read_outside)
{
	long page = sysconf(_SC_PAGESIZE);
	size_t size, n, room, whole, refusals = 0;
	unsigned char *good = read_good(&n), *memory, *image;
	uint64_t seed = 1;

	room = (n + (size_t)page - 1) / (size_t)page * (size_t)page;
	memory = mmap(NULL, room + (size_t)page, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ck_assert(memory != MAP_FAILED);
	ck_assert_int_eq(mprotect(memory + room, (size_t)page, PROT_NONE), 0);
	/* Headers, dynamic section and symbols are where it hurts. */
	whole = n < 4096 ? n : 4096;
	for (int i = 0; i < 20000; i++) {
		size = i % 4 ? n : 1 + next(&seed) % n;
		image = memory + room - size;	/* its end is the end of the page */
		memcpy(image, good, size);
		for (unsigned k = 1 + next(&seed) % 8; k; k--)
			image[next(&seed) % (i % 2 ? size : whole < size ? whole : size)] =
				(unsigned char)(next(&seed) % 3 ? next(&seed) : 0xff);
		tn_call_reset(call);
		refusals += tn_elf_check(image, size, "tn_plugin_v1", call) != 0;
	}
	ck_assert_uint_gt(refusals, 3000);
	ck_assert_uint_lt(refusals, 20000);
	tn_call_reset(call);
	ck_assert_int_eq(tn_elf_check(good, n, "tn_plugin_v1", call), 0);
	free(good);
}
END_TEST

START_TEST(test_state)
{
	const struct tn_plugin *good = tn_plugin_load(TN_HEAD, "good", NULL, call);
	struct tn_base *state = tn_plugin_new(good, call);

	ck_assert_uint_eq((uintptr_t)state % 64, 0);
	ck_assert_ptr_eq(state->plugin, good);
	ck_assert_ptr_null(state->core);
	for (size_t i = sizeof(*state); i < good->state; i++)
		ck_assert_uint_eq(((unsigned char *)state)[i], 0);
	tn_plugin_free(state);
	tn_plugin_free(NULL);
}
END_TEST

static void add(Suite *s, const char *name, const TTest *test, int n)
{
	TCase *c = tcase_create(name);

	tcase_set_timeout(c, 120);
	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_add_loop_test(c, test, 0, n);
	suite_add_tcase(s, c);
}

int main(void)
{
	Suite *s = suite_create("loader");

	add(s, "reasons", test_each_fault_has_its_reason, sizeof(refused) / sizeof(refused[0]));
	add(s, "fast-math", test_fast_math_is_undone, 1);
	add(s, "names", test_names, 1);
	add(s, "missing", test_missing_names_the_nearest, 1);
	add(s, "faults", test_every_missing_plugin_is_a_fault, 1);
	add(s, "short", test_shorter_descriptor_has_a_tail_of_zeros, 1);
	add(s, "tables", test_slots_beyond_an_older_table_are_absent, 1);
	add(s, "threads", test_threads_get_the_same, 1);
	add(s, "types", test_file_of_the_wrong_type, 3);
	add(s, "images", test_damaged_image, N_IMAGES);
	add(s, "once", test_one_file_is_loaded_once, 1);
	add(s, "order", test_search_order, 1);
	add(s, "mutations", test_mutations_never_read_outside, 1);
	add(s, "state", test_state, 1);
	return tn_check_main(s);
}
