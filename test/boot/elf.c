/*
 * elf.c: programs and archives from outside: good ones, and every field damaged.
 */
#include <string.h>
#include <kernel/initrd.h>
#include "user.h"

struct image {
	struct {
		uint8_t  ident[16];
		uint16_t type, machine;
		uint32_t version;
		uint64_t entry, phoff, shoff;
		uint32_t flags;
		uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
	} h;
	struct {
		uint32_t type, flags;
		uint64_t offset, vaddr, paddr, filesz, memsz, align;
	} ph[3];
	char text[64], data[64];
};

#define TEXT    0x10000ul
#define DATA    0x20000ul

static void
make_image(struct image *e)
{
	memset(e, 0, sizeof(*e));
	memcpy(e->h.ident, "\177ELF\2\1\1", 7);
	e->h.type = 2;
	e->h.machine = 243;
	e->h.version = 1;
	e->h.entry = TEXT + 4;
	e->h.phoff = offsetof(struct image, ph);
	e->h.phentsize = sizeof(e->ph[0]);
	e->h.phnum = 2;
	e->ph[0].type = e->ph[1].type = 1;
	e->ph[0].flags = 5;
	e->ph[0].offset = offsetof(struct image, text);
	e->ph[0].vaddr = TEXT;
	e->ph[0].filesz = e->ph[0].memsz = sizeof(e->text);
	e->ph[1].flags = 6;
	e->ph[1].offset = offsetof(struct image, data);
	e->ph[1].vaddr = DATA;
	e->ph[1].filesz = sizeof(e->data);
	e->ph[1].memsz = 3 * PAGE_SIZE;
	memset(e->text, 't', sizeof(e->text));
	memset(e->data, 'd', sizeof(e->data));
}

/* Loads the image into a new task; what came of it. */
static kern_return_t
load(const struct image *e, size_t size, struct task **t)
{
	vm_offset_t entry;
	kern_return_t kr = task_create(NULL, NULL, "boottest", t);

	return kr == KERN_SUCCESS ? elf_load((*t)->map, e, size, &entry) : kr;
}

static kern_return_t
load_and_drop(const struct image *e, size_t size)
{
	struct task *t;
	kern_return_t kr = load(e, size, &t);

	task_terminate(t);
	task_deallocate(t);
	return kr;
}

TEST(elf, good_image_is_mapped)
{
	struct image e;
	struct task *t;
	char text[64], data[128];

	make_image(&e);
	ASSERT_EQ(load(&e, sizeof(e), &t), KERN_SUCCESS);
	ASSERT_EQ(vm_map_read_user(t->map, TEXT, text, sizeof(text)), KERN_SUCCESS);
	ASSERT_EQ(memcmp(text, e.text, sizeof(text)), 0);
	ASSERT_EQ(vm_map_read_user(t->map, DATA, data, sizeof(data)), KERN_SUCCESS);
	ASSERT_EQ(data[63], 'd');
	ASSERT_EQ(data[64], 0);
	ASSERT_TRUE(vm_map_check_protection(t->map, TEXT, TEXT + PAGE_SIZE, VM_PROT_READ | VM_PROT_EXECUTE));
	ASSERT_FALSE(vm_map_check_protection(t->map, TEXT, TEXT + PAGE_SIZE, VM_PROT_WRITE));
	ASSERT_TRUE(vm_map_check_protection(t->map, DATA, DATA + 3 * PAGE_SIZE, VM_PROT_DEFAULT));
	ASSERT_FALSE(vm_map_check_protection(t->map, DATA, DATA + PAGE_SIZE, VM_PROT_EXECUTE));
	task_terminate(t);
	task_deallocate(t);
}

/* Read-only data behind the text in one page: the page has both rights. */
TEST(elf, segments_may_share_a_page)
{
	struct image e;
	struct task *t;
	char c;

	make_image(&e);
	e.h.phnum = 3;
	e.ph[2] = e.ph[1];
	e.ph[1].flags = 4;
	e.ph[1].vaddr = TEXT + 64;
	e.ph[1].memsz = PAGE_SIZE;
	ASSERT_EQ(load(&e, sizeof(e), &t), KERN_SUCCESS);
	ASSERT_EQ(vm_map_read_user(t->map, TEXT + 64, &c, 1), KERN_SUCCESS);
	ASSERT_EQ(c, 'd');
	ASSERT_EQ(vm_map_read_user(t->map, TEXT + 63, &c, 1), KERN_SUCCESS);
	ASSERT_EQ(c, 't');
	ASSERT_TRUE(vm_map_check_protection(t->map, TEXT, TEXT + PAGE_SIZE, VM_PROT_EXECUTE));
	ASSERT_FALSE(vm_map_check_protection(t->map, TEXT + PAGE_SIZE, TEXT + 2 * PAGE_SIZE, VM_PROT_EXECUTE));
	task_terminate(t);
	task_deallocate(t);
	e.ph[1].flags = 6;
	ASSERT_EQ(load_and_drop(&e, sizeof(e)), KERN_INVALID_ARGUMENT);
}

#define REFUSED(change) \
	do { \
		make_image(&e); \
		change; \
		ASSERT_EQ(load_and_drop(&e, sizeof(e)), KERN_INVALID_ARGUMENT); \
	} while (0)

