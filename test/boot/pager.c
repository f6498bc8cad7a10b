/*
 * pager.c: files and devices mapped into tasks, and programs that wait for pagers.
 *
 * The agent of a task stands for its programs: its loads and stores are U-mode's.
 */
#include <string.h>
#include <base/test.h>
#include <base/wait.h>
#include <kernel/boot.h>
#include <kernel/initrd.h>
#include <kernel/pager.h>
#include <kernel/task.h>
#include <kernel/thread.h>
#include <mm/vm_page.h>
#include <mm/vm_user.h>

#define AT  0x40000000ul

static struct task *task;
static struct agent_request request;
static kern_return_t answer;
static uint32_t answered;

static bool
setup(void)
{
	return task_create(NULL, NULL, "boottest", &task) == KERN_SUCCESS;
}

static void
cleanup(memory_object_t mo)
{
	(void)task_terminate(task);
	task_deallocate(task);
	memory_object_release(mo);
}

static kern_return_t
map_object(memory_object_t mo, vm_size_t size, bool copy, vm_prot_t cur)
{
	vm_address_ut a = vm_address_u(AT);
	struct vm_map_user_args args = {
		.size = vm_size_u(size), .copy = copy, .cur = cur, .max = copy ? VM_PROT_ALL : cur, .pager = mo,
	};

	return vm_map_user(task->map, &a, &args);
}

static kern_return_t
load(vm_offset_t addr, uint64_t *value)
{
	struct agent_request r = { .op = AGENT_LOAD, .addr = addr, .width = 1 };
	kern_return_t kr = task_agent(task, &r);

	*value = r.value;
	return kr;
}

static kern_return_t
store(vm_offset_t addr, uint64_t value)
{
	struct agent_request r = { .op = AGENT_STORE, .addr = addr, .width = 1, .value = value };

	return task_agent(task, &r);
}

/* --- files --- */

/* A file of several pages, not a multiple of them. FALSE: there is none. */
static bool
find_file(struct initrd_file *f)
{
	size_t cursor = 0;

	while (initrd_next(&cursor, f))
		if ((f->mode & 0170000) == 0100000 && f->size > 2 * PAGE_SIZE && (f->size & PAGE_MASK) != 0)
			return true;
	return false;
}

TEST(pager_file, a_file_is_what_the_initrd_has)
{
	struct initrd_file f;
	memory_object_t mo, again;
	vm_size_t bytes;
	uint64_t v;

	if (!find_file(&f)) {
		test_skip("no initrd with a file of several pages");
		return;
	}
	ASSERT_TRUE(setup());
	ASSERT_EQ(pager_file_open(f.name, &mo, &bytes), KERN_SUCCESS);
	ASSERT_EQ(bytes, f.size);
	ASSERT_EQ(pager_file_open(f.name, &again, NULL), KERN_SUCCESS);
	ASSERT_TRUE(again == mo);
	memory_object_release(again);
	ASSERT_EQ(map_object(mo, mo->size, false, VM_PROT_DEFAULT), KERN_PROTECTION_FAILURE);
	ASSERT_EQ(map_object(mo, mo->size, false, VM_PROT_READ), KERN_SUCCESS);
	for (size_t i = 0; i < f.size; i += 997) {
		ASSERT_EQ(load(AT + i, &v), KERN_SUCCESS);
		ASSERT_EQ(v, f.data[i]);
	}
	ASSERT_EQ(load(AT + f.size - 1, &v), KERN_SUCCESS);
	ASSERT_EQ(v, f.data[f.size - 1]);
	for (size_t i = f.size; i < round_page(f.size); i += 61) {
		ASSERT_EQ(load(AT + i, &v), KERN_SUCCESS);
		ASSERT_EQ(v, 0);
	}
	ASSERT_EQ(store(AT, 1), KERN_PROTECTION_FAILURE);
	cleanup(mo);
}

TEST(pager_file, a_private_copy_leaves_the_file_alone)
{
	struct initrd_file f;
	memory_object_t mo;
	uint64_t v;

	if (!find_file(&f)) {
		test_skip("no initrd with a file of several pages");
		return;
	}
	ASSERT_TRUE(setup());
	ASSERT_EQ(pager_file_open(f.name, &mo, NULL), KERN_SUCCESS);
	ASSERT_EQ(map_object(mo, mo->size, true, VM_PROT_DEFAULT), KERN_SUCCESS);
	v = (uint8_t)~f.data[PAGE_SIZE];
	ASSERT_EQ(store(AT + PAGE_SIZE, v), KERN_SUCCESS);
	ASSERT_EQ(load(AT + PAGE_SIZE + 1, &v), KERN_SUCCESS);
	ASSERT_EQ(v, f.data[PAGE_SIZE + 1]);
	ASSERT_EQ(vm_deallocate(task->map, vm_address_u(AT), vm_size_u(mo->size)), KERN_SUCCESS);
	ASSERT_EQ(map_object(mo, mo->size, false, VM_PROT_READ), KERN_SUCCESS);
	ASSERT_EQ(load(AT + PAGE_SIZE, &v), KERN_SUCCESS);
	ASSERT_EQ(v, f.data[PAGE_SIZE]);
	cleanup(mo);
}

