/*
 * copy.c: the copy routines (machine/copy.h).
 *
 * copy_bytes works between any two addresses, so every alignment and the
 * lengths around its loops are tried on kernel memory, with guard bytes. The
 * wrappers' range checks need no user memory at all. Faults and their recovery
 * are tested through system calls (trap.c).
 */
#include <string.h>
#include <base/test.h>
#include <machine/copy.h>
#include <machine/vmparam.h>
#include <arch/copy_recover.h>

kern_return_t copy_bytes(void *dst, const void *src, size_t n);
kern_return_t copy_string(char *dst, const char *src, size_t n, size_t *copied);

#define GUARD 0xa5

static unsigned char src[320], dst[320];

/* TRUE: exactly n bytes came from src + from to dst + to. */
static bool
copies(unsigned from, unsigned to, unsigned n)
{
	memset(dst, GUARD, sizeof(dst));
	if (copy_bytes(dst + to, src + from, n) != KERN_SUCCESS)
		return false;
	for (unsigned i = 0; i < sizeof(dst); i++)
		if (dst[i] != (i >= to && i < to + n ? src[from + i - to] : GUARD))
			return false;
	return true;
}

TEST(copy, every_alignment_and_length)
{
	unsigned bad = 0;

	for (unsigned i = 0; i < sizeof(src); i++)
		src[i] = (unsigned char)(i * 7 + 1);
	for (unsigned from = 0; from < 8; from++)
		for (unsigned to = 0; to < 8; to++)
			for (unsigned n = 0; n <= 210; n++)
				bad += !copies(from, 16 + to, n);
	ASSERT_EQ(bad, 0);
}

TEST(copy, strings_stop_at_nul_or_size)
{
	char buf[16];
	size_t n;

	memset(buf, GUARD, sizeof(buf));
	ASSERT_EQ(copy_string(buf, "abc", sizeof(buf), &n), KERN_SUCCESS);
	ASSERT_EQ(n, 4);
	ASSERT_EQ(strcmp(buf, "abc"), 0);
	ASSERT_EQ((unsigned char)buf[4], GUARD);
	ASSERT_EQ(copy_string(buf, "abcdef", 3, &n), KERN_SUCCESS);
	ASSERT_EQ(n, 3);
	ASSERT_EQ(copy_string(buf, "abcdef", 0, &n), KERN_SUCCESS);
	ASSERT_EQ(n, 0);
}

TEST(copy, refuses_what_is_not_user_space)
{
	char buf[8] = "kernel";
	size_t n = 99;

	ASSERT_EQ(copyin(vm_max_address, buf, 1), KERN_INVALID_ADDRESS);
	ASSERT_EQ(copyin(vm_max_address - 4, buf, 8), KERN_INVALID_ADDRESS);
	ASSERT_EQ(copyin(~0ul - 3, buf, 8), KERN_INVALID_ADDRESS);
	ASSERT_EQ(copyin(PAGE_SIZE, buf, ~0ul), KERN_INVALID_ADDRESS);
	ASSERT_EQ(copyin((uint64_t)buf, buf, 8), KERN_INVALID_ADDRESS);
	ASSERT_EQ(copyout(buf, (uint64_t)buf, 8), KERN_INVALID_ADDRESS);
	ASSERT_EQ(copyout(buf, KERNEL_BASE, 1), KERN_INVALID_ADDRESS);
	ASSERT_EQ(copyinstr(DIRECT_BASE, buf, sizeof(buf), &n), KERN_INVALID_ADDRESS);
	ASSERT_EQ(n, 99);
	ASSERT_EQ(strcmp(buf, "kernel"), 0);
	/* Nothing to copy: no address is looked at. */
	ASSERT_EQ(copyin(0, buf, 0), KERN_SUCCESS);
	ASSERT_EQ(copyin(vm_max_address, buf, 0), KERN_SUCCESS);
}

TEST(copy, recovers_only_its_own_faults)
{
	struct trapframe tf = { .sepc = (uint64_t)(uintptr_t)copyin };

	ASSERT_FALSE(copy_recover(&tf, KERN_INVALID_ADDRESS));
	ASSERT_EQ(tf.sepc, (uint64_t)(uintptr_t)copyin);
	tf.sepc = (uint64_t)(uintptr_t)copy_bytes;
	ASSERT_TRUE(copy_recover(&tf, KERN_INVALID_ADDRESS));
	ASSERT_EQ(tf.x[10], KERN_INVALID_ADDRESS);
	ASSERT_FALSE(copy_pc(tf.sepc));
}
