/*
 * platform.c: from the device tree to struct platform.
 *
 *	platform_memory.c      /memory@...            bank[]
 *	                       /reserved-memory/...   reserved[]  (and /memreserve/)
 *	                       what of it is free     platform_usable
 *	platform_harts.c       /cpus/cpu@N            hart[], excluded[], timebase
 *	platform_devices.c     plic nodes             plic[] with each hart's S context
 *	                       syscon-poweroff, ...   poweroff, reboot
 *	this file              /chosen                bootargs, initrd, stdout_node
 *
 * fdt.c guarantees that reading cannot go wrong; these files guard against
 * contents that make no sense. What would make the kernel use memory or a hart
 * that it must not is either left out with a line in the log or, where leaving
 * it out is the danger (a reservation too many), refuses the whole tree. All
 * loops are bounded by the size of the tree times a small constant.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "platform_impl.h"

void
make_printable(char *s)
{
	for (; *s != '\0'; s++)
		if (*s < ' ' || *s > '~')
			*s = '?';
}

void
platform_logf(struct platform *p, const char *fmt, ...)
{
	char *at = p->log + p->log_len;
	size_t room = sizeof(p->log) - p->log_len;
	va_list ap;
	int n;

	if (room < 3)
		return;
	va_start(ap, fmt);
	n = vsnprintf(at, room - 1, fmt, ap);   /* the last byte is the newline's */
	va_end(ap);
	if (n < 0)
		return;
	make_printable(at);
	p->log_len += strlen(at);
	p->log[p->log_len++] = '\n';
	p->log[p->log_len] = '\0';
}

bool
refuse(struct platform *p, const char *why)
{
	p->error = why;
	return false;
}

/* ---- /chosen ---- */

static void
copy_string(struct platform *p, char *to, size_t size, const char *from, size_t len,
    const char *what)
{
	if (len >= size) {
		platform_logf(p, "%s cut: longer than %lu bytes", what, (unsigned long)size - 1);
		len = size - 1;
	}
	memcpy(to, from, len);
	to[len] = '\0';
}

static void
decode_stdout(struct platform *p, fdt_node_t chosen)
{
	static const char *const names[] = { "stdout-path", "linux,stdout-path", "stdout" };
	const char *path = NULL, *colon;
	size_t i, len;

	for (i = 0; i < nitems(names) && path == NULL; i++)
		path = fdt_prop_string(&p->fdt, chosen, names[i]);
	if (path != NULL) {
		colon = strchr(path, ':');
		len = colon != NULL ? (size_t)(colon - path) : strlen(path);
		p->stdout_node = fdt_find_path_len(&p->fdt, path, len);
		if (colon != NULL)
			copy_string(p, p->stdout_options, sizeof(p->stdout_options), colon + 1,
			    strlen(colon + 1), "options of stdout-path");
		make_printable(p->stdout_options);
		if (p->stdout_node == FDT_NO_NODE)
			platform_logf(p, "stdout-path names no node: %s", path);
	}
	if (p->stdout_node == FDT_NO_NODE)
		p->stdout_node = fdt_find_path(&p->fdt, "serial0");
}

static void
decode_chosen(struct platform *p)
{
	const struct fdt *f = &p->fdt;
	fdt_node_t chosen = fdt_child(f, f->root, "chosen");
	const char *s;

	s = fdt_prop_string(f, f->root, "model");
	if (s == NULL)
		s = fdt_prop_string(f, f->root, "compatible");
	if (s != NULL)
		snprintf(p->model, sizeof(p->model), "%s", s);
	make_printable(p->model);

	s = fdt_prop_string(f, chosen, "bootargs");
	if (s != NULL)
		copy_string(p, p->bootargs, sizeof(p->bootargs), s, strlen(s), "bootargs");
	else if (fdt_prop_present(f, chosen, "bootargs"))
		platform_logf(p, "bootargs ignored: no string");
	decode_initrd(p, chosen);
	decode_stdout(p, chosen);
}

bool
platform_decode(struct platform *p, const void *blob, size_t max_size, uint64_t boot_hartid)
{
	memset(p, 0, sizeof(*p));
	p->stdout_node = FDT_NO_NODE;
	if (!fdt_open(blob, max_size, &p->fdt))
		return refuse(p, p->fdt.error);
	if (!decode_memory(p) || !decode_reserved(p) || !decode_harts(p, boot_hartid))
		return false;
	decode_chosen(p);
	decode_devices(p);
	return true;
}
