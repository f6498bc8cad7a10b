/*
 * machine/param.h: the page sizes and limits of the machine.
 *
 * Part of the machine contract (README: the layers): mm, drivers and kernel may
 * rely on these names; test/host supplies the same header to the host build.
 */
#ifndef MACHINE_PARAM_H
#define MACHINE_PARAM_H

#define PAGE_SHIFT      12
#define PAGE_SIZE       (1ul << PAGE_SHIFT)
#define PAGE_MASK       (PAGE_SIZE - 1)

/* A megapage is what one leaf one level above the last maps (manual: Sv39). */
#define MEGAPAGE_SHIFT  21
#define MEGAPAGE_SIZE   (1ul << MEGAPAGE_SHIFT)
#define MEGAPAGE_MASK   (MEGAPAGE_SIZE - 1)
#define MEGAPAGE_PAGES  (MEGAPAGE_SIZE / PAGE_SIZE)     /* 512 */

#define GIGAPAGE_SHIFT  30
#define GIGAPAGE_SIZE   (1ul << GIGAPAGE_SHIFT)
#define GIGAPAGE_MASK   (GIGAPAGE_SIZE - 1)

/*
 * Harts are known by a dense index 0..MAXHARTS-1, given in the order in which
 * they are found; the hart ids of the firmware may be sparse. One word is a
 * set of harts.
 */
#define MAXHARTS        64

#endif
