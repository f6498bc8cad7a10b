/*
 * cmd_copy.c: memory in flight: the vm_map_copy calls.
 *
 * A copy is held under a name until a call consumes it (copyout and overwrite
 * on success, discard). These calls are the kernel's own and trust their
 * caller: what would break their contracts is refused here. Above all a page
 * list whose pages are gone (discarded, or passed by its continuation) is an
 * empty shell that can only be discarded.
 */
#include <mm/vm_print.h>
#include "held.h"

const char *
cmd_copy_type(int type)
{
	static const char *const names[] = { "null", "entry_list", "object", "page_list", "kernel_buffer" };

	return type >= 0 && type <= VM_MAP_COPY_KERNEL_BUFFER ? names[type] : "?";
}

/* The result of a call that made a copy. */
static int
made(struct cmd_ctx *c, kern_return_t kr, struct held *h, vm_map_copy_t copy)
{
	bool some = copy != VM_MAP_COPY_NULL;

	kr = held_keep(h, kr, copy);
	if (kr != KERN_SUCCESS)
		return cmd_result(c, kr, NULL);
	return cmd_result(c, kr, "name=%s type=%s size=0x%lx", h->name, cmd_copy_type(some ? copy->type : 0),
	    some ? copy->size : 0);
}

static kern_return_t
want_page_list(vm_map_copy_t copy)
{
	if (copy != VM_MAP_COPY_NULL && copy->type == VM_MAP_COPY_PAGE_LIST)
		return KERN_SUCCESS;
	return KERN_FAIL(KERN_INVALID_ARGUMENT, "the copy is no page list");
}

/* Has the copy all that it says it has? */
static kern_return_t
want_whole(vm_map_copy_t copy)
{
	if (copy == VM_MAP_COPY_NULL || copy->type != VM_MAP_COPY_PAGE_LIST ||
	    copy->npages == (vm_map_copy_has_cont(copy) ? VM_MAP_COPY_PAGE_LIST_MAX : vm_map_copy_page_count(copy)))
		return KERN_SUCCESS;
	return KERN_FAIL(KERN_INVALID_ARGUMENT, "the page list lacks pages (has %u): it can only be discarded", copy->npages);
}

static kern_return_t
no_wrap(vm_offset_t addr, vm_size_t len)
{
	if (addr + len >= addr && round_page(addr + len) >= addr)
		return KERN_SUCCESS;
	return KERN_FAIL(KERN_INVALID_ADDRESS, "0x%lx bytes at 0x%lx pass the end of the address space", len, addr);
}

/* --- in --- */

enum { IN_MAP, IN_ADDR, IN_LEN, IN_DESTROY, IN_VOLATILE, IN_MAXPROT, IN_NAME };

/* Map, addr and len stand first in every copyin command. */
static kern_return_t
begin(struct cmd_ctx *c, unsigned name, struct held **h)
{
	kern_return_t kr = cmd_map(&c->arg[IN_MAP]);

	if (kr == KERN_SUCCESS)
		kr = no_wrap(c->arg[IN_ADDR].num, c->arg[IN_LEN].num);
	return kr == KERN_SUCCESS ? held_new(CMD_COPY, c->arg[name].word, h) : kr;
}

static int
do_copyin(struct cmd_ctx *c)
{
	vm_map_copy_t copy = VM_MAP_COPY_NULL;
	struct held *h;
	kern_return_t kr = begin(c, IN_NAME, &h);

	if (kr != KERN_SUCCESS)
		return cmd_result(c, kr, NULL);
	kr = vm_map_copyin_common(c->arg[IN_MAP].map, c->arg[IN_ADDR].num, c->arg[IN_LEN].num, c->arg[IN_DESTROY].num != 0,
	    c->arg[IN_VOLATILE].num != 0, &copy, c->arg[IN_MAXPROT].num != 0);
	return made(c, kr, h, copy);
}

#define COPYIN_HELP \
    "src_destroy=1 takes the range out of its map; src_volatile=1: it may change meanwhile;\n" \
    "use_maxprot=1: READ in the maximum protection is enough.\n" \
    "  vm_map_copyin t1 $a 4M name=c1;  vm_map_copyout t2 c1\n" \
    "KERN_INVALID_ADDRESS, KERN_PROTECTION_FAILURE, KERN_MEMORY_ERROR, KERN_RESOURCE_SHORTAGE,\n" \
    "KERN_NAME_EXISTS"
