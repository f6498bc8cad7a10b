/*
 * vm_inherit_test: what a child gets of each kind of entry, and that later
 * changes on either side are seen or not seen as they should.
 */
#include "check.h"
#include <sys/wait.h>
#include <unistd.h>

#define SIZE (3 * MEGA)

static volatile uint32_t *verdict;      /* shared: the children's failures */

static void
in_child(void (*f)(volatile char *), volatile char *memory)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		check_failed = 0;
		f(memory);
		*verdict += check_failed;
		_exit(0);
	}
	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0, "status 0x%x", status);
}

static void
write_over(volatile char *m)
{
	for (size_t i = 0; i < SIZE; i += P) {
		CHECK(m[i] == 1, "page %zu holds %d", i / P, m[i]);
		m[i] = 2;
	}
}

static void
fill(volatile char *m, char value)
{
	for (size_t i = 0; i < SIZE; i += P)
		m[i] = value;
}

/* Pages of m that hold value. */
static size_t
count(volatile char *m, char value)
{
	size_t n = 0;

	for (size_t i = 0; i < SIZE; i += P)
		n += m[i] == value;
	return n;
}

static void
is_hole(volatile char *m)
{
	char byte;
	vm_size_t n;

	EXPECT(KERN_INVALID_ADDRESS, vm_read_overwrite(SELF, (vm_address_t)m, 1,
	    (vm_address_t)&byte, &n));
	EXPECT(KERN_INVALID_ADDRESS, vm_read_overwrite(SELF, (vm_address_t)m + SIZE - 1, 1,
	    (vm_address_t)&byte, &n));
}

/* Page 0 copied, page 1 absent, page 2 shared, the rest copied. */
static void
mixed(volatile char *m)
{
	char byte;
	vm_size_t n;

	CHECK(m[0] == 1 && m[2 * P] == 1 && m[3 * P] == 1);
	EXPECT(KERN_INVALID_ADDRESS, vm_read_overwrite(SELF, (vm_address_t)m + P, 1,
	    (vm_address_t)&byte, &n));
	m[0] = m[2 * P] = m[3 * P] = 9;
}

static void
grandchild_copies(volatile char *m)
{
	write_over(m);
	in_child(write_over, (fill(m, 1), m));
	CHECK(count(m, 1) == SIZE / P, "%zu", count(m, 1));
}

/* A forked child keeps protection and its limit. */
static void
protected_child(volatile char *m)
{
	EXPECT(KERN_PROTECTION_FAILURE, vm_write(SELF, (vm_address_t)m, (vm_address_t)m + P, 1));
	EXPECT(KERN_PROTECTION_FAILURE, vm_protect(SELF, (vm_address_t)m, P, FALSE, 3));
	m[P] = 4;
}

/* Memory written in turn by parent and child over shared memory, never forked before. */
static void
shared_untouched(volatile char *m)
{
	CHECK(count(m, 0) == SIZE / P);
	fill(m, 7);
}

int
main(void)
{
	vm_address_t v = check_memory(P), addr;
	volatile char *m;

	EXPECT(KERN_SUCCESS, vm_inherit(SELF, v, P, VM_INHERIT_SHARE));
	verdict = (volatile uint32_t *)v;

	m = (volatile char *)(addr = check_memory(SIZE));       /* default: copy */
	fill(m, 1);
	in_child(write_over, m);
	CHECK(count(m, 1) == SIZE / P, "%zu pages unchanged", count(m, 1));
	in_child(grandchild_copies, m);
	CHECK(count(m, 1) == SIZE / P, "%zu pages unchanged", count(m, 1));

	EXPECT(KERN_SUCCESS, vm_inherit(SELF, addr, SIZE, VM_INHERIT_SHARE));
	in_child(write_over, m);
	CHECK(count(m, 2) == SIZE / P, "%zu pages of the child", count(m, 2));
	fill(m, 1);
	in_child(write_over, m);                /* shared a second time */
	CHECK(count(m, 2) == SIZE / P, "%zu pages of the child", count(m, 2));

	EXPECT(KERN_SUCCESS, vm_inherit(SELF, addr, SIZE, VM_INHERIT_COPY));
	fill(m, 1);                             /* it was shared once: still a copy now */
	in_child(write_over, m);
	CHECK(count(m, 1) == SIZE / P, "%zu pages unchanged", count(m, 1));

	EXPECT(KERN_SUCCESS, vm_inherit(SELF, addr, SIZE, VM_INHERIT_NONE));
	in_child(is_hole, m);
	CHECK(count(m, 1) == SIZE / P);

	EXPECT(KERN_SUCCESS, vm_inherit(SELF, addr, SIZE, VM_INHERIT_COPY));
	EXPECT(KERN_SUCCESS, vm_inherit(SELF, addr + P, P, VM_INHERIT_NONE));
	EXPECT(KERN_SUCCESS, vm_inherit(SELF, addr + 2 * P, P, VM_INHERIT_SHARE));
	in_child(mixed, m);
	CHECK(m[0] == 1 && m[P] == 1 && m[2 * P] == 9 && m[3 * P] == 1, "%d %d %d %d", m[0],
	    m[P], m[2 * P], m[3 * P]);
	EXPECT(KERN_SUCCESS, vm_protect(SELF, addr, P, TRUE, VM_PROT_READ));
	EXPECT(KERN_SUCCESS, vm_inherit(SELF, addr, SIZE, VM_INHERIT_COPY));
	in_child(protected_child, m);
	CHECK(m[P] == 1, "%d", m[P]);
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, addr, SIZE));

	m = (volatile char *)(addr = check_memory(SIZE));
	EXPECT(KERN_SUCCESS, vm_inherit(SELF, addr, SIZE, VM_INHERIT_SHARE));
	in_child(shared_untouched, m);
	CHECK(count(m, 7) == SIZE / P, "%zu", count(m, 7));
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, addr, SIZE));

	CHECK(*verdict == 0, "%u failures in children", *verdict);
	return check_result("vm_inherit_test");
}
