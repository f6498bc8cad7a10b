/*
 * task.c: life and death of tasks; handles; the agent; nothing leaks.
 */
#include <string.h>
#include <atlas/abi.h>
#include <kernel/pager.h>
#include <machine/vmparam.h>
#include <mm/vm_named_entry.h>
#include <mm/vm_page.h>
#include "user.h"

USER_PROGRAM(user_exit);
USER_PROGRAM(user_sleep);
USER_PROGRAM(user_forks);
USER_PROGRAM(user_orphan);

TEST(task, exit_status_reaches_the_waiter)
{
	struct task *t = user_run(user_exit, user_exit_end, 42);

	if (t == NULL)
		return;
	ASSERT_EQ(t->end, TASK_EXITED);
	ASSERT_EQ(t->status, 42);
	ASSERT_TRUE(task_by_name("boottest") == NULL);
	task_deallocate(t);
}

TEST(task, terminate_wakes_a_sleeper)
{
	struct task *t = user_start(user_sleep, user_sleep_end, 0);

	if (t == NULL)
		return;
	thread_sleep_us(1000);
	ASSERT_EQ(task_terminate(t), KERN_SUCCESS);
	ASSERT_EQ(task_terminate(t), KERN_SUCCESS);
	ASSERT_EQ(t->end, TASK_KILLED);
	ASSERT_EQ(t->nthreads, 0);
	ASSERT_EQ(t->map->hdr.nentries, 0);
	task_deallocate(t);
}

TEST(task, without_threads_lives_until_terminated)
{
	struct task *t, *found;

	ASSERT_EQ(task_create(NULL, NULL, "boottest", &t), KERN_SUCCESS);
	found = task_by_name("boottest");
	ASSERT_TRUE(found == t);
	task_deallocate(found);
	ASSERT_EQ(task_terminate(t), KERN_SUCCESS);
	ASSERT_TRUE(task_by_name("boottest") == NULL);
	task_deallocate(t);
}

TEST(task, that_nobody_can_name_ends)
{
	unsigned before = task_count();
	struct task *t, *child;

	ASSERT_EQ(task_create(NULL, NULL, "boottest", &t), KERN_SUCCESS);
	ASSERT_EQ(task_create(t, NULL, "boottest2", &child), KERN_SUCCESS);
	ASSERT_EQ(task_parent_id(child), t->id);
	task_deallocate(child);                 /* a corpse for its parent now */
	child = task_by_name("boottest2");
	ASSERT_TRUE(child != NULL && child->ended);
	task_deallocate(child);
	task_deallocate(t);
	ASSERT_EQ(task_count(), before);
}

TEST(task, kernel_task_stays)
{
	ASSERT_EQ(task_terminate(kernel_task), KERN_INVALID_TASK);
}

TEST(task, handles_have_generations)
{
	struct task *t, *found;
	uint32_t first, second;

	ASSERT_EQ(task_create(NULL, NULL, "boottest", &t), KERN_SUCCESS);
	task_reference(kernel_task);
	ASSERT_EQ(handle_insert(t, HANDLE_TASK, kernel_task, &first), KERN_SUCCESS);
	ASSERT_EQ(first, 1);
	found = handle_task(t, first);
	ASSERT_TRUE(found == kernel_task);
	task_deallocate(found);
	ASSERT_EQ(handle_remove(t, first), KERN_SUCCESS);
	ASSERT_EQ(handle_remove(t, first), KERN_INVALID_NAME);
	task_reference(kernel_task);
	ASSERT_EQ(handle_insert(t, HANDLE_TASK, kernel_task, &second), KERN_SUCCESS);
	ASSERT_NE(first, second);
	ASSERT_TRUE(handle_task(t, first) == NULL);
	ASSERT_TRUE(handle_task(t, 0) == NULL);
	ASSERT_TRUE(handle_task(t, 4095) == NULL);
	ASSERT_TRUE(handle_task(t, ATLAS_TASK_SELF - 1) == NULL);
	found = handle_task(t, ATLAS_TASK_SELF);
	ASSERT_TRUE(found == t);
	task_deallocate(found);
	ASSERT_EQ(task_terminate(t), KERN_SUCCESS);
	task_deallocate(t);
}

