/*
 * copy.c: copyin, copyout, copyinstr (machine/copy.h), and their recovery.
 *
 * Ranges are checked here, so that copy.S only ever touches user space; what
 * lies there is the map's business, and a fault decides. A fault is the copy's
 * own only while its pc is between copy_start and copy_end: no state to set up
 * before a copy and none to forget after it, also when the thread sleeps in the
 * fault and goes on on another hart.
 */
#include <machine/copy.h>
#include <machine/vmparam.h>
#include <arch/copy_recover.h>

kern_return_t copy_bytes(void *dst, const void *src, size_t n);
kern_return_t copy_string(char *dst, const char *src, size_t n, size_t *copied);
extern char copy_start[], copy_end[], copy_fault[];

bool
copy_pc(uint64_t pc)
{
	return pc >= (uint64_t)copy_start && pc < (uint64_t)copy_end;
}

bool
copy_recover(struct trapframe *tf, kern_return_t kr)
{
	if (!copy_pc(tf->sepc))
		return false;
	tf->sepc = (uint64_t)copy_fault;
	tf->x[10] = (uint64_t)(int64_t)kr;
	return true;
}

static inline bool
user_range(uint64_t addr, size_t size)
{
	return size <= vm_max_address && addr <= vm_max_address - size;
}

kern_return_t
copyin(uint64_t user_src, void *dst, size_t size)
{
	if (unlikely(!user_range(user_src, size)))
		return KERN_FAIL(KERN_INVALID_ADDRESS,
		    "0x%lx bytes at 0x%lx are not in user space", size, user_src);
	return copy_bytes(dst, (const void *)user_src, size);
}

kern_return_t
copyout(const void *src, uint64_t user_dst, size_t size)
{
	if (unlikely(!user_range(user_dst, size)))
		return KERN_FAIL(KERN_INVALID_ADDRESS,
		    "0x%lx bytes at 0x%lx are not in user space", size, user_dst);
	return copy_bytes((void *)user_dst, src, size);
}

kern_return_t
copyinstr(uint64_t user_src, char *dst, size_t size, size_t *len)
{
	size_t n = size, copied;
	kern_return_t kr;

	if (unlikely(user_src >= vm_max_address))
		return KERN_FAIL(KERN_INVALID_ADDRESS, "a string at 0x%lx is not in user space",
		    user_src);
	if (n > vm_max_address - user_src)
		n = vm_max_address - user_src;
	kr = copy_string(dst, (const char *)user_src, n, &copied);
	if (kr != KERN_SUCCESS)
		return kr;
	if (copied == 0 || dst[copied - 1] != '\0')
		return n < size ?
		    KERN_FAIL(KERN_INVALID_ADDRESS, "the string at 0x%lx leaves user space", user_src) :
		    KERN_FAIL(KERN_INSUFFICIENT_BUFFER_SIZE,
		    "the string at 0x%lx does not fit into %lu bytes", user_src, size);
	*len = copied - 1;
	return KERN_SUCCESS;
}
