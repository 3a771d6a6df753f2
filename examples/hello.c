/* SPDX-License-Identifier: Apache-2.0
 * examples/hello.c - names in a text, from C: cc hello.c $(pkg-config --cflags --libs tenon) */
#include <stdio.h>
#include <tenon/pipeline.h>
int main(int argc, char **argv)
{
	const char *settings[] = { "heads.entities.min_score=0.5", NULL };
	struct tn_call *call = tn_call_create();
	struct tn_pipeline *p = tn_pipeline_open(argc > 1 ? argv[1] : "ner.cfg", settings, call);
	const struct tn_value *answer = p ? tn_run_text(p, "Angela Merkel met us in London.", call) : NULL;
	const struct tn_value *e, *b;
	for (size_t i = 0; (e = tn_at(tn_get(answer, "entities"), i)) && (b = tn_get(e, "bytes")); i++)
		printf("%s %.2f %d-%d\n", tn_string(tn_get(e, "label"), "?"), tn_real(tn_get(e, "score"), 0),
			(int)tn_int(tn_at(b, 0), -1), (int)tn_int(tn_at(b, 1), -1));
	int exit_code = -tn_status(call);
	fprintf(stderr, exit_code ? "%s\n" : "%s", tn_error_text(call));
	tn_pipeline_close(p);
	tn_call_destroy(call);
	return exit_code;
}
