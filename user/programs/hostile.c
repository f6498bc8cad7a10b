/*
 * hostile [SECONDS [SEED]]: random system calls from several threads, with
 * random and boundary arguments, wild pointers and wild instructions.
 *
 * The attackers are children that live a fraction of a second and may come to
 * any end; the parent only counts them and starts new ones. All is well when
 * the kernel still answers at the end: status 0. Each child derives its calls
 * from the printed seed and its number (threads and time still make a
 * difference).
 *
 * No attacker outlives its time: a thread of each child waits for the deadline
 * and ends the task; what a child forks does a few calls that cannot sleep, and
 * ends. If an attacker ruins that thread, it ruins the task.
 */
#include <atlas/syscall.h>
#include <atlas/thread.h>
#include <mach/mach.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define ATTACKERS       4
#define LIFE_US         200000ul
#define GRACE_US        1000000ul
#define ARENA           (16ul << 20)
#define MEGA            (2ul << 20)
#define HANDLES         8

struct attacker {
	uint64_t random;
	bool     forked;                /* a child's child: nothing that sleeps */
	uint32_t handle[HANDLES];
};

static char *arena;
static uint64_t seed = 1;
static unsigned child_number;

static uint64_t
draw(struct attacker *a)
{
	a->random ^= a->random << 13;
	a->random ^= a->random >> 7;
	a->random ^= a->random << 17;
	return a->random * 0x2545f4914f6cdd1du;
}

static unsigned
below(struct attacker *a, unsigned n)
{
	return (draw(a) >> 32) % n;
}

/* Border values of addresses and sizes, give or take a little. */
static uint64_t
border(struct attacker *a)
{
	static const uint64_t value[] = {
		0, PAGE_SIZE, MEGA, 1ul << 30, 1ul << 31, 1ul << 32, 1ul << 38, 1ul << 47,
		1ul << 56, 1ul << 63, -MEGA, -PAGE_SIZE, 0xffffffc000000000, 0xffffffe000000000,
		0xffffffff80000000, 0x10000,
	};
	static const int64_t off[] = { 0, 0, 0, 1, -1, 2, -2, PAGE_SIZE, -(int64_t)PAGE_SIZE };

	return value[below(a, sizeof(value) / sizeof(value[0]))] +
	    off[below(a, sizeof(off) / sizeof(off[0]))];
}

static uint64_t
address(struct attacker *a)
{
	switch (below(a, 16)) {
	case 0:
		return border(a);
	case 1:
		return draw(a) >> below(a, 64);
	case 2:
		return (uintptr_t)arena + (draw(a) % (ARENA / MEGA)) * MEGA;
	case 3:
		return (uintptr_t)arena + draw(a) % ARENA;
	default:
		return (uintptr_t)arena + (draw(a) % (ARENA / PAGE_SIZE)) * PAGE_SIZE;
	}
}

static uint64_t
size(struct attacker *a)
{
	switch (below(a, 16)) {
	case 0:
		return border(a);
	case 1:
		return draw(a) >> below(a, 64);
	case 2:
		return MEGA << below(a, 3);
	case 3:
		return below(a, 3 * PAGE_SIZE);
	default:
		return (1 + below(a, 32)) * PAGE_SIZE;
	}
}

static uint64_t
task(struct attacker *a)
{
	switch (below(a, 8)) {
	case 0:
		return draw(a) >> below(a, 64);
	case 1:
	case 2:
	case 3:
		return a->handle[below(a, HANDLES)];
	default:
		return ATLAS_TASK_SELF;
	}
}

static uint64_t
small(struct attacker *a)
{
	return below(a, 8) == 0 ? draw(a) >> below(a, 64) : below(a, 9);
}

/* A place the kernel may write to: good mostly. */
static uint64_t
pointer(struct attacker *a, void *good)
{
	return below(a, 8) == 0 ? address(a) : (uintptr_t)good;
}

/*
 * Whose memory a call on [where, where+n) is about. Seldom our own outside of
 * the arena: it would cost us code or stack, and end the attack early.
 */