TEST(elf, damaged_headers_are_refused)
{
	struct image e;

	for (size_t n = 0; n < offsetof(struct image, text); n += 7) {
		make_image(&e);
		ASSERT_EQ(load_and_drop(&e, n), KERN_INVALID_ARGUMENT);
	}
	REFUSED(e.h.ident[0] = 0);
	REFUSED(e.h.ident[4] = 1);
	REFUSED(e.h.ident[5] = 2);
	REFUSED(e.h.type = 3);
	REFUSED(e.h.machine = 62);
	REFUSED(e.h.entry = DATA);
	REFUSED(e.h.entry = TEXT + 64);
	REFUSED(e.h.entry = ~0ul);
	REFUSED(e.h.phoff = sizeof(e));
	REFUSED(e.h.phoff = ~0ul - 8);
	REFUSED(e.h.phentsize = 32);
	REFUSED(e.h.phnum = 0);
	REFUSED(e.h.phnum = 0xffff);
}

TEST(elf, damaged_segments_are_refused)
{
	struct image e;

	REFUSED(e.ph[0].flags = 7);
	REFUSED(e.ph[0].offset = ~0ul);
	REFUSED(e.ph[0].filesz = e.ph[0].memsz = sizeof(e));
	REFUSED(e.ph[0].filesz = e.ph[0].memsz = ~0ul);
	REFUSED(e.ph[0].filesz = e.ph[0].memsz + 1);
	REFUSED(e.ph[0].vaddr = 0);
	REFUSED(e.ph[1].vaddr = TEXT + 8);
	REFUSED(e.ph[1].vaddr = 0x8000);
	REFUSED(e.ph[1].vaddr = ~0ul - 64);
	REFUSED(e.ph[1].vaddr = 0xffffffff80000000);
	REFUSED(e.ph[1].memsz = ~0ul);
	REFUSED(e.ph[1].memsz = 1ul << 62);
}

/* --- the archive --- */

static const char archive[] =
    "070701" "00000001" "000081a4" "00000000" "00000000" "00000001" "00000000" "00000005"
    "00000000" "00000000" "00000000" "00000000" "00000008" "00000000" "./a.txt\0" "\0\0"
    "hello\0\0\0"
    "070701" "00000002" "000041ed" "00000000" "00000000" "00000001" "00000000" "00000000"
    "00000000" "00000000" "00000000" "00000000" "00000002" "00000000" "d\0"
    "070701" "00000003" "000081a4" "00000000" "00000000" "00000001" "00000000" "00000003"
    "00000000" "00000000" "00000000" "00000000" "00000004" "00000000" "d/b\0" "\0\0"
    "xyz\0"
    "070701" "00000000" "00000000" "00000000" "00000000" "00000001" "00000000" "00000000"
    "00000000" "00000000" "00000000" "00000000" "0000000b" "00000000" "TRAILER!!!\0" "\0\0\0";

/* Looks at every byte that the reader hands out; ASan-less, so by reading. */
static unsigned
walk_archive(const char *data, size_t size)
{
	struct initrd_file f;
	size_t cursor = 0;
	unsigned n = 0;
	volatile uint8_t sink;

	initrd_set(data, size);
	while (initrd_next(&cursor, &f)) {
		if (f.data < (const uint8_t *)data || f.data + f.size > (const uint8_t *)data + size)
			return 1000;
		for (size_t i = 0; i < f.size; i++)
			sink = f.data[i];
		(void)sink;
		n += 1 + (unsigned)(strlen(f.name) == 0);
	}
	return n;
}

/* The archive of the machine steps aside for these tests. */
static void
with_archive(void (*fn)(void))
{
	const void *data;
	size_t size;

	initrd_get(&data, &size);
	fn();
	initrd_set(data, size);
}

static void
good_archive(void)
{
	struct initrd_file f;

	ASSERT_EQ(walk_archive(archive, sizeof(archive) - 1), 3);
	ASSERT_TRUE(initrd_lookup("a.txt", &f));
	ASSERT_EQ(f.size, 5);
	ASSERT_EQ(memcmp(f.data, "hello", 5), 0);
	ASSERT_TRUE(initrd_lookup("/a.txt", &f));
	ASSERT_TRUE(initrd_lookup("./d/b", &f));
	ASSERT_EQ(f.size, 3);
	ASSERT_FALSE(initrd_lookup("d", &f));
	ASSERT_FALSE(initrd_lookup("", &f));
	ASSERT_FALSE(initrd_lookup("a.tx", &f));
}

static void
damaged_archive(void)
{
	static char copy[sizeof(archive)];
	const char damage[] = { 0, '0', '8', 'f', 'F', 'g', (char)0xff };

	for (size_t n = 0; n < sizeof(archive); n++)
		ASSERT_LE(walk_archive(archive, n), 3);
	for (size_t at = 0; at < sizeof(archive) - 1; at++)
		for (unsigned d = 0; d < nitems(damage); d++) {
			memcpy(copy, archive, sizeof(archive));
			copy[at] = damage[d];
			ASSERT_LE(walk_archive(copy, sizeof(archive) - 1), 8);
		}
}

TEST(initrd, files_are_found)
{
	with_archive(good_archive);
}

TEST(initrd, damage_ends_the_archive)
{
	with_archive(damaged_archive);
}
