/*
 * grid: the parameter grid on the host, against the golden file and against
 * the rules.
 *
 *	grid            compares with test/golden/vm_user_errors.txt
 *	grid --write    writes that file, and test/grid/hashes.h for U-mode
 *
 * The golden file has a line for each row of the grid: the arguments, and the
 * results over the values of the innermost one (*), equal ones run together.
 * Sv39 is written in full, Sv48 and Sv57 where they differ from it. Besides,
 * each result is judged by the rules below, which are the tables of the
 * specification in code and know nothing of the golden file: a golden line that
 * breaks a rule is an error in whoever wrote it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <mm/vm_map.h>
#include <mm/vm_user.h>
#include <host.h>
#include <tlb_sim.h>
#include "../../grid/grid.h"

#define GOLDEN  "test/golden/vm_user_errors.txt"
#define HASHES  "test/grid/hashes.h"
#define LINES   8192

static vm_map_t target, caller;

/* --- the calls --- */

static int
g_allocate(uint64_t *addr, uint64_t size, uint32_t flags)
{
	vm_address_ut a = vm_address_u(*addr);
	kern_return_t kr = vm_allocate(target, &a, vm_size_u(size), flags);

	*addr = a.v;
	return kr;
}

static int g_deallocate(uint64_t addr, uint64_t size) { return vm_deallocate(target, vm_address_u(addr), vm_size_u(size)); }

static int
g_protect(uint64_t addr, uint64_t size, bool set_max, uint32_t prot)
{
	return vm_protect(target, vm_address_u(addr), vm_size_u(size), set_max, prot);
}

static int
g_inherit(uint64_t addr, uint64_t size, uint32_t inherit)
{
	return vm_inherit(target, vm_address_u(addr), vm_size_u(size), inherit);
}

static int
g_read(uint64_t addr, uint64_t size, uint64_t *data, uint64_t *count)
{
	vm_address_ut d = vm_address_u(*data);
	vm_size_ut n = vm_size_u(*count);
	kern_return_t kr = vm_read(target, vm_address_u(addr), vm_size_u(size), caller, &d, &n);

	*data = d.v;
	*count = n.v;
	return kr;
}

static int
g_read_overwrite(uint64_t addr, uint64_t size, uint64_t data, uint64_t *count)
{
	vm_size_ut n = vm_size_u(*count);
	kern_return_t kr = vm_read_overwrite(target, vm_address_u(addr), vm_size_u(size), caller, vm_address_u(data), &n);

	*count = n.v;
	return kr;
}

static int
g_write(uint64_t addr, uint64_t data, uint64_t count)
{
	return vm_write(target, vm_address_u(addr), caller, vm_address_u(data), vm_size_u(count));
}

static int
g_copy(uint64_t src, uint64_t size, uint64_t dst)
{
	return vm_copy(target, vm_address_u(src), vm_size_u(size), vm_address_u(dst));
}

static int
g_map(uint64_t *addr, const struct grid_args *g)
{
	struct vm_map_user_args args = { .size = vm_size_u(g->size), .mask = g->mask, .flags = g->flags,
	    .offset = vm_address_u(g->offset), .copy = g->copy, .cur = g->prot, .max = g->max,
	    .inheritance = g->inherit };
	vm_address_ut a = vm_address_u(*addr);
	kern_return_t kr = vm_map_user(target, &a, &args);

	*addr = a.v;
	return kr;
}

static int
g_region(uint64_t *addr, uint64_t *size, uint32_t word[4])
{
	struct vm_region_basic_info info = { 0 };
	vm_address_ut a = vm_address_u(*addr);
	vm_size_ut n = vm_size_u(*size);
	kern_return_t kr = vm_region_basic(target, &a, &n, &info);

	*addr = a.v;
	*size = n.v;
	word[0] = info.protection;
	word[1] = info.max_protection;
	word[2] = info.inheritance;
	word[3] = info.shared;
	return kr;
}

static void g_free(uint64_t data, uint64_t size) { (void)vm_deallocate(caller, vm_address_u(data), vm_size_u(size)); }

