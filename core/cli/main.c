/* SPDX-License-Identifier: Apache-2.0
 * core/cli/main.c - the tenon command: finds the verb.
 */
#include <stdio.h>
#include <tenon/call.h>

int main(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	puts("tenon");
	return 0;
}
