/*
 * plic.c: the RISC-V platform-level interrupt controller.
 *
 *	0x000000  priority of source i, 4 bytes each; 0: never
 *	0x002000  enable bits of context c, 128 bytes each
 *	0x200000  context c, 4096 bytes each: threshold, claim/complete
 *
 * A context is a hart and a privilege mode. Which number belongs to S mode of
 * which hart is decoded from the tree (platform_devices.c); nothing here knows a
 * formula. Several PLICs (one a socket) work side by side: a hart asks all that
 * have a context for it.
 *
 * An APLIC in direct mode is driven as one more kind of PLIC: its IDCs are the
 * contexts. See aplic.c for what is done to which register.
 *
 * Only the parts in use are mapped: the priorities, and enable bits and
 * contexts up to the highest one of ours.
 *
 * Locks: none. Registration and enabling happen on the boot hart before the
 * sources fire; a claim belongs to the hart that got it. Writing a priority is
 * one store, so a stray source may be silenced from any hart.
 */
#include <base/print.h>
#include <drivers/devmap.h>
#include <drivers/mmio.h>
#include <drivers/plic.h>
#include "aplic.h"

#define ENABLE          0x2000u
#define ENABLE_BYTES    0x80u           /* a context */
#define CONTEXT         0x200000u
#define CONTEXT_BYTES   0x1000u
#define THRESHOLD       0u
#define CLAIM           4u

#define HANDLERS        32
#define CLAIMS_MAX      64u             /* a call, so that it ends */

struct plic {
	const struct platform_plic *tree;
	volatile void *priority, *enable, *context;     /* NULL: not usable */
};

struct handler {
	unsigned       plic;
	uint32_t       source;
	plic_handler_t run;
	void          *arg;
};

static struct plic    plics[PLATFORM_PLICS];
static unsigned       plic_count;
static struct handler handlers[HANDLERS];
static unsigned       handler_count;

/* The context of a hart, -1: it has none there. */
static int32_t
context_of(unsigned plic, unsigned hart)
{
	if (plic >= plic_count || hart >= MAXHARTS || plics[plic].context == NULL)
		return -1;
	return plics[plic].tree->context[hart];
}

static volatile void *
context_regs(unsigned plic, int32_t context)
{
	return (volatile char *)plics[plic].context +
	    (size_t)context * (plics[plic].tree->aplic ? APLIC_IDC_BYTES : CONTEXT_BYTES);
}

static void
plic_map(struct plic *c, int32_t last)
{
	uint64_t base = c->tree->reg.base;
	size_t contexts = (size_t)last + 1;

	if (c->tree->aplic) {
		c->priority = devmap(base, APLIC_DOMAIN_BYTES);
		if (c->priority != NULL)
			c->context = devmap(base + APLIC_DOMAIN_BYTES, contexts * APLIC_IDC_BYTES);
		return;
	}
	c->priority = devmap(base, 4 * ((size_t)c->tree->ndev + 1));
	c->enable = devmap(base + ENABLE, contexts * ENABLE_BYTES);
	if (c->priority != NULL && c->enable != NULL)
		c->context = devmap(base + CONTEXT, contexts * CONTEXT_BYTES);
}

static void
plic_silence(struct plic *c)
{
	uint32_t i;
	unsigned hart;
	int32_t context;

	if (c->tree->aplic) {
		aplic_silence(c->priority);
		return;
	}
	for (i = 1; i <= c->tree->ndev; i++)
		mmio_write32(c->priority, 4 * (size_t)i, 0);
	for (hart = 0; hart < MAXHARTS; hart++) {
		context = c->tree->context[hart];
		if (context < 0)
			continue;
		for (i = 0; i <= c->tree->ndev / 32; i++)
			mmio_write32(c->enable, (size_t)context * ENABLE_BYTES + 4 * i, 0);
	}
}