TEST(pager_file, names_that_are_none)
{
	memory_object_t mo;

	ASSERT_EQ(pager_file_open("no/such/file", &mo, NULL), KERN_NOT_FOUND);
	ASSERT_EQ(pager_file_open("", &mo, NULL), KERN_NOT_FOUND);
}

/* --- devices --- */

/* The UART's registers as a program sees them: the transmitter is (or becomes) empty. */
TEST(pager_device, a_program_reads_the_uart)
{
	memory_object_t mo;
	uint64_t start, v = 0;

	if (boot_platform.stdout_node == FDT_NO_NODE ||
	    !fdt_node_compatible(&boot_platform.fdt, boot_platform.stdout_node, "ns16550a")) {
		test_skip("the console is no ns16550a");
		return;
	}
	ASSERT_TRUE(setup());
	ASSERT_EQ(pager_device_open("/soc/serial@10000000", 0, 0, &mo, &start), KERN_SUCCESS);
	ASSERT_EQ(mo->size, PAGE_SIZE);
	ASSERT_EQ(map_object(mo, PAGE_SIZE, false, VM_PROT_DEFAULT), KERN_SUCCESS);
	for (unsigned i = 0; i < 1000 && !(v & 0x20); i++) {
		ASSERT_EQ(load(AT + 5, &v), KERN_SUCCESS);      /* line status */
		thread_sleep_us(100);
	}
	ASSERT_TRUE(v & 0x20);
	/* The scratch register keeps what is stored. */
	ASSERT_EQ(store(AT + 7, 0x5a), KERN_SUCCESS);
	ASSERT_EQ(load(AT + 7, &v), KERN_SUCCESS);
	ASSERT_EQ(v, 0x5a);
	ASSERT_EQ(vm_deallocate(task->map, vm_address_u(AT), vm_size_u(PAGE_SIZE)), KERN_SUCCESS);
	ASSERT_EQ(load(AT + 5, &v), KERN_INVALID_ADDRESS);
	cleanup(mo);
}

/* What the tree does not call a device's, or the kernel needs for itself, is nobody's. */
TEST(pager_device, memory_and_controllers_are_refused)
{
	const struct platform *p = &boot_platform;
	memory_object_t mo;

	for (unsigned i = 0; i < p->bank_count; i++) {
		kern_return_t kr = pager_device_open(NULL, p->bank[i].base, PAGE_SIZE, &mo, NULL);

		/* The memory node has a reg, too. */
		ASSERT_TRUE(kr == KERN_PROTECTION_FAILURE || kr == KERN_NOT_FOUND);
		ASSERT_NE(pager_device_open(NULL, p->bank[i].base + p->bank[i].size - PAGE_SIZE, PAGE_SIZE, &mo, NULL), KERN_SUCCESS);
	}
	for (unsigned i = 0; i < p->reserved_count; i++)
		ASSERT_NE(pager_device_open(NULL, p->reserved[i].range.base, 1, &mo, NULL), KERN_SUCCESS);
	for (unsigned i = 0; i < p->plic_count; i++) {
		ASSERT_EQ(pager_device_open(NULL, p->plic[i].reg.base, 4, &mo, NULL), KERN_PROTECTION_FAILURE);
		ASSERT_EQ(pager_device_open(NULL, p->plic[i].reg.base + p->plic[i].reg.size - 4, 4, &mo, NULL), KERN_PROTECTION_FAILURE);
	}
	ASSERT_EQ(pager_device_open(NULL, 0x20, 4, &mo, NULL), KERN_NOT_FOUND);
	ASSERT_EQ(pager_device_open(NULL, ~0ul, 4, &mo, NULL), KERN_NOT_FOUND);
	ASSERT_EQ(pager_device_open(NULL, ~0ul, ~0ul, &mo, NULL), KERN_NOT_FOUND);
	ASSERT_EQ(pager_device_open("/no/such/node", 0, 0, &mo, NULL), KERN_NOT_FOUND);
	ASSERT_EQ(pager_device_open("", 0, 0, &mo, NULL), KERN_NOT_FOUND);
	ASSERT_EQ(pager_device_open("/memory", 0, 0, &mo, NULL), KERN_PROTECTION_FAILURE);
}

/* --- waiting --- */

static void
agent_thread(void *arg)
{
	(void)arg;
	answer = task_agent(task, &request);
	__atomic_store_n(&answered, 1, __ATOMIC_SEQ_CST);
}

/* A load by the task's program, which somebody else waits for. */
static bool
load_begins(vm_offset_t addr)
{
	request = (struct agent_request){ .op = AGENT_LOAD, .addr = addr, .width = 1 };
	answered = 0;
	return kthread_create("boottest", agent_thread, NULL) != NULL;
}

