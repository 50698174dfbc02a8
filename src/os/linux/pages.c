/* pages.c: address space and the memory behind it.
 *
 * A reservation is address space that traps (PROT_NONE, not counted against memory). Committing makes a part usable; the
 * kernel gives each page, zeroed, at its first touch.
 *
 * Invariant pages-whole: addresses and sizes are whole pages, checked here, so a call never reaches past its reservation by
 * rounding. Threading: any thread; the ranges are the caller's business. */
#define _GNU_SOURCE 1

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "os/linux/linux.h"

size_t fh_os_page_bytes(void) {
    return (size_t)sysconf(_SC_PAGESIZE);
}

static bool is_whole_pages(const void *at, size_t size_bytes) {
    size_t mask = fh_os_page_bytes() - 1;
    FH_UNSAFE("pages-whole");
    return size_bytes != 0 && (size_bytes & mask) == 0 && ((uintptr_t)at & mask) == 0;
}

static fh_status status_of_errno(void) {
    return FH_STATUS(errno == ENOMEM ? FH_NOMEM : FH_IO);
}

fh_status fh_os_reserve(size_t size_bytes, void **out) {
    *out = NULL;
    FH_ASSERT(is_whole_pages(NULL, size_bytes));
    FH_UNSAFE("pages-whole");
    void *at = mmap(NULL, size_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED)
        return status_of_errno();
    *out = at;
    return FH_DONE;
}

fh_status fh_os_commit(void *at, size_t size_bytes) {
    FH_ASSERT(is_whole_pages(at, size_bytes));
    FH_UNSAFE("pages-whole");
    return mprotect(at, size_bytes, PROT_READ | PROT_WRITE) == 0 ? FH_DONE : status_of_errno();
}

fh_status fh_os_decommit(void *at, size_t size_bytes) {
    FH_ASSERT(is_whole_pages(at, size_bytes));
    FH_UNSAFE("pages-whole");
    return madvise(at, size_bytes, MADV_DONTNEED) == 0 ? FH_DONE : status_of_errno();
}

fh_status fh_os_forbid(void *at, size_t size_bytes) {
    FH_TRY(fh_os_decommit(at, size_bytes));
    FH_UNSAFE("pages-whole");
    return mprotect(at, size_bytes, PROT_NONE) == 0 ? FH_DONE : status_of_errno();
}

void fh_os_release(void *at, size_t size_bytes) {
    if (at == NULL)
        return;
    FH_ASSERT(is_whole_pages(at, size_bytes));
    FH_UNSAFE("pages-whole");
    FH_ASSERT(munmap(at, size_bytes) == 0);
}

static size_t whole_pages(size_t size_bytes) {
    size_t mask = fh_os_page_bytes() - 1;
    FH_ASSERT(size_bytes <= SIZE_MAX - mask);
    return (size_bytes + mask) & ~mask;
}

fh_status fh_linux_take_pages(size_t size_bytes, void **out) {
    FH_TRY(fh_os_reserve(whole_pages(size_bytes), out));
    fh_status s = fh_os_commit(*out, whole_pages(size_bytes));
    if (fh_failed(s)) {
        fh_os_release(*out, whole_pages(size_bytes));
        *out = NULL;
    }
    return s;
}

void fh_linux_drop_pages(void *at, size_t size_bytes) {
    fh_os_release(at, whole_pages(size_bytes));
}

void fh_os_prefer_huge(void *at, size_t size_bytes) {
    FH_ASSERT(is_whole_pages(at, size_bytes));
    FH_UNSAFE("pages-whole");
    int saved = errno;
    (void)madvise(at, size_bytes, MADV_HUGEPAGE); /* a hint: a kernel without huge pages refuses, and nothing is lost */
    errno = saved;
}
