/*
 * reset.c: the table of ways to switch off or restart (drivers/reset.h).
 *
 * Filled at boot by one hart, read only afterwards: no locks.
 */
#include <drivers/reset.h>

#define WAYS 8u

static struct reset_way ways[2][WAYS];
static unsigned         count[2];

bool
reset_add(enum reset_what what, const struct reset_way *way)
{
	struct reset_way *w = ways[what];
	unsigned i;

	if (count[what] == WAYS)
		return false;
	for (i = count[what]++; i > 0 && w[i - 1].rank > way->rank; i--)
		w[i] = w[i - 1];
	w[i] = *way;
	return true;
}

const struct reset_way *
reset_way(enum reset_what what, unsigned i)
{
	return i < count[what] ? &ways[what][i] : NULL;
}
