/*
 * grid_tables.h: the rows of the grid, call by call (part of grid.h).
 *
 * A row is one call with all arguments but one; grid_tuple is called for each
 * value of that one. Lines must differ from row to row of one call.
 */
#ifndef GRID_TABLES_H
#define GRID_TABLES_H

/* --- the tables --- */

/* Every address with every size, the other arguments given. */
static void
grid_addr_size(const char *what, struct grid_args a)
{
	char line[128];

	for (unsigned i = 0; i < GRID_ADDRS; i++) {
		snprintf(line, sizeof(line), "%s addr=%s size=*", what, grid_addr[i].name);
		for (unsigned k = 0; k < GRID_SIZES; k++) {
			a.addr = grid_addr[i].v;
			a.size = grid_size_value(k, a.addr);
			grid_tuple(line, &a);
		}
	}
}

/* Some addresses with some sizes and every word in one argument. */
static void
grid_words(const char *what, struct grid_args a)
{
	char line[128];

	for (unsigned i = 0; i < GRID_FEW_ADDRS; i++)
		for (unsigned k = 0; k < GRID_FEW_SIZES; k++) {
			a.addr = grid_addr[grid_few_addr[i]].v;
			a.size = grid_size_value(grid_few_size[k], a.addr);
			snprintf(line, sizeof(line), "addr=%s size=%s %s=*", grid_addr[grid_few_addr[i]].name,
			    grid_size[grid_few_size[k]].name, what);
			for (unsigned w = 0; w < GRID_WORDS; w++) {
				switch (a.call) {
				case GRID_ALLOCATE:
				case GRID_MSYNC:
				case GRID_REMAP:
				case GRID_MAKE_ENTRY: a.flags = grid_word(w); break;
				case GRID_PROTECT:
				case GRID_WIRE: a.prot = grid_word(w); break;
				case GRID_BEHAVIOR:
				case GRID_ATTRIBUTE: a.word = grid_word(w); break;
				default: a.inherit = grid_word(w); break;
				}
				grid_tuple(line, &a);
			}
		}
}

static void
grid_run_allocate(void)
{
	static const uint32_t flags[] = { 0, 1, 0x4000, 0x4001 };
	char what[32];

	for (unsigned i = 0; i < 4; i++) {
		snprintf(what, sizeof(what), "flags=0x%x", flags[i]);
		grid_addr_size(what, (struct grid_args){ .call = GRID_ALLOCATE, .flags = flags[i] });
	}
	grid_words("flags", (struct grid_args){ .call = GRID_ALLOCATE });
}

static void
grid_run_protect(void)
{
	static const uint32_t prots[] = { 0, 1, 3, 7, 8, 0x10 };
	char what[32];

	for (unsigned m = 0; m < 2; m++) {
		for (unsigned i = 0; i < sizeof(prots) / sizeof(prots[0]); i++) {
			snprintf(what, sizeof(what), "set_max=%u prot=0x%x", m, prots[i]);
			grid_addr_size(what, (struct grid_args){ .call = GRID_PROTECT, .set_max = m, .prot = prots[i] });
		}
		snprintf(what, sizeof(what), "set_max=%u prot", m);
		grid_words(what, (struct grid_args){ .call = GRID_PROTECT, .set_max = m });
	}
}

static void
grid_run_inherit(void)
{
	char what[32];

	for (unsigned i = 0; i < 4; i++) {
		snprintf(what, sizeof(what), "inherit=%u", i);
		grid_addr_size(what, (struct grid_args){ .call = GRID_INHERIT, .inherit = i });
	}
	grid_words("inherit", (struct grid_args){ .call = GRID_INHERIT });
}

