/* What the worker and its launch server say to each other: see launch.h. */
#ifndef JOBWARDEN_MESSAGE_H
#define JOBWARDEN_MESSAGE_H

#include <sys/socket.h>

enum { SOCKET = 3, PLACES = 4, MOST_PLACES = 256, MOST_ANSWERS = 16, READY_TRIES = 20000, MOST_TEXT = 1 << 28 };
enum { LAUNCH = 1, OPEN = 2, SHUT = 3 };
/* What went wrong; launch_server.py has the words. */
enum { DONE, ORDERS, FOLDER, TAKEN, SCRIPT, LOGFILE, GROUP, DESCRIPTORS, FORK, IDENTITY };

struct head {
    uint32_t kind, size; /* of all that follows this head */
    uint32_t place, arguments, variables, marks, script;
    int32_t open_files;
};

/* pid: of the shim, or for OPEN whether it was there to be let go. */
struct answer {
    uint32_t place, step;
    int32_t pid, error;
    uint64_t start_ticks;
};

/* One order to launch, its texts within what was read. argv is as main has it: program, folder, directory, script. */
struct launch {
    char *orders, *folder, *work_dir, *script_path, *script_name, *identity, *host, *group;
    char **argv, **variables;
    char *script;
};

/* The path of this program. */
static char *program;

static struct answer answers[MOST_ANSWERS];
static size_t answered;

/* Shared with the worker: the pid at each place, and whether that shim has its name and marks by now. */
static volatile struct place {
    int32_t pid, ready;
} *places;

/* Whoever is told of a shim finds it as it will be. A shim is ready long before this looks, but on a crowded machine. */
static void wait_until_ready(const struct answer *one)
{
    struct timespec moment = {0, 50000};
    for (int i = 0; one->start_ticks != 0 && i < READY_TRIES; i++) {
        if (__atomic_load_n(&places[one->place].ready, __ATOMIC_ACQUIRE))
            return;
        nanosleep(&moment, NULL);
    }
}

static void flush_answers(void)
{
    const char *text = (const char *)answers;
    for (size_t i = 0; i < answered; i++)
        wait_until_ready(&answers[i]);
    size_t left = answered * sizeof *answers;
    answered = 0;
    while (left > 0) {
        ssize_t n = send(SOCKET, text, left, MSG_NOSIGNAL);
        if (n < 0 && errno != EINTR)
            _exit(0); /* the worker is gone: with us the gates shut */
        if (n > 0) {
            text += n;
            left -= (size_t)n;
        }
    }
}

static void answer(uint32_t place, uint32_t step, pid_t pid, int error, uint64_t start_ticks)
{
    answers[answered++] = (struct answer){place, step, pid, error, start_ticks};
    if (answered == MOST_ANSWERS)
        flush_answers();
}

/* Read all of it. Whoever waits for answers gets them before this waits. */
static void take(void *into, size_t size)
{
    char *text = into;
    while (size > 0) {
        ssize_t n = recv(SOCKET, text, size, answered ? MSG_DONTWAIT : 0);
        if (n < 0 && errno == EAGAIN)
            flush_answers();
        else if (n == 0 || (n < 0 && errno != EINTR))
            _exit(0);
        if (n > 0) {
            text += n;
            size -= (size_t)n;
        }
    }
}

/* Cut the texts of an order; NULL where something is missing. */
static int cut(const struct head *head, char *text, struct launch *order)
{
    char *end = text + head->size - head->script;
    char **parts[] = {&order->orders,      &order->folder,   &order->work_dir, &order->script_path,
                      &order->script_name, &order->identity, &order->host,     &order->group};
    size_t fixed = sizeof parts / sizeof *parts, count = fixed + head->arguments + head->variables;
    if (head->script > head->size || text == end || end[-1] != 0 || count > head->size)
        return 0;
    order->argv = calloc(count + 8, sizeof(char *));
    if (order->argv == NULL)
        return 0;
    order->variables = order->argv + 5 + head->arguments;
    for (size_t i = 0; i < count; i++, text += strlen(text) + 1) {
        if (text >= end)
            return 0;
        if (i < fixed)
            *parts[i] = text;
        else if (i < fixed + head->arguments)
            order->argv[4 + i - fixed] = text;
        else
            order->variables[i - fixed - head->arguments] = text;
    }
    order->argv[0] = program;
    order->argv[1] = order->folder;
    order->argv[2] = order->work_dir;
    order->argv[3] = order->script_path;
    order->script = end;
    return text == end;
}

#endif
