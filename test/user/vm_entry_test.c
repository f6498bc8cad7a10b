/*
 * vm_entry_test: memory entries: of new memory, of a range (shared, snapshot,
 * several objects), of another entry; what may be mapped with them, and what
 * not; submaps; handles.
 */
#include "check.h"
#include "touch.h"
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* An entry of `size` bytes; 0 when refused. */
static mem_entry_name_port_t
entry(vm_offset_t offset, vm_size_t size, vm_prot_t permission, mem_entry_name_port_t parent)
{
	mem_entry_name_port_t e = 0;

	EXPECT(KERN_SUCCESS, mach_make_memory_entry(SELF, &size, offset, permission, &e, parent));
	return e;
}

static kern_return_t
refused(vm_offset_t offset, vm_size_t size, vm_prot_t permission, mem_entry_name_port_t parent)
{
	mem_entry_name_port_t e = 4711;
	vm_size_t n = size;
	kern_return_t kr = mach_make_memory_entry(SELF, &n, offset, permission, &e, parent);

	CHECK(kr != KERN_SUCCESS && e == 4711 && n == size, "a refusal wrote 0x%x 0x%lx", e, n);
	return kr;
}

/* Maps [offset, +size) of e, anywhere. */
static kern_return_t
map(mem_entry_name_port_t e, vm_address_t *addr, vm_size_t size, vm_offset_t offset, boolean_t copy, vm_prot_t cur,
    vm_prot_t max)
{
	*addr = 0;
	return vm_map(SELF, addr, size, 0, VM_FLAGS_ANYWHERE, e, offset, copy, cur, max, VM_INHERIT_COPY);
}

#define RW      VM_PROT_DEFAULT
#define R       VM_PROT_READ
#define DROP(e) EXPECT(KERN_SUCCESS, mach_port_deallocate(SELF, e))
#define FREE(a, n) EXPECT(KERN_SUCCESS, vm_deallocate(SELF, a, n))

static void
new_memory(void)
{
	mem_entry_name_port_t e = entry(0, 3 * P, MAP_MEM_NAMED_CREATE | VM_PROT_ALL, 0), none = 1;
	vm_address_t a, b, c;
	vm_size_t zero = 0;

	EXPECT(KERN_SUCCESS, map(e, &a, 3 * P, 0, FALSE, RW, VM_PROT_ALL));
	EXPECT(KERN_SUCCESS, map(e, &b, 2 * P, P, FALSE, RW, VM_PROT_ALL));
	CHECK(*(char *)a == 0);
	strcpy((char *)a + P, "seen");
	CHECK(strcmp((char *)b, "seen") == 0);
	EXPECT(KERN_SUCCESS, map(e, &c, 3 * P, 0, TRUE, RW, VM_PROT_ALL));
	strcpy((char *)a + P, "later");
	CHECK(strcmp((char *)c + P, "seen") == 0 && strcmp((char *)b, "later") == 0);
	strcpy((char *)c + P, "private");
	CHECK(strcmp((char *)b, "later") == 0);
	DROP(e);
	CHECK(strcmp((char *)a + P, "later") == 0);             /* mappings survive */
	EXPECT(KERN_INVALID_NAME, mach_port_deallocate(SELF, e));
	FREE(a, 3 * P);
	FREE(b, 2 * P);
	FREE(c, 3 * P);
	EXPECT(KERN_INVALID_ARGUMENT, map(e, &a, P, 0, FALSE, R, R));
	EXPECT(KERN_SUCCESS, mach_make_memory_entry(SELF, &zero, 0, MAP_MEM_NAMED_CREATE | RW, &none, 0));
	CHECK(none == MACH_PORT_NULL);
	EXPECT(KERN_INVALID_ARGUMENT, refused(0, P, MAP_MEM_NAMED_CREATE | MAP_MEM_USE_DATA_ADDR | RW, 0));
	EXPECT(KERN_INVALID_ARGUMENT, refused(0, -1ul, MAP_MEM_NAMED_CREATE | RW, 0));
	EXPECT(KERN_INVALID_ARGUMENT, refused(0, P, MAP_MEM_NAMED_CREATE | MAP_MEM_PURGABLE | RW, 0));
}

