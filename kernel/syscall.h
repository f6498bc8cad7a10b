/*
 * syscall.h: the functions behind the system calls (private to kernel/).
 *
 * Each is called by trap.S with the six argument registers as the program left
 * them. Every parameter is 64 bits wide and truncated by hand: the compiler
 * would take the upper half of a narrower one for sign-extended, as C callers
 * do, and programs need not. Result: kern_return_t, or what atlas/abi.h says.
 */
#ifndef KERNEL_SYSCALL_H
#define KERNEL_SYSCALL_H

#include <base/kern_return.h>
#include <machine/trapframe.h>

/*
 * Can a result of size bytes, 8 at most, be stored at addr? Asked before the
 * work, so that a call that fails for it has done nothing; what is there stays,
 * so that one that fails for another reason leaves its outputs alone.
 */
kern_return_t output_probe(uint64_t addr, size_t size);

uint64_t      sys_null(void);
uint64_t      sys_unknown(void);
void          sys_thread_exit(void);
void          sys_task_exit(uint64_t status);
uint64_t      sys_console_write(uint64_t buf, uint64_t n);
uint64_t      sys_console_read(uint64_t buf, uint64_t n);
kern_return_t sys_thread_yield(void);
kern_return_t sys_thread_sleep(uint64_t us);
uint64_t      sys_clock_us(void);
kern_return_t sys_thread_create(uint64_t pc, uint64_t sp, uint64_t a0, uint64_t id_out);
kern_return_t sys_exception_handler(uint64_t pc, uint64_t sp);
kern_return_t sys_futex_wait(uint64_t addr, uint64_t expect);
uint64_t      sys_futex_wake(uint64_t addr, uint64_t n);
kern_return_t sys_icache_sync(void);
uint64_t      sys_hart_id(void);
uint64_t      sys_random(void);

kern_return_t sys_task_create(uint64_t parent, uint64_t inherit, uint64_t child_out);
kern_return_t sys_task_terminate(uint64_t task);
kern_return_t sys_task_wait(uint64_t task, uint64_t status_out, uint64_t flags);
kern_return_t sys_handle_deallocate(uint64_t handle);
uint64_t      sys_task_id(uint64_t task);
kern_return_t sys_task_resume(uint64_t task, uint64_t pc, uint64_t sp, uint64_t a0);
uint64_t      sys_task_parent_id(void);

