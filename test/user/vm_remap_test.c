/*
 * vm_remap_test: one memory in two places: shared and copied, placed anywhere,
 * fixed, over something, into another task; rights and refusals.
 */
#include "check.h"
#include "touch.h"
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* vm_remap of this task's own memory. */
static kern_return_t
remap(vm_address_t *to, vm_size_t size, int flags, vm_address_t from, boolean_t copy)
{
	vm_prot_t cur, max;

	return vm_remap(SELF, to, size, 0, flags, SELF, from, copy, &cur, &max, VM_INHERIT_DEFAULT);
}

static void
shared_and_copied(void)
{
	vm_address_t a = check_memory(4 * P), s = 0, c = 0;
	vm_prot_t cur = 0, max = 0;
	char *p = (char *)a;

	memset(p, 'a', 4 * P);
	EXPECT(KERN_SUCCESS, vm_remap(SELF, &s, 4 * P, 0, VM_FLAGS_ANYWHERE, SELF, a, FALSE, &cur, &max,
	    VM_INHERIT_SHARE));
	CHECK(cur == VM_PROT_DEFAULT && max == VM_PROT_ALL, "%d %d", cur, max);
	EXPECT(KERN_SUCCESS, remap(&c, 4 * P, VM_FLAGS_ANYWHERE, a, TRUE));
	CHECK(s != a && c != a && s != c);
	p[0] = 'b';
	CHECK(((char *)s)[0] == 'b' && ((char *)c)[0] == 'a', "%c %c", ((char *)s)[0], ((char *)c)[0]);
	((char *)s)[P] = 'c';
	((char *)c)[2 * P] = 'd';
	CHECK(p[P] == 'c' && ((char *)c)[P] == 'a' && p[2 * P] == 'a' && ((char *)s)[2 * P] == 'a');
	/* Either may go first. */
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, a, 4 * P));
	CHECK(((char *)s)[0] == 'b' && ((char *)s)[P] == 'c' && ((char *)c)[3 * P] == 'a');
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, s, 4 * P));
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, c, 4 * P));
}

/* Memory that nobody has touched yet is shared all the same. */
static void
untouched(void)
{
	vm_address_t a = check_memory(2 * P), s = 0;

	EXPECT(KERN_SUCCESS, remap(&s, 2 * P, VM_FLAGS_ANYWHERE, a, FALSE));
	((char *)a)[5] = 1;
	((char *)s)[P + 5] = 2;
	CHECK(((char *)s)[5] == 1 && ((char *)a)[P + 5] == 2);
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, a, 2 * P));
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, s, 2 * P));
}

static void
placement(void)
{
	vm_address_t a = check_memory(4 * P), hole = check_memory(8 * P), to;
	vm_prot_t cur, max;

	memset((void *)a, 'x', 4 * P);
	memset((void *)hole, 'y', 8 * P);
	to = hole;
	EXPECT(KERN_NO_SPACE, remap(&to, 4 * P, VM_FLAGS_FIXED, a, FALSE));
	CHECK(to == hole);
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, hole + 2 * P, 4 * P));
	to = hole + 2 * P + 7;                  /* truncated */
	EXPECT(KERN_SUCCESS, remap(&to, 4 * P, VM_FLAGS_FIXED, a, FALSE));
	CHECK(to == hole + 2 * P, "0x%lx", to);
	CHECK(*(char *)to == 'x' && ((char *)hole)[P] == 'y' && ((char *)hole)[6 * P] == 'y');
	to = hole;
	EXPECT(KERN_SUCCESS, remap(&to, 4 * P, VM_FLAGS_FIXED | VM_FLAGS_OVERWRITE, a, TRUE));
	CHECK(((char *)hole)[0] == 'x' && ((char *)hole)[3 * P] == 'x');
	to = 0;
	EXPECT(KERN_SUCCESS, vm_remap(SELF, &to, P, MEGA - 1, VM_FLAGS_ANYWHERE, SELF, a, FALSE, &cur, &max,
	    VM_INHERIT_DEFAULT));
	CHECK((to & (MEGA - 1)) == 0, "0x%lx", to);
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, to, P));
	/* Onto itself, moved by a page. */
	((char *)a)[P] = '1';
	to = a;
	EXPECT(KERN_SUCCESS, remap(&to, 3 * P, VM_FLAGS_FIXED | VM_FLAGS_OVERWRITE, a + P, FALSE));
	CHECK(((char *)a)[0] == '1' && ((char *)a)[3 * P] == 'x', "%c", ((char *)a)[0]);
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, a, 4 * P));
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, hole, 8 * P));
}