/* Whoever holds the handle gets no more than it says. */
static void
rights(void)
{
	mem_entry_name_port_t e = entry(0, 2 * P, MAP_MEM_NAMED_CREATE | R, 0);
	vm_address_t a;

	EXPECT(KERN_INVALID_RIGHT, map(e, &a, P, 0, FALSE, RW, RW));
	EXPECT(KERN_INVALID_RIGHT, map(e, &a, P, 0, FALSE, R, RW));
	EXPECT(KERN_SUCCESS, map(e, &a, 2 * P, 0, FALSE, R, R));
	CHECK(touch_read((void *)a) == 0 && touch_write((void *)a, 1) == SIGSEGV);
	EXPECT(KERN_PROTECTION_FAILURE, vm_protect(SELF, a, P, FALSE, RW));
	FREE(a, 2 * P);
	EXPECT(KERN_SUCCESS, map(e, &a, 2 * P, 0, TRUE, RW, VM_PROT_ALL));      /* a copy is one's own */
	CHECK(touch_write((void *)a, 1) == 0);
	FREE(a, 2 * P);
	DROP(e);
}

static void
window(void)
{
	mem_entry_name_port_t e = entry(0, 3 * P, MAP_MEM_NAMED_CREATE | RW, 0);
	vm_address_t a;

	EXPECT(KERN_INVALID_ARGUMENT, map(e, &a, 4 * P, 0, FALSE, R, R));
	EXPECT(KERN_INVALID_ARGUMENT, map(e, &a, 3 * P, P, FALSE, R, R));
	EXPECT(KERN_INVALID_ARGUMENT, map(e, &a, P, 3 * P, FALSE, R, R));
	EXPECT(KERN_INVALID_ARGUMENT, map(e, &a, 2 * P, -P, FALSE, R, R));
	EXPECT(KERN_INVALID_ARGUMENT, map(e, &a, P, 1, FALSE, R, R));
	EXPECT(KERN_INVALID_ARGUMENT, map(e, &a, 0, 0, FALSE, R, R));
	EXPECT(KERN_SUCCESS, map(e, &a, 2 * P + 1, 0, FALSE, R, R));
	CHECK(touch_read((void *)(a + 2 * P)) == 0);
	FREE(a, 3 * P);
	EXPECT(KERN_INVALID_ARGUMENT, map(0x77777, &a, P, 0, FALSE, R, R));
	DROP(e);
}

static void
of_a_range(void)
{
	vm_address_t a = check_memory(8 * P), b;
	mem_entry_name_port_t e;
	vm_size_t size = 4 * P;

	memset((void *)a, 'r', 8 * P);
	EXPECT(KERN_SUCCESS, mach_make_memory_entry(SELF, &size, a + 2 * P, RW, &e, 0));
	CHECK(size == 4 * P, "0x%lx", size);
	EXPECT(KERN_SUCCESS, map(e, &b, size, 0, FALSE, RW, RW));
	*(char *)(a + 2 * P) = '1';
	*(char *)(b + P) = '2';
	CHECK(*(char *)b == '1' && *(char *)(a + 3 * P) == '2');
	FREE(a, 8 * P);
	CHECK(*(char *)b == '1' && *(char *)(b + 3 * P) == 'r');
	FREE(b, size);
	EXPECT(KERN_SUCCESS, map(e, &b, P, 0, FALSE, R, R));    /* the handle keeps it */
	CHECK(*(char *)b == '1');
	FREE(b, P);
	DROP(e);
	/* What is in the way. */
	a = check_memory(4 * P);
	EXPECT(KERN_INVALID_ARGUMENT, refused(a, 0, RW, 0));
	EXPECT(KERN_INVALID_ARGUMENT, refused(a, -a, RW, 0));
	EXPECT(KERN_INVALID_ARGUMENT, refused(a, P, 0x8000 | RW, 0));
	EXPECT(KERN_INVALID_ADDRESS, refused(0, P, RW, 0));
	EXPECT(KERN_SUCCESS, vm_protect(SELF, a, P, TRUE, R));
	EXPECT(KERN_PROTECTION_FAILURE, refused(a, P, RW, 0));
	e = entry(a, P, RW | VM_PROT_IS_MASK, 0);
	EXPECT(KERN_SUCCESS, map(e, &b, P, 0, FALSE, R, R));
	FREE(b, P);
	EXPECT(KERN_INVALID_RIGHT, map(e, &b, P, 0, FALSE, RW, RW));
	DROP(e);
	EXPECT(KERN_INVALID_ARGUMENT, mach_make_memory_entry(0, &size, a, R, &e, 0));
	FREE(a, 4 * P);
}

