/*
 * vm_pager_test: memory objects from U-mode: a file of the initrd, a device, and
 * a manager that is slow, fails, lies or dies.
 */
#include "posix.h"
#include <atlas/memory_object.h>
#include <atlas/thread.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>

#define R       VM_PROT_READ
#define FREE(a, n) EXPECT(KERN_SUCCESS, vm_deallocate(SELF, a, n))
#define DROP(o) EXPECT(KERN_SUCCESS, mach_port_deallocate(SELF, o))
#define TELL(o, verb, value) EXPECT(KERN_SUCCESS, atlas_memory_object_tell(o, ATLAS_PAGER_##verb, value))

static kern_return_t
map(memory_object_t o, vm_address_t *addr, vm_size_t size, vm_offset_t offset, boolean_t copy, vm_prot_t cur,
    vm_prot_t max)
{
	*addr = 0;
	return vm_map(SELF, addr, size, 0, VM_FLAGS_ANYWHERE, o, offset, copy, cur, max, VM_INHERIT_COPY);
}

static char own_name[64] = "vm_pager_test";

/* This program's own file: it begins as ELF files do. */
static void
file(void)
{
	memory_object_t o, again;
	memory_object_size_t size;
	vm_address_t a, b;
	vm_size_t whole;

	EXPECT(KERN_NOT_FOUND, atlas_memory_object_file("no/such/file", &o, &size));
	EXPECT(KERN_INVALID_ADDRESS, atlas_memory_object_file((char *)8, &o, &size));
	EXPECT(KERN_SUCCESS, atlas_memory_object_file(own_name, &o, &size));
	CHECK(size > P, "%lu", size);
	whole = round_page(size);
	EXPECT(KERN_SUCCESS, map(o, &a, whole, 0, FALSE, R, R));
	CHECK(memcmp((char *)a, "\177ELF", 4) == 0);
	CHECK(all((char *)a + size, 0, whole - size));
	CHECK(touch_write((void *)a, 1) == SIGSEGV);
	EXPECT(KERN_PROTECTION_FAILURE, vm_protect(SELF, a, P, FALSE, VM_PROT_DEFAULT));
	EXPECT(KERN_PROTECTION_FAILURE, map(o, &b, P, 0, FALSE, VM_PROT_DEFAULT, VM_PROT_DEFAULT));
	EXPECT(KERN_PROTECTION_FAILURE, map(o, &b, P, 0, FALSE, R, VM_PROT_DEFAULT));
	EXPECT(KERN_INVALID_ARGUMENT, map(o, &b, whole + P, 0, FALSE, R, R));
	EXPECT(KERN_INVALID_ARGUMENT, map(o, &b, P, whole, FALSE, R, R));
	EXPECT(KERN_INVALID_ARGUMENT, map(o, &b, P, 1, FALSE, R, R));
	EXPECT(KERN_SUCCESS, map(o, &b, 2 * P, P, TRUE, VM_PROT_DEFAULT, VM_PROT_ALL));
	CHECK(memcmp((char *)b, (char *)a + P, 2 * P) == 0);
	*(char *)b ^= 0x55;
	CHECK(*(char *)b != *(char *)(a + P));
	FREE(b, 2 * P);
	EXPECT(KERN_SUCCESS, atlas_memory_object_file(own_name, &again, &size));
	DROP(o);
	DROP(again);
	CHECK(memcmp((char *)a, "\177ELF", 4) == 0);
	FREE(a, whole);
}

/* Pages behind the last one are SIGBUS, those of the file are there. */
static void
behind_the_end(int fd, size_t size)
{
	char *p = mmap(NULL, 4 * P, PROT_READ, MAP_SHARED, fd, size - P), *q;

	CHECK(p != MAP_FAILED && touch_read(p) == 0 && touch_read(p + P) == SIGBUS && touch_read(p + 4 * P - 1) == SIGBUS,
	    "errno %d", errno);
	q = mmap(p, 2 * P, RW, MAP_PRIVATE | MAP_FIXED, fd, size);
	CHECK(q == p && touch_read(q) == SIGBUS && touch_write(q + P, 1) == SIGBUS && touch_read(p + 2 * P) == SIGBUS);
	OK(munmap(p, 4 * P));
	FAILS(ENXIO, mmap(NULL, 1ul << 30, PROT_READ, MAP_SHARED, fd, 0));
}

