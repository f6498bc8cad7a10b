/*
 * hostile [SECONDS [SEED]]: random system calls from several threads, with
 * random and boundary arguments, wild pointers and wild instructions.
 *
 *	arena:  | the child's own, inherited as a copy   | commons: an entry's | a submap's |
 *	handle: task, two submaps, three memory entries, two memory objects; of all threads
 *
 * The attackers are children that live a fraction of a second and may come to
 * any end; the parent only counts them and starts new ones, two at a time. All is well when
 * the kernel still answers at the end: status 0. Each child derives its calls
 * from the printed seed and its number (threads and time still make a
 * difference).
 *
 * Random handles, ranges and flags seldom fit together, so most of each call's
 * arguments are likely ones; what no child has ever got through is
 * printed at the end. Some children keep to a few pages, so that their threads meet there; some
 * make pagers that let people wait.
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
#include <vm/vm_map_stack.h>

#define ATTACKERS       4
#define LIFE_US         200000ul
#define GRACE_US        1000000ul
#define ARENA           (16ul << 20)
#define MEGA            (2ul << 20)
#define COMMONS         (2 * MEGA)      /* the end of the arena: what all attackers share */
#define AT_ONCE         2

/* What the slots of the handles are for; any other handle may come there, too. */
enum { H_TASK, H_SUBMAP, H_SUBMAP2, H_ENTRY, H_WINDOW, H_COPY, H_PAGER, H_FILE, HANDLES };

struct attacker {
	uint64_t random;
	bool     forked;                /* a child's child: nothing that sleeps */
	uint64_t stack[256];            /* of the handler that skips what faults */
};

static char *arena;
static uint64_t hot, hot_size;          /* the part of the arena that addresses come from */
static bool slow;                       /* pagers may let people wait: nothing is forked */
static uint32_t handle[HANDLES];
static uint32_t *reached;               /* by call: how often it succeeded; shared by all */
static uint64_t seed = 1;
static unsigned child_number;