kern_return_t sys_vm_allocate(uint64_t task, uint64_t addr, uint64_t size, uint64_t flags);
kern_return_t sys_vm_deallocate(uint64_t task, uint64_t addr, uint64_t size);
kern_return_t sys_vm_protect(uint64_t task, uint64_t addr, uint64_t size, uint64_t set_max, uint64_t prot);
kern_return_t sys_vm_inherit(uint64_t task, uint64_t addr, uint64_t size, uint64_t inherit);
kern_return_t sys_vm_read(uint64_t task, uint64_t addr, uint64_t size, uint64_t data_out, uint64_t count_out);
kern_return_t sys_vm_write(uint64_t task, uint64_t addr, uint64_t data, uint64_t count);
kern_return_t sys_vm_copy(uint64_t task, uint64_t src, uint64_t size, uint64_t dst);
kern_return_t sys_vm_map(uint64_t args_inout);
kern_return_t sys_vm_region(uint64_t task, uint64_t addr, uint64_t size_out, uint64_t flavor, uint64_t info_out, uint64_t count_inout);
kern_return_t sys_vm_read_overwrite(uint64_t task, uint64_t addr, uint64_t size, uint64_t data, uint64_t count_out);
kern_return_t sys_vm_remap(uint64_t args_inout);
kern_return_t sys_vm_remap_new(uint64_t args_inout);
kern_return_t sys_vm_wire(uint64_t host, uint64_t task, uint64_t addr, uint64_t size, uint64_t access);
kern_return_t sys_task_wire(uint64_t task, uint64_t must_wire);
kern_return_t sys_vm_behavior_set(uint64_t task, uint64_t addr, uint64_t size, uint64_t behavior);
kern_return_t sys_vm_msync(uint64_t task, uint64_t addr, uint64_t size, uint64_t flags);
kern_return_t sys_vm_machine_attribute(uint64_t task, uint64_t addr, uint64_t size, uint64_t attribute, uint64_t value_inout);
kern_return_t sys_vm_region_recurse(uint64_t task, uint64_t addr, uint64_t size_out, uint64_t depth, uint64_t info_out, uint64_t count_inout);
kern_return_t sys_vm_map_page_query(uint64_t task, uint64_t addr, uint64_t disposition_out, uint64_t ref_out);
kern_return_t sys_vm_map_page_range_query(uint64_t task, uint64_t addr, uint64_t size, uint64_t dispositions_out, uint64_t count_inout);
kern_return_t sys_vm_read_list(uint64_t task, uint64_t list_inout, uint64_t count);
kern_return_t sys_mach_make_memory_entry(uint64_t task, uint64_t size_inout, uint64_t offset, uint64_t permission, uint64_t handle_out, uint64_t parent);
kern_return_t sys_vm_region_object_create(uint64_t task, uint64_t size, uint64_t handle_out);
kern_return_t sys_mach_memory_object_memory_entry(uint64_t host, uint64_t internal, uint64_t size, uint64_t permission, uint64_t pager, uint64_t handle_out);
kern_return_t sys_memory_object_file(uint64_t path, uint64_t object_out, uint64_t bytes_out);
kern_return_t sys_memory_object_device(uint64_t name, uint64_t address, uint64_t size, uint64_t object_out, uint64_t start_out);
kern_return_t sys_memory_object_test(uint64_t size, uint64_t object_out);
kern_return_t sys_memory_object_tell(uint64_t object, uint64_t verb, uint64_t value);
kern_return_t sys_memory_object_counts(uint64_t object, uint64_t counts_out);
kern_return_t sys_memory_object_store(uint64_t object, uint64_t offset, uint64_t data, uint64_t size, uint64_t write);
kern_return_t sys_vm_map_stack(uint64_t task, uint64_t addrbos, uint64_t max_ssize, uint64_t prot, uint64_t max, uint64_t cow);
kern_return_t sys_vm_map_growstack(uint64_t task, uint64_t addr);
kern_return_t sys_vm_map_stack_rules(uint64_t task, uint64_t rules, uint64_t guard);
kern_return_t sys_task_limits(uint64_t task, uint64_t which, uint64_t limits_inout);

kern_return_t sys_vm_map_find(uint64_t args_inout);
kern_return_t sys_vm_map_find_min(uint64_t args_inout);
kern_return_t sys_vm_map_fixed(uint64_t args_inout);
kern_return_t sys_vm_map_insert(uint64_t args_inout);
kern_return_t sys_vm_map_findspace(uint64_t task, uint64_t start, uint64_t length, uint64_t addr_out);
kern_return_t sys_vm_map_find_aligned(uint64_t task, uint64_t addr_inout, uint64_t length, uint64_t max_addr, uint64_t alignment);
kern_return_t sys_vm_map_set_options(uint64_t task, uint64_t options, uint64_t seed);

kern_return_t sys_vm_map_protect(uint64_t task, uint64_t start, uint64_t end, uint64_t prot, uint64_t max, uint64_t flags);
kern_return_t sys_vm_map_inherit(uint64_t task, uint64_t start, uint64_t end, uint64_t inherit);
kern_return_t sys_vm_map_madvise(uint64_t task, uint64_t start, uint64_t end, uint64_t advice);
kern_return_t sys_vm_map_sync(uint64_t task, uint64_t start, uint64_t end, uint64_t syncio, uint64_t invalidate);
kern_return_t sys_vm_map_wire(uint64_t task, uint64_t start, uint64_t end, uint64_t flags);
kern_return_t sys_vm_map_unwire(uint64_t task, uint64_t start, uint64_t end, uint64_t flags);
uint64_t sys_vm_map_check_protection(uint64_t task, uint64_t start, uint64_t end, uint64_t prot);
uint64_t sys_vm_map_range_valid(uint64_t task, uint64_t start, uint64_t end);

/* By way of trap.S, with the whole frame. */
extern char sys_task_fork_entry[], sys_exception_return_entry[], sys_agent_done_entry[];
void sys_task_fork_full(struct trapframe *tf);
void sys_exception_return_full(struct trapframe *tf);
void sys_agent_done_full(struct trapframe *tf);

#endif
