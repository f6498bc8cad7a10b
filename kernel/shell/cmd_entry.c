/*
 * cmd_entry.c: named entries and shared regions: making and mapping them.
 *
 * What is made is held under a name (held.c) by one reference, as a task would
 * hold it by a handle; `drop` gives it up.
 */
#include <mm/vm_print.h>
#include <mm/vm_user.h>
#include "held.h"

static const struct cmd_word entry_flag_words[] = {
	{ "create", MAP_MEM_NAMED_CREATE }, { "reuse", MAP_MEM_NAMED_REUSE }, { "copy", MAP_MEM_VM_COPY },
	{ "share", MAP_MEM_VM_SHARE }, { "use_data_addr", MAP_MEM_USE_DATA_ADDR }, { "mask", VM_PROT_IS_MASK },
	{ "only", MAP_MEM_ONLY }, { "purgable", MAP_MEM_PURGABLE }, { NULL, 0 },
};
static const struct cmd_word cache_words[] = {
	{ "noop", MAP_MEM_NOOP }, { "copyback", MAP_MEM_COPYBACK }, { "io", MAP_MEM_IO }, { "wthru", MAP_MEM_WTHRU },
	{ "wcomb", MAP_MEM_WCOMB }, { NULL, 0 },
};

/* Result of a call that made an entry. NULL: there is nothing to hold. */
static int
made(struct cmd_ctx *c, kern_return_t kr, struct held *h, vm_named_entry_t entry)
{
	if (kr == KERN_SUCCESS && entry == NULL) {
		(void)held_keep(h, KERN_FAILURE, NULL);
		return cmd_result(c, KERN_SUCCESS, "size=0x0");
	}
	kr = held_keep(h, kr, entry);
	if (kr != KERN_SUCCESS)
		return cmd_result(c, kr, NULL);
	return cmd_result(c, kr, "name=%s size=0x%lx prot=%s data_offset=0x%lx", h->name, entry->size,
	    vm_prot_name(entry->protection), entry->data_offset);
}

enum { ENTRY_TASK, ENTRY_SIZE, ENTRY_OFFSET, ENTRY_PROT, ENTRY_FLAGS, ENTRY_CACHE, ENTRY_PARENT, ENTRY_NAME };

static int
do_make_entry(struct cmd_ctx *c)
{
	vm_size_ut size = vm_size_u(c->arg[ENTRY_SIZE].num);
	uint32_t permission = (uint32_t)c->arg[ENTRY_PROT].num | (uint32_t)c->arg[ENTRY_FLAGS].num |
	    (uint32_t)c->arg[ENTRY_CACHE].num << 24;
	vm_named_entry_t entry = NULL, parent = c->arg[ENTRY_PARENT].given ? c->arg[ENTRY_PARENT].held->named : NULL;
	struct held *h;
	kern_return_t kr;

	if (c->arg[ENTRY_PROT].given2)
		return cmd_usage(c, ENTRY_PROT, "one protection: the most that a mapping may have");
	kr = held_new(CMD_NAMED, c->arg[ENTRY_NAME].word, &h);
	if (kr != KERN_SUCCESS)
		return cmd_result(c, kr, NULL);
	kr = mach_make_memory_entry(c->arg[ENTRY_TASK].map, &size, vm_address_u(c->arg[ENTRY_OFFSET].num), permission,
	    &entry, parent);
	return made(c, kr, h, entry);
}

COMMAND(mach_make_memory_entry, do_make_entry, "entry", "a handle on memory: of a range, a parent, or new",
    "SIZE bytes at OFFSET: an address of the task, or with parent=e1 an offset in there.\n"
    "flags: create (new memory), copy (a snapshot), share (several objects in one range),\n"
    "reuse (the parent itself if it is what is mapped there), mask (of prot what is possible),\n"
    "use_data_addr (keep the offset in the first page), only (set the parent's caching).\n"
    "The result's size can be less: one object's, where neither copy nor share is asked for.\n"
    "  mach_make_memory_entry t1 4M $a rw- name=e1\n"
    "  mach_make_memory_entry t1 64K 0 r-- parent=e1 name=e2\n"
    "  mach_make_memory_entry t1 1M 0 rw- flags=create\n"
    "KERN_INVALID_ARGUMENT, KERN_INVALID_ADDRESS, KERN_PROTECTION_FAILURE, KERN_FAILURE (too\n"
    "large), KERN_RESOURCE_SHORTAGE; KERN_NAME_EXISTS",
    ARG(MAP, "task"), ARG(SIZE, "size"), ARG(NUM, "offset"), ARG(PROT, "prot"),
    OPTW(FLAGS, "flags", "0", entry_flag_words), OPTW(ENUM, "cache", "noop", cache_words), OPT(NAMED, "parent", ""),
    OPT(NEW, "name", ""));