static void
opened(void)
{
	int fd = open(own_name, O_RDONLY);
	struct stat st;
	char buf[8];
	char *p, *q;

	CHECK(fd >= 3, "errno %d", errno);
	OK(fstat(fd, &st));
	CHECK(read(fd, buf, 4) == 4 && memcmp(buf, "\177ELF", 4) == 0);
	CHECK(lseek(fd, 0, SEEK_END) == st.st_size && read(fd, buf, 1) == 0);
	FAILS(EBADF, write(fd, buf, 1));
	FAILS(EROFS, open(own_name, O_RDWR));
	FAILS(EEXIST, open(own_name, O_CREAT | O_EXCL, 0600));
	FAILS(ENOENT, open("no/such/file", O_RDONLY));
	FAILS(EACCES, mmap(NULL, P, RW, MAP_SHARED, fd, 0));
	p = mmap(NULL, st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED && memcmp(p, "\177ELF", 4) == 0 && touch_write(p, 1) == SIGSEGV, "errno %d", errno);
	FAILS(EACCES, mprotect(p, P, RW));
	q = mmap(NULL, P, RW, MAP_PRIVATE, fd, P);
	CHECK(q != MAP_FAILED && memcmp(p + P, q, P) == 0);
	q[0] ^= 1;
	CHECK(q[0] != p[P]);
	behind_the_end(fd, round_page(st.st_size));
	OK(close(fd));
	CHECK(p[1] == 'E');
	OK(munmap(p, st.st_size));
	OK(munmap(q, P));
}

/* One object in many places and tasks: all see each other's stores, and the manager gets them back. */
static void
coherence(void)
{
	vm_address_t a, b, there = 0;
	memory_object_t o;
	struct atlas_pager_counts c;
	char word[8];
	vm_size_t n;
	task_t child;

	EXPECT(KERN_SUCCESS, atlas_memory_object_test(4 * P, &o));
	TELL(o, FILL, 'a');
	EXPECT(KERN_SUCCESS, map(o, &a, 4 * P, 0, FALSE, RW, RW));
	EXPECT(KERN_SUCCESS, map(o, &b, 2 * P, P, FALSE, RW, RW));
	CHECK(*(char *)a == 'a' && *(char *)(a + P) == 'b' && *(char *)b == 'b');
	strcpy((char *)b, "shared");
	CHECK(strcmp((char *)a + P, "shared") == 0);
	EXPECT(KERN_SUCCESS, task_create(SELF, NULL, 0, FALSE, &child));
	EXPECT(KERN_SUCCESS, vm_map(child, &there, 4 * P, 0, VM_FLAGS_ANYWHERE, o, 0, FALSE, RW, RW, VM_INHERIT_NONE));
	EXPECT(KERN_SUCCESS, vm_read_overwrite(child, there + P, 8, (vm_address_t)word, &n));
	CHECK(strcmp(word, "shared") == 0);
	EXPECT(KERN_SUCCESS, vm_write(child, there + P, (vm_offset_t)"child", 6));
	CHECK(strcmp((char *)b, "child") == 0);
	EXPECT(KERN_SUCCESS, vm_msync(SELF, a, 4 * P, VM_SYNC_SYNCHRONOUS));
	EXPECT(KERN_SUCCESS, atlas_memory_object_read(o, P, word, 8));
	CHECK(strcmp(word, "child") == 0);
	EXPECT(KERN_SUCCESS, atlas_memory_object_counts(o, &c));
	CHECK(c.inits == 1 && c.requests >= 2 && c.dirty >= 1 && c.syncs >= 1, "%lu %lu %lu %lu", c.inits, c.requests,
	    c.dirty, c.syncs);
	/* What the manager has changed is seen after an invalidation. */
	EXPECT(KERN_SUCCESS, atlas_memory_object_write(o, 0, "new", 4));
	CHECK(*(char *)a == 'a');
	EXPECT(KERN_SUCCESS, vm_msync(SELF, a, P, VM_SYNC_SYNCHRONOUS | VM_SYNC_INVALIDATE));
	CHECK(strcmp((char *)a, "new") == 0);
	EXPECT(KERN_SUCCESS, task_terminate(child));
	DROP(child);
	*(char *)(a + 3 * P) = 'z';
	FREE(a, 4 * P);
	FREE(b, 2 * P);
	EXPECT(KERN_SUCCESS, atlas_memory_object_counts(o, &c));
	CHECK(c.terminates == 1, "%lu", c.terminates);
	EXPECT(KERN_SUCCESS, atlas_memory_object_read(o, 3 * P, word, 1));
	CHECK(word[0] == 'z', "the last mapping's stores come back: %d", word[0]);
	/* Mapped anew. */
	EXPECT(KERN_SUCCESS, map(o, &a, 4 * P, 0, FALSE, R, R));
	CHECK(*(char *)(a + 3 * P) == 'z' && strcmp((char *)a + P, "child") == 0);
	FREE(a, 4 * P);
	DROP(o);
}

