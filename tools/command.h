/* SPDX-License-Identifier: MIT */
#ifndef COMMAND_H
#define COMMAND_H

/*
 * What the commands of `framering` have in common. Each is one file cmd_NAME.c with one function
 * cmd_NAME, which has an argp of its own and returns the program's exit status; argv[0] is
 * "framering NAME", so that usage and errors of argp begin with it. A failure is one sentence on
 * standard error that says what to do; the result alone goes to standard output.
 */

#include <argp.h>
#include <jansson.h>
#include <stdint.h>

enum command_status {
    COMMAND_OK = 0,
    COMMAND_FAILED = 1,
    COMMAND_USAGE = 2,
    COMMAND_NO_STREAM = 3,
};

int cmd_cat(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_gc(int argc, char **argv);
int cmd_gen(int argc, char **argv);
int cmd_hz(int argc, char **argv);
int cmd_info(int argc, char **argv);
int cmd_ls(int argc, char **argv);
int cmd_put(int argc, char **argv);
int cmd_record(int argc, char **argv);
int cmd_replay(int argc, char **argv);
int cmd_snap(int argc, char **argv);
int cmd_top(int argc, char **argv);

/* Prints "framering: ", the sentence and a newline on standard error. */
void command_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Reads a command's options with its argp; a mistake ends the program with COMMAND_USAGE. */
void command_parse(const struct argp *parser, int argc, char **argv, void *input);

/*
 * What a failed attempt to look at or open a stream of that name means: says so in a sentence and
 * returns COMMAND_NO_STREAM if there is none, else COMMAND_FAILED.
 */
int command_refused(const char *name, int error);

/* A decimal number of an option from min to max; anything else ends the program with a sentence. */
uint64_t command_number(const char *text, uint64_t min, uint64_t max, const char *what,
                        const struct argp_state *state);

/* Seconds of an option, from 0.001 to 1e9, as nanoseconds; anything else ends as above. */
int64_t command_seconds(const char *text, const char *what, const struct argp_state *state);

/*
 * Writes one line of JSON to standard output, which is flushed, and gives json back. 0, or -1 after
 * a sentence if json is NULL (out of memory) or it cannot be written.
 */
int command_json(json_t *json);

/* Whether all that was printed has really been written: COMMAND_OK, or a sentence and COMMAND_FAILED. */
int command_flush(void);

#endif
