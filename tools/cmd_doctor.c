/* SPDX-License-Identifier: MIT */

/*
 * framering doctor: looks at all outside the programs that makes streams fail, and says how to mend
 * it. Exit status 1 if anything is bad; what it only warns of may still do.
 */

#include <stdio.h>

#include "command.h"
#include "findings.h"

static const struct argp_option table[] = {
    { .name = "json", .key = 'j', .doc = "Print an array of objects instead" },
    { 0 },
};

static const char *const levels[] = {
    [FINDING_OK] = "ok",
    [FINDING_WARN] = "warn",
    [FINDING_BAD] = "bad",
};

static error_t parse_option(int key, char *text, struct argp_state *state)
{
    int *as_json = state->input;
    switch (key) {
    case 'j':
        *as_json = 1;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "it looks at the machine and takes no argument, not '%s' either", text);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static int print_json(const struct findings *findings)
{
    json_t *all = json_array();
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *finding = &findings->finding[i];
        json_array_append_new(all, json_pack("{s:s, s:s, s:s, s:s}", "level",
                                             levels[finding->level], "check", finding->check,
                                             "text", finding->text, "fix", finding->fix));
    }
    return command_json(all) < 0 ? COMMAND_FAILED : COMMAND_OK;
}

static int print_text(const struct findings *findings)
{
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *finding = &findings->finding[i];
        printf("%-4s  %s: %s%s%s\n", levels[finding->level], finding->check, finding->text,
               finding->fix[0] ? "; " : "", finding->fix);
    }
    return command_flush();
}

int cmd_doctor(int argc, char **argv)
{
    static const struct argp parser = {
        .options = table,
        .parser = parse_option,
        .doc = "Looks whether this machine is set up well: /dev/shm, permissions, limits, logind, "
               "containers; and sends a frame through a ring. One line for each finding, with its "
               "fix.\vExit status: 1 if anything is bad.",
    };
    int as_json = 0;
    command_parse(&parser, argc, argv, &as_json);
    struct findings findings = { .count = 0 };
    findings_of_memory(&findings);
    findings_of_limits(&findings);
    findings_of_logind(&findings);
    findings_of_trial(&findings);
    int status = as_json ? print_json(&findings) : print_text(&findings);
    for (size_t i = 0; i < findings.count && status == COMMAND_OK; i++)
        if (findings.finding[i].level == FINDING_BAD)
            status = COMMAND_FAILED;
    return status;
}