static uint64_t
target(struct attacker *a, uint64_t where, uint64_t n)
{
	uint64_t t = task(a), at = where - (uintptr_t)arena;

	if (t == ATLAS_TASK_SELF && (at >= ARENA || n > ARENA - at) && below(a, 64) != 0)
		t = a->handle[0];
	return t;
}

static void
remap_call(struct attacker *a, uint64_t t, uint64_t where, uint64_t n)
{
	struct atlas_vm_remap_args args = {
		.task = t, .src = task(a), .addr = where, .size = n, .mask = below(a, 4) ? 0 : (1ul << below(a, 64)) - 1,
		.src_addr = address(a), .flags = below(a, 2) ? 1 : small(a) << (below(a, 3) * 7), .copy = below(a, 2),
		.cur = small(a), .max = below(a, 2) ? 7 : small(a), .inherit = below(a, 4),
	};

	atlas_syscall1(below(a, 2) ? ATLAS_SYS_vm_remap : ATLAS_SYS_vm_remap_new, pointer(a, &args));
}

/* Handles of memory: made, used, told to misbehave (but not to keep anybody waiting), dropped. */
static void
memory_call(struct attacker *a)
{
	static const uint8_t verbs[] = {
		ATLAS_PAGER_CLUSTER, ATLAS_PAGER_CACHE, ATLAS_PAGER_FAIL, ATLAS_PAGER_UNAVAILABLE, ATLAS_PAGER_TWICE,
		ATLAS_PAGER_PRECIOUS, ATLAS_PAGER_FILL, ATLAS_PAGER_CLEAN, ATLAS_PAGER_FLUSH, ATLAS_PAGER_DIE,
	};
	uint64_t n = size(a), where = address(a);
	uint32_t *slot = &a->handle[1 + below(a, HANDLES - 1)], other = a->handle[below(a, HANDLES)];
	uint32_t permission = small(a) | (below(a, 2) ? 0x20000 : 0x10000u << below(a, 8));
	struct atlas_pager_counts counts;

	switch (below(a, 8)) {
	case 0:
	case 1:
		atlas_syscall6(ATLAS_SYS_mach_make_memory_entry, task(a), pointer(a, &n), where, permission,
		    pointer(a, slot), below(a, 2) ? 0 : other);
		break;
	case 2:
		atlas_syscall3(ATLAS_SYS_vm_region_object_create, task(a), n, pointer(a, slot));
		break;
	case 3:
		atlas_syscall6(ATLAS_SYS_mach_memory_object_memory_entry, ATLAS_HOST_SELF, below(a, 2), n, small(a),
		    below(a, 2) ? 0 : other, pointer(a, slot));
		break;
	case 4:
		atlas_syscall2(ATLAS_SYS_memory_object_test, n, pointer(a, slot));
		break;
	case 5:
		atlas_syscall3(ATLAS_SYS_memory_object_tell, other, verbs[below(a, sizeof(verbs))], small(a));
		break;
	case 6:
		atlas_syscall5(ATLAS_SYS_memory_object_store, other, size(a), where, n, below(a, 2));
		break;
	default:
		atlas_syscall2(ATLAS_SYS_memory_object_counts, other, pointer(a, &counts));
		break;
	}
}

