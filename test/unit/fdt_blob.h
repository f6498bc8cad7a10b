/*
 * fdt_blob.h: device trees made by hand, token by token, for the unit tests.
 *
 * One tree at a time, in a static buffer (the tests also run in the kernel,
 * where stacks are small). Everything can be made wrong: tokens are written as
 * told, and the finished header is bytes that a test may change.
 */
#ifndef TEST_FDT_BLOB_H
#define TEST_FDT_BLOB_H

#include <base/types.h>

#define BLOB_MAX 16384

void blob_start(void);                          /* an empty tree, version 17 */
void blob_token(uint32_t t);
void blob_node(const char *name);               /* BEGIN_NODE; "" for the root */
void blob_end(void);                            /* END_NODE */
void blob_bytes(const char *name, const void *data, size_t len);
void blob_string(const char *name, const char *value);
/* A property of `count` cells, given as unsigned ints. */
void blob_cells(const char *name, unsigned count, ...);
/* Two cells for the address, two for the size: root's reg. */
void blob_reg64(uint64_t base, uint64_t size);
void blob_reserve(uint64_t base, uint64_t size);
/* Writes END, puts the parts together. The blob stays until the next blob_start. */
uint8_t *blob_finish(size_t *size);
/* Stores a big-endian word. */
void blob_put32(uint8_t *at, uint32_t v);

#endif