/* A handle serves only where its type is wanted; each kind of object is given back by its own road. */
TEST(task, handles_have_types)
{
	enum handle_type type;
	vm_named_entry_t entry;
	memory_object_t mo;
	uint32_t of_task, of_entry, of_memory;
	struct task *t;
	void *found;

	ASSERT_EQ(task_create(NULL, NULL, "boottest", &t), KERN_SUCCESS);
	ASSERT_EQ(pager_test_create(PAGE_SIZE, &mo), KERN_SUCCESS);
	ASSERT_EQ(vm_named_entry_submap(PAGE_SIZE, &entry), KERN_SUCCESS);
	task_reference(kernel_task);
	ASSERT_EQ(handle_insert(t, HANDLE_TASK, kernel_task, &of_task), KERN_SUCCESS);
	ASSERT_EQ(handle_insert(t, HANDLE_NAMED_ENTRY, entry, &of_entry), KERN_SUCCESS);
	memory_object_reference(mo);
	ASSERT_EQ(handle_insert(t, HANDLE_MEMORY_OBJECT, mo, &of_memory), KERN_SUCCESS);
	ASSERT_TRUE(handle_task(t, of_entry) == NULL && handle_task(t, of_memory) == NULL);
	ASSERT_TRUE(handle_object(t, of_task, HANDLE_NAMED_ENTRY) == NULL);
	ASSERT_TRUE(handle_object(t, of_memory, HANDLE_NAMED_ENTRY) == NULL);
	ASSERT_TRUE(handle_object(t, of_entry, HANDLE_MEMORY_OBJECT) == NULL);
	ASSERT_TRUE(handle_memory(t, of_task, &type) == NULL);
	found = handle_memory(t, of_entry, &type);
	ASSERT_TRUE(found == entry && type == HANDLE_NAMED_ENTRY);
	ASSERT_EQ(entry->ref_count, 2);
	handle_release(type, found);
	found = handle_memory(t, of_memory, &type);
	ASSERT_TRUE(found == mo && type == HANDLE_MEMORY_OBJECT);
	handle_release(type, found);
	handle_release(HANDLE_MEMORY_OBJECT, NULL);
	ASSERT_EQ(entry->ref_count, 1);
	ASSERT_EQ(mo->ref_count, 2);
	ASSERT_EQ(task_terminate(t), KERN_SUCCESS);
	task_deallocate(t);
	ASSERT_EQ(mo->ref_count, 1);
	memory_object_release(mo);
}

/* A handle that is in use several times goes with its last use, and the object with it. */
TEST(task, handles_count_their_uses)
{
	uint32_t references = kernel_task->ref_count, handle;
	struct task *t, *found;

	ASSERT_EQ(task_create(NULL, NULL, "boottest", &t), KERN_SUCCESS);
	ASSERT_EQ(handle_again(t, 1), KERN_INVALID_NAME);
	task_reference(kernel_task);
	ASSERT_EQ(handle_insert(t, HANDLE_TASK, kernel_task, &handle), KERN_SUCCESS);
	for (unsigned i = 1; i < UINT16_MAX; i++)
		if (handle_again(t, handle) != KERN_SUCCESS)
			ASSERT_TRUE(!"one more use");
	ASSERT_EQ(handle_again(t, handle), KERN_UREFS_OVERFLOW);
	ASSERT_EQ(kernel_task->ref_count, references + 1);
	for (unsigned i = 1; i < UINT16_MAX; i++)
		if (handle_remove(t, handle) != KERN_SUCCESS)
			ASSERT_TRUE(!"one use less");
	found = handle_task(t, handle);
	ASSERT_TRUE(found == kernel_task);
	task_deallocate(found);
	ASSERT_EQ(handle_remove(t, handle), KERN_SUCCESS);
	ASSERT_TRUE(handle_task(t, handle) == NULL);
	ASSERT_EQ(handle_remove(t, handle), KERN_INVALID_NAME);
	ASSERT_EQ(handle_again(t, handle), KERN_INVALID_NAME);
	ASSERT_EQ(kernel_task->ref_count, references);
	ASSERT_EQ(task_terminate(t), KERN_SUCCESS);
	task_deallocate(t);
}