#define COPYIN_ARGS \
	ARG(MAP, "map"), ARG(NUM, "addr"), ARG(SIZE, "len"), OPT(BOOL, "src_destroy", "0"), \
	OPT(BOOL, "src_volatile", "0"), OPT(BOOL, "use_maxprot", "0"), OPT(NEW, "name", "")

COMMAND(vm_map_copyin, do_copyin, "copy", "take a copy of memory, without copying it if possible", COPYIN_HELP,
    COPYIN_ARGS);
COMMAND(vm_map_copyin_common, do_copyin, "copy", "the same as vm_map_copyin, as it is called inside", COPYIN_HELP,
    COPYIN_ARGS);

static int
do_copyin_maxprot(struct cmd_ctx *c)
{
	vm_map_copy_t copy = VM_MAP_COPY_NULL;
	struct held *h;
	kern_return_t kr = begin(c, 4, &h);

	if (kr != KERN_SUCCESS)
		return cmd_result(c, kr, NULL);
	kr = vm_map_copyin_maxprot(c->arg[IN_MAP].map, c->arg[IN_ADDR].num, c->arg[IN_LEN].num, c->arg[3].num != 0, &copy);
	return made(c, kr, h, copy);
}

COMMAND(vm_map_copyin_maxprot, do_copyin_maxprot, "copy", "vm_map_copyin where READ in the maximum is enough",
    "As fork copies.\n"
    "KERN_INVALID_ADDRESS, KERN_PROTECTION_FAILURE, KERN_MEMORY_ERROR, KERN_RESOURCE_SHORTAGE",
    ARG(MAP, "map"), ARG(NUM, "addr"), ARG(SIZE, "len"), OPT(BOOL, "src_destroy", "0"), OPT(NEW, "name", ""));

/*
 * An object that may be mapped anew with all rights, referenced: of a memory
 * object or a named entry that gives them. Others are private to their entries.
 */
static kern_return_t
shareable_object(struct held *h, vm_object_offset_t offset, vm_size_t size, vm_object_t *object)
{
	vm_prot_t prot = h->kind == CMD_OBJECT ? h->object->max_prot : h->kind == CMD_NAMED ? h->named->protection : 0;
	vm_size_t limit = h->kind == CMD_OBJECT ? h->object->size : h->kind == CMD_NAMED ? h->named->size : 0;

	if (h->kind != CMD_OBJECT && (h->kind != CMD_NAMED || h->named->type != NAMED_OBJECT))
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "neither a memory object nor a named entry of an object");
	if (prot != VM_PROT_ALL)
		return KERN_FAIL(KERN_PROTECTION_FAILURE, "it gives %s: a copyout has rwx at most", vm_prot_name(prot));
	if (size == 0 || ((offset | size) & PAGE_MASK) != 0 || offset > limit || size > limit - offset)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "0x%lx bytes at 0x%lx are not whole pages of its 0x%lx", size, offset, limit);
	if (h->kind == CMD_OBJECT)
		return memory_object_map(h->object, object);
	*object = h->named->backing.object;
	vm_object_reference(*object);
	return KERN_SUCCESS;
}

static int
do_copyin_object(struct cmd_ctx *c)
{
	struct held *of = c->arg[0].held, *h;
	vm_object_offset_t base = of->kind == CMD_NAMED ? of->named->offset : 0;
	vm_map_copy_t copy = VM_MAP_COPY_NULL;
	vm_object_t object;
	kern_return_t kr = held_new(CMD_COPY, c->arg[3].word, &h);

	if (kr != KERN_SUCCESS)
		return cmd_result(c, kr, NULL);
	kr = shareable_object(of, c->arg[1].num, c->arg[2].num, &object);
	if (kr != KERN_SUCCESS)
		return made(c, kr, h, VM_MAP_COPY_NULL);
	kr = vm_map_copyin_object(object, base + c->arg[1].num, c->arg[2].num, &copy);
	if (kr != KERN_SUCCESS)
		vm_object_deallocate(object);
	return made(c, kr, h, copy);
}

