/*
 * aplic.c: the advanced platform-level interrupt controller, in direct mode.
 *
 *	0x0000  domaincfg: 0x100 interrupts on, 4 messages (0: direct)
 *	0x0004  sourcecfg of source i at 4 (i - 1): 6 level, active high
 *	0x1edc  setienum, 0x1fdc clrienum: the number of a source
 *	0x1f00  clrie: 32 words of bits
 *	0x3004  target of source i at 4 (i - 1): IDC << 18 | priority
 *	0x4000  IDC k, 32 bytes each: 0 idelivery, 8 ithreshold, 0x1c claimi
 *
 * There is one domain for each mode; ours is the one whose interrupts-extended
 * names external interrupts of S mode (platform_devices.c), and entry k there is
 * IDC k. A level source needs no completion: it stays pending while its line is
 * high. A source goes to one hart. No locks: as plic.c.
 */
#include <drivers/mmio.h>
#include "aplic.h"

#define DOMAINCFG       0x0000u
#define DOMAIN_ON       0x100u
#define SOURCECFG       0x0004u
#define LEVEL1          6u
#define SETIENUM        0x1edcu
#define CLRIE           0x1f00u
#define CLRIENUM        0x1fdcu
#define WORDS           32u
#define TARGET          0x3004u
#define TARGET_HART     18
#define IDELIVERY       0x00u
#define ITHRESHOLD      0x08u
#define CLAIMI          0x1cu
#define CLAIMI_SOURCE   16

void
aplic_silence(volatile void *domain)
{
	unsigned i;

	for (i = 0; i < WORDS; i++)
		mmio_write32(domain, CLRIE + 4 * i, ~0u);
	mmio_write32(domain, DOMAINCFG, DOMAIN_ON);
}

void
aplic_hart_online(volatile void *idc)
{
	mmio_write32(idc, ITHRESHOLD, 0);
	mmio_write32(idc, IDELIVERY, 1);
}

void
aplic_activate(volatile void *domain, uint32_t source)
{
	mmio_write32(domain, SOURCECFG + 4 * (source - 1), LEVEL1);
}

void
aplic_route(volatile void *domain, uint32_t source, uint32_t idc, bool on)
{
	if (on)
		mmio_write32(domain, TARGET + 4 * (source - 1), idc << TARGET_HART | 1);
	mmio_write32(domain, on ? SETIENUM : CLRIENUM, source);
}

uint32_t
aplic_claim(volatile void *idc)
{
	return mmio_read32(idc, CLAIMI) >> CLAIMI_SOURCE & 0x3ff;
}