/* Unaligned ranges: whole pages, or the bytes asked for. */
static void
bytes(void)
{
	vm_address_t a = check_memory(4 * P), b = 0;
	mem_entry_name_port_t e;
	vm_size_t size = P;

	memset((void *)a, 'b', 4 * P);
	strcpy((char *)a + 100, "here");
	EXPECT(KERN_SUCCESS, mach_make_memory_entry(SELF, &size, a + 100, RW, &e, 0));
	CHECK(size == 2 * P, "0x%lx", size);
	EXPECT(KERN_SUCCESS, map(e, &b, 2 * P, 0, FALSE, R, R));
	CHECK(strcmp((char *)b + 100, "here") == 0);
	FREE(b, 2 * P);
	DROP(e);
	size = P;
	EXPECT(KERN_SUCCESS, mach_make_memory_entry(SELF, &size, a + 100, RW | MAP_MEM_USE_DATA_ADDR, &e, 0));
	CHECK(size == P + 100, "0x%lx", size);
	b = 0;
	EXPECT(KERN_SUCCESS, vm_map(SELF, &b, P, 0, VM_FLAGS_ANYWHERE | VM_FLAGS_RETURN_DATA_ADDR, e, 0, FALSE, R, R,
	    VM_INHERIT_NONE));
	CHECK((b & PAGE_MASK) == 100 && strcmp((char *)b, "here") == 0, "0x%lx", b);
	FREE(b, P);
	DROP(e);
	FREE(a, 4 * P);
}

static void
snapshot(void)
{
	vm_address_t a = check_memory(4 * P), b, c, d;
	mem_entry_name_port_t e;

	memset((void *)a, 's', 4 * P);
	e = entry(a, 4 * P, RW | MAP_MEM_VM_COPY, 0);
	memset((void *)a, 't', 2 * P);
	EXPECT(KERN_SUCCESS, map(e, &b, 4 * P, 0, FALSE, RW, RW));
	EXPECT(KERN_SUCCESS, map(e, &c, 4 * P, 0, FALSE, RW, RW));
	EXPECT(KERN_SUCCESS, map(e, &d, 4 * P, 0, TRUE, RW, RW));
	CHECK(*(char *)b == 's' && *(char *)c == 's' && *(char *)d == 's');
	*(char *)b = 'u';
	CHECK(*(char *)c == 'u' && *(char *)d == 's' && *(char *)a == 't', "%c%c%c", *(char *)c, *(char *)d, *(char *)a);
	*(char *)(a + 3 * P) = 'v';
	CHECK(*(char *)(b + 3 * P) == 's');
	FREE(a, 4 * P);
	FREE(b, 4 * P);
	FREE(c, 4 * P);
	FREE(d, 4 * P);
	DROP(e);
}

/* A range over several objects: one entry for the first, all with VM_SHARE. */
static void
several(void)
{
	vm_address_t a = check_memory(6 * P), b;
	mem_entry_name_port_t e;
	vm_size_t size = 6 * P;

	memset((void *)a, 'm', 2 * P);
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, a + 2 * P, 2 * P));
	b = a + 2 * P;
	EXPECT(KERN_SUCCESS, vm_map(SELF, &b, 2 * P, 0, VM_FLAGS_FIXED, MACH_PORT_NULL, 0, FALSE, RW, VM_PROT_ALL,
	    VM_INHERIT_SHARE));
	memset((void *)b, 'n', 2 * P);
	memset((void *)(a + 4 * P), 'o', 2 * P);
	EXPECT(KERN_SUCCESS, mach_make_memory_entry(SELF, &size, a, RW, &e, 0));
	CHECK(size >= 2 * P && size <= 6 * P, "0x%lx", size);
	DROP(e);
	size = 6 * P;
	EXPECT(KERN_SUCCESS, mach_make_memory_entry(SELF, &size, a, RW | MAP_MEM_VM_SHARE, &e, 0));
	CHECK(size == 6 * P, "0x%lx", size);
	EXPECT(KERN_SUCCESS, map(e, &b, 6 * P, 0, FALSE, RW, RW));
	CHECK(*(char *)b == 'm' && *(char *)(b + 2 * P) == 'n' && *(char *)(b + 4 * P) == 'o');
	*(char *)(b + 2 * P) = 'N';
	*(char *)(a + 4 * P) = 'O';
	CHECK(*(char *)(a + 2 * P) == 'N' && *(char *)(b + 4 * P) == 'O');
	FREE(a, 6 * P);
	CHECK(*(char *)(b + 2 * P) == 'N');
	FREE(b, 6 * P);
	DROP(e);
}

