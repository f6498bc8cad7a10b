/*
 * elf.c: from a file of the initrd to a running program.
 *
 *	initrd ──> elf_check: header, segments ──> elf_plan: page runs, rights
 *	       ──> map all writable ──> copy contents ──> final rights
 *	stack:  gap ... strings | auxv end | envp end | argv[] | argc <── sp, 16-aligned
 *
 * The file comes from outside. Everything is checked before anything is mapped:
 * offsets against the file's size, addresses against user space and against
 * each other, no segment both writable and executable, the entry in an
 * executable one. Segments are in ascending order, as the format demands; two
 * that meet in one page share it, with both their rights, which must not
 * include write and execute together either.
 *
 * Failure: the caller throws the new task away, with all that was mapped.
 */
#include <kernel/initrd.h>
#include <kernel/task.h>
#include <kernel/thread.h>
#include <machine/vmparam.h>
#include <mm/vm_map_stack.h>
#include <string.h>

#define ELF_SEGMENTS    16u
#define ELF_PHDRS_MAX   64u
#define PT_LOAD         1u
#define PF_X            1u
#define PF_W            2u
#define PF_R            4u
#define ET_EXEC         2u
#define EM_RISCV        243u

#define STACK_SIZE      (64ul << 20)    /* taken; how much of it may be mapped, the limit says, which programs may raise */
#define STACK_LIMIT     (8ul << 20)
#define STACK_TOP       (vm_max_address - 2 * MEGAPAGE_SIZE)
#define ARGS_MAX        0x8000u         /* bytes of arguments, pointers included */

struct elf_header {
	uint8_t  ident[16];
	uint16_t type, machine;
	uint32_t version;
	uint64_t entry, phoff, shoff;
	uint32_t flags;
	uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};

struct elf_phdr {
	uint32_t type, flags;
	uint64_t offset, vaddr, paddr, filesz, memsz, align;
};

struct segment {
	vm_offset_t vaddr;
	const char *data;
	uint64_t    filesz, memsz;
	vm_prot_t   prot;
};

struct elf_plan {
	struct segment seg[ELF_SEGMENTS];
	unsigned       n;
	vm_offset_t    entry;
};

static kern_return_t
elf_check_header(const struct elf_header *h, size_t size)
{
	static const uint8_t ident[7] = { 0x7f, 'E', 'L', 'F', 2, 1, 1 };

	if (size < sizeof(*h) || memcmp(h->ident, ident, sizeof(ident)) != 0)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "not a 64-bit little-endian ELF file");
	if (h->machine != EM_RISCV)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "a program for machine %u, not RISC-V", h->machine);
	if (h->type != ET_EXEC)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "ELF type %u: only static executables run", h->type);
	if (h->phentsize != sizeof(struct elf_phdr) || h->phnum == 0 || h->phnum > ELF_PHDRS_MAX)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "%u program headers of %u bytes", h->phnum,
		    h->phentsize);
	if (h->phoff > size || size - h->phoff < h->phnum * sizeof(struct elf_phdr))
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "the program headers lie outside of the file");
	return KERN_SUCCESS;
}

static kern_return_t
elf_check_segment(const struct elf_phdr *ph, size_t size)
{
	if (ph->filesz > ph->memsz)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "segment at 0x%lx: 0x%lx bytes in 0x%lx",
		    ph->vaddr, ph->filesz, ph->memsz);
	if (ph->offset > size || ph->filesz > size - ph->offset)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "segment at 0x%lx lies outside of the file",
		    ph->vaddr);
	if (ph->vaddr < VM_MIN_ADDRESS || ph->vaddr >= STACK_TOP - STACK_SIZE ||
	    ph->memsz > STACK_TOP - STACK_SIZE - ph->vaddr)
		return KERN_FAIL(KERN_INVALID_ARGUMENT,
		    "segment at 0x%lx of 0x%lx bytes does not fit into user space", ph->vaddr, ph->memsz);
	if ((ph->flags & (PF_W | PF_X)) == (PF_W | PF_X))
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "segment at 0x%lx is writable and executable",
		    ph->vaddr);
	return KERN_SUCCESS;
}

static vm_prot_t
elf_prot(uint32_t flags)
{
	return (flags & PF_R ? VM_PROT_READ : 0) | (flags & PF_W ? VM_PROT_READ | VM_PROT_WRITE : 0) |
	    (flags & PF_X ? VM_PROT_EXECUTE : 0);
}

