/*
 * user.h: running the programs of user_code.S.
 *
 * The code lies at USER_CODE (r-x), 2 MiB of untouched memory at USER_DATA, and
 * the stack in the page below USER_STACK.
 */
#ifndef TEST_BOOT_USER_H
#define TEST_BOOT_USER_H

#include <base/test.h>
#include <kernel/task.h>
#include <kernel/thread.h>

#define USER_CODE       0x10000ul
#define USER_DATA       0x400000ul
#define USER_STACK      0x800000ul

#define USER_PROGRAM(name) extern const char name[], name##_end[]

/* A task that begins to run the program; NULL (and the test has failed): it could not be made. */
struct task *user_start(const char *code, const char *end, uint64_t a0);
/* The same, and waits for its end. */
struct task *user_run(const char *code, const char *end, uint64_t a0);

/* Free pages once caches are emptied: to be compared before and after. */
uint64_t settled_free_pages(void);

#endif
