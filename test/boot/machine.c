/*
 * machine.c: time, firmware calls, harts, boot arguments.
 */
#include <string.h>
#include <arch/hart_start.h>
#include <arch/sbi.h>
#include <arch/timer.h>
#include <base/test.h>
#include <kernel/boot.h>

TEST(timer, goes_forward)
{
	uint64_t t = timer_now(), us = timer_us();

	while (timer_us() < us + 1000)
		;
	ASSERT_GE(timer_now() - t, timer_us_to_ticks(1000) - 1);
	ASSERT_EQ(timer_us_to_ticks(3000000), 3 * timer_hz);
	ASSERT_EQ(timer_us_to_ticks(0), 0);
}

TEST(sbi, remote_calls_reach_any_set)
{
	uint64_t online = __atomic_load_n(&harts_online, __ATOMIC_ACQUIRE);

	sbi_remote_fence_i(online);
	sbi_remote_sfence_vma(online, 0, ~0ul);
	sbi_remote_sfence_vma(0, 0, ~0ul);
	ASSERT_EQ(sbi_send_ipi(online), sbi_has(SBI_CAN_IPI));
	ASSERT_TRUE(sbi_send_ipi(0));
}

TEST(sbi, firmware_knows_the_harts)
{
	if (!sbi_has(SBI_HAS_HSM)) {
		test_skip("no HSM");
		return;
	}
	for (unsigned i = 0; i < hart_count; i++)
		if (harts_online >> i & 1)
			ASSERT_EQ(sbi_hart_status(harts[i].hartid), 0);
	ASSERT_EQ(sbi_hart_start(harts[0].hartid, 0, 0), SBI_ERR_ALREADY_AVAILABLE);
}

TEST(harts, ids_and_indices_agree)
{
	ASSERT_TRUE(harts_online & 1);
	for (unsigned i = 0; i < hart_count; i++) {
		ASSERT_EQ(harts[i].index, i);
		for (unsigned j = 0; j < i; j++)
			ASSERT_NE(harts[i].hartid, harts[j].hartid);
	}
	ASSERT_EQ(hart_self()->index, hart_index());
}

/* The kernel's line is put aside while a case is tried. */
static char saved[PLATFORM_BOOTARGS];

static const char *
value(const char *line, const char *name)
{
	static char buf[16];

	strcpy(buf, "-");
	strcpy(saved, boot_platform.bootargs);
	strcpy(boot_platform.bootargs, line);
	if (!boot_arg(name, buf, sizeof(buf)))
		strcpy(buf, "absent");
	strcpy(boot_platform.bootargs, saved);
	return buf;
}

TEST(boot_arg, finds_words_and_values)
{
	ASSERT_EQ(strcmp(value("", "mode"), "absent"), 0);
	ASSERT_EQ(strcmp(value("mode=sv39", "mode"), "sv39"), 0);
	ASSERT_EQ(strcmp(value("a=b  mode=sv48 c", "mode"), "sv48"), 0);
	ASSERT_EQ(strcmp(value("modes=1 xmode=2", "mode"), "absent"), 0);
	ASSERT_EQ(strcmp(value("quiet mode=", "mode"), ""), 0);
	ASSERT_EQ(strcmp(value("quiet x", "quiet"), ""), 0);
	ASSERT_EQ(strcmp(value("s=\"a b\" t", "s"), "a b"), 0);
	ASSERT_EQ(strcmp(value("s=\"a mode=1\" t", "mode"), "absent"), 0);
	ASSERT_EQ(strcmp(value("s=\"open mode=1", "t"), "absent"), 0);
	ASSERT_EQ(strcmp(value("s=0123456789abcdefghi", "s"), "0123456789abcde"), 0);
}
