/*
 * user.c: tasks for the boot-time tests (user.h).
 */
#include <mm/vm_page.h>
#include <mm/zone.h>
#include "user.h"

static kern_return_t
user_map(vm_map_t map, vm_offset_t at, vm_size_t size)
{
	struct vm_map_enter_args args = {
		.size = size, .flags = VM_FLAGS_FIXED, .cur = VM_PROT_DEFAULT, .max = VM_PROT_ALL,
		.inheritance = VM_INHERIT_COPY,
	};

	return vm_map_enter(map, &at, &args);
}

static kern_return_t
user_load(struct task *t, const char *code, const char *end, uint64_t a0, struct thread **th)
{
	kern_return_t kr = user_map(t->map, USER_CODE, PAGE_SIZE);

	if (kr == KERN_SUCCESS)
		kr = user_map(t->map, USER_DATA, MEGAPAGE_SIZE);
	if (kr == KERN_SUCCESS)
		kr = user_map(t->map, USER_STACK - PAGE_SIZE, PAGE_SIZE);
	if (kr == KERN_SUCCESS)
		kr = vm_map_write_user(t->map, code, USER_CODE, (size_t)(end - code));
	if (kr == KERN_SUCCESS)
		kr = vm_map_protect(t->map, USER_CODE, USER_CODE + PAGE_SIZE,
		    VM_PROT_READ | VM_PROT_EXECUTE, false);
	if (kr == KERN_SUCCESS)
		kr = thread_create_user(t, USER_CODE, USER_STACK, a0, th);
	return kr;
}

struct task *
user_start(const char *code, const char *end, uint64_t a0)
{
	struct task *t;
	struct thread *th;
	kern_return_t kr = task_create(NULL, NULL, "boottest", &t);

	if (kr == KERN_SUCCESS) {
		kr = user_load(t, code, end, a0, &th);
		if (kr != KERN_SUCCESS) {
			task_terminate(t);
			task_deallocate(t);
		}
	}
	test_count_assertion();
	if (kr != KERN_SUCCESS) {
		test_fail(__FILE__, __LINE__, "no task: %s", kern_return_name(kr));
		return NULL;
	}
	thread_start(th);
	return t;
}

struct task *
user_run(const char *code, const char *end, uint64_t a0)
{
	struct task *t = user_start(code, end, a0);

	if (t != NULL)
		task_wait(t);
	return t;
}

/* Page tables of the kernel stay for its next use, and count as free. */
uint64_t
settled_free_pages(void)
{
	struct vm_page_counts c;
	struct pmap_stats kernel;

	task_settle();
	thread_trim();
	zone_gc();
	vm_page_drain();
	vm_page_counts(&c);
	pmap_stats(pmap_kernel(), &kernel);
	return c.free + kernel.tables;
}
