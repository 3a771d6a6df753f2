/* SPDX-License-Identifier: Apache-2.0
 * tests/cli/pty.c - runs a command whose standard output (with -e: standard error) is a
 * terminal, and copies what it writes there; the exit code is the command's.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int terminal = posix_openpt(O_RDWR | O_NOCTTY), end, status = 0;
	int fd = argc > 1 && !strcmp(argv[1], "-e") ? STDERR_FILENO : STDOUT_FILENO;
	char **command = argv + (fd == STDERR_FILENO ? 2 : 1);
	char bytes[4096];
	ssize_t n;
	pid_t child;

	if (argc < 2 || !*command || terminal < 0 || grantpt(terminal) || unlockpt(terminal))
		return 99;
	end = open(ptsname(terminal), O_RDWR | O_NOCTTY);
	child = end < 0 ? -1 : fork();
	if (child == 0) {
		dup2(end, fd);
		close(end);
		close(terminal);
		execv(command[0], command);
		_exit(99);
	}
	if (child < 0)
		return 99;
	close(end);
	/* EIO says that the command has closed its end. */
	while ((n = read(terminal, bytes, sizeof(bytes))) > 0)
		fwrite(bytes, 1, (size_t)n, fd == STDERR_FILENO ? stderr : stdout);
	waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 98;
}