/* --- the rules --- */

#define CODE(kr)        (1u << (kr))
#define SUCCESS         CODE(KERN_SUCCESS)
#define IA              CODE(KERN_INVALID_ADDRESS)
#define PF              CODE(KERN_PROTECTION_FAILURE)
#define ARG             CODE(KERN_INVALID_ARGUMENT)
#define NOSPACE         CODE(KERN_NO_SPACE)

/* prot | max << 4 of the page at va; -1: nothing there. */
static int
rights(bool of_caller, uint64_t va)
{
	if (of_caller)
		return va >= g_data && va < g_data + 32 * GP ? 0x73 : -1;
	return va >= G_R && va < G_R_END ? 0x73 : va >= G_Q && va < G_N ? 0x31 :
	    va >= G_N && va < G_N_END ? 0x70 : -1;
}

static bool
wraps(uint64_t addr, uint64_t size)
{
	return addr + size < addr || round_page(addr + size) <= trunc_page(addr);
}

/* The pages of a range that does not wrap, in order: need within rights >> shift. */
static unsigned
walk(bool of_caller, uint64_t addr, uint64_t size, unsigned shift, uint32_t need)
{
	uint64_t end = round_page(addr + size);
	bool outside = end > g_max || trunc_page(addr) < GP;

	for (uint64_t va = trunc_page(addr); va < end; va += GP) {
		int r = rights(of_caller, va);

		if (r < 0)
			return IA;
		if (need & ~((unsigned)r >> shift & 7u))
			return PF | (outside ? IA : 0);
	}
	return SUCCESS;
}

/* First fit among the three gaps. */
static unsigned
fit(uint64_t lower, uint64_t size, uint64_t mask, uint64_t *addr)
{
	const uint64_t from[] = { GP, G_R_END, G_N_END }, to[] = { G_R, G_Q, g_max };

	for (unsigned i = 0; i < 3; i++) {
		uint64_t at = lower > from[i] ? lower : from[i];

		if (at >= to[i])
			continue;
		if (at + mask < at)
			return NOSPACE;
		at = (at + mask) & ~mask;
		if (at + size >= at && at + size <= to[i]) {
			*addr = at;
			return SUCCESS;
		}
	}
	return NOSPACE;
}

static unsigned
placed(const struct grid_args *a, uint64_t lower, unsigned wrap, uint64_t *addr)
{
	uint64_t start = trunc_page(a->addr), size = round_page(a->size), end = start + size;

	if (size == 0)
		return ARG;
	if (a->flags & 1)
		return fit(lower, size, a->mask, addr);
	*addr = start;
	if (end <= start)
		return wrap;
	if (start & a->mask)
		return NOSPACE;
	if (start < GP || end > g_max)
		return IA;
	return (a->flags & 0x4000) || end <= G_R || start >= G_N_END || (start >= G_R_END && end <= G_Q) ?
	    SUCCESS : NOSPACE;
}

static unsigned
copied(const struct grid_args *a, bool src_caller, uint64_t src, bool dst_caller, uint64_t dst)
{
	unsigned from, to;

	if (a->size == 0)
		return SUCCESS;
	from = wraps(src, a->size) ? IA : walk(src_caller, src, a->size, 0, 1);
	to = wraps(dst, a->size) ? IA : walk(dst_caller, dst, a->size, 0, 2);
	if (from == SUCCESS)
		return to;
	if (src_caller)                 /* data that cannot be read */
		from |= IA;
	return from | (wraps(dst, a->size) ? IA : 0);
}