static void
range_call(struct attacker *a)
{
	uint64_t where = address(a), n = size(a), t = target(a, where, n), count = small(a);
	uint32_t info[24], words = below(a, 4) == 0 ? small(a) : 24, depth = small(a);
	struct atlas_vm_range list[4] = { { where, n }, { address(a), size(a) }, { where, 1 }, { where, 5 } };
	int value = (int)small(a), refs;

	switch (below(a, 10)) {
	case 0:
		atlas_syscall5(ATLAS_SYS_vm_wire, below(a, 16) ? ATLAS_HOST_SELF : draw(a), t, where, n, small(a));
		break;
	case 1:
		atlas_syscall2(ATLAS_SYS_task_wire, task(a), below(a, 4) == 0);
		break;
	case 2:
	case 3:
		atlas_syscall4(ATLAS_SYS_vm_behavior_set, t, where, n, below(a, 14));
		break;
	case 4:
		atlas_syscall4(ATLAS_SYS_vm_msync, t, where, n, below(a, 64));
		break;
	case 5:
		atlas_syscall5(ATLAS_SYS_vm_machine_attribute, t, where, n, small(a), pointer(a, &value));
		break;
	case 6:
		atlas_syscall6(ATLAS_SYS_vm_region_recurse, t, pointer(a, &where), pointer(a, &n), pointer(a, &depth),
		    pointer(a, info), pointer(a, &words));
		break;
	case 7:
		atlas_syscall4(ATLAS_SYS_vm_map_page_query, t, where, pointer(a, &value), pointer(a, &refs));
		break;
	case 8:
		atlas_syscall5(ATLAS_SYS_vm_map_page_range_query, t, where, n, pointer(a, info), pointer(a, &count));
		break;
	default:
		count = below(a, 5);
		if (atlas_syscall3(ATLAS_SYS_vm_read_list, t, pointer(a, list), count) == KERN_SUCCESS)
			while (count-- > 0)
				atlas_syscall3(ATLAS_SYS_vm_deallocate, ATLAS_TASK_SELF, list[count].addr,
				    list[count].size);
		break;
	}
}

static void
vm_call(struct attacker *a)
{
	uint64_t where = address(a), n = size(a), other = address(a), info[8] = { 0 };
	uint64_t t = target(a, where, n);
	uint32_t words = below(a, 4) == 0 ? small(a) : VM_REGION_BASIC_INFO_COUNT;
	struct atlas_vm_map_args args = {
		.task = t, .flags = below(a, 2) ? 1 : small(a) << (below(a, 3) * 7),
		.addr = where, .size = n, .mask = below(a, 4) ? 0 : (1ul << below(a, 64)) - 1,
		.object = below(a, 4) ? 0 : below(a, 4) ? a->handle[below(a, HANDLES)] : draw(a), .copy = small(a), .offset = address(a),
		.cur = small(a), .max = below(a, 2) ? 7 : small(a), .inherit = below(a, 4),
	};

	switch (below(a, 18)) {
	case 11:
	case 12:
		remap_call(a, t, where, n);
		break;
	case 13:
	case 14:
		memory_call(a);
		break;
	case 15:
	case 16:
		range_call(a);
		break;
	case 0:
	case 1:
		atlas_syscall4(ATLAS_SYS_vm_allocate, t, pointer(a, &where), n,
		    below(a, 4) ? 0 : small(a));
		break;
	case 2:
		atlas_syscall3(ATLAS_SYS_vm_deallocate, t, where, n);
		break;
	case 3:
	case 4:
		atlas_syscall5(ATLAS_SYS_vm_protect, t, where, n, below(a, 8) == 0,
		    small(a));
		break;
	case 5:
		atlas_syscall4(ATLAS_SYS_vm_inherit, t, where, n, small(a));
		break;
	case 6:
		if (atlas_syscall5(ATLAS_SYS_vm_read, task(a), where, n, pointer(a, &info[0]),
		    pointer(a, &info[1])) == KERN_SUCCESS)
			atlas_syscall3(ATLAS_SYS_vm_deallocate, ATLAS_TASK_SELF, info[0], info[1]);
		break;
	case 7:
		atlas_syscall4(ATLAS_SYS_vm_write, t, where, other, n);
		break;
	case 8:
		atlas_syscall4(ATLAS_SYS_vm_copy, target(a, other, n), where, n, other);
		break;
	case 9:
		atlas_syscall1(ATLAS_SYS_vm_map, pointer(a, &args));
		break;
	case 10:
		atlas_syscall6(ATLAS_SYS_vm_region, t, pointer(a, &where),
		    pointer(a, &n), below(a, 8) ? 10 : small(a), pointer(a, info),
		    pointer(a, &words));
		break;
	default:
		atlas_syscall5(ATLAS_SYS_vm_read_overwrite, task(a), where, n, other,
		    pointer(a, &info[0]));
		break;
	}
}

