/*
 * forktree [DEPTH [FAN]]: a tree of processes over three regions, and what each
 * of them sees.
 *
 *   shared  inheritance SHARE: one memory for all. A counter, and one word per
 *           node of the tree, written by that node.
 *   copied  inheritance COPY: as the parent had it when it forked. Each process
 *           writes its own number into every page, and finds it there again
 *           after all its children have written theirs.
 *   absent  inheritance NONE: a hole in every child; the child makes its own
 *           memory there, and the parent does not notice.
 *
 * The regions span several megapages, and are not aligned to them.
 */
#include <mach/mach.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIZE            (5ul << 20)
#define WORDS           (SIZE / sizeof(uint64_t))
#define WORDS_PER_PAGE  (PAGE_SIZE / sizeof(uint64_t))
#define NODES_MAX       4096u

static uint64_t *shared, *copied, *absent;
static unsigned depth = 3, fan = 3;
static unsigned node;           /* 0 the root; the children of n are n * fan + 1 ... */

#define CHECK(condition, ...) do { \
	if (!(condition)) { \
		printf("forktree: node %u: ", node); \
		printf(__VA_ARGS__); \
		printf("\n"); \
		exit(1); \
	} \
} while (0)

static uint64_t *
region(vm_inherit_t inheritance)
{
	vm_address_t addr = 0;
	kern_return_t kr;

	kr = vm_map(mach_task_self(), &addr, SIZE, 0, VM_FLAGS_ANYWHERE, MACH_PORT_NULL, 0,
	    FALSE, VM_PROT_DEFAULT, VM_PROT_ALL, inheritance);
	CHECK(kr == KERN_SUCCESS, "vm_map: %s", mach_error_string(kr));
	return (uint64_t *)addr;
}

static void
fill(uint64_t *words, uint64_t value)
{
	for (size_t i = 0; i < WORDS; i += WORDS_PER_PAGE)
		words[i] = value + i;
}

static void
expect(const char *what, const uint64_t *words, uint64_t value)
{
	for (size_t i = 0; i < WORDS; i += WORDS_PER_PAGE)
		CHECK(words[i] == value + i, "%s page %zu holds %lu instead of %lu", what,
		    i / WORDS_PER_PAGE, words[i], value + i);
}

/* What a value of node n looks like: far apart, so that offsets do not mix. */
static uint64_t
mark(unsigned n)
{
	return (uint64_t)(n + 1) << 32;
}

static void
check_absent_is_a_hole(void)
{
	vm_address_t addr = (vm_address_t)absent, at = addr;
	vm_size_t size, count;
	vm_region_basic_info_data_t info;
	mach_msg_type_number_t n = VM_REGION_BASIC_INFO_COUNT;
	uint64_t word;
	kern_return_t kr;

	kr = vm_region(mach_task_self(), &at, &size, VM_REGION_BASIC_INFO,
	    (vm_region_info_t)&info, &n, NULL);
	CHECK(kr != KERN_SUCCESS || at >= addr + SIZE,
	    "the absent region has an entry at 0x%lx", at);
	kr = vm_read_overwrite(mach_task_self(), addr + SIZE / 2, sizeof(word),
	    (vm_address_t)&word, &count);
	CHECK(kr == KERN_INVALID_ADDRESS, "read of the absent region: %s",
	    mach_error_string(kr));
	kr = vm_allocate(mach_task_self(), &addr, SIZE, VM_FLAGS_FIXED);
	CHECK(kr == KERN_SUCCESS, "vm_allocate in the hole: %s", mach_error_string(kr));
	for (size_t i = 0; i < WORDS; i += WORDS_PER_PAGE)
		CHECK(absent[i] == 0, "new memory in the hole is not zero");
	kr = vm_inherit(mach_task_self(), addr, SIZE, VM_INHERIT_NONE);
	CHECK(kr == KERN_SUCCESS, "vm_inherit: %s", mach_error_string(kr));
}

static void
grow(unsigned level)
{
	pid_t pid[16];
	int status;

	fill(copied, mark(node));
	fill(absent, mark(node));
	shared[1 + node] = getpid();
	__atomic_fetch_add(&shared[0], 1, __ATOMIC_RELAXED);
	if (level == depth)
		return;
	for (unsigned i = 0; i < fan; i++) {
		pid[i] = fork();
		CHECK(pid[i] >= 0, "fork failed");
		if (pid[i] == 0) {
			expect("inherited copy:", copied, mark(node));
			check_absent_is_a_hole();
			node = node * fan + 1 + i;
			grow(level + 1);
			exit(0);
		}
	}
	for (unsigned i = 0; i < fan; i++) {
		CHECK(waitpid(pid[i], &status, 0) == pid[i], "waitpid failed");
		CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0,
		    "child %u ended with status 0x%x", i, status);
		CHECK(shared[1 + node * fan + 1 + i] == (uint64_t)pid[i],
		    "what child %u wrote into shared memory is not there", i);
	}
	expect("copied region:", copied, mark(node));
	expect("own region:", absent, mark(node));
}

int
main(int argc, char **argv)
{
	unsigned nodes = 1, level_nodes = 1;

	if (argc > 1)
		depth = strtoul(argv[1], NULL, 0);
	if (argc > 2)
		fan = strtoul(argv[2], NULL, 0);
	if (fan > 16 || depth > 12) {
		printf("usage: forktree [DEPTH [FAN]] (at most 12, 16, %u processes)\n", NODES_MAX);
		return 2;
	}
	for (unsigned i = 0; i < depth && nodes <= NODES_MAX; i++)
		nodes += level_nodes *= fan;
	if (nodes > NODES_MAX) {
		printf("forktree: more than %u processes\n", NODES_MAX);
		return 2;
	}
	shared = region(VM_INHERIT_SHARE);
	copied = region(VM_INHERIT_COPY);
	absent = region(VM_INHERIT_NONE);
	grow(0);
	CHECK(shared[0] == nodes, "%lu processes counted themselves, not %u", shared[0], nodes);
	printf("forktree: %u processes saw what they should\n", nodes);
	return 0;
}
