/*
 * The orders are one line, where - stands for "as it is":
 *   KEY UMASK PROCESSES LOG UID GID GROUP,GROUP...
 * KEY seals the record; UMASK is octal; PROCESSES is the most that the user of the job may have (RLIMIT_NPROC); a log of
 * more than LOG bytes on the disk grows slowly until it was cut.
 */
#ifndef JOBWARDEN_ORDERS_H
#define JOBWARDEN_ORDERS_H

enum { ORDERS_SIZE = 16384, MOST_GROUPS = 1024 };

/* What the worker wants done; -1 for what stays as it is. */
static struct orders {
    char key[SEAL_KEY];
    long umask, processes, log, uid, gid;
    gid_t groups[MOST_GROUPS];
    size_t group_count;
} orders;

/* The next number of the line at *text, in this base; -1 for a dash, -2 when it is neither. */
static long next_number(char **text, int base)
{
    char *end;
    while (**text == ' ')
        ++*text;
    if (**text == '-') {
        ++*text;
        return -1;
    }
    long number = strtol(*text, &end, base);
    if (end == *text || number < 0)
        return -2;
    *text = end;
    return number;
}

static int parse_orders(char *line)
{
    if (strlen(line) < SEAL_KEY + 1 || line[SEAL_KEY] != ' ')
        return 0;
    memcpy(orders.key, line, SEAL_KEY);
    line += SEAL_KEY;
    orders.umask = next_number(&line, 8);
    orders.processes = next_number(&line, 10);
    orders.log = next_number(&line, 10);
    orders.uid = next_number(&line, 10);
    orders.gid = next_number(&line, 10);
    for (long group; (group = next_number(&line, 10)) >= 0; line += *line == ',') {
        if (orders.group_count == MOST_GROUPS)
            return 0;
        orders.groups[orders.group_count++] = (gid_t)group;
    }
    /* A user without a group would keep the worker's. */
    return orders.umask != -2 && orders.processes != -2 && orders.log != -2 && orders.uid != -2 && orders.gid != -2 &&
           (orders.uid == -1) == (orders.gid == -1);
}

#endif
