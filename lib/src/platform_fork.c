/* SPDX-License-Identifier: MIT */
/*
 * Floor 1: what must not reach the children of this process, see fri_fork_closes in platform.h, and
 * counting the forks, so that a child can tell its parent's handles. The list is locked while a fork
 * copies it.
 */
#include <pthread.h>

#include "platform.h"

#define MAX_DESCRIPTORS 1024

uint32_t fri_forks; /* changes in a child only, before that has a second thread */

static pthread_mutex_t list_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t registered = PTHREAD_ONCE_INIT;
static bool is_registered;
static int not_for_children[MAX_DESCRIPTORS];
static int not_for_children_count;

static void before_fork(void)
{
    pthread_mutex_lock(&list_lock);
}

static void after_fork_in_parent(void)
{
    pthread_mutex_unlock(&list_lock);
}

static void after_fork_in_child(void)
{
    fri_forks++;
    while (not_for_children_count > 0)
        fri_file_close(not_for_children[--not_for_children_count]);
    pthread_mutex_unlock(&list_lock);
}

static void register_once(void)
{
    is_registered = pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child) == 0;
}

bool fri_fork_watch(void)
{
    pthread_once(&registered, register_once);
    return is_registered;
}

bool fri_fork_closes(int fd)
{
    if (!fri_fork_watch())
        return false;
    pthread_mutex_lock(&list_lock);
    bool has_room = not_for_children_count < MAX_DESCRIPTORS;
    if (has_room)
        not_for_children[not_for_children_count++] = fd;
    pthread_mutex_unlock(&list_lock);
    return has_room;
}

void fri_fork_closes_no_more(int fd)
{
    pthread_mutex_lock(&list_lock);
    for (int i = 0; i < not_for_children_count; i++) {
        if (not_for_children[i] == fd) {
            not_for_children[i] = not_for_children[--not_for_children_count];
            break;
        }
    }
    pthread_mutex_unlock(&list_lock);
}
