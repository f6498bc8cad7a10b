/*
 * drivers/mmio.h on the host: registers are a model's.
 *
 * A window is the physical address itself, so that base + offset names the
 * register; it is never dereferenced. test/host/prog_drivers has the models.
 */
#ifndef DRIVERS_MMIO_H
#define DRIVERS_MMIO_H

#include <base/types.h>

uint32_t model_read(uint64_t pa, unsigned bits);
void model_write(uint64_t pa, unsigned bits, uint32_t v);

#define MMIO_ACCESSORS(bits) \
	static inline uint##bits##_t \
	mmio_read##bits(const volatile void *base, size_t offset) \
	{ \
		return (uint##bits##_t)model_read((uintptr_t)base + offset, bits); \
	} \
	static inline void \
	mmio_write##bits(volatile void *base, size_t offset, uint##bits##_t v) \
	{ \
		model_write((uintptr_t)base + offset, bits, v); \
	}

MMIO_ACCESSORS(8)
MMIO_ACCESSORS(16)
MMIO_ACCESSORS(32)

#endif