/* Calls with one end in the caller. */
static void
grid_run_caller(enum grid_call call)
{
	struct grid_args a = { .call = call, .dst = g_data };
	char line[128];

	grid_addr_size("data=D", a);
	for (unsigned i = 0; i < GRID_DATA; i++)
		for (unsigned k = 0; k < GRID_FEW_ADDRS; k++) {
			snprintf(line, sizeof(line), "data=%s addr=%s size=*", grid_data[i].name,
			    grid_addr[grid_few_addr[k]].name);
			for (unsigned s = 0; s < GRID_SIZES; s++) {
				a.dst = grid_data_value(i);
				a.addr = grid_addr[grid_few_addr[k]].v;
				a.size = grid_size_value(s, a.addr);
				grid_tuple(line, &a);
			}
		}
}

static void
grid_run_copy(void)
{
	struct grid_args a = { .call = GRID_COPY };
	char line[128];

	for (unsigned i = 0; i < GRID_ADDRS; i++)
		for (unsigned k = 0; k < GRID_ADDRS; k++) {
			snprintf(line, sizeof(line), "src=%s dst=%s size=*", grid_addr[i].name, grid_addr[k].name);
			for (unsigned s = 0; s < GRID_SIZES; s++) {
				a.addr = grid_addr[i].v;
				a.dst = grid_addr[k].v;
				a.size = grid_size_value(s, a.addr);
				grid_tuple(line, &a);
			}
		}
}

static const uint64_t grid_mask[] = {
	0, 1, GP - 2, GP - 1, GP, GP + 1, 2 * GP - 1, 5 * GP, 16 * GP - 1, GS - 1, GS, (1ul << 30) - 1, 1ul << 30,
	(1ul << 38) - 1, 1ul << 38, 1ul << 63, (1ul << 63) - 1, 0 - GS, 0 - GP, -2ul, -1ul
};
#define GRID_MASKS (sizeof(grid_mask) / sizeof(grid_mask[0]))

static void
grid_run_map_masks(void)
{
	static const uint32_t flags[] = { 0, 1, 0x4000 };
	char line[128];

	for (unsigned f = 0; f < 3; f++)
		for (unsigned i = 0; i < GRID_FEW_ADDRS; i++)
			for (unsigned k = 0; k < GRID_FEW_SIZES; k++) {
				struct grid_args a = { .call = GRID_MAP };

				snprintf(line, sizeof(line), "flags=0x%x addr=%s size=%s mask=*", flags[f],
				    grid_addr[grid_few_addr[i]].name, grid_size[grid_few_size[k]].name);
				for (unsigned m = 0; m < GRID_MASKS; m++) {
					a.flags = flags[f];
					a.addr = grid_addr[grid_few_addr[i]].v;
					a.size = grid_size_value(grid_few_size[k], a.addr);
					a.mask = grid_mask[m];
					a.prot = 3;
					a.max = 7;
					a.inherit = 1;
					grid_tuple(line, &a);
				}
			}
}

static void
grid_run_map_words(void)
{
	const struct grid_args plain = { .call = GRID_MAP, .addr = G_R_END, .size = 2 * GP, .prot = 3, .max = 7,
	    .inherit = 1 };
	struct grid_args a;
	char line[128];

	for (unsigned i = 0; i < GRID_WORDS; i++) {
		a = plain;
		a.prot = grid_word(i);
		snprintf(line, sizeof(line), "cur=0x%x max=*", a.prot);
		for (unsigned k = 0; k < GRID_WORDS; k++) {
			a.max = grid_word(k);
			grid_tuple(line, &a);
		}
	}
	for (unsigned i = 0; i < GRID_WORDS; i++) {
		a = plain;
		a.flags = grid_word(i);
		snprintf(line, sizeof(line), "flags=0x%x inherit=*", a.flags);
		for (unsigned k = 0; k < GRID_WORDS; k++) {
			a.inherit = grid_word(k);
			grid_tuple(line, &a);
		}
	}
	for (unsigned copy = 0; copy < 2; copy++) {
		a = plain;
		a.copy = copy;
		snprintf(line, sizeof(line), "copy=%u offset=*", copy);
		for (unsigned k = 0; k < GRID_ADDRS; k++) {
			a.offset = grid_addr[k].v;
			grid_tuple(line, &a);
		}
	}
}