/* A system call, counted. */
static long
call(unsigned number, const uint64_t x[6])
{
	long r = atlas_syscall6(number, x[0], x[1], x[2], x[3], x[4], x[5]);

	if (r == KERN_SUCCESS)
		reached[number]++;
	return r;
}
#define CALL(name, ...) call(ATLAS_SYS_##name, (const uint64_t[6]){ __VA_ARGS__ })

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
		return hot + draw(a) % hot_size;
	default:
		return hot + (draw(a) % (hot_size / PAGE_SIZE)) * PAGE_SIZE;
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
	switch (below(a, 16)) {
	case 0:
		return draw(a) >> below(a, 64);
	case 1:
		return handle[below(a, HANDLES)];
	case 2:
	case 3:
		return handle[H_TASK];
	case 4:
	case 5:
		return handle[H_SUBMAP + below(a, 2)];
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

static uint32_t
prot(struct attacker *a)
{
	static const uint8_t likely[] = { 7, 3, 3, 1, 5, 7, 0x13 };

	return below(a, 4) == 0 ? small(a) : likely[below(a, sizeof(likely))];
}

static uint32_t
flags(struct attacker *a)
{
	uint32_t tag = below(a, 4) == 0 ? VM_MAKE_TAG(VM_MEMORY_SHARED_PMAP) : 0;

	switch (below(a, 8)) {
	case 0:
		return small(a) << (below(a, 3) * 7);
	case 1:
	case 2:
		return VM_FLAGS_ANYWHERE | tag;
	case 3:
		return VM_FLAGS_FIXED | tag;
	default:
		return VM_FLAGS_OVERWRITE | tag;
	}
}

static uint64_t
mask(struct attacker *a)
{
	return below(a, 4) ? 0 : (1ul << below(a, 64)) - 1;
}

/* Where in an object. */
static uint64_t
offset(struct attacker *a)
{
	return below(a, 8) == 0 ? address(a) : (below(a, 4) ? below(a, 64) : below(a, ARENA / PAGE_SIZE)) * PAGE_SIZE;
}

/*
 * Whose memory a call on [*where, *where+n) is about; the addresses of a submap
 * begin at 0. Seldom our own outside of the arena: it would cost us code or stack, and end the attack early.
 */
static uint64_t
target(struct attacker *a, uint64_t *where, uint64_t n)
{
	uint64_t t = task(a), at = *where - (uintptr_t)arena;

	if (at < ARENA && (t == handle[H_SUBMAP] || t == handle[H_SUBMAP2]))
		*where = at;
	else if (t == ATLAS_TASK_SELF && (at >= ARENA || n > ARENA - at) && below(a, 64) != 0)
		t = handle[H_TASK];
	return t;
}

static void
remap_call(struct attacker *a)
{
	uint64_t n = size(a), to = address(a), from = address(a);
	struct atlas_vm_remap_args args = {
		.task = target(a, &to, n), .src = target(a, &from, n), .size = n, .mask = mask(a), .flags = flags(a),
		.copy = below(a, 2), .cur = prot(a), .max = below(a, 2) ? 7 : prot(a), .inherit = below(a, 4),
	};

	args.addr = to;
	args.src_addr = from;
	if (below(a, 2))
		CALL(vm_remap, pointer(a, &args));
	else
		CALL(vm_remap_new, pointer(a, &args));
}

static void
map_call(struct attacker *a)
{
	uint64_t n = size(a), where = address(a);
	struct atlas_vm_map_args args = {
		.task = target(a, &where, n), .size = n, .mask = mask(a), .flags = flags(a), .copy = below(a, 3) == 0,
		.object = below(a, 3) == 0 ? 0 : below(a, 8) ? handle[below(a, HANDLES)] : draw(a), .offset = offset(a),
		.cur = prot(a), .max = below(a, 2) ? 7 : prot(a), .inherit = below(a, 4),
	};

	args.addr = where;
	CALL(vm_map, pointer(a, &args));
}

/* FreeBSD's placement; strategies and flags that are none among them. */
static void
find_call(struct attacker *a)
{
	uint64_t n = size(a), where = address(a);
	struct atlas_vm_find_args args = {
		.task = target(a, &where, n), .length = below(a, 4) ? (n + PAGE_SIZE - 1) & -PAGE_SIZE : n,
		.object = below(a, 3) ? 0 : handle[below(a, HANDLES)], .offset = below(a, 2) ? 0 : offset(a) & -PAGE_SIZE,
		.min_addr = below(a, 2) ? PAGE_SIZE : address(a), .max_addr = below(a, 4) ? 0 : address(a),
		.find_space = below(a, 8) == 0 ? (uint32_t)draw(a) : below(a, 2) ? below(a, 4) : (10 + below(a, 14)) << 8,
		.cow = below(a, 2) ? 0 : below(a, 4) == 0 ? (uint32_t)draw(a) : 1u << below(a, 22), .prot = prot(a),
		.max = below(a, 4) ? 7 : prot(a),
	};

	args.addr = where = below(a, 4) ? where & -PAGE_SIZE : where;
	switch (below(a, 8)) {
	case 0: case 1: case 2:
		CALL(vm_map_find, pointer(a, &args));
		break;
	case 3:
		CALL(vm_map_find_min, pointer(a, &args));
		break;
	case 4:
		CALL(vm_map_fixed, pointer(a, &args));
		break;
	case 5:
		CALL(vm_map_insert, pointer(a, &args));
		break;
	case 6:
		if (below(a, 2))
			CALL(vm_map_findspace, args.task, where, args.length, pointer(a, &args.addr));
		else
			CALL(vm_map_find_aligned, args.task, pointer(a, &args.addr), args.length, args.max_addr, 1ul << below(a, 64));
		break;
	default:        /* mostly off again: with WXORX little else would succeed */
		CALL(vm_map_set_options, args.task, below(a, 4) ? 0 : below(a, 8) ? 1u << below(a, 10) : draw(a), draw(a));
	}
}

/* What the slot is for, anew; what was there goes. */
static void
furnish(struct attacker *a, unsigned slot)
{
	uint32_t old = handle[slot], new = 0, permission = VM_PROT_ALL;
	uint64_t n = (1 + below(a, 64)) * PAGE_SIZE, bytes;

	switch (slot) {
	case H_TASK:
		CALL(task_create, ATLAS_TASK_SELF, 1, (uintptr_t)&new);
		break;
	case H_SUBMAP:
	case H_SUBMAP2:
		CALL(vm_region_object_create, ATLAS_TASK_SELF, ARENA, (uintptr_t)&new);
		break;
	case H_ENTRY:
	case H_WINDOW:
	case H_COPY:
		permission |= slot == H_ENTRY ? MAP_MEM_NAMED_CREATE : slot == H_COPY ? MAP_MEM_VM_COPY :
		    below(a, 2) ? MAP_MEM_VM_SHARE : 0;
		CALL(mach_make_memory_entry, ATLAS_TASK_SELF, (uintptr_t)&n, address(a), permission, (uintptr_t)&new, 0);
		break;
	case H_FILE:
		if (below(a, 2)) {
			CALL(memory_object_file, (uintptr_t)"hello", (uintptr_t)&new, (uintptr_t)&bytes);
			break;
		}
		/* fall through */
	default:
		CALL(memory_object_test, below(a, 4) ? ARENA : size(a), (uintptr_t)&new);
		break;
	}
	handle[slot] = new;
	CALL(handle_deallocate, old);
}

static void
tell(struct attacker *a, uint32_t object)
{
	static const uint8_t quick[] = {
		ATLAS_PAGER_STRATEGY, ATLAS_PAGER_CLUSTER, ATLAS_PAGER_CACHE, ATLAS_PAGER_FAIL, ATLAS_PAGER_UNAVAILABLE,
		ATLAS_PAGER_TWICE, ATLAS_PAGER_LOCK, ATLAS_PAGER_PRECIOUS, ATLAS_PAGER_FILL, ATLAS_PAGER_CLEAN,
		ATLAS_PAGER_FLUSH, ATLAS_PAGER_CLEAN, ATLAS_PAGER_FLUSH,
	};
	uint64_t value = below(a, 4) ? below(a, 3) : below(a, 2) ? PAGE_SIZE << below(a, 6) : small(a);
	uint64_t verb = slow ? below(a, ATLAS_PAGER_VERBS) : quick[below(a, sizeof(quick))];

	CALL(memory_object_tell, object, below(a, 64) == 0 ? ATLAS_PAGER_DIE : verb, value);
}

/* Handles of memory: made, used, told to misbehave, dropped. */
static void
memory_call(struct attacker *a)
{
	static const uint32_t kinds[] = {
		0, MAP_MEM_NAMED_CREATE, MAP_MEM_ONLY, MAP_MEM_NAMED_REUSE, MAP_MEM_USE_DATA_ADDR, MAP_MEM_VM_COPY,
		MAP_MEM_VM_SHARE, VM_PROT_IS_MASK, MAP_MEM_IO << 24 | MAP_MEM_NAMED_CREATE, MAP_MEM_ONLY | MAP_MEM_COPYBACK << 24,
	};
	uint64_t n = size(a), where = address(a), t;
	uint32_t *slot = &handle[below(a, HANDLES)], other = handle[below(a, HANDLES)], new = 0;
	uint32_t permission = prot(a) | (below(a, 8) ? kinds[below(a, sizeof(kinds) / sizeof(kinds[0]))] : 1u << below(a, 32));
	struct atlas_pager_counts counts;

	switch (below(a, 8)) {
	case 0:
	case 1:
		t = target(a, &where, n);
		if (CALL(mach_make_memory_entry, t, pointer(a, &n), where, permission, (uintptr_t)&new,
		    below(a, 4) ? 0 : other) == KERN_SUCCESS && new != *slot) {
			CALL(handle_deallocate, *slot);
			*slot = new;
		}
		break;
	case 2:
		if (below(a, 4) == 0)
			CALL(vm_region_object_create, task(a), n, pointer(a, slot));
		break;
	case 3:
		CALL(mach_memory_object_memory_entry, ATLAS_HOST_SELF, below(a, 2), n, prot(a),
		    below(a, 4) == 0 ? 0 : handle[H_PAGER + below(a, 2)], pointer(a, &handle[H_ENTRY]));
		break;
	case 4:
		furnish(a, below(a, HANDLES));
		break;
	case 5:
		tell(a, handle[H_PAGER + below(a, 2)]);
		break;
	case 6:
		CALL(memory_object_store, handle[H_PAGER], offset(a), where, size(a), below(a, 2));
		break;
	default:
		CALL(memory_object_counts, other, pointer(a, &counts));
		break;
	}
}

static void
range_call(struct attacker *a)
{
	uint64_t where = address(a), n = size(a), t = target(a, &where, n), count = small(a);
	uint32_t info[24], words = below(a, 4) == 0 ? small(a) : 24, depth = small(a);
	struct atlas_vm_range list[4] = { { where, n }, { where + PAGE_SIZE, size(a) }, { where, 1 }, { where, 5 } };
	int value = (int)small(a), refs;

	switch (below(a, 10)) {
	case 0:
		CALL(vm_wire, below(a, 16) ? ATLAS_HOST_SELF : draw(a), t, where, n, below(a, 2) ? 0 : prot(a));
		break;
	case 1:
		CALL(task_wire, task(a), below(a, 4) == 0);
		break;
	case 2:
	case 3:
		CALL(vm_behavior_set, t, where, n, below(a, 14));
		break;
	case 4:
		CALL(vm_msync, t, where, n, below(a, 64));
		break;
	case 5:
		CALL(vm_machine_attribute, t, where, n, below(a, 2) ? MATTR_CACHE : small(a), pointer(a, &value));
		break;
	case 6:
		CALL(vm_region_recurse, t, pointer(a, &where), pointer(a, &n), pointer(a, &depth),
		    pointer(a, info), pointer(a, &words));
		break;
	case 7:
		CALL(vm_map_page_query, t, where, pointer(a, &value), pointer(a, &refs));
		break;
	case 8:
		CALL(vm_map_page_range_query, t, where, n, pointer(a, info), pointer(a, &count));
		break;
	default:
		count = below(a, 5);
		if (CALL(vm_read_list, t, pointer(a, list), count) == KERN_SUCCESS)
			while (count-- > 0)
				CALL(vm_deallocate, ATLAS_TASK_SELF, list[count].addr,
				    list[count].size);
		break;
	}
}

/* Stacks where something was or is, accesses to their gaps (touch), and limits that soon go again. */
static void
stack_call(struct attacker *a)
{
	static const uint32_t ways[] = { 0, MAP_STACK_GROWS_DOWN, MAP_STACK_GROWS_UP, MAP_STACK_GROWS_DOWN | MAP_STACK_GROWS_UP };
	uint64_t where = address(a), n = below(a, 2) ? MEGA >> below(a, 9) : size(a), t = target(a, &where, n);
	struct atlas_limits l = { ATLAS_LIMIT_NONE, ATLAS_LIMIT_NONE, ATLAS_LIMIT_NONE };

	switch (below(a, 8)) {
	case 0:
	case 1:
	case 2:
		if (below(a, 4) != 0)
			CALL(vm_deallocate, t, where, n);
		CALL(vm_map_stack, t, where, n, prot(a), below(a, 4) ? 7 : prot(a), below(a, 8) ? ways[below(a, 4)] : draw(a));
		break;
	case 3:
		CALL(vm_map_stack_rules, t, below(a, 8) ? below(a, 2) : small(a), below(a, 2));
		break;
	case 4:
		if (below(a, 8) == 0)
			l = (struct atlas_limits){ size(a), size(a), size(a) };
		CALL(task_limits, task(a), below(a, 8) ? below(a, 8) : small(a), pointer(a, &l));
		l = (struct atlas_limits){ ATLAS_LIMIT_NONE, ATLAS_LIMIT_NONE, ATLAS_LIMIT_NONE };
		CALL(task_limits, ATLAS_TASK_SELF, 7, (uintptr_t)&l);
		break;
	default:
		CALL(vm_map_growstack, t, where);
		break;
	}
}

/* FreeBSD's operations on ranges: ends before starts, beside pages, unknown flags, the kernel's wirings. */
static void
bsd_call(struct attacker *a)
{
	uint64_t start = address(a), n = size(a), t = target(a, &start, n), end = start + n;
	uint64_t flags = below(a, 8) ? below(a, 8) : small(a);

	switch (below(a, 8)) {
	case 0:
		CALL(vm_map_protect, t, start, end, prot(a), below(a, 2) ? 7 : prot(a), flags);
		break;
	case 1:
		CALL(vm_map_inherit, t, start, end, below(a, 8) ? below(a, 4) : small(a));
		break;
	case 2:
	case 3:
		CALL(vm_map_madvise, t, start, end, below(a, 8) ? below(a, 10) : small(a));
		break;
	case 4:
		CALL(vm_map_sync, t, start, below(a, 8) ? end : start, below(a, 2), below(a, 2));
		break;
	case 5:
		CALL(vm_map_wire, t, start, end, flags);
		break;
	case 6:
		CALL(vm_map_unwire, t, start, end, flags & ~4u);
		break;
	default:
		CALL(vm_map_check_protection, t, start, end, prot(a));
		CALL(vm_map_range_valid, t, start, end);
		break;
	}
}

static void
vm_call(struct attacker *a)
{
	uint64_t where = address(a), n = size(a), other = address(a), info[8] = { 0 };
	uint64_t t = target(a, &where, n);
	uint32_t words = below(a, 4) == 0 ? small(a) : VM_REGION_BASIC_INFO_COUNT;

	switch (below(a, 24)) {
	case 22:
	case 23:
		bsd_call(a);
		break;
	case 20:
	case 21:
		stack_call(a);
		break;
	case 11:
	case 12:
		remap_call(a);
		break;
	case 13:
	case 14:
		memory_call(a);
		break;
	case 15:
	case 16:
		range_call(a);
		break;
	case 17:
	case 9:
		if (below(a, 2))
			map_call(a);
		else
			find_call(a);
		break;
	case 0:
	case 1:
		CALL(vm_allocate, t, pointer(a, &where), n, flags(a));
		break;
	case 2:
		CALL(vm_deallocate, t, where, n);
		break;
	case 3:
	case 4:
		CALL(vm_protect, t, where, n, below(a, 8) == 0, prot(a));
		break;
	case 5:
		CALL(vm_inherit, t, where, n, small(a));
		break;
	case 6:
		if (CALL(vm_read, task(a), where, n, pointer(a, &info[0]),
		    pointer(a, &info[1])) == KERN_SUCCESS)
			CALL(vm_deallocate, ATLAS_TASK_SELF, info[0], info[1]);
		break;
	case 7:
		CALL(vm_write, t, where, other, n);
		break;
	case 8:
		if (t == handle[H_SUBMAP] || t == handle[H_SUBMAP2])
			other -= (uintptr_t)arena;
		CALL(vm_copy, t, where, n, other);
		break;
	case 10:
		CALL(vm_region, t, pointer(a, &where),
		    pointer(a, &n), below(a, 8) ? 10 : small(a), pointer(a, info),
		    pointer(a, &words));
		break;
	default:
		CALL(vm_read_overwrite, task(a), where, n, other,
		    pointer(a, &info[0]));
		break;
	}
}

static void attack(struct attacker *a, unsigned calls);

/* A copy of the calling thread alone: a few calls, and gone. */
static void
fork_call(struct attacker *a)
{
	register uint64_t a0 __asm__("a0") = (uintptr_t)&handle[H_TASK];
	register uint64_t a1 __asm__("a1");
	register long a7 __asm__("a7") = ATLAS_SYS_task_fork;

	if (a->forked || slow)
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
		if (below(a, 4) == 0)
			CALL(task_create, task(a), small(a), pointer(a, &handle[i]));
		else
			furnish(a, H_TASK);
		break;
	case 1:
		fork_call(a);
		break;
	case 2:
		if (handle[i] != ATLAS_TASK_SELF)
			CALL(task_terminate, handle[i]);
		break;
	case 3:
		CALL(task_wait, below(a, 2) ? 0 : task(a),
		    pointer(a, &status), 1);
		break;
	case 4:
		if (below(a, 8) == 0)
			CALL(handle_deallocate, task(a));
		break;
	case 5:
		CALL(task_id, task(a));
		break;
	case 6:
		if (!a->forked)         /* would run on after its task's deadline */
			CALL(task_resume, task(a), address(a) & 0xfff,
			    address(a), draw(a));
		break;
	default:        /* never anything to print: the console is for people */
		if (below(a, 2))
			CALL(console_write, address(a), 0);
		else
			CALL(console_write, border(a) | 1ul << 63, -draw(a));
		break;
	}
}