static void
of_an_entry(void)
{
	mem_entry_name_port_t parent = entry(0, 4 * P, MAP_MEM_NAMED_CREATE | RW, 0), child, again;
	vm_address_t a, b;
	task_t other;
	vm_size_t size = P;

	child = entry(2 * P, P, R, parent);
	EXPECT(KERN_SUCCESS, map(parent, &a, 4 * P, 0, FALSE, RW, RW));
	EXPECT(KERN_SUCCESS, map(child, &b, P, 0, FALSE, R, R));
	*(char *)(a + 2 * P) = 'k';
	CHECK(*(char *)b == 'k');
	FREE(b, P);
	EXPECT(KERN_INVALID_RIGHT, map(child, &b, P, 0, FALSE, RW, RW));
	EXPECT(KERN_INVALID_ARGUMENT, map(child, &b, 2 * P, 0, FALSE, R, R));
	EXPECT(KERN_INVALID_ARGUMENT, refused(3 * P, 2 * P, R, parent));
	EXPECT(KERN_INVALID_ARGUMENT, refused(-P, 2 * P, R, parent));
	EXPECT(KERN_PROTECTION_FAILURE, refused(0, P, VM_PROT_ALL, parent));
	EXPECT(KERN_PROTECTION_FAILURE, refused(0, P, RW, child));
	EXPECT(KERN_INVALID_ARGUMENT, refused(0, P, R, 4711));
	EXPECT(KERN_SUCCESS, task_create(SELF, NULL, 0, FALSE, &other));
	EXPECT(KERN_INVALID_ARGUMENT, refused(0, P, R, other));         /* a task is no memory entry */
	EXPECT(KERN_SUCCESS, task_terminate(other));
	DROP(other);
	/* The same range as the parent maps: the same handle. */
	EXPECT(KERN_SUCCESS, mach_make_memory_entry(SELF, &size, a, RW | MAP_MEM_NAMED_REUSE, &again, parent));
	CHECK(again != MACH_PORT_NULL);
	DROP(again);
	DROP(child);
	DROP(parent);
	FREE(a, 4 * P);
}

/* The same object in another task: coherent both ways, after the handle went, too. */
static void
between_tasks(void)
{
	mem_entry_name_port_t e = entry(0, 2 * P, MAP_MEM_NAMED_CREATE | RW, 0);
	vm_address_t here, there = 0;
	char word[8] = "";
	vm_size_t n;
	task_t child;

	EXPECT(KERN_SUCCESS, task_create(SELF, NULL, 0, FALSE, &child));
	EXPECT(KERN_SUCCESS, map(e, &here, 2 * P, 0, FALSE, RW, RW));
	EXPECT(KERN_SUCCESS, vm_map(child, &there, 2 * P, 0, VM_FLAGS_ANYWHERE, e, 0, FALSE, RW, RW, VM_INHERIT_NONE));
	DROP(e);
	strcpy((char *)here, "one");
	EXPECT(KERN_SUCCESS, vm_read_overwrite(child, there, 8, (vm_address_t)word, &n));
	CHECK(strcmp(word, "one") == 0, "%s", word);
	EXPECT(KERN_SUCCESS, vm_write(child, there + P, (vm_offset_t)"two", 4));
	CHECK(strcmp((char *)here + P, "two") == 0);
	EXPECT(KERN_SUCCESS, task_terminate(child));
	DROP(child);
	CHECK(strcmp((char *)here + P, "two") == 0);
	FREE(here, 2 * P);
}

/* Forked: shared where inheritance says so, a copy else; handles are not inherited. */
static void
forked(void)
{
	mem_entry_name_port_t e = entry(0, 2 * P, MAP_MEM_NAMED_CREATE | RW, 0);
	vm_address_t shared = 0, copied, none;
	int status;
	pid_t pid;

	EXPECT(KERN_SUCCESS, vm_map(SELF, &shared, P, 0, VM_FLAGS_ANYWHERE, e, 0, FALSE, RW, RW, VM_INHERIT_SHARE));
	EXPECT(KERN_SUCCESS, map(e, &copied, P, 0, FALSE, RW, RW));
	*(char *)shared = 1;
	pid = fork();
	if (pid == 0) {
		bool ok = *(char *)shared == 1 && *(char *)copied == 1;

		*(char *)copied = 2;
		ok = ok && *(char *)shared == 1;
		*(char *)shared = 3;
		ok = ok && *(char *)copied == 2;
		_exit(!ok || map(e, &none, P, 0, FALSE, R, R) != KERN_INVALID_ARGUMENT);
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 0, "0x%x", status);
	CHECK(*(char *)shared == 3 && *(char *)copied == 3);
	FREE(shared, P);
	FREE(copied, P);
	DROP(e);
}