static void
private_copies(void)
{
	vm_address_t a, c;
	memory_object_t o;

	for (unsigned strategy = 0; strategy <= 2; strategy += 2) {     /* NONE, DELAY */
		EXPECT(KERN_SUCCESS, atlas_memory_object_test(4 * P, &o));
		TELL(o, FILL, 'a');
		TELL(o, STRATEGY, strategy);
		EXPECT(KERN_SUCCESS, map(o, &a, 4 * P, 0, FALSE, RW, RW));
		EXPECT(KERN_SUCCESS, map(o, &c, 4 * P, 0, TRUE, RW, RW));
		*(char *)a = '1';
		*(char *)(c + P) = '2';
		CHECK(*(char *)c == 'a' && *(char *)(a + P) == 'b' && *(char *)(c + 3 * P) == 'd', "strategy %u", strategy);
		FREE(a, 4 * P);
		CHECK(*(char *)(c + P) == '2' && *(char *)(c + 2 * P) == 'c');
		FREE(c, 4 * P);
		DROP(o);
	}
}

static void
failing(void)
{
	vm_address_t a, b;
	memory_object_t o;
	char byte;
	vm_size_t n;

	EXPECT(KERN_SUCCESS, atlas_memory_object_test(8 * P, &o));
	TELL(o, FILL, 'a');
	EXPECT(KERN_SUCCESS, map(o, &a, 8 * P, 0, FALSE, RW, RW));
	TELL(o, FAIL, KERN_FAILURE);
	CHECK(touch_read((void *)a) == SIGBUS, "an access that the manager fails");
	EXPECT(KERN_MEMORY_ERROR, vm_read_overwrite(SELF, a, P, (vm_address_t)check_memory(P), &n));
	EXPECT(KERN_MEMORY_ERROR, vm_wire(mach_host_self(), SELF, a, 2 * P, R));
	TELL(o, FAIL, 0);
	CHECK(touch_read((void *)a) == 0 && *(char *)a == 'a');
	TELL(o, UNAVAILABLE, 1);
	CHECK(touch_read((void *)(a + P)) == 0 && *(char *)(a + P) == 0, "nothing there: zeros");
	TELL(o, UNAVAILABLE, 0);
	TELL(o, TWICE, 1);
	CHECK(*(char *)(a + 2 * P) == 'c');
	TELL(o, TWICE, 0);
	TELL(o, DELAY, 20);
	CHECK(*(char *)(a + 3 * P) == 'd');
	TELL(o, DELAY, 0);
	TELL(o, CLUSTER, 4 * P);
	CHECK(*(char *)(a + 4 * P) == 'e');
	*(char *)(a + 4 * P) = 'E';
	/* The manager is gone: what is there stays, the rest is an error. */
	TELL(o, DIE, KERN_FAILURE);
	CHECK(*(char *)a == 'a' && *(char *)(a + 4 * P) == 'E');
	CHECK(touch_read((void *)(a + 7 * P)) == SIGBUS);
	byte = *(char *)(a + 2 * P);
	CHECK(byte == 'c');
	FREE(a, 8 * P);
	DROP(o);
	/* One that never gets ready: the mapper learns it, and is not kept for ever. */
	EXPECT(KERN_SUCCESS, atlas_memory_object_test(P, &o));
	TELL(o, DIE, KERN_FAILURE);
	EXPECT(KERN_INVALID_OBJECT, map(o, &b, P, 0, FALSE, R, R));
	DROP(o);
}

static vm_address_t waiting_at;
static volatile int waited = -1;

static void *
wait_for_page(void *argument)
{
	(void)argument;
	waited = *(volatile char *)waiting_at;
	return NULL;
}

/* A thread waits for a page while others map, unmap elsewhere and fault. */
static void
slow(void)
{
	vm_address_t a, b;
	memory_object_t o;
	struct atlas_pager_counts c;
	pthread_t t;

	EXPECT(KERN_SUCCESS, atlas_memory_object_test(4 * P, &o));
	TELL(o, FILL, 'a');
	TELL(o, HOLD, 1);
	EXPECT(KERN_SUCCESS, map(o, &a, 4 * P, 0, FALSE, R, R));
	waiting_at = a + P;
	waited = -1;
	CHECK(pthread_create(&t, NULL, wait_for_page, NULL) == 0);
	do {
		usleep(1000);
		EXPECT(KERN_SUCCESS, atlas_memory_object_counts(o, &c));
	} while (c.held == 0);
	b = check_memory(4 * P);
	*(char *)b = 1;
	FREE(b, 4 * P);
	CHECK(waited == -1);
	TELL(o, HOLD, 0);
	TELL(o, ANSWER, 0);
	CHECK(pthread_join(t, NULL) == 0);
	CHECK(waited == 'b', "%d", waited);
	FREE(a, 4 * P);
	DROP(o);
}

