/*
 * syscall.c: the table of system calls; those of threads and the machine.
 *
 *	trap.S ──number──> syscall_table ──> sys_x(a0..a5)
 *
 * Numbers and arguments: atlas/abi.h. Arguments are never trusted: addresses go
 * through copyin, copyout or vm_user.h, handles through the table of handles,
 * everything else is used modulo what it may be. Outputs are written on
 * success only.
 *
 * Calls of tasks are in syscall_task.c, those of the VM in syscall_vm.c, what
 * they ask in syscall_region.c, memory behind handles in syscall_memory.c, FreeBSD's
 * in syscall_find.c and syscall_range.c, stacks and limits in syscall_stack.c.
 */
#include <kernel/task.h>
#include <kernel/thread.h>
#include <arch/timer.h>
#include <arch/tlb.h>
#include <arch/trap.h>
#include <atlas/abi.h>
#include <kernel/console.h>
#include <machine/copy.h>
#include "syscall.h"

#define CONSOLE_CHUNK   256u            /* on the kernel stack */
#define CONSOLE_MAX     0x10000u        /* bytes a call: others wait for the console */

_Static_assert(TRAP_SYSCALLS - 2 > ATLAS_SYS_vm_map_range_valid, "agent_done has a number of its own");

#define ENTRY(name) [ATLAS_SYS_##name] = (const void *)sys_##name
/* The numbers between two calls. */
#define GAP(a, b)   [ATLAS_SYS_##a + 1 ... ATLAS_SYS_##b - 1] = (const void *)sys_unknown

const void *const syscall_table[TRAP_SYSCALLS] = {
	ENTRY(null),
	ENTRY(thread_exit),
	ENTRY(task_exit),
	ENTRY(console_write),
	ENTRY(console_read),
	ENTRY(thread_yield),
	ENTRY(thread_sleep),
	ENTRY(clock_us),
	ENTRY(thread_create),
	ENTRY(exception_handler),
	[ATLAS_SYS_exception_return] = sys_exception_return_entry,
	ENTRY(futex_wait),
	ENTRY(futex_wake),
	ENTRY(icache_sync),
	ENTRY(hart_id),
	ENTRY(random),
	GAP(random, task_create),
	ENTRY(task_create),
	[ATLAS_SYS_task_fork] = sys_task_fork_entry,
	ENTRY(task_terminate),
	ENTRY(task_wait),
	ENTRY(handle_deallocate),
	ENTRY(task_id),
	ENTRY(task_resume),
	ENTRY(task_parent_id),
	GAP(task_parent_id, vm_allocate),
	ENTRY(vm_allocate),
	ENTRY(vm_deallocate),
	ENTRY(vm_protect),
	ENTRY(vm_inherit),
	ENTRY(vm_read),
	ENTRY(vm_write),
	ENTRY(vm_copy),
	ENTRY(vm_map),
	ENTRY(vm_region),
	ENTRY(vm_read_overwrite),
	ENTRY(vm_remap),
	ENTRY(vm_remap_new),
	ENTRY(vm_wire),
	ENTRY(task_wire),
	ENTRY(vm_behavior_set),
	ENTRY(vm_msync),
	ENTRY(vm_machine_attribute),
	ENTRY(vm_region_recurse),
	ENTRY(vm_map_page_query),
	ENTRY(vm_map_page_range_query),
	ENTRY(vm_read_list),
	ENTRY(mach_make_memory_entry),
	ENTRY(vm_region_object_create),
	ENTRY(mach_memory_object_memory_entry),
	ENTRY(memory_object_file),
	ENTRY(memory_object_device),
	ENTRY(memory_object_test),
	ENTRY(memory_object_tell),
	ENTRY(memory_object_counts),
	ENTRY(memory_object_store),
	GAP(memory_object_store, vm_map_find),
	ENTRY(vm_map_find),
	ENTRY(vm_map_find_min),
	ENTRY(vm_map_fixed),
	ENTRY(vm_map_insert),
	ENTRY(vm_map_findspace),
	ENTRY(vm_map_find_aligned),
	ENTRY(vm_map_set_options),
	GAP(vm_map_set_options, vm_map_stack),
	ENTRY(vm_map_stack),
	ENTRY(vm_map_growstack),
	ENTRY(vm_map_stack_rules),
	ENTRY(task_limits),
	GAP(task_limits, vm_map_protect),
	ENTRY(vm_map_protect),
	ENTRY(vm_map_inherit),
	ENTRY(vm_map_madvise),
	ENTRY(vm_map_sync),
	ENTRY(vm_map_wire),
	ENTRY(vm_map_unwire),
	ENTRY(vm_map_check_protection),
	ENTRY(vm_map_range_valid),
	[ATLAS_SYS_vm_map_range_valid + 1 ... TRAP_SYSCALLS - 3] = (const void *)sys_unknown,
	[TRAP_SYSCALLS - 2] = sys_agent_done_entry,     /* agent_code.S */
	[TRAP_SYSCALLS - 1] = (const void *)sys_unknown,        /* and all numbers beyond: trap.S */
};

