/*
 * trap.c: into the kernel and back: registers, system calls, exceptions, bad pointers.
 */
#include <arch/csr.h>
#include <arch/trap.h>
#include <mm/vm_kern.h>
#include "user.h"

/* The program must end by itself with status 0. */
#define ASSERT_RUNS(name, argument) \
	do { \
		USER_PROGRAM(name); \
		struct task *t_ = user_run(name, name##_end, argument); \
		if (t_ == NULL) \
			return; \
		enum task_end end_ = t_->end; \
		int status_ = t_->status; \
		task_deallocate(t_); \
		ASSERT_EQ(end_, TASK_EXITED); \
		ASSERT_EQ(status_, 0); \
	} while (0)

TEST(trap, fault_keeps_all_registers)
{
	ASSERT_RUNS(user_registers, USER_DATA);
}

TEST(trap, syscall_keeps_and_clears_registers)
{
	ASSERT_RUNS(user_syscall, 0);
}

TEST(trap, bad_pointers_are_refused)
{
	ASSERT_RUNS(user_pointers, 0);
}

TEST(trap, half_an_exception_frame_changes_nothing)
{
	ASSERT_RUNS(user_half_frame, 0);
}

TEST(trap, handler_gets_and_mends)
{
	ASSERT_RUNS(user_handler, 0);
}

struct ending {
	const char   *code, *code_end;
	uint64_t      argument;
	kern_return_t status;
	vm_offset_t   addr;
	vm_prot_t     access;
};

static void
check_ending(const struct ending *e)
{
	struct task *t = user_run(e->code, e->code_end, e->argument);

	if (t == NULL)
		return;
	ASSERT_EQ(t->end, TASK_EXCEPTION);
	ASSERT_EQ(t->status, e->status);
	ASSERT_EQ(t->end_access, e->access);
	if (e->access != VM_PROT_NONE)
		ASSERT_EQ(t->end_addr, e->addr);
	if (e->access != VM_PROT_EXECUTE) {
		ASSERT_GE(t->end_pc, USER_CODE);
		ASSERT_LE(t->end_pc, USER_CODE + PAGE_SIZE);
	}
	task_deallocate(t);
}

TEST(trap, unresolved_faults_end_the_task)
{
	USER_PROGRAM(user_jump);
	USER_PROGRAM(user_load);
	USER_PROGRAM(user_store);
	USER_PROGRAM(user_illegal);
	USER_PROGRAM(user_break);
	USER_PROGRAM(user_csr);
#define RUN(name) name, name##_end
	const struct ending endings[] = {
		{ RUN(user_load), 0, KERN_INVALID_ADDRESS, 0, VM_PROT_READ },
		{ RUN(user_store), 0x18, KERN_INVALID_ADDRESS, 0x18, VM_PROT_WRITE },
		{ RUN(user_store), USER_CODE, KERN_PROTECTION_FAILURE, USER_CODE, VM_PROT_WRITE },
		{ RUN(user_jump), USER_DATA, KERN_PROTECTION_FAILURE, USER_DATA, VM_PROT_EXECUTE },
		{ RUN(user_jump), 0x2000, KERN_INVALID_ADDRESS, 0x2000, VM_PROT_EXECUTE },
		{ RUN(user_load), 0xffffffff80000000, KERN_INVALID_ADDRESS, 0xffffffff80000000, VM_PROT_READ },
		{ RUN(user_store), 0xffffffc080200000, KERN_INVALID_ADDRESS, 0xffffffc080200000, VM_PROT_WRITE },
		{ RUN(user_jump), 0xffffffff80000000, KERN_INVALID_ADDRESS, 0xffffffff80000000, VM_PROT_EXECUTE },
		{ RUN(user_load), 0x8000000000000000, KERN_INVALID_ADDRESS, 0x8000000000000000, VM_PROT_READ },
		{ RUN(user_illegal), 0, KERN_FAILURE, 0, VM_PROT_NONE },
		{ RUN(user_break), 0, KERN_FAILURE, 0, VM_PROT_NONE },
		{ RUN(user_csr), 0, KERN_FAILURE, 0, VM_PROT_NONE },
	};

	for (unsigned i = 0; i < nitems(endings) && !test_failed(); i++)
		check_ending(&endings[i]);
}

/* Another hart may have mapped it since this one last looked: the leaf decides. */
TEST(trap, a_fault_at_a_mapped_kernel_address_is_none)
{
	static const uint64_t causes[] = { EXC_LOAD_PAGE, EXC_STORE_PAGE };
	vm_offset_t va;

	ASSERT_EQ(kmem_alloc(&va, PAGE_SIZE, 0), KERN_SUCCESS);
	for (unsigned i = 0; i < nitems(causes); i++) {
		struct trapframe tf = { .scause = causes[i], .stval = va + 8 };

		trap_kernel(&tf);       /* the alternative is the crash report */
		test_count_assertion();
	}
	kmem_free(va, PAGE_SIZE, 0);
}

TEST(trap, a_handler_that_faults_ends_the_task)
{
	USER_PROGRAM(user_handler_faults);
	USER_PROGRAM(user_handler_no_stack);
	const struct ending nested = { RUN(user_handler_faults), 0, KERN_INVALID_ADDRESS, 8, VM_PROT_READ };
	const struct ending stack = { RUN(user_handler_no_stack), 0, KERN_INVALID_ADDRESS, 16, VM_PROT_READ };

	check_ending(&nested);
	check_ending(&stack);
}
