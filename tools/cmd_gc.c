/* SPDX-License-Identifier: MIT */

/*
 * framering gc: removes the names whose owners died without taking them along. Names of living
 * owners, of others and of other versions stay. It only gives memory back sooner: whoever creates an
 * object of such a name takes it over anyway.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "look.h"
#include "words.h"

struct options {
    int is_dry;
    int as_json;
};

struct result {
    json_t *removed;
    json_t *passed_over;
    uint64_t strangers; /* of those: what other users do not let us read */
    uint64_t bytes;
    size_t count;
    int status;
};

static const struct argp_option table[] = {
    { .name = "dry-run", .key = 'n', .doc = "Only list what would be removed" },
    { .name = "json", .key = 'j', .doc = "Print an object instead" },
    { 0 },
};

static error_t parse_option(int key, char *text, struct argp_state *state)
{
    struct options *options = state->input;
    switch (key) {
    case 'n':
        options->is_dry = 1;
        return 0;
    case 'j':
        options->as_json = 1;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "it takes no name: all that is dead goes, and '%s' only if it is", text);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* What cannot be read may be somebody's, or of another version: only the user can tell. */
static void pass_over(const struct look *look, struct result *result)
{
    const char *colon = strchr(look->name, ':');
    char user[16];
    json_array_append_new(result->passed_over, json_pack("{s:s, s:s}", "name", look->name, "error",
                                                         fr_strerror(look->error)));
    if (look->error == FR_EACCES) {
        result->strangers++;
        return;
    }
    if (colon)
        snprintf(user, sizeof user, "%.*s", (int)(colon - look->name), look->name);
    else
        snprintf(user, sizeof user, "%u", (unsigned)geteuid());
    command_error("passed over \"%s\", %s; if nobody needs it: rm /dev/shm/framering.%s.%s",
                  look->name, fr_strerror(look->error), user, colon ? colon + 1 : look->name);
}

/* Somebody else may have tidied up, or taken the name over, since it was looked at. */
static void collect(const struct look *look, const struct options *options, struct result *result)
{
    char size[WORDS_SIZE];
    if (look->error < 0)
        pass_over(look, result);
    if (look->error < 0 || look->info.status == 0)
        return;
    int error = options->is_dry ? 0 : fr_collect(look->name);
    if (error == FR_ENOENT || error == FR_EEXIST || error == FR_EBUSY)
        return;
    if (error < 0) {
        command_error("cannot remove \"%s\": %s", look->name, fr_error_detail(error));
        result->status = COMMAND_FAILED;
        return;
    }
    result->count++;
    result->bytes += look->info.total_size;
    json_array_append_new(result->removed,
                          json_pack("{s:s, s:s, s:I}", "name", look->name, "state",
                                    look_state(look), "bytes", (json_int_t)look->info.total_size));
    if (!options->as_json)
        printf("%s %s (%s, %s)\n", options->is_dry ? "would remove" : "removed", look->name,
               look_state(look), words_bytes(look->info.total_size, size));
}

static int report(const struct options *options, struct result *result)
{
    char size[WORDS_SIZE];
    if (result->strangers > 0)
        command_error("passed over %" PRIu64 " name%s that other users keep to themselves: "
                      "framering gc as root, or as they, looks at them",
                      result->strangers, result->strangers == 1 ? "" : "s");
    if (options->as_json) {
        json_t *json = json_pack("{s:b, s:O, s:I, s:O}", "dry_run", options->is_dry, "removed",
                                 result->removed, "bytes", (json_int_t)result->bytes, "passed_over",
                                 result->passed_over);
        return command_json(json) < 0 ? COMMAND_FAILED : COMMAND_OK;
    }
    if (result->count == 0)
        puts("nothing is left behind");
    else
        printf("%s %s\n", options->is_dry ? "that would free" : "that freed",
               words_bytes(result->bytes, size));
    return command_flush();
}

int cmd_gc(int argc, char **argv)
{
    static const struct argp parser = {
        .options = table,
        .parser = parse_option,
        .doc = "Removes the names that killed programs left behind. Nothing that anybody owns is "
               "touched, and who still reads one of them goes on.",
    };
    struct options options = { 0 };
    command_parse(&parser, argc, argv, &options);
    struct look_list list;
    int error = look_read_all(&list);
    if (error < 0) {
        command_error("cannot list /dev/shm: %s", fr_error_detail(error));
        return COMMAND_FAILED;
    }
    struct result result = { .removed = json_array(), .passed_over = json_array() };
    for (size_t i = 0; i < list.count; i++)
        collect(&list.look[i], &options, &result);
    look_list_free(&list);
    int status = report(&options, &result);
    json_decref(result.removed);
    json_decref(result.passed_over);
    return result.status != COMMAND_OK ? result.status : status;
}