static void
thread_call(struct attacker *a)
{
	uint32_t word = 1;

	switch (below(a, 9)) {
	case 0:
		CALL(thread_yield);
		break;
	case 1:
		CALL(thread_sleep, a->forked ? 0 : below(a, 500));
		break;
	case 2:         /* a word in the stack of somebody who is not there */
		if (!a->forked && below(a, 4) == 0)
			CALL(thread_create, address(a), address(a), draw(a),
			    pointer(a, &word));
		break;
	case 3:
		CALL(exception_handler, address(a), address(a));
		break;
	case 4:
		if (below(a, 32) == 0)
			CALL(exception_return, address(a));
		break;
	case 5:         /* never equal, so that it does not sleep; or a bad pointer */
		CALL(futex_wait, below(a, 2) ? (uintptr_t)&word :
		    border(a), 2);
		break;
	case 6:
		CALL(futex_wake, address(a), draw(a));
		break;
	case 7:
		CALL(icache_sync);
		break;
	default:        /* numbers that are no calls */
		atlas_syscall6(ATLAS_SYS_task_limits + 1 + (draw(a) >> below(a, 64)) % (1ul << 62), draw(a), draw(a),
		    draw(a), draw(a), draw(a), draw(a));
		break;
	}
}

/* A handler that goes on behind the access that faulted. */
void skip_access(void);
__asm__(
"	.text\n"
"	.balign	4\n"
"skip_access:\n"
"	ld	t0, 32(a0)\n"
"	addi	t0, t0, 4\n"
"	sd	t0, 32(a0)\n"
"	li	a7, 10\n"
"	ecall\n"
"	ebreak\n");
_Static_assert(ATLAS_SYS_exception_return == 10 && offsetof(struct atlas_exception, pc) == 32, "what skip_access knows");