COMMAND(vm_map_copyin_object, do_copyin_object, "copy", "part of an object as a copy",
    "OBJECT is a memory object or a named entry that gives rwx: what is copied out is the object\n"
    "itself, shared with all who map it.\n"
    "  vm_map_copyin_object e1 0 64K name=c1\n"
    "KERN_INVALID_ARGUMENT, KERN_PROTECTION_FAILURE, KERN_INVALID_OBJECT, KERN_RESOURCE_SHORTAGE",
    ARG(HELD, "object"), ARG(NUM, "offset"), ARG(SIZE, "size"), OPT(NEW, "name", ""));

static const struct cmd_word page_list_words[] = {
	{ "read", VM_PROT_READ }, { "write", VM_PROT_WRITE }, { "execute", VM_PROT_EXECUTE },
	{ "src_destroy", VM_MAP_COPYIN_OPT_SRC_DESTROY }, { "steal_pages", VM_MAP_COPYIN_OPT_STEAL_PAGES },
	{ "pmap_enter", VM_MAP_COPYIN_OPT_PMAP_ENTER }, { "no_zero_fill", VM_MAP_COPYIN_OPT_NO_ZERO_FILL }, { NULL, 0 },
};
#define PAGE_LIST_OPTIONS (VM_MAP_COPYIN_OPT_VM_PROT | VM_MAP_COPYIN_OPT_SRC_DESTROY | VM_MAP_COPYIN_OPT_STEAL_PAGES | \
	VM_MAP_COPYIN_OPT_PMAP_ENTER | VM_MAP_COPYIN_OPT_NO_ZERO_FILL)

static int
do_copyin_page_list(struct cmd_ctx *c)
{
	vm_map_copy_t copy = VM_MAP_COPY_NULL;
	struct held *h;
	kern_return_t kr = begin(c, 4, &h);

	if (kr != KERN_SUCCESS)
		return cmd_result(c, kr, NULL);
	if (c->arg[3].num & ~(uint64_t)PAGE_LIST_OPTIONS)
		kr = KERN_FAIL(KERN_INVALID_ARGUMENT, "options 0x%lx: unknown bits 0x%lx", c->arg[3].num,
		    c->arg[3].num & ~(uint64_t)PAGE_LIST_OPTIONS);
	else
		kr = vm_map_copyin_page_list(c->arg[IN_MAP].map, c->arg[IN_ADDR].num, c->arg[IN_LEN].num,
		    (unsigned)c->arg[3].num, &copy, false);
	return made(c, kr, h, copy);
}

COMMAND(vm_map_copyin_page_list, do_copyin_page_list, "copy", "a copy as a list of pages, 20 at a time",
    "The rest is reached by the continuation (vm_map_copy_invoke_cont). options: the access to\n"
    "check, steal_pages (the copy owns its pages), src_destroy, pmap_enter, no_zero_fill.\n"
    "  vm_map_copyin_page_list t1 $a 256K options=read|steal_pages name=c1\n"
    "KERN_INVALID_ADDRESS, KERN_PROTECTION_FAILURE, KERN_MEMORY_ERROR, KERN_RESOURCE_SHORTAGE,\n"
    "KERN_INVALID_ARGUMENT",
    ARG(MAP, "map"), ARG(NUM, "addr"), ARG(SIZE, "len"), OPTW(FLAGS, "options", "read", page_list_words),
    OPT(NEW, "name", ""));

/* --- out --- */

static int
copyout(struct cmd_ctx *c, kern_return_t (*fn)(vm_map_t, vm_offset_t *, vm_map_copy_t), kern_return_t kr)
{
	struct held *h = c->arg[1].held;
	vm_offset_t addr = 0;
	vm_size_t size = h->copy != VM_MAP_COPY_NULL ? h->copy->size : 0;

	if (kr == KERN_SUCCESS)
		kr = cmd_map(&c->arg[0]);
	if (kr == KERN_SUCCESS && c->arg[0].map->wait_for_space)
		kr = KERN_FAIL(KERN_INVALID_ARGUMENT, "the map waits for space: the shell cannot");
	if (kr == KERN_SUCCESS)
		kr = want_whole(h->copy);
	if (kr == KERN_SUCCESS)
		kr = fn(c->arg[0].map, &addr, h->copy);
	if (kr == KERN_SUCCESS)
		held_forget(h);
	return cmd_result(c, kr, "addr=0x%lx size=0x%lx", addr, size);
}

