/*
 * fdt.c: fuzz target of the device tree reader and of the platform decoder.
 *
 * Whatever the bytes: no access outside them, no endless loop, a sentence for
 * every refusal; and a tree that both we and libfdt accept is read alike.
 */
#include "prog_fdt/oracle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fdt f;
	bool good;
	/* Exactly as large, so that one byte too far is seen; libfdt wants it aligned to 8. */
	void *copy = malloc(size);

	if (copy == NULL)
		return 0;
	memcpy(copy, data, size);
	good = exercise(copy, size);
	if (good && fdt_open(copy, size, &f) && fdt_check_full(copy, size) == 0)
		good = compare_tree(&f, copy);
	if (!good) {
		fprintf(stderr, "%s\n", oracle_said);
		abort();
	}
	free(copy);
	return 0;
}