/* An empty map of its own, mapped as a window here and there. */
static void
submap(void)
{
	mem_entry_name_port_t s = 0, named;
	vm_address_t a = 0, b = 0;
	kern_return_t kr;

	EXPECT(KERN_INVALID_ARGUMENT, vm_region_object_create(SELF, 0, &s));
	EXPECT(KERN_INVALID_ARGUMENT, vm_region_object_create(SELF, -1ul, &s));
	EXPECT(KERN_INVALID_ARGUMENT, vm_region_object_create(0, P, &s));
	EXPECT(KERN_SUCCESS, vm_region_object_create(SELF, 4 * MEGA, &s));
	EXPECT(KERN_SUCCESS, vm_map(SELF, &a, 4 * MEGA, MEGA - 1, VM_FLAGS_ANYWHERE, s, 0, FALSE, RW, VM_PROT_ALL,
	    VM_INHERIT_SHARE));
	EXPECT(KERN_SUCCESS, vm_map(SELF, &b, MEGA, MEGA - 1, VM_FLAGS_ANYWHERE, s, MEGA, FALSE, RW, VM_PROT_ALL,
	    VM_INHERIT_SHARE));
	CHECK(touch_read((void *)a) == SIGSEGV, "nothing is in it");
	EXPECT(KERN_INVALID_ARGUMENT, vm_map(SELF, &b, 2 * MEGA, 0, VM_FLAGS_ANYWHERE, s, 3 * MEGA, FALSE, R, R,
	    VM_INHERIT_SHARE));
	/* Memory goes into it through its handle, where a task would stand. */
	named = entry(0, P, MAP_MEM_NAMED_CREATE | RW, 0);
	{
		vm_address_t at = MEGA;

		kr = vm_map(s, &at, P, 0, VM_FLAGS_FIXED, named, 0, FALSE, RW, RW, VM_INHERIT_SHARE);
		CHECK(kr == KERN_SUCCESS, "%s", mach_error_name(kr));
		if (kr == KERN_SUCCESS) {
			*(char *)(a + MEGA) = 9;
			CHECK(touch_read((void *)b) == 0 && *(char *)b == 9);
			CHECK(touch_read((void *)(b + P)) == SIGSEGV);
		}
	}
	FREE(a, 4 * MEGA);
	FREE(b, MEGA);
	DROP(named);
	DROP(s);
}

static void
of_a_memory_object(void)
{
	mem_entry_name_port_t e = 0;
	vm_address_t a;

	EXPECT(KERN_INVALID_HOST, mach_memory_object_memory_entry(0, TRUE, P, RW, 0, &e));
	EXPECT(KERN_INVALID_ARGUMENT, mach_memory_object_memory_entry(mach_host_self(), TRUE, 0, RW, 0, &e));
	EXPECT(KERN_INVALID_ARGUMENT, mach_memory_object_memory_entry(mach_host_self(), TRUE, -1ul, RW, 0, &e));
	EXPECT(KERN_INVALID_ARGUMENT, mach_memory_object_memory_entry(mach_host_self(), FALSE, P, RW, 0, &e));
	EXPECT(KERN_SUCCESS, mach_memory_object_memory_entry(mach_host_self(), TRUE, P + 1, RW, 0, &e));
	EXPECT(KERN_SUCCESS, map(e, &a, 2 * P, 0, FALSE, RW, RW));
	CHECK(touch_write((void *)(a + P), 1) == 0);
	EXPECT(KERN_INVALID_ARGUMENT, map(e, &a, 3 * P, 0, FALSE, RW, RW));
	DROP(e);
}

/* Thousands of handles: the table's end is a refusal, and all of it comes back. */
static void
many_handles(void)
{
	static mem_entry_name_port_t e[5000];
	unsigned n = 0;
	vm_size_t size = P;
	kern_return_t kr;

	while (n < 5000 && (kr = mach_make_memory_entry(SELF, &size, 0, MAP_MEM_NAMED_CREATE | RW, &e[n], 0)) == KERN_SUCCESS)
		n++;
	CHECK(n > 1000 && n < 5000 && kr == KERN_RESOURCE_SHORTAGE, "%u, %s", n, mach_error_name(kr));
	while (n > 0)
		DROP(e[--n]);
	DROP(entry(0, P, MAP_MEM_NAMED_CREATE | RW, 0));
}

int
main(void)
{
	touch_init();
	new_memory();
	rights();
	window();
	of_a_range();
	bytes();
	snapshot();
	several();
	of_an_entry();
	between_tasks();
	forked();
	submap();
	of_a_memory_object();
	many_handles();
	return check_result("vm_entry_test");
}
