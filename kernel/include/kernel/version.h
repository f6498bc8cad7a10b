/*
 * kernel/version.h: what the kernel calls itself.
 */
#ifndef KERNEL_VERSION_H
#define KERNEL_VERSION_H

#define ATLAS_VERSION   "0.1"

#endif