/* The codes that are right; *addr: the right address of a success, where there is one. */
static unsigned
rule(const struct grid_args *a, uint64_t *addr)
{
	uint32_t known = a->call == GRID_MAP ? 0xff174099u : 0xff074099u;
	bool flags_bad = (a->flags & ~known) != 0 || (a->flags & 0x70000u) > 0x20000u;

	switch (a->call) {
	case GRID_ALLOCATE:
		*addr = 0;
		return flags_bad ? ARG : a->size == 0 ? SUCCESS : placed(a, GP, IA, addr);
	case GRID_DEALLOCATE:
		return a->size != 0 && wraps(a->addr, a->size) ? ARG : SUCCESS;
	case GRID_PROTECT:
		if (a->prot & ~0x17u)
			return ARG;
		if (a->size == 0)
			return SUCCESS;
		if (wraps(a->addr, a->size))
			return trunc_page(a->addr) == 0 && a->addr + a->size >= a->addr ? IA : ARG;
		return walk(false, a->addr, a->size, 4, a->prot & 0x10 ? a->prot & 5 : a->prot);
	case GRID_INHERIT:
		return a->inherit > 2 || (a->size != 0 && wraps(a->addr, a->size)) ? ARG : SUCCESS;
	case GRID_READ:
		*addr = a->size == 0 ? 0 : a->addr % GP;
		return a->size == 0 ? SUCCESS : wraps(a->addr, a->size) ? IA : walk(false, a->addr, a->size, 0, 1);
	case GRID_READ_OVERWRITE:
		return copied(a, false, a->addr, true, a->dst);
	case GRID_WRITE:
		return copied(a, true, a->dst, false, a->addr);
	case GRID_COPY:
		return copied(a, false, a->addr, false, a->dst);
	case GRID_MAP:
		return flags_bad || ((a->prot | a->max) & ~7u) || a->inherit > 2 ? ARG :
		    placed(a, trunc_page(a->addr), ARG, addr);
	default:
		*addr = a->addr < G_R_END ? G_R : a->addr < G_N ? G_Q : G_N;
		return a->addr >= G_N_END ? IA : SUCCESS;
	}
}

static unsigned broken;
static char first_broken[512];

static void
judge(const char *line, const struct grid_args *a, const struct grid_result *r)
{
	uint64_t addr = a->addr;
	unsigned codes = rule(a, &addr);
	bool places = a->call == GRID_ALLOCATE || a->call == GRID_MAP || a->call == GRID_READ || a->call == GRID_REGION;
	const char *what = (a->flags & 0x70098u) && codes != ARG ? NULL : !(codes >> r->kr & 1) ? "another code" :
	    r->wrote ? "a refusal wrote an output" :
	    r->kr != 0 && r->dump != 0 ? "a refusal changed the map" :
	    r->kr == 0 && places && r->out[0] != addr ? "another address" :
	    r->kr == 0 && (a->call == GRID_READ || a->call == GRID_READ_OVERWRITE) && r->out[1] != a->size ?
	    "another count" : NULL;

	if (what == NULL)
		return;
	if (broken++ == 0)
		snprintf(first_broken, sizeof(first_broken), "%s: %s %s: addr 0x%lx size 0x%lx dst 0x%lx mask 0x%lx "
		    "flags 0x%x prot 0x%x max 0x%x inherit 0x%x: %s, out 0x%lx 0x%lx; right are codes 0x%x, addr 0x%lx", what,
		    grid_call_name[a->call], line, a->addr, a->size, a->dst, a->mask, a->flags, a->prot, a->max,
		    a->inherit, kern_return_name(r->kr), r->out[0], r->out[1], codes, addr);
}

/* --- lines --- */

static struct text {
	char    *s[LINES];
	unsigned n;
} now, sv39;

static char   line_text[8192], run_token[64];
static size_t line_head;                /* of line_text: call and arguments */
static unsigned run_length;

static void
end_run(void)
{
	size_t n = strlen(line_text);

	if (run_length > 0)
		snprintf(line_text + n, sizeof(line_text) - n, run_length > 1 ? " %s x%u" : " %s", run_token, run_length);
	run_length = 0;
}

static void
end_line(void)
{
	end_run();
	if (line_text[0] != '\0') {
		if (now.n == LINES)
			panic("more than %u lines", LINES);
		now.s[now.n++] = strdup(line_text);
	}
	line_text[0] = '\0';
}

