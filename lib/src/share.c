/* SPDX-License-Identifier: MIT */
/*
 * Floor 2, testing build only: handles that share one mapping of an object, see share.h. A short
 * list of mappings with a count of their users, under one lock.
 */
#include "share.h"

#include <pthread.h>

#include "base.h"
#include "point.h"

#define MAX_SHARED 64

struct shared_mapping {
    uint64_t device;
    uint64_t inode;
    uint64_t offset;
    void *address;
    uint32_t users;
};

bool fri_share_mappings;
fri_point_fn fri_point_hook;

static struct shared_mapping mappings[MAX_SHARED];
static pthread_mutex_t mappings_lock = PTHREAD_MUTEX_INITIALIZER;

bool fri_share_is_on(void)
{
    return fri_share_mappings;
}

static struct shared_mapping *find(const struct fri_file_info *info, uint64_t offset)
{
    struct shared_mapping *unused = NULL;

    for (int i = 0; i < MAX_SHARED; i++) {
        struct shared_mapping *mapping = &mappings[i];

        if (mapping->users == 0)
            unused = mapping;
        else if (mapping->device == info->device && mapping->inode == info->inode &&
                 mapping->offset == offset)
            return mapping;
    }
    return unused;
}

static int map_locked(int fd, uint64_t offset, uint64_t size, bool is_payload, void **out)
{
    struct fri_file_info info;
    int error = fri_file_info(fd, &info);

    if (error < 0)
        return error;
    struct shared_mapping *mapping = find(&info, offset);
    if (!mapping)
        return fri_fail(FR_ENOMEM, "too many shared mappings for a test");
    if (mapping->users == 0) {
        void *address;

        error = fri_map(fd, offset, size, true, is_payload, &address);
        if (error < 0)
            return error;
        *mapping = (struct shared_mapping){ info.device, info.inode, offset, address, 0 };
    }
    mapping->users++;
    *out = mapping->address;
    return 0;
}

int fri_share_map(int fd, uint64_t offset, uint64_t size, bool writable, bool is_payload,
                  void **out)
{
    if (!fri_share_mappings)
        return fri_map(fd, offset, size, writable, is_payload, out);
    pthread_mutex_lock(&mappings_lock);
    int error = map_locked(fd, offset, size, is_payload, out);
    pthread_mutex_unlock(&mappings_lock);
    return error;
}

void fri_share_unmap(void *address, uint64_t size)
{
    bool is_last = true;

    pthread_mutex_lock(&mappings_lock);
    for (int i = 0; i < MAX_SHARED; i++) {
        if (mappings[i].users > 0 && mappings[i].address == address)
            is_last = --mappings[i].users == 0;
    }
    pthread_mutex_unlock(&mappings_lock);
    if (is_last)
        fri_unmap(address, size);
}
