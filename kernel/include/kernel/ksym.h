/*
 * kernel/ksym.h: names for code addresses, from the table that the build
 * embeds in the kernel (scripts/gen-symtab).
 */
#ifndef KERNEL_KSYM_H
#define KERNEL_KSYM_H

#include <base/types.h>

/*
 * The function that holds pc, and how far into it pc is (offset may be NULL).
 * NULL: pc is not in the kernel's text. Takes no locks, touches nothing but
 * read-only data: good for crash reports.
 */
const char *ksym_name(uint64_t pc, uint64_t *offset);

#endif
