/*
 * held.h: what the shell holds under names: copies, named entries, memory
 * objects, maps, shared regions. See held.c.
 */
#ifndef SHELL_HELD_H
#define SHELL_HELD_H

#include <mm/memory_object.h>
#include <mm/vm_map_copy.h>
#include <mm/vm_named_entry.h>
#include "shell.h"

struct held {
	struct list   link;
	enum cmd_type kind;             /* CMD_COPY, CMD_NAMED, CMD_OBJECT, CMD_REGION or CMD_MAP */
	char          name[SHELL_NAME_MAX];
	bool          resident;         /* MAP: comes with a residence reference */
	union {
		vm_map_copy_t           copy;   /* NULL: the copy of nothing */
		vm_named_entry_t        named;
		memory_object_t         object;
		shared_region_mapping_t region;
		vm_map_t                map;
		void                   *any;
	};
};

/*
 * A place for something new of this kind. name "": the first free one of c1, e1,
 * o1, r1, m1... KERN_INVALID_ARGUMENT: no name for variables; KERN_NAME_EXISTS:
 * also of a task; KERN_RESOURCE_SHORTAGE. To be followed by held_keep.
 */
kern_return_t held_new(enum cmd_type kind, const char *name, struct held **h);
/* KERN_SUCCESS: the reference `any` is held from now on; else h is forgotten. Returns kr. */
kern_return_t held_keep(struct held *h, kern_return_t kr, void *any);
/* The name goes; its reference was given away. */
void held_forget(struct held *h);
/* The name and its reference go. */
void held_drop(struct held *h);
/* CMD_HELD: of any kind. NULL: none. */
struct held *held_find(enum cmd_type kind, const char *name);
/* By what is held; NULL: has no name. */
struct held *held_named(enum cmd_type kind, const void *any);
/* The i-th in the order of their making; NULL past the last. */
struct held *held_nth(unsigned i);
/* "copy", "named entry", ... */
const char *held_kind_name(enum cmd_type kind);

/* --- what several files of commands use --- */

/* VM_FLAGS_* of vm_allocate, vm_map, vm_remap (cmd_vm.c). */
extern const struct cmd_word map_flag_words[];
/* A map to work on. KERN_INVALID_ARGUMENT: the kernel's, which is only to be looked at. */
kern_return_t cmd_map(const struct cmd_value *v);
/*
 * The same for the map layer's own calls, which trust their caller: [start, end)
 * must be whole pages, in order, inside the map. KERN_INVALID_ARGUMENT.
 */
kern_return_t cmd_map_range(const struct cmd_value *v, vm_offset_t start, vm_offset_t end);
/*
 * May the shell wire and unwire here as the kernel does? Only in tasks' maps
 * (KERN_INVALID_ARGUMENT): in a submap those are the wirings of its windows.
 */
kern_return_t cmd_kernel_wires(vm_map_t map);
/* Is it the map of a task? Such maps are no submaps. */
bool cmd_is_task_map(vm_map_t map);
/* The whole of a command that only gives up the held thing of its first argument. */
int cmd_drop(struct cmd_ctx *c);
/* VM_MAP_COPY_ENTRY_LIST: "entry_list"...; 0, the copy of nothing: "null" (cmd_copy.c). */
const char *cmd_copy_type(int type);
/* Prints what an entry outside of maps shows, to the end of the line. */
void cmd_print_backing(const struct vm_map_entry *e);
/* KERN_INVALID_ARGUMENT: not cur within max within rwx. */
kern_return_t cmd_rights(vm_prot_t cur, vm_prot_t max);

#endif