TEST(task, handles_end_in_a_shortage)
{
	uint32_t references = kernel_task->ref_count, handle;
	struct task *t;
	unsigned n = 0;

	ASSERT_EQ(task_create(NULL, NULL, "boottest", &t), KERN_SUCCESS);
	for (;;) {
		kern_return_t kr;

		task_reference(kernel_task);
		kr = handle_insert(t, HANDLE_TASK, kernel_task, &handle);
		if (kr != KERN_SUCCESS) {
			task_deallocate(kernel_task);
			ASSERT_EQ(kr, KERN_RESOURCE_SHORTAGE);
			break;
		}
		n++;
	}
	ASSERT_EQ(n, TASK_HANDLES_MAX);
	ASSERT_EQ(handle_count(t), TASK_HANDLES_MAX);
	ASSERT_EQ(task_terminate(t), KERN_SUCCESS);
	task_deallocate(t);
	ASSERT_EQ(kernel_task->ref_count, references);
}

TEST(task, forks_and_exits_leak_nothing)
{
	uint64_t before;
	struct task *t;

	/* Once for what stays: zones' first slabs, kernel page tables. */
	for (unsigned round = 0; round < 2; round++) {
		before = settled_free_pages();
		t = user_run(user_forks, user_forks_end, 200);
		if (t == NULL)
			return;
		ASSERT_EQ(t->end, TASK_EXITED);
		ASSERT_EQ(t->status, 0);
		task_deallocate(t);
	}
	ASSERT_EQ(settled_free_pages(), before);
}

TEST(task, orphans_leave_no_corpse)
{
	unsigned before = task_count(), tries = 0;
	struct task *t = user_run(user_orphan, user_orphan_end, 0);

	if (t == NULL)
		return;
	task_deallocate(t);
	while (task_count() != before && tries++ < 20000)
		thread_sleep_us(5000);
	ASSERT_EQ(task_count(), before);
}

TEST(task, threads_end_in_a_shortage)
{
	struct thread *th[TASK_THREADS_MAX];
	struct task *t;
	unsigned n = 0;
	kern_return_t kr;

	ASSERT_EQ(task_create(NULL, NULL, "boottest", &t), KERN_SUCCESS);
	while (n < TASK_THREADS_MAX &&
	    (kr = thread_create_user(t, USER_CODE, 0, 0, &th[n])) == KERN_SUCCESS)
		n++;
	if (n == TASK_THREADS_MAX) {
		struct thread *more;

		ASSERT_EQ(thread_create_user(t, USER_CODE, 0, 0, &more), KERN_RESOURCE_SHORTAGE);
	} else
		ASSERT_EQ(kr, KERN_RESOURCE_SHORTAGE);
	ASSERT_GE(n, 16);
	while (n > 0)
		thread_start(th[--n]);
	ASSERT_EQ(task_wait(t), KERN_SUCCESS);
	ASSERT_EQ(t->end, TASK_EXCEPTION);
	task_deallocate(t);
}

/* --- the agent --- */

static struct task *
agent_task(void)
{
	struct vm_map_enter_args args = {
		.size = 4 * PAGE_SIZE, .flags = VM_FLAGS_FIXED, .cur = VM_PROT_DEFAULT, .max = VM_PROT_ALL,
		.inheritance = VM_INHERIT_COPY,
	};
	vm_offset_t at = USER_DATA;
	struct task *t;

	if (task_create(NULL, NULL, "boottest", &t) != KERN_SUCCESS)
		return NULL;
	if (vm_map_enter(t->map, &at, &args) == KERN_SUCCESS)
		return t;
	task_terminate(t);
	task_deallocate(t);
	return NULL;
}

static kern_return_t
ask(struct task *t, enum agent_op op, vm_offset_t addr, vm_size_t size, unsigned width,
    uint64_t *value)
{
	struct agent_request r = { .op = op, .addr = addr, .size = size, .width = width, .value = *value };
	kern_return_t kr = task_agent(t, &r);

	*value = kr == KERN_SUCCESS ? r.value : r.fault_addr;
	return kr;
}