static int
fault_for_ever(void *argument)
{
	(void)argument;
	return *(volatile char *)waiting_at;
}

/* A process that waits for a page can be ended. */
static void
killed(void)
{
	struct atlas_pager_counts c;
	memory_object_t o;
	vm_address_t a = 0;
	int status;
	pid_t pid;

	EXPECT(KERN_SUCCESS, atlas_memory_object_test(P, &o));
	TELL(o, NEVER, 1);
	EXPECT(KERN_SUCCESS, vm_map(SELF, &a, P, 0, VM_FLAGS_ANYWHERE, o, 0, FALSE, R, R, VM_INHERIT_SHARE));
	waiting_at = a;
	pid = fork();
	if (pid == 0)
		_exit(fault_for_ever(NULL));
	do {
		usleep(1000);
		EXPECT(KERN_SUCCESS, atlas_memory_object_counts(o, &c));
	} while (c.requests == 0);
	OK(kill(pid, SIGKILL));
	CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status), "0x%x", status);
	FREE(a, P);
	DROP(o);
}

/* The UART of QEMU's virt machine, if this is one: its registers answer, and nothing may be copied. */
static void
device(void)
{
	memory_object_t o;
	vm_address_t a, b;
	uint64_t start;
	kern_return_t kr;

	EXPECT(KERN_NOT_FOUND, atlas_memory_object_device("/no/such/node", 0, 0, &o, &start));
	kr = atlas_memory_object_device(NULL, 0x80200000, P, &o, &start);
	CHECK(kr == KERN_PROTECTION_FAILURE || kr == KERN_NOT_FOUND, "memory is no device: %s", mach_error_name(kr));
	kr = atlas_memory_object_device("/soc/serial@10000000", 0, 0, &o, &start);
	if (kr != KERN_SUCCESS)
		return;
	CHECK(start == 0x10000000, "0x%lx", start);
	EXPECT(KERN_SUCCESS, map(o, &a, P, 0, FALSE, RW, RW));
	for (unsigned i = 0; i < 1000 && !(*(volatile uint8_t *)(a + 5) & 0x20); i++)
		usleep(100);
	CHECK((*(volatile uint8_t *)(a + 5) & 0x20) != 0, "the line status says that nothing can be sent");
	EXPECT(KERN_SUCCESS, map(o, &b, P, 0, FALSE, R, R));
	CHECK(touch_write((void *)b, 0) == SIGSEGV);
	FREE(b, P);
	kr = map(o, &b, P, 0, TRUE, RW, RW);
	CHECK(kr == KERN_NOT_SUPPORTED, "%s", mach_error_name(kr));
	FREE(a, P);
	DROP(o);
}

/* Memory entries of memory objects. */
static void
entries(void)
{
	mem_entry_name_port_t e, child;
	memory_object_t o;
	vm_address_t a, b;
	vm_size_t size = P;

	EXPECT(KERN_SUCCESS, atlas_memory_object_test(4 * P, &o));
	TELL(o, FILL, 'a');
	EXPECT(KERN_SUCCESS, mach_memory_object_memory_entry(mach_host_self(), FALSE, 4 * P, VM_PROT_DEFAULT, o, &e));
	EXPECT(KERN_SUCCESS, map(e, &a, 2 * P, P, FALSE, RW, RW));
	CHECK(*(char *)a == 'b');
	EXPECT(KERN_SUCCESS, map(o, &b, 4 * P, 0, FALSE, RW, RW));
	*(char *)b = '1';
	*(char *)(a + P) = '2';
	CHECK(*(char *)(b + 2 * P) == '2');
	EXPECT(KERN_SUCCESS, mach_make_memory_entry(SELF, &size, 2 * P, R, &child, e));
	FREE(a, 2 * P);
	EXPECT(KERN_SUCCESS, map(child, &a, P, 0, FALSE, R, R));
	CHECK(*(char *)a == '2');
	EXPECT(KERN_INVALID_RIGHT, map(e, &a, P, 0, FALSE, VM_PROT_ALL, VM_PROT_ALL));
	DROP(child);
	DROP(e);
	DROP(o);
	CHECK(*(char *)b == '1');
	FREE(b, 4 * P);
}

int
main(int argc, char **argv)
{
	if (argc > 0 && strlen(argv[0]) < sizeof(own_name))
		strcpy(own_name, argv[0]);
	touch_init();
	file();
	opened();
	coherence();
	private_copies();
	failing();
	slow();
	killed();
	device();
	entries();
	return check_result("vm_pager_test");
}
