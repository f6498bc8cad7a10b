/*
 * drivers/mmio.h: loads from and stores to device registers.
 *
 * RISC-V orders accesses to devices and to memory with each other only by
 * fences. The rule here: everything before a store in program order is done
 * before the store reaches the device (so a buffer is filled before the
 * doorbell rings), and a load has its value before anything after it starts
 * (so data is not read ahead of the status that announces it). Device code
 * needs no fences of its own then.
 *
 * The host build has its own header of this name, in which the registers are a
 * model's.
 */
#ifndef DRIVERS_MMIO_H
#define DRIVERS_MMIO_H

#include <base/types.h>

#define MMIO_ACCESSORS(bits) \
	static inline uint##bits##_t \
	mmio_read##bits(const volatile void *base, size_t offset) \
	{ \
		uint##bits##_t v = *(const volatile uint##bits##_t *) \
		    ((const volatile char *)base + offset); \
		__asm__ volatile("fence i,iorw" ::: "memory"); \
		return v; \
	} \
	static inline void \
	mmio_write##bits(volatile void *base, size_t offset, uint##bits##_t v) \
	{ \
		__asm__ volatile("fence iorw,o" ::: "memory"); \
		*(volatile uint##bits##_t *)((volatile char *)base + offset) = v; \
	}

MMIO_ACCESSORS(8)
MMIO_ACCESSORS(16)
MMIO_ACCESSORS(32)

#endif