static void
agent_accesses(struct task *t)
{
	uint64_t v;

	for (unsigned width = 1; width <= 8; width *= 2) {
		v = 0x8182838485868788;
		ASSERT_EQ(ask(t, AGENT_STORE, USER_DATA + 64 + width, 0, width, &v), KERN_SUCCESS);
		v = 0;
		ASSERT_EQ(ask(t, AGENT_LOAD, USER_DATA + 64 + width, 0, width, &v), KERN_SUCCESS);
		ASSERT_EQ(v, 0x8182838485868788 & (~0ul >> (64 - 8 * width)));
	}
	v = 0;
	ASSERT_EQ(ask(t, AGENT_LOAD, USER_DATA, 0, 3, &v), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(ask(t, AGENT_LOAD, 0, 0, 8, &v), KERN_INVALID_ADDRESS);
	for (unsigned from = 0; from < 10; from++)
		for (unsigned n = 0; n < 200; n += 1 + n / 8) {
			v = 0;
			ASSERT_EQ(ask(t, AGENT_FILL, USER_DATA, 300, 1, &v), KERN_SUCCESS);
			v = 0xa5;
			ASSERT_EQ(ask(t, AGENT_FILL, USER_DATA + from, n, 1, &v), KERN_SUCCESS);
			ASSERT_EQ(ask(t, AGENT_SUM, USER_DATA + from, n, 1, &v), KERN_SUCCESS);
			ASSERT_EQ(v, 0xa5ul * n);
			ASSERT_EQ(ask(t, AGENT_SUM, USER_DATA, 300, 1, &v), KERN_SUCCESS);
			ASSERT_EQ(v, 0xa5ul * n);
		}
}

static void
agent_faults(struct task *t)
{
	vm_offset_t end = USER_DATA + 4 * PAGE_SIZE;
	uint64_t v = 1;

	ASSERT_EQ(ask(t, AGENT_FILL, end - 100, 200, 1, &v), KERN_INVALID_ADDRESS);
	ASSERT_EQ(v, end);
	ASSERT_EQ(ask(t, AGENT_SUM, end - 100, 200, 1, &v), KERN_INVALID_ADDRESS);
	ASSERT_EQ(v, end);
	ASSERT_EQ(ask(t, AGENT_SUM, end - 100, 100, 1, &v), KERN_SUCCESS);
	ASSERT_EQ(v, 100);
	ASSERT_EQ(ask(t, AGENT_TOUCH_READ, USER_DATA + 5, 4 * PAGE_SIZE - 5, 1, &v), KERN_SUCCESS);
	ASSERT_EQ(ask(t, AGENT_TOUCH_WRITE, USER_DATA + 5, 4 * PAGE_SIZE - 4, 1, &v), KERN_INVALID_ADDRESS);
	ASSERT_EQ(v, end);
	ASSERT_EQ(ask(t, AGENT_EXEC, USER_DATA, 0, 1, &v), KERN_PROTECTION_FAILURE);
	ASSERT_EQ(v, USER_DATA);
	ASSERT_EQ(ask(t, AGENT_SUM, ~0ul - 10, 100, 1, &v), KERN_INVALID_ADDRESS);
}

TEST(agent, accesses_and_faults)
{
	struct task *t = agent_task();

	ASSERT_TRUE(t != NULL);
	agent_accesses(t);
	if (!test_failed())
		agent_faults(t);
	task_terminate(t);
	task_deallocate(t);
}

/* Code that the agent calls may end its thread, or the task. */
TEST(agent, code_that_exits)
{
	const uint32_t thread_exit_code[] = { 0x00100893, 0x00000073 };         /* li a7,1; ecall */
	const uint32_t answer[] = { 0x02a00513, 0x00008067 };                   /* li a0,42; ret */
	struct task *t = agent_task();
	vm_offset_t code = USER_DATA;
	uint64_t v = 0;

	ASSERT_TRUE(t != NULL);
	ASSERT_EQ(vm_map_write_user(t->map, thread_exit_code, code, 8), KERN_SUCCESS);
	ASSERT_EQ(vm_map_write_user(t->map, answer, code + 64, 8), KERN_SUCCESS);
	ASSERT_EQ(vm_map_protect(t->map, code, code + PAGE_SIZE, VM_PROT_READ | VM_PROT_EXECUTE, false),
	    KERN_SUCCESS);
	ASSERT_EQ(ask(t, AGENT_EXEC, code, 0, 1, &v), KERN_TERMINATED);
	ASSERT_EQ(ask(t, AGENT_EXEC, code + 64, 0, 1, &v), KERN_SUCCESS);
	ASSERT_EQ(v, 42);
	ASSERT_EQ(task_terminate(t), KERN_SUCCESS);
	ASSERT_EQ(ask(t, AGENT_EXEC, code + 64, 0, 1, &v), KERN_TERMINATED);
	task_deallocate(t);
}