static const char *
code_name(int kr)
{
	static const char *const names[] = { "OK", "ADDRESS", "PROTECTION", "SPACE", "ARGUMENT", "FAILURE", "SHORTAGE" };

	return kr >= 0 && kr < (int)nitems(names) ? names[kr] : kern_return_name(kr);
}

static void
g_tuple(const char *line, const struct grid_args *a, const struct grid_result *r)
{
	char head[256], token[64];
	size_t n;

	judge(line, a, r);
	if (getenv("GRID_ROWS") != NULL && strcmp(getenv("GRID_ROWS"), grid_call_name[a->call]) == 0)
		grid_print_row(line, a);
	snprintf(head, sizeof(head), "%s %s:", grid_call_name[a->call], line);
	if (strlen(head) != line_head || strncmp(head, line_text, line_head) != 0) {
		end_line();
		line_head = strlen(head);
		memcpy(line_text, head, line_head + 1);
	}
	n = (size_t)snprintf(token, sizeof(token), "%s%s", code_name(r->kr), r->wrote ? "!" : "");
	if (r->kr == 0 && (a->call == GRID_ALLOCATE || a->call == GRID_MAP || a->call == GRID_READ || a->call == GRID_REGION))
		n += (size_t)snprintf(token + n, sizeof(token) - n, "=0x%lx", r->out[0]);
	if (r->kr == 0 && (a->call == GRID_READ || a->call == GRID_READ_OVERWRITE || a->call == GRID_REGION))
		n += (size_t)snprintf(token + n, sizeof(token) - n, "+0x%lx", r->out[1]);
	if (r->dump != 0)
		snprintf(token + n, sizeof(token) - n, ":%04lx", r->dump & 0xffff);
	if (strcmp(token, run_token) != 0)
		end_run();
	memcpy(run_token, token, sizeof(token));
	run_length++;
}

static void
text_free(struct text *t)
{
	for (unsigned i = 0; i < t->n; i++)
		free(t->s[i]);
	t->n = 0;
}

/* --- modes --- */

static vm_map_t
new_map(void)
{
	vm_map_t m = vm_map_create(pmap_create(), VM_MIN_ADDRESS, vm_max_address, true);

	if (m == VM_MAP_NULL)
		panic("no map");
	return m;
}

static void
run_mode(unsigned levels)
{
	vm_address_ut a = vm_address_u(3ul << 30);

	tlb_sim_next = (struct tlb_sim_config){ levels, 16, false, false, 1, false };
	host_boot(16ul << 20);
	g_max = vm_max_address;
	target = new_map();
	caller = new_map();
	if (vm_allocate(caller, &a, vm_size_u(32 * GP), VM_FLAGS_FIXED) != KERN_SUCCESS)
		panic("no data");
	g_data = a.v;
	broken = 0;
	first_broken[0] = '\0';
	text_free(&now);
	grid_run();
	end_line();
	vm_map_deallocate(target);
	vm_map_deallocate(caller);
}

static const unsigned modes[] = { 3, 4, 5 };

static bool
same_line(const char *a, const char *b)
{
	return a != NULL && b != NULL && strcmp(a, b) == 0;
}

/* The lines of this mode that the golden file has. */
static unsigned
write_mode(FILE *f, unsigned levels)
{
	unsigned tuples = 0;

	for (unsigned c = 0; c < GRID_CALLS; c++) {
		fprintf(f, "%s %s tuples %lu hash 0x%016lx\n", levels == 3 ? "sv39" : levels == 4 ? "sv48" : "sv57",
		    grid_call_name[c], grid_tuples[c], grid_hash[c]);
		tuples += (unsigned)grid_tuples[c];
	}
	for (unsigned i = 0; i < now.n; i++)
		if (levels == 3 || !same_line(now.s[i], i < sv39.n ? sv39.s[i] : NULL))
			fprintf(f, "%s\n", now.s[i]);
	if (levels == 3) {
		sv39 = now;
		now.n = 0;
	}
	return tuples;
}

