#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Makes the system calls of a program that uses all of the library fail (strace), one at a time: each
# kind of call, at each place where it is made, with each error that it may well have. "once" is a
# failure that passes; "for-ever" is one that stays from there on. The program judges what the library
# makes of it: the code, what is left over, and whether all is well once the failure has passed.
#   tests/inject/inject.sh SUBJECT [short|long]
set -euo pipefail

subject=$1
extent=${2:-short}
scratch=$(mktemp -d)
prefix=inject-$$
trap 'rm -rf "$scratch"; rm -f /dev/shm/framering."$(id -u)".$prefix-*' EXIT
export INJECT_PREFIX=$prefix

if ! command -v strace >/dev/null || ! strace -o /dev/null true 2>/dev/null; then
    echo 'inject: strace is missing (apt-get install strace) or may not trace' >&2
    exit 77
fi

# Not here: close and munmap, because a call that strace makes fail has not been made, while the
# kernel closes and unmaps even when it reports a failure; and what cannot fail.
errors='
openat          EMFILE ENFILE ENOMEM EACCES EINTR EIO EPERM ENOSPC ELOOP ENODEV
fallocate       ENOSPC EINTR ENOMEM EDQUOT EIO EFBIG EPERM
fchmod          EPERM EIO EROFS ENOMEM
linkat          ENOSPC ENOMEM EACCES EEXIST EIO EDQUOT EPERM EROFS
newfstatat      ENOMEM EACCES EIO EPERM EOVERFLOW
statfs          EINTR EIO ENOMEM EPERM
pread64         EINTR EIO EAGAIN ENOMEM
mmap            ENOMEM EAGAIN EACCES EPERM ENFILE ENODEV
madvise         ENOMEM EAGAIN EACCES EIO EPERM
fcntl           EAGAIN ENOLCK EINTR ENOMEM EACCES EPERM EIO
futex           EINTR EAGAIN ETIMEDOUT EPERM
unlink          EACCES EPERM EBUSY EIO EROFS
inotify_init1   EMFILE ENFILE ENOMEM EPERM
inotify_add_watch ENOSPC ENOMEM EACCES EPERM
ppoll           EINTR ENOMEM EPERM
read            EINTR EAGAIN EIO
getrandom       EINTR EAGAIN ENOSYS EPERM
brk             ENOMEM
prlimit64       EPERM
clock_nanosleep EINTR EPERM
rt_sigprocmask  EFAULT'

# How often the program makes a call before and between its marks: "CALL BEFORE BETWEEN".
strace -f -o "$scratch/trace" "$subject"
awk '
    { sub(/^[0-9]+ +/, "") }
    /^getppid/ { marks++; next }
    match($0, /^[a-z0-9_]+\(/) {
        call = substr($0, 1, RLENGTH - 1)
        if (marks == 0) before[call]++
        else if (marks == 1) between[call]++
    }
    END { for (call in between) print call, before[call] + 0, between[call] }
' "$scratch/trace" >"$scratch/counts"

# The numbers of the errors, as this machine has them.
numbers=$(printf '#include <errno.h>\n' | cpp -dM | awk '/^#define E[A-Z0-9]+ [0-9]+$/ { print $2, $3 }')

# All combinations, one a line: CALL ERROR ITS-NUMBER WHEN MODE.
while read -r call list; do
    read -r _ before between < <(grep "^$call " "$scratch/counts") || continue
    for error in $list; do
        number=$(awk -v name="$error" '$1 == name { print $2 }' <<<"$numbers")
        for ((i = before + 1; i <= before + between; i++)); do
            echo "$call $error $number $i once"
            # Only while signals come is a call interrupted; calls are made again then.
            [ "$extent" = short ] || [ "$error" = EINTR ] ||
                echo "$call $error $number $i+ for-ever"
        done
    done
done < <(echo "$errors" | grep .) >"$scratch/all"

# The short form takes each sixth.
[ "$extent" = long ] || awk 'NR % 6 == 1' "$scratch/all" >"$scratch/some"
[ "$extent" = short ] || cp "$scratch/all" "$scratch/some"

cat >"$scratch/one" <<'END'
#!/bin/sh
subject=$1 scratch=$2 call=$3 error=$4 number=$5 when=$6 mode=$7
status=0
timeout 30 strace -qq -f --seccomp-bpf -o /dev/null -e trace="$call" \
    -e inject="$call:error=$error:when=$when" \
    "$subject" "$mode" "$number" >"$scratch/out.$$" 2>&1 || status=$?
[ $status -eq 0 ] && exit
echo "$call fails with $error at call $when, $mode: status $status"
head -n 5 "$scratch/out.$$"
END
chmod +x "$scratch/one"

xargs -r -P 2 -L 1 "$scratch/one" "$subject" "$scratch" <"$scratch/some" >"$scratch/bad"
cat "$scratch/bad"
failed=$(grep -c '^[a-z0-9_]* fails with' "$scratch/bad" || true)
echo "inject: $(wc -l <"$scratch/some") failures injected, $failed bad"
[ "$failed" -eq 0 ]
