/*
 * sys/uio.h: reads and writes of several pieces (lib/descriptor.c).
 */
#ifndef _SYS_UIO_H
#define _SYS_UIO_H

#include <stddef.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct iovec {
	void  *iov_base;
	size_t iov_len;
};
#define IOV_MAX 1024

/* Piece after piece; fewer bytes than asked for when one of them is not done whole. */
ssize_t readv(int fd, const struct iovec *pieces, int n);
ssize_t writev(int fd, const struct iovec *pieces, int n);

#ifdef __cplusplus
}
#endif

#endif