static void
write_hashes(FILE *f, uint64_t hash[3][GRID_CALLS])
{
	fprintf(f, "/* hashes.h: what build/host/grid --write found, for test/user/grid.c. Made, not written. */\n"
	    "static const uint64_t grid_golden[3][GRID_CALLS] = {\n");
	for (unsigned m = 0; m < 3; m++) {
		fprintf(f, "\t{\n");
		for (unsigned c = 0; c < GRID_CALLS; c++)
			fprintf(f, "\t\t0x%016lxul,\t/* %s */\n", hash[m][c], grid_call_name[c]);
		fprintf(f, "\t},\n");
	}
	fprintf(f, "};\n");
}

static const char explanation[] =
    "# vm_user_errors.txt: result codes of the user calls over the grid of test/grid/grid.h.\n"
    "# Written by build/host/grid --write, compared by every run. A change of this file is\n"
    "# reviewed like code. A line: call, arguments, results over the values of the argument\n"
    "# marked *, \"x3\" for three alike. OK=address+count; :hash of the regions where they changed.\n"
    "# Sv39 in full, Sv48 and Sv57 where they differ. P = 4096, S = 2M, R = 1G (16 pages rw-/rwx),\n"
    "# Q = R+20P (4 pages r--/rw-), N = R+24P (2 pages ---/rwx), D = 32 pages of the caller.\n";

/* Compares two texts line by line; the first difference is shown. */
static bool
compare(FILE *is, FILE *should, char *text, size_t size)
{
	static char a[16384], b[16384];
	unsigned line = 0;

	for (;;) {
		char *x = fgets(a, sizeof(a), is), *y = fgets(b, sizeof(b), should);

		line++;
		if (x == NULL && y == NULL)
			return true;
		if (x == NULL || y == NULL || strcmp(a, b) != 0) {
			snprintf(text, size, "line %u is\n#   %.1500s# and should be\n#   %.1500s", line, x ? a : "(the end)\n",
			    y ? b : "(the end)\n");
			return false;
		}
	}
}

static unsigned number;

static bool
report(const char *name, bool good, const char *text)
{
	if (!good)
		printf("# %s\n", text);
	printf("%sok %u grid.%s\n", good ? "" : "not ", ++number, name);
	fflush(stdout);
	return good;
}

static bool
compare_file(const char *name, FILE *is, const char *file)
{
	static char text[4096];
	FILE *should = fopen(file, "r");
	bool good = false;

	rewind(is);
	if (should == NULL)
		snprintf(text, sizeof(text), "%s cannot be read", file);
	else {
		good = compare(is, should, text, sizeof(text));
		fclose(should);
	}
	return report(name, good, text);
}

int
main(int argc, char **argv)
{
	static const char *const rules[] = { "rules_sv39", "rules_sv48", "rules_sv57" };
	bool writes = argc > 1 && strcmp(argv[1], "--write") == 0, good = true;
	FILE *f = writes ? fopen(GOLDEN, "w") : tmpfile(), *h = writes ? fopen(HASHES, "w") : tmpfile();
	uint64_t hash[3][GRID_CALLS];
	unsigned tuples = 0;

	if (f == NULL || h == NULL) {
		perror(GOLDEN);
		return 2;
	}
	printf("KTAP version 1\n1..%u\n", writes ? 3 : 6);
	fputs(explanation, f);
	for (unsigned m = 0; m < nitems(modes); m++) {
		run_mode(modes[m]);
		good &= report(rules[m], broken == 0, first_broken);
		if (broken > 0)
			printf("# %u results break a rule\n", broken);
		tuples += write_mode(f, modes[m]);
		memcpy(hash[m], grid_hash, sizeof(grid_hash));
	}
	write_hashes(h, hash);
	printf("# %u tuples\n", tuples);
	if (!writes) {
		good &= report("enough_tuples", tuples >= 3 * 50000, "the grid has become too small");
		good &= compare_file("golden", f, GOLDEN);
		good &= compare_file("hashes_for_user_mode", h, HASHES);
	}
	fclose(f);
	fclose(h);
	text_free(&now);
	text_free(&sv39);
	return !good;
}