static void attack(struct attacker *a, unsigned calls);

/* A copy of the calling thread alone: a few calls, and gone. */
static void
fork_call(struct attacker *a)
{
	register uint64_t a0 __asm__("a0") = (uintptr_t)&a->handle[below(a, HANDLES)];
	register uint64_t a1 __asm__("a1");
	register long a7 __asm__("a7") = ATLAS_SYS_task_fork;

	if (a->forked)
		return;
	__asm__ volatile("ecall" : "+r"(a0), "=r"(a1), "+r"(a7)
	    :: "a2", "a3", "a4", "a5", ATLAS_CLOBBERS);
	if (a0 == KERN_SUCCESS && a1 == 1) {
		a->forked = true;
		a->random ^= 0x5555555555;
		attack(a, 32);
		_exit(0);
	}
}

static void
task_call(struct attacker *a)
{
	struct atlas_task_status status;
	unsigned i = below(a, HANDLES);

	switch (below(a, 8)) {
	case 0:
		atlas_syscall3(ATLAS_SYS_task_create, task(a), small(a),
		    pointer(a, &a->handle[i]));
		break;
	case 1:
		fork_call(a);
		break;
	case 2:
		if (a->handle[i] != ATLAS_TASK_SELF)
			atlas_syscall1(ATLAS_SYS_task_terminate, a->handle[i]);
		break;
	case 3:
		atlas_syscall3(ATLAS_SYS_task_wait, below(a, 2) ? 0 : task(a),
		    pointer(a, &status), 1);
		break;
	case 4:
		atlas_syscall1(ATLAS_SYS_handle_deallocate, task(a));
		break;
	case 5:
		atlas_syscall1(ATLAS_SYS_task_id, task(a));
		break;
	case 6:
		if (!a->forked)         /* would run on after its task's deadline */
			atlas_syscall4(ATLAS_SYS_task_resume, task(a), address(a) & 0xfff,
			    address(a), draw(a));
		break;
	default:        /* never anything to print: the console is for people */
		if (below(a, 2))
			atlas_syscall2(ATLAS_SYS_console_write, address(a), 0);
		else
			atlas_syscall2(ATLAS_SYS_console_write, border(a) | 1ul << 63, -draw(a));
		break;
	}
}

static void
thread_call(struct attacker *a)
{
	uint32_t word = 1;

	switch (below(a, 9)) {
	case 0:
		atlas_syscall0(ATLAS_SYS_thread_yield);
		break;
	case 1:
		atlas_syscall1(ATLAS_SYS_thread_sleep, a->forked ? 0 : below(a, 500));
		break;
	case 2:         /* a word in the stack of somebody who is not there */
		if (!a->forked && below(a, 4) == 0)
			atlas_syscall4(ATLAS_SYS_thread_create, address(a), address(a), draw(a),
			    pointer(a, &word));
		break;
	case 3:
		atlas_syscall2(ATLAS_SYS_exception_handler, address(a), address(a));
		break;
	case 4:
		if (below(a, 32) == 0)
			atlas_syscall1(ATLAS_SYS_exception_return, address(a));
		break;
	case 5:         /* never equal, so that it does not sleep; or a bad pointer */
		atlas_syscall2(ATLAS_SYS_futex_wait, below(a, 2) ? (uintptr_t)&word :
		    border(a), 2);
		break;
	case 6:
		atlas_syscall2(ATLAS_SYS_futex_wake, address(a), draw(a));
		break;
	case 7:
		atlas_syscall0(ATLAS_SYS_icache_sync);
		break;
	default:        /* numbers that are no calls */
		atlas_syscall6(70 + (draw(a) >> below(a, 64)) % (1ul << 62), draw(a), draw(a),
		    draw(a), draw(a), draw(a), draw(a));
		break;
	}
}

