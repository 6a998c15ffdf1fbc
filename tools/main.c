/* SPDX-License-Identifier: MIT */

/*
 * framering: one program with a command for each thing that one wants of streams in shared memory.
 * This file finds the command and hands it the rest of the line; the table below is all that --help,
 * `framering help` and the completion of the shell know of commands.
 */

#define _GNU_SOURCE

#include <framering/framering.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"

struct command {
    const char *name;
    const char *summary;
    int (*run)(int argc, char **argv);
};

static const struct command commands[] = {
    { "ls", "list what is there", cmd_ls },
    { "info", "tell everything about one stream, its writers and readers", cmd_info },
    { "top", "watch all streams and who uses them, live", cmd_top },
    { "hz", "measure a stream's rate from outside", cmd_hz },
    { "snap", "write the newest frame as PNG", cmd_snap },
    { "cat", "frames of a stream to a pipe or file", cmd_cat },
    { "put", "video from a pipe or file into a new stream", cmd_put },
    { "record", "everything of a stream into a file", cmd_record },
    { "replay", "a recording into a new stream", cmd_replay },
    { "gen", "test pictures, and loads of writers and readers", cmd_gen },
    { "gc", "remove what dead programs left behind", cmd_gc },
    { "doctor", "look whether this machine is set up well", cmd_doctor },
};

#define COMMAND_COUNT (sizeof commands / sizeof *commands)

static const struct command *find(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

/* argv[0] becomes "framering NAME" for the command's own argp. */
static int run(const struct command *command, int argc, char **argv)
{
    char *name;
    if (asprintf(&name, "framering %s", command->name) < 0) {
        command_error("out of memory");
        return COMMAND_FAILED;
    }
    argv[0] = name;
    int status = command->run(argc, argv);
    free(name);
    return status;
}

/* `framering help NAME` is `framering NAME --help`; help alone is all that --help prints. */
static int help(int argc, char **argv, const struct argp_state *state)
{
    char option[] = "--help";
    char *arguments[] = { NULL, option, NULL };
    if (argc < 2)
        argp_state_help(state, stdout, ARGP_HELP_STD_HELP);
    const struct command *command = find(argv[1]);
    if (!command)
        argp_error(state, "there is no command \"%s\"", argv[1]);
    return command ? run(command, 2, arguments) : COMMAND_USAGE;
}

static error_t parse_option(int key, char *text, struct argp_state *state)
{
    int *status = state->input;
    if (key == ARGP_KEY_NO_ARGS)
        argp_state_help(state, stderr,
                        ARGP_HELP_LONG | ARGP_HELP_DOC | ARGP_HELP_USAGE | ARGP_HELP_EXIT_ERR);
    if (key != ARGP_KEY_ARG)
        return key == ARGP_KEY_NO_ARGS ? 0 : ARGP_ERR_UNKNOWN;
    /* The command and all behind it are left to the command. */
    int argc = state->argc - state->next + 1;
    char **argv = &state->argv[state->next - 1];
    state->next = state->argc;
    const struct command *command = find(text);
    if (command)
        *status = run(command, argc, argv);
    else if (strcmp(text, "help") == 0)
        *status = help(argc, argv, state);
    else
        argp_error(state, "there is no command \"%s\"", text);
    return 0;
}

/* The list of commands comes from the table. The caller frees the text, as argp does. */
static char *help_filter(int key, const char *text, void *input)
{
    (void)input;
    if (key != ARGP_KEY_HELP_POST_DOC)
        return text ? strdup(text) : NULL;
    char *list = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&list, &size);
    if (!to)
        return NULL;
    fputs("Commands:\n", to);
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        fprintf(to, "  %-8s %s\n", commands[i].name, commands[i].summary);
    fputs("  help     the same as --help, also of a command\n"
          "\nframering COMMAND --help tells more. NAME is a stream of your own, or UID:NAME of "
          "another user.\nExit status: 0 fine, 1 failed, 2 usage, 3 no such stream.",
          to);
    fclose(to);
    return list;
}

static void print_version(FILE *to, struct argp_state *state)
{
    (void)state;
    fprintf(to, "framering %d.%d.%d, library %s\n", FR_VERSION_MAJOR, FR_VERSION_MINOR,
            FR_VERSION_PATCH, fr_version_string());
}

int main(int argc, char **argv)
{
    static const struct argp parser = {
        .parser = parse_option,
        .args_doc = "COMMAND [ARGUMENT...]",
        .doc = "Looks at, feeds and records streams of frames in shared memory.\vCommands",
        .help_filter = help_filter,
    };
    int status = COMMAND_OK;
    argp_err_exit_status = COMMAND_USAGE;
    argp_program_version_hook = print_version;
    argp_parse(&parser, argc, argv, ARGP_IN_ORDER, NULL, &status);
    return status;
}
