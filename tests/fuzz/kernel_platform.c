/* SPDX-License-Identifier: MIT */
/* The kernel as the fuzz targets see it: see fake_platform.h. */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fake_platform.h"

/* Descriptors are given out from the lowest, so the next one tells whether any is left over. */
unsigned system_descriptors(void)
{
    int fd = dup(STDERR_FILENO);

    close(fd);
    return (unsigned)fd;
}

unsigned system_mappings(const char *name)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    unsigned count = 0;
    char line[512];

    while (maps && fgets(line, sizeof line, maps))
        count += strstr(line, name) != NULL;
    if (maps)
        fclose(maps);
    return count;
}
