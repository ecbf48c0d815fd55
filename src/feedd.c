/* feedd.c - the daemon's main: options, then run. */
#include <stdio.h>

int
main(void)
{
	puts("feedd");
	return 0;
}