static void
arguments(void)
{
	vm_address_t a = check_memory(4 * P), to = 0x1234567;
	vm_prot_t cur = 77, max = 78;

	EXPECT(KERN_INVALID_ARGUMENT, vm_remap(0, &to, P, 0, 1, SELF, a, FALSE, &cur, &max, VM_INHERIT_COPY));
	EXPECT(KERN_INVALID_ARGUMENT, vm_remap(SELF, &to, P, 0, 1, 0, a, FALSE, &cur, &max, VM_INHERIT_COPY));
	EXPECT(KERN_INVALID_ARGUMENT, vm_remap(SELF, &to, P, 0, 1, 12345, a, FALSE, &cur, &max, VM_INHERIT_COPY));
	EXPECT(KERN_INVALID_ARGUMENT, vm_remap(SELF, &to, 0, 0, 1, SELF, a, FALSE, &cur, &max, VM_INHERIT_COPY));
	EXPECT(KERN_INVALID_ARGUMENT, vm_remap(SELF, &to, -1ul, 0, 1, SELF, a, FALSE, &cur, &max, VM_INHERIT_COPY));
	EXPECT(KERN_INVALID_ARGUMENT, vm_remap(SELF, &to, P, 0, 1, SELF, a, FALSE, &cur, &max, 3));
	EXPECT(KERN_INVALID_ARGUMENT, vm_remap(SELF, &to, P, 0, 2, SELF, a, FALSE, &cur, &max, VM_INHERIT_COPY));
	EXPECT(KERN_INVALID_ARGUMENT, vm_remap(SELF, &to, 2 * P, 0, 1, SELF, -P, FALSE, &cur, &max, VM_INHERIT_COPY));
	EXPECT(KERN_INVALID_ADDRESS, vm_remap(SELF, &to, P, 0, 1, SELF, 0, FALSE, &cur, &max, VM_INHERIT_COPY));
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, a + 2 * P, P));
	EXPECT(KERN_INVALID_ADDRESS, vm_remap(SELF, &to, 4 * P, 0, 1, SELF, a, FALSE, &cur, &max, VM_INHERIT_COPY));
	EXPECT(KERN_INVALID_ADDRESS, vm_remap(SELF, &to, 4 * P, 0, 1, SELF, a, TRUE, &cur, &max, VM_INHERIT_COPY));
	EXPECT(KERN_NO_SPACE, vm_remap(SELF, &to, 2 * P, -1ul, 1, SELF, a, FALSE, &cur, &max, VM_INHERIT_COPY));
	CHECK(to == 0x1234567 && cur == 77 && max == 78, "outputs of a refusal: 0x%lx %d %d", to, cur, max);
	/* The source's error wins over the target's. */
	to = 0;
	EXPECT(KERN_INVALID_ADDRESS, vm_remap(SELF, &to, P, 0, 0, SELF, a + 2 * P, FALSE, &cur, &max, VM_INHERIT_COPY));
	to = 0;
	EXPECT(KERN_INVALID_ADDRESS, vm_remap(SELF, &to, P, 0, 0, SELF, a, FALSE, &cur, &max, VM_INHERIT_COPY));
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, a, 4 * P));
}