static int
do_region_object(struct cmd_ctx *c)
{
	vm_named_entry_t entry = NULL;
	struct held *h;
	kern_return_t kr = held_new(CMD_NAMED, c->arg[1].word, &h);

	if (kr != KERN_SUCCESS)
		return cmd_result(c, kr, NULL);
	kr = vm_region_object_create(vm_size_u(c->arg[0].num), &entry);
	return made(c, kr, h, entry);
}

COMMAND(vm_region_object_create, do_region_object, "entry", "a named entry of a new, empty submap",
    "The name stands for the submap, too: vm_allocate e1 ... fills it, vm_map t1 ... object=e1\n"
    "makes a window to it.\n"
    "  vm_region_object_create 64M name=e1\n"
    "KERN_INVALID_ARGUMENT, KERN_RESOURCE_SHORTAGE, KERN_NAME_EXISTS",
    ARG(SIZE, "size"), OPT(NEW, "name", ""));

static int
do_pager_entry(struct cmd_ctx *c)
{
	memory_object_t pager = c->arg[3].given ? c->arg[3].held->object : NULL;
	vm_named_entry_t entry = NULL;
	struct held *h;
	kern_return_t kr = held_new(CMD_NAMED, c->arg[4].word, &h);

	if (kr != KERN_SUCCESS)
		return cmd_result(c, kr, NULL);
	kr = mach_memory_object_memory_entry(c->arg[0].num != 0, vm_size_u(c->arg[1].num), (vm_prot_t)c->arg[2].num, pager,
	    &entry);
	return made(c, kr, h, entry);
}

COMMAND(mach_memory_object_memory_entry, do_pager_entry, "entry", "a named entry of a memory object",
    "internal=1 without a pager: of new anonymous memory.\n"
    "  mach_memory_object_memory_entry 0 64K r-- pager=o1 name=e1\n"
    "KERN_INVALID_ARGUMENT, KERN_RESOURCE_SHORTAGE, KERN_NAME_EXISTS",
    ARG(BOOL, "internal"), ARG(SIZE, "size"), ARG(PROT, "prot"), OPT(OBJECT, "pager", ""), OPT(NEW, "name", ""));

COMMAND(mach_destroy_memory_entry, cmd_drop, "entry", "give a named entry up",
    "One reference; mappings made through it stay.",
    ARG(NAMED, "entry"));

/* --- shared regions --- */

enum { REGION_TEXT, REGION_DATA, REGION_BASE, REGION_TEXT_SIZE, REGION_DATA_SIZE, REGION_ALT_BASE, REGION_ALT_NEXT,
	REGION_FLAGS, REGION_NAME };

/* The size given, or the entry's; KERN_INVALID_ARGUMENT: not whole pages of the entry's submap. */
static kern_return_t
region_size(const struct cmd_value *size, vm_named_entry_t entry, vm_size_t *bytes)
{
	if (entry->type != NAMED_SUBMAP)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "text and data are named entries of submaps");
	*bytes = size->given ? size->num : entry->size;
	if (*bytes == 0 || *bytes > entry->size || (*bytes & PAGE_MASK) != 0)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "0x%lx bytes are not whole pages of the entry's 0x%lx", *bytes, entry->size);
	return KERN_SUCCESS;
}

static int
do_region_create(struct cmd_ctx *c)
{
	struct shared_region_mapping_args a = {
		.text_region = c->arg[REGION_TEXT].held->named,
		.data_region = c->arg[REGION_DATA].held->named,
		.client_base = c->arg[REGION_BASE].num,
		.alternate_base = c->arg[REGION_ALT_BASE].num,
		.alternate_next = c->arg[REGION_ALT_NEXT].given ? c->arg[REGION_ALT_NEXT].num : c->arg[REGION_ALT_BASE].num,
		.flags = (int)(c->arg[REGION_FLAGS].num & 0x7fffffff),
	};
	shared_region_mapping_t region = NULL;
	struct held *h;
	kern_return_t kr = region_size(&c->arg[REGION_TEXT_SIZE], a.text_region, &a.text_size);

	if (kr == KERN_SUCCESS)
		kr = region_size(&c->arg[REGION_DATA_SIZE], a.data_region, &a.data_size);
	if (kr == KERN_SUCCESS && (a.client_base & PAGE_MASK) != 0)
		kr = KERN_FAIL(KERN_INVALID_ARGUMENT, "base 0x%lx is not a page", a.client_base);
	if (kr == KERN_SUCCESS)
		kr = held_new(CMD_REGION, c->arg[REGION_NAME].word, &h);
	if (kr != KERN_SUCCESS)
		return cmd_result(c, kr, NULL);
	vm_named_entry_reference(a.text_region);        /* consumed on success */
	vm_named_entry_reference(a.data_region);
	kr = shared_region_mapping_create(&a, &region);
	if (kr != KERN_SUCCESS) {
		vm_named_entry_release(a.text_region);
		vm_named_entry_release(a.data_region);
	}
	kr = held_keep(h, kr, region);
	return cmd_result(c, kr, "name=%s", kr == KERN_SUCCESS ? h->name : "");
}