kern_return_t
output_probe(uint64_t addr, size_t size)
{
	uint64_t there = 0;

	(void)copyin(addr, &there, size);       /* what may only be written holds nothing for its owner: 0 will do */
	return copyout(&there, addr, size);
}

uint64_t
sys_null(void)
{
	return KERN_SUCCESS;
}

/* Every number that names no call. */
uint64_t
sys_unknown(void)
{
	return (uint64_t)KERN_FAIL(KERN_NOT_SUPPORTED, "there is no such system call");
}

void
sys_thread_exit(void)
{
	thread_exit();
}

void
sys_task_exit(uint64_t status)
{
	struct task_how how = { .end = TASK_EXITED, .status = (int)status };

	task_exit(&how);
}

/* An error where a number of bytes is expected. */
static uint64_t
console_error(kern_return_t kr)
{
	return (uint64_t)-(int64_t)kr;
}

uint64_t
sys_console_write(uint64_t buf, uint64_t n)
{
	char chunk[CONSOLE_CHUNK];
	uint64_t done = 0;

	if (n > CONSOLE_MAX)
		n = CONSOLE_MAX;
	while (done < n) {
		size_t part = n - done < sizeof(chunk) ? n - done : sizeof(chunk);
		kern_return_t kr = copyin(buf + done, chunk, part);

		if (kr != KERN_SUCCESS)
			return done != 0 ? done : console_error(kr);
		console_write(chunk, part);
		done += part;
	}
	return done;
}

uint64_t
sys_console_read(uint64_t buf, uint64_t n)
{
	char chunk[CONSOLE_CHUNK];
	size_t got = 0;
	kern_return_t kr;

	if (n == 0)
		return 0;
	if (n > sizeof(chunk))
		n = sizeof(chunk);
	do {
		int c = console_getc();

		if (c < 0)
			return console_error(KERN_ABORTED);
		chunk[got++] = (char)c;
	} while (got < n && console_pending());
	kr = copyout(chunk, buf, got);
	return kr == KERN_SUCCESS ? got : console_error(kr);
}

kern_return_t
sys_thread_yield(void)
{
	thread_yield();
	return KERN_SUCCESS;
}

kern_return_t
sys_thread_sleep(uint64_t us)
{
	if (!thread_sleep_us(us))
		return KERN_FAIL(KERN_ABORTED, "the thread is ending");
	return KERN_SUCCESS;
}

uint64_t
sys_clock_us(void)
{
	return timer_us();
}

kern_return_t
sys_thread_create(uint64_t pc, uint64_t sp, uint64_t a0, uint64_t id_out)
{
	struct thread *th;
	uint32_t id;
	kern_return_t kr = output_probe(id_out, sizeof(id));

	if (kr != KERN_SUCCESS)
		return kr;
	kr = thread_create_user(current_task(), pc, sp, a0, &th);
	if (kr != KERN_SUCCESS)
		return kr;
	id = (uint32_t)th->id;
	thread_start(th);
	/* Writable a moment ago; if another thread took it away, the caller did not want to know. */
	return copyout(&id, id_out, sizeof(id));
}

kern_return_t
sys_icache_sync(void)
{
	tlb_code_shootdown(current_task()->map->pmap);
	return KERN_SUCCESS;
}

uint64_t
sys_hart_id(void)
{
	return hart_index();
}

/* Weyl sequence and mixer (splitmix64): full period, one atomic. For tests, not for secrets. */
uint64_t
sys_random(void)
{
	static uint64_t state;
	uint64_t x;

	if (unlikely(__atomic_load_n(&state, __ATOMIC_RELAXED) == 0))
		__atomic_store_n(&state, timer_now() | 1, __ATOMIC_RELAXED);
	x = __atomic_add_fetch(&state, 0x9e3779b97f4a7c15ul, __ATOMIC_RELAXED);
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ul;
	x = (x ^ x >> 27) * 0x94d049bb133111ebul;
	return x ^ x >> 31;
}
