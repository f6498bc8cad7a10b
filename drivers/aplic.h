/*
 * aplic.h: the registers of an APLIC in direct mode, for plic.c.
 */
#ifndef DRIVERS_APLIC_H
#define DRIVERS_APLIC_H

#include <base/types.h>

#define APLIC_DOMAIN_BYTES  0x4000u     /* then the harts' parts (IDC) */
#define APLIC_IDC_BYTES     32u

/* Direct mode, everything disabled, the domain on. */
void aplic_silence(volatile void *domain);
/* This hart's part takes all interrupts. */
void aplic_hart_online(volatile void *idc);
/* The source is active while its line is high. */
void aplic_activate(volatile void *domain, uint32_t source);
/* Delivers the source to a hart's part, and to no other; or to none. */
void aplic_route(volatile void *domain, uint32_t source, uint32_t idc, bool on);
/* The source that is most urgent; 0: none is pending. */
uint32_t aplic_claim(volatile void *idc);

#endif
