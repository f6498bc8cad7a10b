/*
 * vars.c: the shell's variables.
 *
 * Text by name, in a table that never shrinks. Some names are computed when
 * they are asked for and cannot be set:
 *
 *	$?           status of the last command: 0 done, 1 refused, 2 usage
 *	$kr          the name of its result code
 *	$free_pages  free pages and the kernel's page tables, after every cache has
 *	             been emptied: two readings differ only by what is really in use
 *	$pages       pages of memory the kernel manages; $mem the same in bytes
 *	$harts       harts running threads; $mode the paging mode
 *	$max_address first address above user space
 */
#include <stdio.h>
#include <string.h>
#include <arch/paging.h>
#include <machine/hart.h>
#include <kernel/hold.h>
#include <kernel/thread.h>
#include <mm/pmap.h>
#include <mm/vm_page.h>
#include <mm/zone.h>
#include "shell.h"

#define VARS_MAX        128

/* $free_pages: readings that must agree, the most that are made, the time between. */
#define SETTLE_SAME     3
#define SETTLE_TRIES    100
#define SETTLE_US       1000

struct variable {
	char name[SHELL_NAME_MAX];
	char value[SHELL_VALUE_MAX];
};

static struct variable variables[VARS_MAX];
static unsigned nvariables;

static const char *const computed_names[] = {
	"free_pages", "harts", "kr", "max_address", "mem", "mode", "pages",
};

/*
 * The kernel's own page tables count as free: they grow with the widest use of
 * kernel_map, stay for the next use, and belong to no task.
 */
static uint64_t
free_pages_now(void)
{
	struct vm_page_counts counts;
	struct pmap_stats kernel;

	thread_trim();
	zone_gc();
	vm_page_drain();
	vm_page_counts(&counts);
	pmap_stats(pmap_kernel(), &kernel);
	return counts.free + kernel.tables;
}

/*
 * What a task leaves behind (its last stack) goes a moment after its end, on
 * another hart, which may stand still for long under an emulator: each hart comes
 * to rest first. The count is taken when it has not changed for a while.
 */
static uint64_t
free_pages(void)
{
	uint64_t n, again;
	unsigned same = 0, tries;

	task_settle();
	(void)harts_hold();
	harts_release();
	n = free_pages_now();
	for (tries = 0; same < SETTLE_SAME && tries < SETTLE_TRIES; tries++) {
		thread_sleep_us(SETTLE_US);
		again = free_pages_now();
		same = again == n ? same + 1 : 0;
		n = again;
	}
	return n;
}

static uint64_t
total_pages(void)
{
	struct vm_page_counts counts;

	vm_page_counts(&counts);
	return counts.total;
}

static unsigned
harts_online(void)
{
	unsigned i, n = 0;

	for (i = 0; i < hart_count; i++)
		n += __atomic_load_n(&harts[i].online, __ATOMIC_RELAXED) != 0;
	return n;
}

static bool
computed(const char *name, char *buf, size_t size)
{
	if (strcmp(name, "?") == 0)
		snprintf(buf, size, "%d", shell_last.status);
	else if (strcmp(name, "kr") == 0)
		snprintf(buf, size, "%s", kern_return_name(shell_last.kr));
	else if (strcmp(name, "free_pages") == 0)
		snprintf(buf, size, "%lu", free_pages());
	else if (strcmp(name, "pages") == 0)
		snprintf(buf, size, "%lu", total_pages());
	else if (strcmp(name, "mem") == 0)
		snprintf(buf, size, "0x%lx", total_pages() * PAGE_SIZE);
	else if (strcmp(name, "harts") == 0)
		snprintf(buf, size, "%u", harts_online());
	else if (strcmp(name, "mode") == 0)
		snprintf(buf, size, "%s", paging_mode_name());
	else if (strcmp(name, "max_address") == 0)
		snprintf(buf, size, "0x%lx", vm_max_address);
	else
		return false;
	return true;
}

static bool
is_computed(const char *name)
{
	unsigned i;

	for (i = 0; i < nitems(computed_names); i++)
		if (strcmp(name, computed_names[i]) == 0)
			return true;
	return false;
}

static struct variable *
find(const char *name)
{
	unsigned i;

	for (i = 0; i < nvariables; i++)
		if (strcmp(variables[i].name, name) == 0)
			return &variables[i];
	return NULL;
}

bool
vars_get(const char *name, char *buf, size_t size)
{
	struct variable *v = find(name);

	if (v == NULL)
		return computed(name, buf, size);
	snprintf(buf, size, "%s", v->value);
	return true;
}

bool
vars_set(const char *name, const char *value)
{
	struct variable *v = find(name);

	if (strlen(name) >= SHELL_NAME_MAX || strlen(value) >= SHELL_VALUE_MAX || is_computed(name))
		return false;
	if (v == NULL) {
		if (nvariables == VARS_MAX)
			return false;
		v = &variables[nvariables++];
		strcpy(v->name, name);
	}
	strcpy(v->value, value);
	return true;
}

bool
vars_nth(unsigned i, const char **name, char *value, size_t size)
{
	if (i < nvariables) {
		*name = variables[i].name;
		snprintf(value, size, "%s", variables[i].value);
		return true;
	}
	i -= nvariables;
	if (i >= nitems(computed_names))
		return false;
	*name = computed_names[i];
	return computed(*name, value, size);
}

void
cmd_set_text(const char *name, const char *value)
{
	(void)vars_set(name, value);
}

void
cmd_set_num(const char *name, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "0x%lx", value);
	cmd_set_text(name, text);
}