static void
grid_run_map(void)
{
	static const uint32_t flags[] = { 0, 1, 0x4000 };
	char what[32];

	for (unsigned i = 0; i < 3; i++) {
		snprintf(what, sizeof(what), "flags=0x%x", flags[i]);
		grid_addr_size(what, (struct grid_args){ .call = GRID_MAP, .flags = flags[i], .prot = 3, .max = 7,
		    .inherit = 1 });
	}
	grid_run_map_masks();
	grid_run_map_words();
}

static void
grid_run_region(void)
{
	struct grid_args a = { .call = GRID_REGION };

	for (unsigned i = 0; i < GRID_ADDRS; i++) {
		a.addr = grid_addr[i].v;
		grid_tuple("addr=*", &a);
	}
}

/* --- the tables of the calls after vm_region --- */

static void
grid_run_remap(void)
{
	static const uint32_t flags[] = { 0, 1, 0x4000 };
	const struct grid_args plain = { .call = GRID_REMAP, .dst = G_R, .inherit = 1 };
	struct grid_args a;
	char line[128];

	for (unsigned i = 0; i < 3; i++) {
		a = plain;
		a.flags = flags[i];
		snprintf(line, sizeof(line), "src=R flags=0x%x", flags[i]);
		grid_addr_size(line, a);
	}
	for (unsigned copy = 0; copy < 2; copy++)
		for (unsigned i = 0; i < GRID_ADDRS; i++) {
			a = plain;
			a.addr = 2 * G_R;
			a.copy = copy;
			a.dst = grid_addr[i].v;
			snprintf(line, sizeof(line), "addr=2G copy=%u src=%s size=*", copy, grid_addr[i].name);
			for (unsigned k = 0; k < GRID_SIZES; k++) {
				a.size = grid_size_value(k, a.dst);
				grid_tuple(line, &a);
			}
		}
	grid_words("src=R flags", plain);
	for (unsigned i = 0; i < GRID_FEW_ADDRS; i++) {
		a = plain;
		a.addr = 2 * G_R;
		a.size = 2 * GP;
		a.dst = grid_addr[grid_few_addr[i]].v;
		snprintf(line, sizeof(line), "addr=2G size=2P src=%s inherit=*", grid_addr[grid_few_addr[i]].name);
		for (unsigned w = 0; w < GRID_WORDS; w++) {
			a.inherit = grid_word(w);
			grid_tuple(line, &a);
		}
	}
}

/* cur and max are what is asked. */
static void
grid_run_remap_new(void)
{
	static const uint64_t src[] = { G_R, G_Q, G_N };
	struct grid_args a = { .call = GRID_REMAP_NEW, .addr = 2 * G_R, .size = 2 * GP, .inherit = 1 };
	char line[128];

	for (unsigned s = 0; s < 3; s++)
		for (unsigned i = 0; i < GRID_WORDS; i++) {
			a.dst = src[s];
			a.prot = grid_word(i);
			snprintf(line, sizeof(line), "src=%c cur=0x%x max=*", "RQN"[s], a.prot);
			for (unsigned k = 0; k < GRID_WORDS; k++) {
				a.max = grid_word(k);
				grid_tuple(line, &a);
			}
		}
}

static void
grid_run_wire(void)
{
	static const uint32_t access[] = { 0, 1, 3, 4 };
	char line[64];

	for (unsigned i = 0; i < 4; i++) {
		snprintf(line, sizeof(line), "access=%u", access[i]);
		grid_addr_size(line, (struct grid_args){ .call = GRID_WIRE, .word = 1, .prot = access[i] });
	}
	grid_words("access", (struct grid_args){ .call = GRID_WIRE, .word = 1 });
	grid_words("host=0 access", (struct grid_args){ .call = GRID_WIRE });
	for (unsigned i = 0; i < 2; i++)
		grid_tuple("must_wire=*", &(struct grid_args){ .call = GRID_TASK_WIRE, .word = i });
}

