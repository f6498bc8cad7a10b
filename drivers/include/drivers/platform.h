/*
 * drivers/platform.h: what the device tree says about this machine.
 *
 * platform_decode turns the tree into one flat structure: memory, what of it is
 * taken, boot arguments, harts, interrupt controllers, ways to power off. It
 * knows the dialects of QEMU, of mainline's and of vendors' trees, drops what
 * makes no sense and says so in `log`, one line a thing, for the kernel to
 * print. A tree that cannot be used gives FALSE and a constant sentence.
 *
 * The structure holds numbers and copies; only `fdt.blob` points into the tree.
 * Filled by one hart at boot, read only afterwards.
 */
#ifndef DRIVERS_PLATFORM_H
#define DRIVERS_PLATFORM_H

#include <base/types.h>
#include <drivers/fdt.h>

#define PLATFORM_BANKS      16
#define PLATFORM_RESERVED   64
#define PLATFORM_PLICS      8
#define PLATFORM_BOOTARGS   1024
#define PLATFORM_LOG        4096
/* Each bank is a run, and each thing taken out can split one. */
#define PLATFORM_RUNS       (PLATFORM_BANKS + PLATFORM_RESERVED + 4)
/* RISC-V physical addresses have at most 56 bits. */
#define PLATFORM_PA_END     (1ull << 56)

struct platform_reserved {
	struct phys_range range;
	bool              no_map;       /* firmware may fault any access to it */
};

/* What a hart can do, as far as the kernel asks. */
enum {
	ISA_M       = 1u << 0,
	ISA_A       = 1u << 1,
	ISA_F       = 1u << 2,
	ISA_D       = 1u << 3,
	ISA_C       = 1u << 4,
	ISA_H       = 1u << 5,
	ISA_V       = 1u << 6,
	ISA_I       = 1u << 7,
	ISA_SSTC    = 1u << 8,
	ISA_SVPBMT  = 1u << 9,
	ISA_SVNAPOT = 1u << 10,
	ISA_SVINVAL = 1u << 11,
	ISA_ZICBOZ  = 1u << 12,
	ISA_ZICBOM  = 1u << 13,
	ISA_SVADE   = 1u << 14,
	ISA_SVADU   = 1u << 15,
	ISA_ZBA     = 1u << 16,
	ISA_ZBB     = 1u << 17,
};

struct platform_hart {
	uint64_t   hartid;
	uint32_t   intc;                /* phandle of its interrupt controller, 0: none */
	uint32_t   isa;                 /* ISA_* */
	uint32_t   va_bits;             /* 39, 48, 57 as mmu-type says; 0: it does not */
	uint32_t   zicboz_size;         /* bytes a cbo.zero clears, 0: not said */
	fdt_node_t node;                /* FDT_NO_NODE: the tree does not know it */
};

struct platform_excluded {
	uint64_t    hartid;
	const char *why;                /* constant */
};

struct platform_plic {
	struct phys_range reg;
	uint32_t   ndev;                /* highest source */
	uint32_t   phandle;
	bool       aplic;               /* an APLIC in direct mode: contexts are its IDCs */
	int32_t    context[MAXHARTS];   /* of S mode, by hart index; -1: none */
};

/* A store of `value` to the 32-bit word at pa does it. pa 0: there is none. */
struct platform_syscon {
	uint64_t pa;
	uint32_t value;
	uint32_t mask;                  /* bits of the word that value replaces */
};

struct platform {
	struct fdt fdt;
	const char *error;              /* constant; NULL when decoded */

	/* Memory: sorted, not overlapping, not empty; as the tree cuts it. */
	struct phys_range bank[PLATFORM_BANKS];
	unsigned bank_count;
	struct platform_reserved reserved[PLATFORM_RESERVED];
	unsigned reserved_count;
	struct phys_range initrd;       /* size 0: none */

	char       bootargs[PLATFORM_BOOTARGS];
	fdt_node_t stdout_node;         /* the console's UART, or FDT_NO_NODE */
	char       stdout_options[32];  /* "115200n8" */
	char       model[64];

	uint64_t   cache_size;          /* bytes of the largest cache; 0: the tree names none */
	uint64_t   timebase;            /* Hz */
	struct platform_hart hart[MAXHARTS];    /* usable; [0] is the boot hart */
	unsigned   hart_count;
	uint32_t   isa_common;          /* ISA_* that all of hart[] have */
	struct platform_excluded excluded[MAXHARTS];
	unsigned   excluded_count;

	struct platform_plic plic[PLATFORM_PLICS];
	unsigned   plic_count;

	struct platform_syscon poweroff, reboot;

	char       log[PLATFORM_LOG];   /* lines ending in \n, terminated */
	size_t     log_len;
};

/*
 * Decodes the tree at blob (at most max_size bytes of it are read) for a kernel
 * that boot_hartid started. FALSE: p->error says why.
 */
bool platform_decode(struct platform *p, const void *blob, size_t max_size, uint64_t boot_hartid);

/* The initrd turned out to be none (a stale address in the tree): log and forget it. */
void platform_drop_initrd(struct platform *p, const char *why);

/* How platform_probe reaches memory. Addresses are physical and of 8 bytes. */
struct probe_access {
	/* FALSE: nothing answered (the access trapped). */
	bool (*load)(void *arg, uint64_t pa, uint64_t *v);
	bool (*store)(void *arg, uint64_t pa, uint64_t v);
	/* What was stored is in memory now, and what is loaded next comes from there. */
	void (*settle)(void *arg);
	void  *arg;
};

/*
 * Tries the memory below `limit` that the tree describes, and cuts off what does
 * not answer, what is other memory once more, and what does not keep what is
 * stored, each with a line in the log (see platform_probe.c). Only free pages are
 * touched, and their contents are restored. After platform_decode, before
 * platform_usable, with the same ranges; bank[] and reserved[] may change, and an
 * initrd in what was cut off is dropped.
 */
void platform_probe(struct platform *p, struct phys_range kernel, struct phys_range dtb,
    uint64_t limit, const struct probe_access *access);

/*
 * The memory that is free to use, as runs of whole pages, sorted and merged:
 * all banks below `limit`, without what lies below the kernel in its bank (that
 * is firmware's, reserved or not), the kernel, the tree, reservations and the
 * initrd. kernel and dtb are physical ranges. Writes at most max runs (the
 * smallest are dropped and logged when there are more) and returns how many;
 * 0: none, p->error says why. An initrd that overlaps kernel or tree is dropped.
 */
unsigned platform_usable(struct platform *p, struct phys_range kernel, struct phys_range dtb,
    uint64_t limit, struct phys_range *run, unsigned max);

/*
 * Interrupt i of a node: which PLIC (index into plic[]) and which source.
 * FALSE: none, or its controller is not a PLIC that we know.
 */
bool platform_irq(const struct platform *p, fdt_node_t n, unsigned i, unsigned *plic, uint32_t *source);

/* ISA_* of a string like "rv64imafdc_zba_sstc"; 0 when it is not RV64. */
uint32_t platform_isa(const char *s);

/* printf into p->log; a line that does not fit is cut. */
void platform_logf(struct platform *p, const char *fmt, ...) printf_like(2, 3);

#endif