/* cur and max are the rights that all pieces have; each piece keeps its own. */
static void
rights(void)
{
	vm_address_t a = check_memory(3 * P), s = 0;
	vm_prot_t cur = 0, max = 0;

	memset((void *)a, 1, 3 * P);
	EXPECT(KERN_SUCCESS, vm_protect(SELF, a + P, P, FALSE, VM_PROT_READ));
	EXPECT(KERN_SUCCESS, vm_protect(SELF, a + 2 * P, P, TRUE, VM_PROT_DEFAULT));
	EXPECT(KERN_SUCCESS, vm_remap(SELF, &s, 3 * P, 0, VM_FLAGS_ANYWHERE, SELF, a, FALSE, &cur, &max,
	    VM_INHERIT_NONE));
	CHECK(cur == VM_PROT_READ && max == VM_PROT_DEFAULT, "%d %d", cur, max);
	CHECK(touch_write((void *)s, 2) == 0 && touch_write((void *)(s + P), 2) == SIGSEGV &&
	    touch_write((void *)(s + 2 * P), 2) == 0);
	CHECK(*(char *)a == 2);
	EXPECT(KERN_PROTECTION_FAILURE, vm_protect(SELF, s + 2 * P, P, FALSE, VM_PROT_ALL));
	EXPECT(KERN_SUCCESS, vm_protect(SELF, s, P, FALSE, VM_PROT_ALL));
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, s, 3 * P));
	/* No access at all can be mapped again, and stays without. */
	EXPECT(KERN_SUCCESS, vm_protect(SELF, a, P, FALSE, VM_PROT_NONE));
	s = 0;
	EXPECT(KERN_SUCCESS, vm_remap(SELF, &s, P, 0, VM_FLAGS_ANYWHERE, SELF, a, FALSE, &cur, &max, VM_INHERIT_NONE));
	CHECK(cur == VM_PROT_NONE && touch_read((void *)s) == SIGSEGV);
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, s, P));
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, a, 3 * P));
}

static void
bounded(void)
{
	vm_address_t a = check_memory(2 * P), s = 0;
	vm_prot_t cur = VM_PROT_READ, max = VM_PROT_READ;

	memset((void *)a, 1, 2 * P);
	EXPECT(KERN_SUCCESS, vm_remap_new(SELF, &s, 2 * P, 0, VM_FLAGS_ANYWHERE, SELF, a, FALSE, &cur, &max,
	    VM_INHERIT_NONE));
	CHECK(cur == VM_PROT_READ && max == VM_PROT_READ, "%d %d", cur, max);
	CHECK(touch_read((void *)s) == 0 && touch_write((void *)s, 2) == SIGSEGV);
	EXPECT(KERN_PROTECTION_FAILURE, vm_protect(SELF, s, P, FALSE, VM_PROT_DEFAULT));
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, s, 2 * P));
	cur = VM_PROT_DEFAULT, max = VM_PROT_READ;
	EXPECT(KERN_INVALID_ARGUMENT, vm_remap_new(SELF, &s, P, 0, 1, SELF, a, FALSE, &cur, &max, VM_INHERIT_NONE));
	cur = max = 8;
	EXPECT(KERN_INVALID_ARGUMENT, vm_remap_new(SELF, &s, P, 0, 1, SELF, a, FALSE, &cur, &max, VM_INHERIT_NONE));
	EXPECT(KERN_SUCCESS, vm_protect(SELF, a, P, TRUE, VM_PROT_READ));
	cur = max = VM_PROT_DEFAULT;
	s = 0;
	EXPECT(KERN_PROTECTION_FAILURE, vm_remap_new(SELF, &s, 2 * P, 0, 1, SELF, a, FALSE, &cur, &max,
	    VM_INHERIT_NONE));
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, a, 2 * P));
}

/* The bytes asked for, and where they begin. */
static void
data_address(void)
{
	vm_address_t a = check_memory(3 * P), s = 0;
	vm_prot_t cur, max;

	memset((void *)a, 'q', 3 * P);
	EXPECT(KERN_SUCCESS, vm_remap(SELF, &s, P, 0, VM_FLAGS_ANYWHERE | VM_FLAGS_RETURN_DATA_ADDR, SELF, a + 100, FALSE,
	    &cur, &max, VM_INHERIT_NONE));
	CHECK((s & PAGE_MASK) == 100, "0x%lx", s);
	CHECK(touch_read((void *)(s + P - 1)) == 0 && *(char *)(s + P - 1) == 'q');
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, s, P));
	s = 0;
	EXPECT(KERN_SUCCESS, remap(&s, P, VM_FLAGS_ANYWHERE, a + 100, FALSE));
	CHECK((s & PAGE_MASK) == 0);
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, s, P));
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, a, 3 * P));
}