static void
grid_run_advice(void)
{
	static const uint32_t behavior[] = { 0, 1, 4, 5, 6, 10, 12 }, sync[] = { 1, 2, 4, 8, 0x10, 0x22 };
	static const uint32_t value[] = { 3, 5, 6, 7, 8, 9, 11 };
	char line[64];

	for (unsigned i = 0; i < 7; i++) {
		snprintf(line, sizeof(line), "behavior=%u", behavior[i]);
		grid_addr_size(line, (struct grid_args){ .call = GRID_BEHAVIOR, .word = behavior[i] });
	}
	grid_words("behavior", (struct grid_args){ .call = GRID_BEHAVIOR });
	for (unsigned i = 0; i < 6; i++) {
		snprintf(line, sizeof(line), "flags=0x%x", sync[i]);
		grid_addr_size(line, (struct grid_args){ .call = GRID_MSYNC, .flags = sync[i] });
	}
	grid_words("flags", (struct grid_args){ .call = GRID_MSYNC });
	grid_addr_size("attribute=1 value=9", (struct grid_args){ .call = GRID_ATTRIBUTE, .word = 1, .flags = 9 });
	for (unsigned i = 0; i < 7; i++) {
		snprintf(line, sizeof(line), "value=%u attribute", value[i]);
		grid_words(line, (struct grid_args){ .call = GRID_ATTRIBUTE, .flags = value[i] });
	}
}

static void
grid_run_questions(void)
{
	static const uint32_t count[] = { 0, 1, 4, 5, 9, 10, 17, 18, 32 };
	struct grid_args a;
	char line[128];

	for (unsigned i = 0; i < GRID_FEW_ADDRS; i++)
		for (unsigned k = 0; k < 9; k++) {
			a = (struct grid_args){ .call = GRID_FLAVOR, .addr = grid_addr[grid_few_addr[i]].v, .flags = count[k] };
			snprintf(line, sizeof(line), "addr=%s count=%u flavor=*", grid_addr[grid_few_addr[i]].name, count[k]);
			for (unsigned w = 0; w < GRID_WORDS; w++) {
				a.word = grid_word(w);
				grid_tuple(line, &a);
			}
			a.call = GRID_RECURSE;
			snprintf(line, sizeof(line), "addr=%s count=%u depth=*", grid_addr[grid_few_addr[i]].name, count[k]);
			for (unsigned d = 0; d < 4; d++) {
				a.word = d;
				grid_tuple(line, &a);
			}
		}
	for (unsigned i = 0; i < GRID_ADDRS; i++)
		grid_tuple("addr=*", &(struct grid_args){ .call = GRID_PAGE, .addr = grid_addr[i].v });
	grid_addr_size("", (struct grid_args){ .call = GRID_PAGES });
	grid_addr_size("", (struct grid_args){ .call = GRID_READ_LIST });
}

