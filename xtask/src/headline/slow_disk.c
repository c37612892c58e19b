/* Makes every write to a regular file as slow as a disk of EVENKEEL_SLOW_BYTES_PER_SECOND would.
 *
 * Loaded with LD_PRELOAD into the server that is measured. It stands between the program and the C library's write
 * calls, so a program that writes by system calls of its own or by io_uring is not slowed; the benchmark
 * therefore checks that the save took as long as the disk would have needed.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* Small writes are summed up: a pause for each would be dominated by the length of the shortest pause. */
#define PAUSE_BYTES 65536

static void delay(int fd, ssize_t written) {
    static __thread size_t owed;
    struct stat facts;
    const char *rate = getenv("EVENKEEL_SLOW_BYTES_PER_SECOND");
    if (written <= 0 || rate == NULL || fstat(fd, &facts) != 0 || !S_ISREG(facts.st_mode)) return;
    owed += (size_t)written;
    if (owed < PAUSE_BYTES) return;
    double seconds = (double)owed / atof(rate);
    owed = 0;
    struct timespec pause = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
    nanosleep(&pause, NULL);
}

ssize_t write(int fd, const void *data, size_t size) {
    static ssize_t (*real)(int, const void *, size_t);
    if (real == NULL) real = (ssize_t (*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
    ssize_t written = real(fd, data, size);
    delay(fd, written);
    return written;
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) {
    static ssize_t (*real)(int, const void *, size_t, off64_t);
    if (real == NULL) real = (ssize_t (*)(int, const void *, size_t, off64_t))dlsym(RTLD_NEXT, "pwrite64");
    ssize_t written = real(fd, data, size, at);
    delay(fd, written);
    return written;
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t at) { return pwrite64(fd, data, size, at); }

ssize_t writev(int fd, const struct iovec *parts, int count) {
    static ssize_t (*real)(int, const struct iovec *, int);
    if (real == NULL) real = (ssize_t (*)(int, const struct iovec *, int))dlsym(RTLD_NEXT, "writev");
    ssize_t written = real(fd, parts, count);
    delay(fd, written);
    return written;
}

/* Redis writes its file through stdio, whose own calls of write cannot be replaced from outside. */
size_t fwrite(const void *data, size_t size, size_t count, FILE *file) {
    static size_t (*real)(const void *, size_t, size_t, FILE *);
    if (real == NULL) real = (size_t (*)(const void *, size_t, size_t, FILE *))dlsym(RTLD_NEXT, "fwrite");
    size_t written = real(data, size, count, file);
    delay(fileno(file), (ssize_t)(written * size));
    return written;
}
