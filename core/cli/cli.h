/* SPDX-License-Identifier: Apache-2.0
 * core/cli/cli.h - the verbs of the tenon command, one file for each.
 *
 * A verb gets its own arguments, argv[0] being "tenon VERB" for messages, and returns
 * the exit code.  Data go to stdout, all else to stderr.
 */
#ifndef TN_CLI_H
#define TN_CLI_H

#include <tenon/call.h>

/** tenon bench PIPELINE [TEXT ...]. */
int tn_cli_bench(int argc, char **argv);
/** tenon check PIPELINE. */
int tn_cli_check(int argc, char **argv);
/** tenon data check FILE. */
int tn_cli_data(int argc, char **argv);
/** tenon eval PIPELINE DATA .... */
int tn_cli_eval(int argc, char **argv);
/** tenon gradcheck PIPELINE. */
int tn_cli_gradcheck(int argc, char **argv);
/** tenon model DIR. */
int tn_cli_model(int argc, char **argv);
/** tenon run PIPELINE [TEXT ...]. */
int tn_cli_run(int argc, char **argv);
/** tenon quantize PIPELINE --dev FILE. */
int tn_cli_quantize(int argc, char **argv);
/** tenon train JOB.cfg. */
int tn_cli_train(int argc, char **argv);
/** tenon verify DIR --against FILE. */
int tn_cli_verify(int argc, char **argv);
/** tenon tokenize PIPELINE [TEXT ...]. */
int tn_cli_tokenize(int argc, char **argv);
/** tenon plugins [list | show NAME]. */
int tn_cli_plugins(int argc, char **argv);

/** Prints the versions of tenon, of the plugin ABI and of the libraries, and the kernels that
 *  backends choose on this CPU. */
void tn_cli_version(void);
/** Prints the faults of a call to stderr, one a line after "tenon: ", and returns the
 *  exit code of the first; 0 when there is none. */
int tn_cli_report(const struct tn_call *call);
/** Prints a note to stderr; for tn_on_note with a struct progress, whose line is taken away
 *  first, or NULL. */
void tn_cli_note(void *user, const char *text);
/** Closes stdout: the exit code, or that of TN_EIO after saying that writing failed. */
int tn_cli_finish(int code);

#endif