static int
do_copyout(struct cmd_ctx *c)
{
	return copyout(c, vm_map_copyout, KERN_SUCCESS);
}

COMMAND(vm_map_copyout, do_copyout, "copy", "put a copy into a map, as new memory",
    "rw-/rwx, inherited as a copy, whatever the source was. The copy is used up on success only.\n"
    "  vm_map_copyout t2 c1;  peek t2 $addr\n"
    "KERN_NO_SPACE, KERN_RESOURCE_SHORTAGE, KERN_INVALID_ARGUMENT",
    ARG(MAP, "map"), ARG(COPY, "copy"));

static int
do_copyout_page_list(struct cmd_ctx *c)
{
	return copyout(c, vm_map_copyout_page_list, want_page_list(c->arg[1].held->copy));
}

COMMAND(vm_map_copyout_page_list, do_copyout_page_list, "copy", "vm_map_copyout of a page list, to its end",
    "KERN_NO_SPACE, KERN_RESOURCE_SHORTAGE, KERN_INVALID_ARGUMENT, and what its continuation fails\n"
    "with",
    ARG(MAP, "map"), ARG(COPY, "copy"));

static int
do_overwrite(struct cmd_ctx *c)
{
	struct held *h = c->arg[2].held;
	vm_size_t size = h->copy != VM_MAP_COPY_NULL ? h->copy->size : 0;
	kern_return_t kr = cmd_map(&c->arg[0]);

	if (kr == KERN_SUCCESS)
		kr = want_whole(h->copy);
	if (kr == KERN_SUCCESS)
		kr = no_wrap(c->arg[1].num, size);
	if (kr == KERN_SUCCESS)
		kr = vm_map_copy_overwrite(c->arg[0].map, c->arg[1].num, h->copy, c->arg[3].num != 0);
	if (kr == KERN_SUCCESS)
		held_forget(h);
	return cmd_result(c, kr, "size=0x%lx", size);
}

COMMAND(vm_map_copy_overwrite, do_overwrite, "copy", "put a copy over memory that is mapped",
    "The destination keeps its protections. The copy is used up on success only; a refusal comes\n"
    "before anything changed. interruptible=1: not where a pager could be waited for.\n"
    "  vm_map_copy_overwrite t2 $b c1\n"
    "KERN_INVALID_ADDRESS, KERN_PROTECTION_FAILURE, KERN_FAILURE, KERN_MEMORY_ERROR,\n"
    "KERN_RESOURCE_SHORTAGE, KERN_INVALID_ARGUMENT",
    ARG(MAP, "map"), ARG(NUM, "addr"), ARG(COPY, "copy"), OPT(BOOL, "interruptible", "0"));

/* --- what becomes of a copy --- */

static int
do_copy_copy(struct cmd_ctx *c)
{
	vm_map_copy_t old = c->arg[0].held->copy, copy;
	struct held *h;
	kern_return_t kr = held_new(CMD_COPY, c->arg[1].word, &h);

	if (kr != KERN_SUCCESS)
		return cmd_result(c, kr, NULL);
	copy = vm_map_copy_copy(old);
	if (copy == VM_MAP_COPY_NULL && old != VM_MAP_COPY_NULL)
		kr = KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no memory for a copy's header");
	return made(c, kr, h, copy);
}

COMMAND(vm_map_copy_copy, do_copy_copy, "copy", "move a copy's contents to a new one",
    "The old one is empty from then on, and may be discarded.\n"
    "  vm_map_copy_copy c1 name=c2\n"
    "KERN_RESOURCE_SHORTAGE, KERN_NAME_EXISTS",
    ARG(COPY, "copy"), OPT(NEW, "name", ""));

COMMAND(vm_map_copy_discard, cmd_drop, "copy", "throw a copy away",
    "A continuation is aborted.",
    ARG(COPY, "copy"));

static int
do_discard_cont(struct cmd_ctx *c)
{
	struct held *h = c->arg[0].held;
	kern_return_t kr = vm_map_copy_discard_cont((vm_map_copyin_args_t)(void *)h->copy, NULL);

	if (kr == KERN_SUCCESS)
		held_forget(h);
	return cmd_result(c, kr, NULL);
}