/* Appends ph to the plan: behind what is there, and not at odds with a shared page. */
static kern_return_t
elf_add_segment(struct elf_plan *p, const struct elf_phdr *ph, const char *image)
{
	struct segment *s = &p->seg[p->n], *before = s - 1;

	if (p->n == ELF_SEGMENTS)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "more than %u segments", ELF_SEGMENTS);
	s->vaddr = ph->vaddr;
	s->data = image + ph->offset;
	s->filesz = ph->filesz;
	s->memsz = ph->memsz;
	s->prot = elf_prot(ph->flags);
	if (p->n > 0) {
		vm_offset_t end = before->vaddr + before->memsz;

		if (s->vaddr < end)
			return KERN_FAIL(KERN_INVALID_ARGUMENT, "segment at 0x%lx begins before 0x%lx",
			    s->vaddr, end);
		if (trunc_page(s->vaddr) < round_page(end) &&
		    ((s->prot | before->prot) & (VM_PROT_WRITE | VM_PROT_EXECUTE)) ==
		    (VM_PROT_WRITE | VM_PROT_EXECUTE))
			return KERN_FAIL(KERN_INVALID_ARGUMENT,
			    "page 0x%lx would be writable and executable", trunc_page(s->vaddr));
	}
	p->n++;
	return KERN_SUCCESS;
}

static kern_return_t
elf_make_plan(struct elf_plan *p, const char *image, size_t size)
{
	struct elf_header h;
	kern_return_t kr;
	bool entry = false;

	memcpy(&h, image, size < sizeof(h) ? size : sizeof(h));
	kr = elf_check_header(&h, size);
	p->n = 0;
	p->entry = h.entry;
	for (unsigned i = 0; kr == KERN_SUCCESS && i < h.phnum; i++) {
		struct elf_phdr ph;

		memcpy(&ph, image + h.phoff + i * sizeof(ph), sizeof(ph));
		if (ph.type != PT_LOAD || ph.memsz == 0)
			continue;
		kr = elf_check_segment(&ph, size);
		if (kr == KERN_SUCCESS)
			kr = elf_add_segment(p, &ph, image);
		if ((ph.flags & PF_X) != 0 && h.entry - ph.vaddr < ph.memsz)
			entry = true;
	}
	if (kr == KERN_SUCCESS && !entry)
		kr = KERN_FAIL(KERN_INVALID_ARGUMENT, "entry 0x%lx is in no executable segment", h.entry);
	return kr;
}

/* Zero-fill memory over [start, end), readable and writable. */
static kern_return_t
map_anonymous(vm_map_t map, vm_offset_t start, vm_offset_t end)
{
	struct vm_map_enter_args args = {
		.size = end - start, .flags = VM_FLAGS_FIXED, .object = VM_OBJECT_NULL,
		.cur = VM_PROT_DEFAULT, .max = VM_PROT_ALL, .inheritance = VM_INHERIT_DEFAULT,
	};

	return start == end ? KERN_SUCCESS : vm_map_enter(map, &start, &args);
}

static vm_offset_t
segment_end(const struct segment *s)
{
	return round_page(s->vaddr + s->memsz);
}

/* The first page of segment i that the one before does not map already. */
static vm_offset_t
segment_start(const struct elf_plan *p, unsigned i)
{
	vm_offset_t start = trunc_page(p->seg[i].vaddr);

	if (i > 0 && start < segment_end(&p->seg[i - 1]))
		return segment_end(&p->seg[i - 1]);
	return start;
}

static kern_return_t
elf_protect(vm_map_t map, const struct elf_plan *p)
{
	kern_return_t kr = KERN_SUCCESS;
	vm_prot_t shared = 0;

	for (unsigned i = 0; kr == KERN_SUCCESS && i < p->n; i++) {
		const struct segment *s = &p->seg[i];
		vm_offset_t start = segment_start(p, i), first = trunc_page(s->vaddr);

		/* Several small segments may meet in one page: rights add up. */
		shared = first < start ? shared | s->prot : s->prot;
		if (first < start)
			kr = vm_map_protect(map, first, first + PAGE_SIZE, shared, false);
		if (kr == KERN_SUCCESS && start < segment_end(s))
			kr = vm_map_protect(map, start, segment_end(s), s->prot, false);
		if (start < segment_end(s))
			shared = s->prot;
	}
	return kr;
}

