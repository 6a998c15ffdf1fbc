/* SPDX-License-Identifier: MIT */

/*
 * See findings.h: RemoveIPC of systemd-logind, which removes a user's shared memory when the last
 * session ends. It is on unless a file says no, and spares system users and those who linger.
 */

#define _GNU_SOURCE

#include <glob.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "findings.h"

#define FIRST_PERSON 1000 /* user numbers below belong to the system */

/* Later files, and later lines, win. Each pattern of glob is in the order of its names. */
static const char *const files[] = {
    "/usr/lib/systemd/logind.conf",          "/etc/systemd/logind.conf",
    "/usr/lib/systemd/logind.conf.d/*.conf", "/run/systemd/logind.conf.d/*.conf",
    "/etc/systemd/logind.conf.d/*.conf",
};

/* 1, 0, or what it was before if the file says nothing about it. */
static int read_file(const char *path, int before)
{
    FILE *file = fopen(path, "r");
    char line[256];
    char value[16];
    int removes = before;
    while (file && fgets(line, sizeof line, file)) {
        if (sscanf(line, " RemoveIPC = %15s", value) != 1)
            continue;
        removes = strcasecmp(value, "no") != 0 && strcasecmp(value, "false") != 0 &&
                  strcasecmp(value, "off") != 0 && strcmp(value, "0") != 0;
    }
    if (file)
        fclose(file);
    return removes;
}

static int removes_ipc(void)
{
    int removes = 1;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        glob_t found;
        if (glob(files[i], 0, NULL, &found) != 0)
            continue;
        for (size_t j = 0; j < found.gl_pathc; j++)
            removes = read_file(found.gl_pathv[j], removes);
        globfree(&found);
    }
    return removes;
}

static int lingers(const char *user)
{
    char path[300];
    snprintf(path, sizeof path, "/var/lib/systemd/linger/%s", user);
    return access(path, F_OK) == 0;
}

void findings_of_logind(struct findings *findings)
{
    static const char check[] = "RemoveIPC";
    const struct passwd *user = getpwuid(getuid());
    if (access("/run/systemd/seats", F_OK) < 0) {
        finding_add(findings, FINDING_OK, check,
                    "no systemd-logind runs here, so nothing is removed at logout");
        return;
    }
    if (!removes_ipc()) {
        finding_add(findings, FINDING_OK, check, "logind leaves shared memory alone at logout");
        return;
    }
    if (getuid() < FIRST_PERSON || (user && lingers(user->pw_name))) {
        finding_add(findings, FINDING_OK, check, "logind spares this user's shared memory");
        return;
    }
    finding_add(findings, FINDING_WARN, check,
                "logind removes your streams when your last session ends");
    finding_fix(findings, "loginctl enable-linger, or RemoveIPC=no in /etc/systemd/logind.conf");
}