void
plic_init(struct platform *p)
{
	struct plic *c;
	unsigned i, hart;
	int32_t last;

	handler_count = 0;
	plic_count = p->plic_count;
	for (i = 0; i < plic_count; i++) {
		c = &plics[i];
		*c = (struct plic){ .tree = &p->plic[i] };
		last = -1;
		for (hart = 0; hart < MAXHARTS; hart++)
			if (c->tree->context[hart] > last)
				last = c->tree->context[hart];
		if (last < 0)
			continue;               /* no hart of ours listens to it */
		plic_map(c, last);
		if (c->context != NULL)
			plic_silence(c);
		else
			platform_logf(p, "no room to map the PLIC at %#lx", c->tree->reg.base);
	}
}

void
plic_hart_online(unsigned hart)
{
	unsigned i;
	int32_t context;

	for (i = 0; i < plic_count; i++) {
		context = context_of(i, hart);
		if (context >= 0 && plics[i].tree->aplic)
			aplic_hart_online(context_regs(i, context));
		else if (context >= 0)
			mmio_write32(context_regs(i, context), THRESHOLD, 0);
	}
}

static const struct handler *
find_handler(unsigned plic, uint32_t source)
{
	unsigned i;

	for (i = 0; i < handler_count; i++)
		if (handlers[i].plic == plic && handlers[i].source == source)
			return &handlers[i];
	return NULL;
}

bool
plic_register(unsigned plic, uint32_t source, plic_handler_t handler, void *arg)
{
	if (plic >= plic_count || plics[plic].context == NULL || source == 0 ||
	    source > plics[plic].tree->ndev || handler_count == HANDLERS ||
	    find_handler(plic, source) != NULL)
		return false;
	handlers[handler_count++] = (struct handler){ plic, source, handler, arg };
	if (plics[plic].tree->aplic)
		aplic_activate(plics[plic].priority, source);
	else
		mmio_write32(plics[plic].priority, 4 * (size_t)source, 1);
	return true;
}

static bool
set_enable(unsigned plic, uint32_t source, unsigned hart, bool on)
{
	int32_t context = context_of(plic, hart);
	uint32_t bit = 1u << (source % 32), word;
	size_t at;

	if (context < 0 || source == 0 || source > plics[plic].tree->ndev)
		return false;
	if (plics[plic].tree->aplic) {
		aplic_route(plics[plic].priority, source, (uint32_t)context, on);
		return true;
	}
	at = (size_t)context * ENABLE_BYTES + 4 * (size_t)(source / 32);
	word = mmio_read32(plics[plic].enable, at);
	mmio_write32(plics[plic].enable, at, on ? word | bit : word & ~bit);
	return true;
}

bool
plic_enable(unsigned plic, uint32_t source, unsigned hart)
{
	return set_enable(plic, source, hart, true);
}

void
plic_disable(unsigned plic, uint32_t source, unsigned hart)
{
	(void)set_enable(plic, source, hart, false);
}

static void
handle(unsigned plic, uint32_t source)
{
	const struct handler *h = find_handler(plic, source);

	if (h != NULL) {
		h->run(h->arg);
		return;
	}
	kprintf("atlas: interrupt %u of PLIC %u has no handler: switched off\n", source, plic);
	if (plics[plic].tree->aplic)
		aplic_route(plics[plic].priority, source, 0, false);
	else if (source <= plics[plic].tree->ndev)
		mmio_write32(plics[plic].priority, 4 * (size_t)source, 0);
}

unsigned
plic_interrupt(unsigned hart)
{
	volatile void *regs;
	unsigned i, served = 0;
	int32_t context;
	uint32_t source;

	for (i = 0; i < plic_count; i++) {
		context = context_of(i, hart);
		if (context < 0)
			continue;
		regs = context_regs(i, context);
		while (served < CLAIMS_MAX && (source = plics[i].tree->aplic ? aplic_claim(regs) :
		    mmio_read32(regs, CLAIM)) != 0) {
			handle(i, source);
			if (!plics[i].tree->aplic)
				mmio_write32(regs, CLAIM, source);
			served++;
		}
	}
	return served;
}
