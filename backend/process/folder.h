/* The folder of a job, as the launch server makes it. */
#ifndef JOBWARDEN_FOLDER_H
#define JOBWARDEN_FOLDER_H

enum { IDENTITY_SIZE = 2048 };

static int write_new(int folder, const char *name, const char *text, size_t size, mode_t mode, int others)
{
    int fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    int result = fd < 0 ? -1 : 0;
    while (result == 0 && size > 0) {
        ssize_t n = write(fd, text, size);
        if (n < 0 && errno != EINTR)
            result = -1;
        if (n > 0) {
            text += n;
            size -= (size_t)n;
        }
    }
    if (result == 0 && others && orders.uid >= 0)
        result = fchown(fd, (uid_t)orders.uid, (gid_t)orders.gid);
    if (fd >= 0) {
        int error = errno;
        close(fd);
        errno = error;
    }
    return result;
}

static void remove_folder(int folder, const struct launch *order)
{
    const char *names[] = {order->script_name, "exit_status", "output.log", "control_group", "identity"};
    int error = errno;
    for (size_t i = 0; folder >= 0 && i < sizeof names / sizeof *names; i++)
        unlinkat(folder, names[i], 0);
    rmdir(order->folder);
    errno = error;
}

/* Script, room for the record, log, and the way to the control group; what of it failed. With a user, script and log
 * are his; the folder and the record stay ours, out of his reach. */
static int fill_folder(int folder, const struct head *head, const struct launch *order)
{
    static const char blank[RECORD_SIZE] = {[0 ... RECORD_SIZE - 1] = ' '};
    if (write_new(folder, order->script_name, order->script, head->script, 0700, 1) != 0 ||
        write_new(folder, "exit_status", blank, sizeof blank, 0600, 0) != 0)
        return SCRIPT;
    if (*order->group && write_new(folder, "control_group", order->group, strlen(order->group), 0600, 0) != 0)
        return GROUP;
    if (write_new(folder, "output.log", "", 0, 0600, 1) != 0)
        return LOGFILE;
    /* Last: until now nobody else came in. To be passed through, not to be listed. */
    return orders.uid >= 0 && fchmod(folder, 0711) != 0 ? SCRIPT : DONE;
}

static int make_folder(const struct head *head, const struct launch *order, int *folder)
{
    int step = FOLDER;
    *folder = -1;
    if (mkdir(order->folder, 0700) != 0)
        return errno == EEXIST ? TAKEN : FOLDER;
    *folder = open(order->folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (*folder >= 0)
        step = fill_folder(*folder, head, order);
    if (step != DONE)
        remove_folder(*folder, order);
    return step;
}

/* Who the supervisor is, with room for an order to end it (identity_file.py). */
static int write_identity(int folder, const struct launch *order, pid_t pid, uint64_t start_ticks)
{
    char text[IDENTITY_SIZE + 1];
    int n = snprintf(text, sizeof text, "%s %d %llu %s\n", order->identity, (int)pid, (unsigned long long)start_ticks,
                     order->host);
    if (n < 0 || n > IDENTITY_SIZE) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memset(text + n, ' ', sizeof text - (size_t)n);
    int result = write_new(folder, "identity", text, IDENTITY_SIZE, 0600, 0), error = errno;
    explicit_bzero(text, sizeof text);
    errno = error;
    return result;
}

#endif
