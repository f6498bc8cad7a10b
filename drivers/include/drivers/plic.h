/*
 * drivers/plic.h: the platform-level interrupt controller.
 *
 * Every PLIC of the tree is driven; a source is known by (plic, source). A
 * source that has a handler is routed to one hart at a time or to several; the
 * one that claims it runs the handler. See plic.c.
 */
#ifndef DRIVERS_PLIC_H
#define DRIVERS_PLIC_H

#include <drivers/platform.h>

typedef void (*plic_handler_t)(void *arg);

/*
 * Maps the controllers and silences them: all priorities 0, every S context of
 * p->hart[] with nothing enabled. p must stay. Once, on the boot hart.
 */
void plic_init(struct platform *p);

/* This hart (index) takes external interrupts from now on: its threshold becomes 0. */
void plic_hart_online(unsigned hart);

/*
 * Installs the handler of a source and gives the source priority 1. Nothing is
 * delivered before plic_enable. FALSE: no such source, or it has a handler, or
 * the table is full.
 */
bool plic_register(unsigned plic, uint32_t source, plic_handler_t handler, void *arg);
/* Delivers the source to a hart (index). FALSE: the hart has no context there. */
bool plic_enable(unsigned plic, uint32_t source, unsigned hart);
void plic_disable(unsigned plic, uint32_t source, unsigned hart);

/*
 * The external interrupt of S mode: claims, handles and completes until nothing
 * is pending for this hart. Returns how many were handled. A source without a
 * handler is switched off and reported once.
 */
unsigned plic_interrupt(unsigned hart);

#endif
