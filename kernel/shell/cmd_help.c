/*
 * cmd_help.c: help on every level, made from the commands' declarations.
 */
#include <string.h>
#include <stdio.h>
#include <base/print.h>
#include "shell.h"

static const struct {
	const char *name, *about;
} topics[] = {
	{ "vm", "calls on a task's address space; names and arguments as in C" },
	{ "map", "maps from inside: entries, submaps, references" },
	{ "copy", "memory in flight between maps" },
	{ "entry", "named entries and shared regions" },
	{ "object", "memory objects and their pagers" },
	{ "memory", "accesses by a task, in U-mode" },
	{ "task", "tasks and programs" },
	{ "show", "what is there; -j gives JSON lines" },
	{ "test", "checks and tests" },
	{ "language", "variables, scripts, results" },
	{ "machine", "the machine itself" },
};

static const char *
argument_type(const struct cmd_arg *a)
{
	static char words[200];

	if (a->words != NULL) {
		shell_word_list(a->words, words, sizeof(words));
		return words;
	}
	switch (a->type) {
	case CMD_NUM:
		return "number: 4096, 0x10, 2M, 3P (pages), $a+2M";
	case CMD_SIZE:
		return "bytes: 4096, 64K, 2M, 3P (pages), $size/2";
	case CMD_BOOL:
		return "0 or 1";
	case CMD_PROT:
		return "rwx, r--, none, or rw-/rwx (current/maximum)";
	case CMD_INHERIT:
		return "share, copy, none, or zero (vm_map_inherit)";
	case CMD_TASK:
		return "name of a task";
	case CMD_MAP:
		return "name of a task, of a map, or of a named entry that holds a submap";
	case CMD_COPY:
		return "name of a copy";
	case CMD_NAMED:
		return "name of a named entry";
	case CMD_OBJECT:
		return "name of a memory object";
	case CMD_REGION:
		return "name of a shared region";
	case CMD_HELD:
		return "name of anything that the shell holds";
	case CMD_NEW:
		return "name for what is made; without it the shell makes one up ($name)";
	case CMD_FILE:
		return "file of the initial ramdisk";
	case CMD_CODE:
		return "KERN_ name, or USAGE";
	default:
		return "";
	}
}

static void
brief(const struct command *cmd)
{
	const char *gap = strlen(cmd->name) > 26 ? "\n                            " : "";

	kprintf("  %-26s %s%s\n", cmd->name, gap, cmd->brief);
}

static void
page(const struct command *cmd)
{
	const struct cmd_arg *a;
	char synopsis[256];

	shell_synopsis(cmd, synopsis, sizeof(synopsis));
	kprintf("%s: %s\n\n  %s\n\n", cmd->name, cmd->brief, synopsis);
	for (a = cmd->arg; a->type != CMD_END; a++)
		if (argument_type(a)[0] != '\0')
			kprintf("  %-12s %s\n", a->name, argument_type(a));
	if (cmd->arg[0].type != CMD_END)
		kprintf("\n");
	kprintf("%s\n", cmd->help);
}

static void
list_json(const struct command *cmd)
{
	char synopsis[256];

	shell_synopsis(cmd, synopsis, sizeof(synopsis));
	json_key_text("{", "name", cmd->name);
	json_key_text(",", "topic", cmd->topic);
	json_key_text(",", "brief", cmd->brief);
	json_key_text(",", "synopsis", synopsis);
	json_key_text(",", "help", cmd->help);
	kprintf("}\n");
}

/* All commands of a topic, or the sub-commands of a family; how many. */
static unsigned
list(const char *topic, const char *family)
{
	const struct command *cmd;
	unsigned i, n = 0;
	size_t len = family != NULL ? strlen(family) : 0;

	for (i = 0; i < shell_env.ncommands; i++) {
		cmd = shell_env.commands[i];
		if (topic != NULL && strcmp(cmd->topic, topic) != 0)
			continue;
		if (family != NULL && (strncmp(cmd->name, family, len) != 0 || cmd->name[len] != ' '))
			continue;
		brief(cmd);
		n++;
	}
	return n;
}

static const struct command *
find(const char *name)
{
	unsigned i;

	for (i = 0; i < shell_env.ncommands; i++)
		if (strcmp(shell_env.commands[i]->name, name) == 0)
			return shell_env.commands[i];
	return NULL;
}

static int
help_all(struct cmd_ctx *c)
{
	unsigned i;

	if (c->json) {
		for (i = 0; i < shell_env.ncommands; i++)
			list_json(shell_env.commands[i]);
		return 0;
	}
	for (i = 0; i < nitems(topics); i++) {
		kprintf("%s: %s\n", topics[i].name, topics[i].about);
		list(topics[i].name, NULL);
	}
	kprintf("`help COMMAND` tells more; `help set` has the variables, `help expressions` the numbers.\n");
	return 0;
}

static void
expressions(void)
{
	kprintf("Numbers: C notation (123, 0x7b, 0173, 0b11), then perhaps K M G T (binary) or P (pages).\n"
	    "Expressions: + - * / %% ( ), ~, a leading - (two's complement), KERN_ names. What does\n"
	    "not fit in 64 bits, goes below zero or divides by zero is an error.\n"
	    "Words: 'as it is', \"with $name\", \\c; they join. ; separates commands, # begins a comment.\n"
	    "Arguments: required ones in order, the others as name=value or in order behind them.\n");
}

static int
cmd_help(struct cmd_ctx *c)
{
	const struct command *cmd;
	char name[64] = "";
	unsigned i, n = 0;

	if (c->argc == 0)
		return help_all(c);
	snprintf(name, sizeof(name), "%s%s%s", c->argv[0], c->argc > 1 ? " " : "", c->argc > 1 ? c->argv[1] : "");
	cmd = find(name);
	if (cmd != NULL && c->json) {
		list_json(cmd);
		return 0;
	}
	if (cmd != NULL) {
		page(cmd);
		n = list(NULL, name);
		return 0;
	}
	if (strcmp(name, "expressions") == 0) {
		expressions();
		return 0;
	}
	for (i = 0; i < nitems(topics); i++)
		if (strcmp(topics[i].name, name) == 0)
			n = list(name, NULL);
	if (n == 0)
		n = list(NULL, name);
	if (n != 0)
		return 0;
	kprintf("help: nothing is known about '%s'\n", name);
	return 1;
}

COMMAND(help, cmd_help, "language", "list commands, or explain one",
    "`help` lists all by topic, `help vm` a topic, `help task` a family, `help vm_map` is a\n"
    "command's page. -j: everything as JSON lines.",
    OPT(TOPIC, "command", ""));
COMMAND(man, cmd_help, "language", "the same as help",
    "See `help help`.",
    OPT(TOPIC, "command", ""));