kern_return_t
elf_load(vm_map_t map, const void *image, size_t size, vm_offset_t *entry)
{
	struct elf_plan p;
	kern_return_t kr = elf_make_plan(&p, image, size);

	for (unsigned i = 0; kr == KERN_SUCCESS && i < p.n; i++)
		if (segment_start(&p, i) < segment_end(&p.seg[i]))
			kr = map_anonymous(map, segment_start(&p, i), segment_end(&p.seg[i]));
	for (unsigned i = 0; kr == KERN_SUCCESS && i < p.n; i++)
		kr = vm_map_write_user(map, p.seg[i].data, p.seg[i].vaddr, p.seg[i].filesz);
	if (kr == KERN_SUCCESS)
		kr = elf_protect(map, &p);
	*entry = p.entry;
	return kr;
}

/* --- the stack --- */

struct args {
	size_t   strings;               /* bytes, with their NULs */
	uint64_t sp, argv;
};

/* Where everything goes. */
static kern_return_t
args_layout(int argc, char *const argv[], struct args *a)
{
	size_t words = (size_t)argc + 5;        /* argc, argv's NULL, envp's, two of auxv */

	a->strings = 0;
	for (int i = 0; i < argc; i++)
		a->strings += strlen(argv[i]) + 1;
	if (words > ARGS_MAX / 8 || a->strings + words * 8 > ARGS_MAX)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "the arguments take more than %u bytes", ARGS_MAX);
	a->sp = (STACK_TOP - a->strings - words * 8) & ~15ul;
	a->argv = a->sp + 8;
	return KERN_SUCCESS;
}

static kern_return_t
args_write(vm_map_t map, int argc, char *const argv[], const struct args *a)
{
	uint64_t word = (uint64_t)argc, string = STACK_TOP - a->strings;
	kern_return_t kr = vm_map_write_user(map, &word, a->sp, sizeof(word));

	for (int i = 0; kr == KERN_SUCCESS && i < argc; i++) {
		size_t n = strlen(argv[i]) + 1;

		kr = vm_map_write_user(map, &string, a->argv + 8 * (size_t)i, sizeof(string));
		if (kr == KERN_SUCCESS)
			kr = vm_map_write_user(map, argv[i], string, n);
		string += n;
	}
	return kr;                      /* the rest is zero */
}

/* The main thread's: a stack that grows, as far as the task's limit of it allows. */
static kern_return_t
map_stack(vm_map_t map)
{
	const struct vm_map_new what = {
		.prot = VM_PROT_DEFAULT, .max = VM_PROT_ALL, .cow = MAP_STACK_GROWS_DOWN,
	};

	vm_map_set_main_stack(map, STACK_TOP - STACK_SIZE, STACK_TOP, STACK_LIMIT);
	return vm_map_stack(map, STACK_TOP - STACK_SIZE, STACK_SIZE, &what);
}

static kern_return_t
program_start(struct task *t, const struct initrd_file *f, int argc, char *const argv[])
{
	struct args a;
	struct thread *th;
	vm_offset_t entry;
	kern_return_t kr = args_layout(argc, argv, &a);

	if (kr == KERN_SUCCESS)
		kr = elf_load(t->map, f->data, f->size, &entry);
	if (kr == KERN_SUCCESS)
		kr = map_stack(t->map);
	if (kr == KERN_SUCCESS)
		kr = args_write(t->map, argc, argv, &a);
	if (kr == KERN_SUCCESS)
		kr = thread_create_user(t, entry, a.sp, (uint64_t)argc, &th);
	if (kr != KERN_SUCCESS)
		return kr;
	thread_frame(th)->x[11] = a.argv;
	strncpy(th->name, t->name, sizeof(th->name) - 1);
	thread_start(th);
	return KERN_SUCCESS;
}

kern_return_t
task_run(const char *path, int argc, char *const argv[], struct task **task)
{
	struct initrd_file f;
	struct task *t;
	const char *name;
	kern_return_t kr;

	if (!initrd_lookup(path, &f))
		return KERN_FAIL(KERN_NOT_FOUND, "the initial ramdisk has no file %s", path);
	name = strrchr(f.name, '/');
	kr = task_create(NULL, NULL, name != NULL ? name + 1 : f.name, &t);
	if (kr != KERN_SUCCESS)
		return kr;
	kr = program_start(t, &f, argc, argv);
	if (kr != KERN_SUCCESS) {
		struct kern_reason why = *kern_reason();

		task_terminate(t);
		task_deallocate(t);
		*kern_reason() = why;
		return kr;
	}
	*task = t;
	return KERN_SUCCESS;
}
