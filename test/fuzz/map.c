/*
 * map.c: fuzzes the map layer: 16 bytes an operation, judged by the model.
 *
 * The first byte of an input chooses what fails: nothing, or allocations where
 * the operations' bytes say so. The machine boots once; each input begins with
 * fresh tasks and must give every page back.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../model/driver.h"

#define OPS_MAX 64u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct driver_config config = { "fuzz", 3, 2, false, false, false, 24ul << 20, true, 16, false };
	static bool booted;
	struct op op;
	bool good = true;

	if (!booted)
		driver_boot(&config);
	booted = true;
	if (size == 0)
		return 0;
	driver_start();
	for (size_t i = 0; good && i < OPS_MAX && 1 + i * sizeof(op) < size; i++) {
		size_t n = size - 1 - i * sizeof(op);

		memset(&op, 0, sizeof(op));
		memcpy(&op, data + 1 + i * sizeof(op), n < sizeof(op) ? n : sizeof(op));
		if (data[0] & 1)
			op.b[15] |= 1;          /* no allocation fails */
		good = driver_op(&op);
	}
	good = good && driver_finish();
	if (!good) {
		printf("%s\n", driver_failure);
		fflush(stdout);
		abort();
	}
	return 0;
}