COMMAND(shared_region_mapping_create, do_region_create, "entry", "a pair of submaps, text and data, for many tasks",
    "TEXT and DATA are named entries of submaps; clients map text at BASE and data behind it.\n"
    "  shared_region_mapping_create e1 e2 0x40000000 name=r1\n"
    "KERN_INVALID_ARGUMENT, KERN_RESOURCE_SHORTAGE, KERN_NAME_EXISTS",
    ARG(NAMED, "text"), ARG(NAMED, "data"), ARG(NUM, "base"), OPT(SIZE, "text_size", ""), OPT(SIZE, "data_size", ""),
    OPT(NUM, "alternate_base", "0"), OPT(NUM, "alternate_next", ""), OPT(NUM, "flags", "0"), OPT(NEW, "name", ""));

static int
do_region_ref(struct cmd_ctx *c)
{
	shared_region_mapping_t region = c->arg[0].held->region;
	struct held *h;
	kern_return_t kr = held_new(CMD_REGION, c->arg[1].word, &h);

	if (kr != KERN_SUCCESS)
		return cmd_result(c, kr, NULL);
	shared_region_mapping_ref(region);
	(void)held_keep(h, KERN_SUCCESS, region);
	return cmd_result(c, kr, "name=%s refs=%u", h->name, region->ref_count);
}

COMMAND(shared_region_mapping_ref, do_region_ref, "entry", "one more reference on a shared region, under a name of its own",
    "  shared_region_mapping_ref r1 name=r2",
    ARG(REGION, "region"), OPT(NEW, "name", ""));

COMMAND(shared_region_mapping_dealloc, cmd_drop, "entry", "give up a reference on a shared region, and its name",
    "With the last one both named entries go, and the chain. Mappings stay.",
    ARG(REGION, "region"));

/* Does the chain from `from` on lead to region? */
static bool
chain_leads_to(shared_region_mapping_t from, shared_region_mapping_t region)
{
	shared_region_object_chain_t link;

	if (from == region)
		return true;
	for (link = from->object_chain; link != NULL; link = link->next)
		if (link->object_chain_region == region)
			return true;
	return false;
}

static int
do_region_attach(struct cmd_ctx *c)
{
	shared_region_mapping_t target = c->arg[0].held->region, parent = c->arg[1].held->region;
	kern_return_t kr;

	if (chain_leads_to(parent, target))
		return cmd_result(c, KERN_FAIL(KERN_INVALID_ARGUMENT, "a region cannot inherit from itself"), NULL);
	shared_region_mapping_ref(parent);              /* consumed on success */
	kr = shared_region_object_chain_attach(target, parent);
	if (kr != KERN_SUCCESS)
		shared_region_mapping_dealloc(parent);
	return cmd_result(c, kr, "depth=%u", (unsigned)target->depth);
}

COMMAND(shared_region_object_chain_attach, do_region_attach, "entry", "a region inherits from another",
    "Takes over the next free alternate place, and keeps a reference on the parent.\n"
    "  shared_region_object_chain_attach r2 r1\n"
    "KERN_FAILURE: it inherits already; KERN_INVALID_ARGUMENT; KERN_RESOURCE_SHORTAGE",
    ARG(REGION, "target"), ARG(REGION, "parent"));

static int
do_region_map(struct cmd_ctx *c)
{
	kern_return_t kr = cmd_map(&c->arg[1]);

	if (kr == KERN_SUCCESS)
		kr = shared_region_mapping_map(c->arg[0].held->region, c->arg[1].map);
	return cmd_result(c, kr, "addr=0x%lx", c->arg[0].held->region->client_base);
}

COMMAND(shared_region_mapping_map, do_region_map, "entry", "map both halves of a shared region into a task",
    "  shared_region_mapping_map r1 t1\n"
    "KERN_NO_SPACE, KERN_INVALID_ADDRESS, KERN_RESOURCE_SHORTAGE",
    ARG(REGION, "region"), ARG(MAP, "task"));