/* Most of these end the task, so they are rare. */
static void
wild(struct attacker *a)
{
	uint64_t p = below(a, 8) == 0 ? border(a) : address(a);

	switch (below(a, 400)) {
	case 0:
		__asm__ volatile("sret");
		break;
	case 1:
		__asm__ volatile("csrw satp, zero");
		break;
	case 2:
		__asm__ volatile("sfence.vma");
		break;
	case 3:
		__asm__ volatile("wfi");
		break;
	case 4:
		__asm__ volatile("csrw sscratch, %0" :: "r"(p));
		break;
	case 5:
		__asm__ volatile("mv sp, %0\nmv tp, %0\nmv gp, %0\necall\nebreak" :: "r"(p) : "memory");
		break;
	case 6:
		((void (*)(void))(uintptr_t)p)();
		break;
	case 7:
		(void)*(volatile uint64_t *)p;
		break;
	case 8:
		*(volatile uint64_t *)p = draw(a);
		break;
	default:
		if (p >= (uintptr_t)arena && p < (uintptr_t)arena + ARENA - 8) {
			vm_size_t n;
			uint64_t word;

			/* Touch memory that is there: faults, copies, megapages. */
			if (vm_read_overwrite(mach_task_self(), p, 8, (vm_address_t)&word, &n) == 0)
				vm_write(mach_task_self(), p, (vm_offset_t)&word, 8);
		}
		break;
	}
}

static void
attack(struct attacker *a, unsigned calls)
{
	for (unsigned i = 0; i < calls; i++) {
		switch (below(a, 16)) {
		case 0:
		case 1:
			task_call(a);
			break;
		case 2:
		case 3:
			thread_call(a);
			break;
		case 4:
		case 5:
			wild(a);
			break;
		default:
			vm_call(a);
			break;
		}
	}
}

static void *
attacker_main(void *argument)
{
	struct attacker a = { 0 };

	a.random = seed * 0x9e3779b97f4a7c15u + child_number * 131u +
	    (uintptr_t)argument * 7919u + 1;
	atlas_syscall3(ATLAS_SYS_task_create, ATLAS_TASK_SELF, 1, (uintptr_t)&a.handle[0]);
	for (;;)
		attack(&a, 1000);
	return NULL;
}

static void __attribute__((noreturn))
child(void)
{
	atlas_thread_t t;
	vm_address_t addr = 0;

	if (vm_allocate(mach_task_self(), &addr, ARENA, VM_FLAGS_ANYWHERE) != KERN_SUCCESS)
		_exit(1);
	arena = (char *)addr;
	for (uintptr_t i = 0; i < ATTACKERS; i++)
		atlas_thread_create(&t, attacker_main, (void *)i);
	usleep(LIFE_US);
	_exit(0);
}

static uint64_t
now(void)
{
	return atlas_syscall0(ATLAS_SYS_clock_us);
}

/* Waits for the child, and helps it end when it has ruined its clock. */
static int
reap(pid_t pid)
{
	uint64_t deadline = now() + LIFE_US + GRACE_US;
	int status;
	pid_t r;

	while ((r = waitpid(pid, &status, WNOHANG)) == 0 && now() < deadline)
		usleep(2000);
	if (r == 0) {
		kill(pid, SIGKILL);
		r = waitpid(pid, &status, 0);
	}
	return r == pid ? 0 : -1;
}

int
main(int argc, char **argv)
{
	uint64_t seconds = argc > 1 ? strtoul(argv[1], NULL, 0) : 10, end;

	if (argc > 2)
		seed = strtoul(argv[2], NULL, 0);
	printf("hostile: %lu seconds, seed %lu\n", seconds, seed);
	end = now() + seconds * 1000000;
	do {
		pid_t pid = fork();

		child_number++;
		if (pid == 0)
			child();
		if (pid < 0) {          /* short of memory for the moment */
			usleep(10000);
			continue;
		}
		if (reap(pid) != 0) {
			printf("hostile: child %u cannot be waited for\n", child_number);
			return 1;
		}
	} while (now() < end);
	printf("hostile: %u children attacked\n", child_number);
	return 0;
}
