/* SPDX-License-Identifier: Apache-2.0
 * core/cli/main.c - the tenon command: finds the verb.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tenon/call.h>
#include <unistd.h>

#include "base/nearest.h"
#include "cli/cli.h"
#include "cli/progress.h"

#define SPINS "5000"		/* some 100 us */

struct verb {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *about;
};

/* In the order of --help. */
static const struct verb verbs[] = {
	{ "run", tn_cli_run, "answer texts with a pipeline" },
	{ "check", tn_cli_check, "name all that is wrong with a pipeline, or what runs where" },
	{ "model", tn_cli_model, "say what a model directory holds, and whether it is complete" },
	{ "bench", tn_cli_bench, "measure how fast a pipeline is, and what its time goes into" },
	{ "quantize", tn_cli_quantize, "judge by labelled data whether eight bits are good enough" },
	{ "eval", tn_cli_eval, "say how good a pipeline's answers to labelled data are" },
	{ "train", tn_cli_train, "fine-tune a pipeline as a job's file says" },
	{ "data", tn_cli_data, "check labelled data before they train or judge anything" },
	{ "gradcheck", tn_cli_gradcheck, "compare gradients with differences of the loss" },
	{ "tokenize", tn_cli_tokenize, "print the tokens of texts" },
	{ "verify", tn_cli_verify, "compare a model with values recorded from it elsewhere" },
	{ "plugins", tn_cli_plugins, "list the plugins that are found, or show one" },
};
#define N_VERBS (sizeof(verbs) / sizeof(verbs[0]))

int tn_cli_report(const struct tn_call *call)
{
	for (size_t i = 0; i < tn_n_faults(call); i++)
		fprintf(stderr, "tenon: %s\n", tn_fault_text(call, i));
	return -tn_status(call);
}

void tn_cli_note(void *user, const char *text)
{
	progress_clear(user);
	fprintf(stderr, "tenon: note: %s\n", text);
}

int tn_cli_finish(int code)
{
	int bad = ferror(stdout);

	errno = 0;
	if (!fclose(stdout) && !bad)
		return code;
	if (errno == EPIPE || code == -TN_EIO)
		return code;
	fprintf(stderr, "tenon: writing to standard output failed%s%s\n", errno ? ": " : "",
		errno ? strerror(errno) : "");
	return code ? code : -TN_EIO;
}

/* A standard descriptor that was closed would be given to the next file that is opened, and
 * that file be read as the input or written over.  It becomes one that fails instead. */
static void fill_descriptors(void)
{
	static const int flags[] = { O_WRONLY, O_RDONLY, O_RDWR };

	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			open("/dev/null", flags[fd]);
}

/* By itself libgomp lets threads that wait for others spin for milliseconds, which on a busy
 * machine makes two threads many times slower than one.  It reads its settings before main
 * begins, so the command starts once more with another.  Where that fails it is only slow. */
static void spin_briefly(char **argv)
{
	if (getenv("OMP_WAIT_POLICY") || getenv("GOMP_SPINCOUNT"))
		return;
	if (!setenv("GOMP_SPINCOUNT", SPINS, 1))
		execv("/proc/self/exe", argv);
}

static void print_help(FILE *out)
{
	fputs("Usage: tenon VERB [ARGUMENT ...]\n"
		"Runs pretrained language models as a text file says.\n\n", out);
	for (size_t i = 0; i < N_VERBS; i++)
		fprintf(out, "  %-10s %s\n", verbs[i].name, verbs[i].about);
	fputs("\n`tenon VERB --help` says more of each, `tenon --version` what this is.\n", out);
}

static int unknown_verb(const char *word)
{
	const char *names[N_VERBS + 1] = { NULL };
	const char *nearest;

	for (size_t i = 0; i < N_VERBS; i++)
		names[i] = verbs[i].name;
	nearest = tn_nearest(word, names, N_VERBS);
	fprintf(stderr, "tenon: no such verb: %.60s", word);
	if (nearest)
		fprintf(stderr, "; did you mean %s?", nearest);
	fputs(" (`tenon --help` lists them)\n", stderr);
	return -TN_EUSAGE;
}

int main(int argc, char **argv)
{
	char name[64];

	fill_descriptors();
	spin_briefly(argv);
	/* Writing beyond `ulimit -f` then fails with a reason. */
	signal(SIGXFSZ, SIG_IGN);
	if (argc < 2) {
		print_help(stderr);
		return -TN_EUSAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		print_help(stdout);
		return tn_cli_finish(0);
	}
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
		tn_cli_version();
		return tn_cli_finish(0);
	}
	for (size_t i = 0; i < N_VERBS; i++) {
		if (strcmp(argv[1], verbs[i].name))
			continue;
		snprintf(name, sizeof(name), "tenon %s", verbs[i].name);
		argv[1] = name;
		return tn_cli_finish(verbs[i].run(argc - 1, argv + 1));
	}
	return unknown_verb(argv[1]);
}