/* Real accesses: faults, copies, megapages, whatever the other threads do meanwhile. */
static void
touch(struct attacker *a)
{
	CALL(exception_handler, (uintptr_t)skip_access, (uintptr_t)(a->stack + 256));
	for (unsigned n = 1 + below(a, 16); n > 0; n--) {
		uint64_t p = address(a), word = draw(a);

		if (p - (uintptr_t)arena >= ARENA)
			continue;
		p &= -8ul;
		switch (below(a, 3)) {
		case 0:
			__asm__ volatile(".option push\n.option norvc\nld zero, 0(%0)\n.option pop" :: "r"(p));
			break;
		case 1:
			__asm__ volatile(".option push\n.option norvc\nsd %1, 0(%0)\n.option pop" :: "r"(p), "r"(word) : "memory");
			break;
		default:
			__asm__ volatile("amoadd.d zero, %1, (%0)" :: "r"(p), "r"(word) : "memory");
			break;
		}
	}
	CALL(exception_handler, 0, 0);          /* a wild jump would be skipped for ever */
}

/* Most of these end the task, so they are rare. */
static void
wild(struct attacker *a)
{
	uint64_t p = below(a, 8) == 0 ? border(a) : address(a);

	switch (below(a, 800)) {
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
		touch(a);
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
	for (unsigned i = (uintptr_t)argument; i < HANDLES; i += ATTACKERS)
		furnish(&a, i);
	for (;;)
		attack(&a, 1000);
	return NULL;
}

static void __attribute__((noreturn))
child(void)
{
	atlas_thread_t t;

	slow = child_number % 4 == 3;
	switch (child_number % 3) {
	case 0:
		hot = (uintptr_t)arena;
		hot_size = ARENA;
		break;
	case 1:
		hot = (uintptr_t)arena + MEGA - 32 * PAGE_SIZE;
		hot_size = 64 * PAGE_SIZE;
		break;
	default:
		hot = (uintptr_t)arena + ARENA - COMMONS;
		hot_size = COMMONS;
		break;
	}
	for (uintptr_t i = 0; i < ATTACKERS; i++)
		atlas_thread_create(&t, attacker_main, (void *)i);
	usleep(LIFE_US);
	_exit(0);
}

/* [at, at + MEGA) of the arena shows the handle's memory in all children. */
static kern_return_t
share(uint32_t object, vm_address_t at, int tag)
{
	struct atlas_vm_map_args args = {
		.task = ATLAS_TASK_SELF, .flags = VM_FLAGS_OVERWRITE | VM_MAKE_TAG(tag), .addr = at, .size = MEGA,
		.object = object, .cur = 7, .max = 7, .inherit = VM_INHERIT_SHARE,
	};

	return (kern_return_t)CALL(vm_map, (uintptr_t)&args);
}

/* The arena, its commons, and the counts. FALSE: no memory. */
static bool
prepare(void)
{
	vm_address_t at = 0, inside = 0;
	uint32_t entry = 0, submap = 0;
	vm_size_t n = MEGA;

	if (vm_allocate(mach_task_self(), &at, PAGE_SIZE, VM_FLAGS_ANYWHERE) != KERN_SUCCESS ||
	    vm_inherit(mach_task_self(), at, PAGE_SIZE, VM_INHERIT_SHARE) != KERN_SUCCESS)
		return false;
	reached = (uint32_t *)at;
	at = 0;
	if (CALL(vm_allocate, ATLAS_TASK_SELF, (uintptr_t)&at, ARENA + MEGA, VM_FLAGS_ANYWHERE) != KERN_SUCCESS)
		return false;
	at = (at + MEGA - 1) & -MEGA;
	arena = (char *)at;
	at += ARENA - COMMONS;
	return CALL(mach_make_memory_entry, ATLAS_TASK_SELF, (uintptr_t)&n, 0, MAP_MEM_NAMED_CREATE | VM_PROT_ALL,
	        (uintptr_t)&entry, 0) == KERN_SUCCESS &&
	    CALL(vm_region_object_create, ATLAS_TASK_SELF, MEGA, (uintptr_t)&submap) == KERN_SUCCESS &&
	    CALL(vm_allocate, submap, (uintptr_t)&inside, MEGA, VM_FLAGS_FIXED) == KERN_SUCCESS &&
	    share(entry, at, 0) == KERN_SUCCESS && share(submap, at + MEGA, VM_MEMORY_SHARED_PMAP) == KERN_SUCCESS;
}

static void
print_unreached(void)
{
#define X(number, name, arguments) [number] = #name,
	static const char *const names[ATLAS_SYSCALL_MAX] = { ATLAS_SYSCALLS(X) };
#undef X

	printf("hostile: never succeeded:");
	for (unsigned i = ATLAS_SYS_vm_allocate; i < ATLAS_SYSCALL_MAX; i++)
		if (names[i] != NULL && reached[i] == 0)
			printf(" %s", names[i]);
	printf("\n");
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
	if (!prepare()) {
		printf("hostile: no memory to begin with\n");
		return 1;
	}
	end = now() + seconds * 1000000;
	do {
		pid_t pids[AT_ONCE];

		for (unsigned i = 0; i < AT_ONCE; i++) {
			child_number++;
			pids[i] = fork();
			if (pids[i] == 0)
				child();
		}
		for (unsigned i = 0; i < AT_ONCE; i++) {
			if (pids[i] < 0)        /* short of memory for the moment */
				usleep(10000);
			else if (reap(pids[i]) != 0) {
				printf("hostile: a child cannot be waited for\n");
				return 1;
			}
		}
	} while (now() < end);
	printf("hostile: %u children attacked\n", child_number);
	print_unreached();
	return 0;
}