static void
between_tasks(void)
{
	vm_address_t a = check_memory(2 * P), there = 0, here = 0;
	vm_prot_t cur, max;
	vm_size_t n;
	task_t child;
	char word[8];

	EXPECT(KERN_SUCCESS, task_create(SELF, NULL, 0, FALSE, &child));
	strcpy((char *)a, "parent");
	EXPECT(KERN_SUCCESS, vm_remap(child, &there, 2 * P, 0, VM_FLAGS_ANYWHERE, SELF, a, FALSE, &cur, &max,
	    VM_INHERIT_NONE));
	EXPECT(KERN_SUCCESS, vm_read_overwrite(child, there, 8, (vm_address_t)word, &n));
	CHECK(strcmp(word, "parent") == 0);
	EXPECT(KERN_SUCCESS, vm_write(child, there, (vm_offset_t)"child", 6));
	CHECK(strcmp((char *)a, "child") == 0);
	/* And back: the child's memory here. */
	EXPECT(KERN_SUCCESS, vm_remap(SELF, &here, 2 * P, 0, VM_FLAGS_ANYWHERE, child, there, FALSE, &cur, &max,
	    VM_INHERIT_NONE));
	EXPECT(KERN_SUCCESS, task_terminate(child));
	CHECK(strcmp((char *)here, "child") == 0);
	EXPECT(KERN_INVALID_ARGUMENT, vm_remap(SELF, &here, P, 0, 1, child, there, FALSE, &cur, &max, VM_INHERIT_NONE));
	EXPECT(KERN_SUCCESS, mach_port_deallocate(SELF, child));
	*(char *)here = 'C';
	CHECK(*(char *)a == 'C');
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, here, 2 * P));
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, a, 2 * P));
}

/* Copies made before sharing do not see what the shared ones write. */
static void
fork_and_share(void)
{
	vm_address_t a = check_memory(2 * P), s = 0;
	int status;
	pid_t pid;

	strcpy((char *)a, "before");
	pid = fork();
	if (pid == 0) {
		usleep(20000);
		_exit(strcmp((char *)a, "before") != 0);
	}
	EXPECT(KERN_SUCCESS, remap(&s, 2 * P, VM_FLAGS_ANYWHERE, a, FALSE));
	strcpy((char *)s, "after");
	CHECK(strcmp((char *)a, "after") == 0);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0, "0x%x", status);
	/* A fork of shared memory with inheritance copy: the child has its own. */
	pid = fork();
	if (pid == 0) {
		strcpy((char *)s, "child");
		_exit(strcmp((char *)a, "child") == 0);         /* two copies in the child */
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(strcmp((char *)a, "after") == 0 && strcmp((char *)s, "after") == 0);
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, a, 2 * P));
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, s, 2 * P));
}

/* A big move: the memory is where it went, megapages or not. */
static void
move_much(void)
{
	vm_size_t size = 8 * MEGA;
	vm_address_t a = check_memory(size), s = 0;

	for (vm_size_t i = 0; i < size; i += P)
		*(uint64_t *)(a + i) = i;
	EXPECT(KERN_SUCCESS, remap(&s, size, VM_FLAGS_ANYWHERE, a, FALSE));
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, a, size));
	for (vm_size_t i = 0; i < size; i += P)
		if (*(uint64_t *)(s + i) != i) {
			CHECK(0, "page %lu holds %lu", i / P, *(uint64_t *)(s + i));
			break;
		}
	CHECK(touch_read((void *)a) == SIGSEGV);
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, s, size));
}

int
main(void)
{
	touch_init();
	shared_and_copied();
	untouched();
	placement();
	arguments();
	rights();
	bounded();
	data_address();
	between_tasks();
	fork_and_share();
	move_much();
	return check_result("vm_remap_test");
}