static void
grid_run_map_entry(void)
{
	struct grid_args a;
	char line[128];

	for (unsigned o = 1; o < GRID_OBJECTS; o++)
		for (unsigned copy = 0; copy < 2; copy++)
			for (unsigned i = 0; i < GRID_ADDRS; i++) {
				a = (struct grid_args){ .call = GRID_MAP_ENTRY, .object = o, .copy = copy, .addr = 2 * G_R,
				    .offset = grid_addr[i].v % G_R, .prot = 1, .max = 1, .inherit = 1 };
				snprintf(line, sizeof(line), "object=%u copy=%u offset=%s%%R size=*", o, copy, grid_addr[i].name);
				for (unsigned k = 0; k < GRID_SIZES; k++) {
					a.size = grid_size_value(k, a.addr);
					grid_tuple(line, &a);
				}
			}
	for (unsigned o = 1; o < GRID_OBJECTS; o++)
		for (unsigned copy = 0; copy < 2; copy++)
			for (unsigned i = 0; i < 12; i++) {
				a = (struct grid_args){ .call = GRID_MAP_ENTRY, .object = o, .copy = copy, .addr = 2 * G_R,
				    .size = 2 * GP, .prot = i, .inherit = 1 };
				snprintf(line, sizeof(line), "object=%u copy=%u cur=%u max=*", o, copy, i);
				for (unsigned k = 0; k < 12; k++) {
					a.max = k;
					grid_tuple(line, &a);
				}
			}
	for (unsigned i = 0; i < GRID_FEW_ADDRS; i++) {
		a = (struct grid_args){ .call = GRID_MAP_ENTRY, .object = 1, .addr = grid_addr[grid_few_addr[i]].v,
		    .size = 2 * GP, .offset = GP, .prot = 3, .max = 3, .inherit = 1 };
		snprintf(line, sizeof(line), "object=1 addr=%s flags=*", grid_addr[grid_few_addr[i]].name);
		for (unsigned w = 0; w < GRID_WORDS; w++) {
			a.flags = grid_word(w);
			grid_tuple(line, &a);
		}
	}
}

static void
grid_run_make_entry(void)
{
	static const uint32_t permission[] = { 1, 3, 7, 0x43, 0x200003, 0x400003, 0x100003, 0x20003 };
	char line[128];

	for (unsigned i = 0; i < 8; i++) {
		snprintf(line, sizeof(line), "permission=0x%x", permission[i]);
		grid_addr_size(line, (struct grid_args){ .call = GRID_MAKE_ENTRY, .flags = permission[i] });
	}
	grid_words("permission", (struct grid_args){ .call = GRID_MAKE_ENTRY });
	for (unsigned o = 1; o < 4; o++)
		for (unsigned p = 0; p < 3; p++)
			for (unsigned i = 0; i < GRID_ADDRS; i++) {
				struct grid_args a = { .call = GRID_MAKE_ENTRY, .object = o, .flags = permission[p],
				    .addr = grid_addr[i].v % G_R };

				snprintf(line, sizeof(line), "parent=%u permission=%u offset=%s%%R size=*", o, a.flags,
				    grid_addr[i].name);
				for (unsigned k = 0; k < GRID_SIZES; k++) {
					a.size = grid_size_value(k, a.addr);
					grid_tuple(line, &a);
				}
			}
	for (unsigned k = 0; k < GRID_SIZES - GRID_SIZES_RELATIVE; k++)
		grid_tuple("size=*", &(struct grid_args){ .call = GRID_OBJECT_CREATE, .size = grid_size[k].v });
	for (unsigned h = 0; h < 4; h++)
		for (unsigned p = 0; p < 12; p++) {
			snprintf(line, sizeof(line), "host=%u internal=%u prot=%u size=*", h & 1, h >> 1, p);
			for (unsigned k = 0; k < GRID_SIZES - GRID_SIZES_RELATIVE; k++)
				grid_tuple(line, &(struct grid_args){ .call = GRID_OBJECT_ENTRY, .word = h, .prot = p,
				    .size = grid_size[k].v });
		}
}

/* All tables; g_data and g_max are set. */
static void
grid_run(void)
{
	grid_dirty = true;
	memset(grid_hash, 0, sizeof(grid_hash));
	memset(grid_tuples, 0, sizeof(grid_tuples));
	grid_run_allocate();
	grid_addr_size("", (struct grid_args){ .call = GRID_DEALLOCATE });
	grid_run_protect();
	grid_run_inherit();
	grid_addr_size("", (struct grid_args){ .call = GRID_READ });
	grid_run_caller(GRID_READ_OVERWRITE);
	grid_run_caller(GRID_WRITE);
	grid_run_copy();
	grid_run_map();
	grid_run_region();
	grid_run_remap();
	grid_run_remap_new();
	grid_run_wire();
	grid_run_advice();
	grid_run_questions();
	grid_run_map_entry();
	grid_run_make_entry();
}

#endif