COMMAND(vm_map_copy_discard_cont, do_discard_cont, "copy", "throw a copy away, as a continuation does it",
    "Called with the copy in the place of the arguments, and nowhere to put a next one.",
    ARG(COPY, "copy"));

static int
do_page_discard(struct cmd_ctx *c)
{
	vm_map_copy_t copy = c->arg[0].held->copy;
	kern_return_t kr = want_page_list(copy);

	if (kr == KERN_SUCCESS)
		vm_map_copy_page_discard(copy);
	return cmd_result(c, kr, NULL);
}

COMMAND(vm_map_copy_page_discard, do_page_discard, "copy", "throw away only the pages of a page list",
    "KERN_INVALID_ARGUMENT: no page list",
    ARG(COPY, "copy"));

static int
do_steal_pages(struct cmd_ctx *c)
{
	vm_map_copy_t copy = c->arg[0].held->copy;
	kern_return_t kr = want_page_list(copy);

	if (kr == KERN_SUCCESS)
		kr = vm_map_copy_steal_pages(copy);
	return cmd_result(c, kr, "npages=%u loose=%u", kr == KERN_SUCCESS ? copy->npages : 0,
	    kr == KERN_SUCCESS ? copy->page_loose : 0);
}

COMMAND(vm_map_copy_steal_pages, do_steal_pages, "copy", "make the pages of a page list its own",
    "KERN_INVALID_ARGUMENT: no page list; KERN_RESOURCE_SHORTAGE",
    ARG(COPY, "copy"));

/* Next part of a page list; extend: the old part keeps its pages. */
static int
invoke(struct cmd_ctx *c, bool extend)
{
	vm_map_copy_t old = c->arg[0].held->copy, next = VM_MAP_COPY_NULL;
	struct held *h;
	kern_return_t kr = want_page_list(old);

	if (kr == KERN_SUCCESS && !vm_map_copy_cont_is_valid(old))
		kr = KERN_FAIL(KERN_INVALID_ARGUMENT, "the copy has no continuation");
	if (kr == KERN_SUCCESS)
		kr = held_new(CMD_COPY, c->arg[1].word, &h);
	if (kr != KERN_SUCCESS)
		return cmd_result(c, kr, NULL);
	if (extend)
		vm_map_copy_invoke_extend_cont(old, &next, &kr);
	else
		vm_map_copy_invoke_cont(old, &next, &kr);
	return made(c, kr, h, next);
}

static int
do_invoke_cont(struct cmd_ctx *c)
{
	return invoke(c, false);
}

COMMAND(vm_map_copy_invoke_cont, do_invoke_cont, "copy", "the next pages of a page list; the old ones go",
    "  vm_map_copy_invoke_cont c1 name=c2\n"
    "KERN_INVALID_ARGUMENT: no continuation (it runs once); and those of vm_map_copyin_page_list",
    ARG(COPY, "copy"), OPT(NEW, "name", ""));

static int
do_invoke_extend_cont(struct cmd_ctx *c)
{
	return invoke(c, true);
}

COMMAND(vm_map_copy_invoke_extend_cont, do_invoke_extend_cont, "copy", "the next pages of a page list; the old ones stay",
    "KERN_INVALID_ARGUMENT: no continuation; and those of vm_map_copyin_page_list",
    ARG(COPY, "copy"), OPT(NEW, "name", ""));

static int
do_abort_cont(struct cmd_ctx *c)
{
	vm_map_copy_t copy = c->arg[0].held->copy;
	kern_return_t kr = want_page_list(copy);

	if (kr == KERN_SUCCESS && !vm_map_copy_has_cont(copy))
		kr = KERN_FAIL(KERN_INVALID_ARGUMENT, "the copy has no continuation");
	if (kr == KERN_SUCCESS)
		vm_map_copy_abort_cont(copy);
	return cmd_result(c, kr, NULL);
}

COMMAND(vm_map_copy_abort_cont, do_abort_cont, "copy", "give up the rest of a page list, and its pages",
    "KERN_INVALID_ARGUMENT: no continuation",
    ARG(COPY, "copy"));