static bool
load_ends(void)
{
	for (unsigned i = 0; i < 2000 && !__atomic_load_n(&answered, __ATOMIC_SEQ_CST); i++)
		thread_sleep_us(1000);
	return answered != 0;
}

/* Until somebody waits for the pager of mo. */
static bool
somebody_waits(memory_object_t mo)
{
	struct pager_test_counts c = { 0 };

	for (unsigned i = 0; i < 2000 && c.requests == 0; i++) {
		thread_sleep_us(1000);
		(void)pager_test_counts(mo, &c);
	}
	return c.requests != 0;
}

TEST(pager_test, an_answer_may_come_later)
{
	memory_object_t mo;
	uint64_t v, began;

	ASSERT_TRUE(setup());
	ASSERT_EQ(pager_test_create(4 * PAGE_SIZE, &mo), KERN_SUCCESS);
	ASSERT_EQ(map_object(mo, 4 * PAGE_SIZE, false, VM_PROT_DEFAULT), KERN_SUCCESS);
	ASSERT_EQ(pager_test_control(mo, PAGER_DELAY, 20), KERN_SUCCESS);
	ASSERT_EQ(pager_test_control(mo, PAGER_FILL, 5), KERN_SUCCESS);
	began = wait_clock_us();
	ASSERT_EQ(load(AT, &v), KERN_SUCCESS);
	ASSERT_EQ(v, 5);
	ASSERT_TRUE(wait_clock_us() - began >= 20000);
	/* Held until told. */
	ASSERT_EQ(pager_test_control(mo, PAGER_DELAY, 0), KERN_SUCCESS);
	ASSERT_EQ(pager_test_control(mo, PAGER_HOLD, 1), KERN_SUCCESS);
	ASSERT_TRUE(load_begins(AT + PAGE_SIZE));
	thread_sleep_us(20000);
	ASSERT_EQ(answered, 0);
	ASSERT_EQ(pager_test_control(mo, PAGER_ANSWER, 0), KERN_SUCCESS);
	ASSERT_TRUE(load_ends());
	ASSERT_EQ(answer, KERN_SUCCESS);
	ASSERT_EQ(request.value, 6);
	cleanup(mo);
}

TEST(pager_test, silence_ends_in_an_error)
{
	uint64_t old = memory_object_patience_us, v;
	memory_object_t mo;

	ASSERT_TRUE(setup());
	ASSERT_EQ(pager_test_create(4 * PAGE_SIZE, &mo), KERN_SUCCESS);
	ASSERT_EQ(map_object(mo, 4 * PAGE_SIZE, false, VM_PROT_DEFAULT), KERN_SUCCESS);
	ASSERT_EQ(pager_test_control(mo, PAGER_NEVER, 1), KERN_SUCCESS);
	memory_object_patience_us = 30000;
	ASSERT_EQ(load(AT, &v), KERN_MEMORY_ERROR);
	memory_object_patience_us = old;
	cleanup(mo);
}

/* A task can be ended while one of its threads waits, and everything else goes on. */
TEST(pager_test, a_task_that_waits_can_be_terminated)
{
	memory_object_t mo;

	ASSERT_TRUE(setup());
	ASSERT_EQ(pager_test_create(4 * PAGE_SIZE, &mo), KERN_SUCCESS);
	ASSERT_EQ(map_object(mo, 4 * PAGE_SIZE, false, VM_PROT_DEFAULT), KERN_SUCCESS);
	ASSERT_EQ(pager_test_control(mo, PAGER_NEVER, 1), KERN_SUCCESS);
	ASSERT_TRUE(load_begins(AT));
	ASSERT_TRUE(somebody_waits(mo));
	ASSERT_EQ(task_terminate(task), KERN_SUCCESS);
	ASSERT_TRUE(load_ends());
	ASSERT_NE(answer, KERN_SUCCESS);
	ASSERT_EQ(task->nthreads, 0);
	cleanup(mo);
}

/* What the program waits for is unmapped by another: it is told so. */
TEST(pager_test, what_is_waited_for_may_be_unmapped)
{
	memory_object_t mo;

	ASSERT_TRUE(setup());
	ASSERT_EQ(pager_test_create(4 * PAGE_SIZE, &mo), KERN_SUCCESS);
	ASSERT_EQ(map_object(mo, 4 * PAGE_SIZE, false, VM_PROT_DEFAULT), KERN_SUCCESS);
	ASSERT_EQ(pager_test_control(mo, PAGER_HOLD, 1), KERN_SUCCESS);
	ASSERT_TRUE(load_begins(AT));
	ASSERT_TRUE(somebody_waits(mo));
	ASSERT_EQ(vm_deallocate(task->map, vm_address_u(AT), vm_size_u(PAGE_SIZE)), KERN_SUCCESS);
	ASSERT_EQ(pager_test_control(mo, PAGER_ANSWER, 0), KERN_SUCCESS);
	ASSERT_TRUE(load_ends());
	ASSERT_EQ(answer, KERN_INVALID_ADDRESS);
	cleanup(mo);
}
