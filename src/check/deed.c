/* deed.c: the program `deed`: finds the verb and runs it.
 *
 * Threading: the main thread. */
#include "check/clang.h"
#include "freehold/os.h"

static int dump(int argc, char **argv) {
    fh_arena *arena;
    fh_err err;
    fh_err_clear(&err);
    deed_arg args[512] = {"-DFH_DEED", "-std=c11"};
    size_t count = 2;
    for (int i = 3; i < argc && count < 512; i++)
        args[count++] = argv[i];
    if (fh_failed(fh_arena_new(fh_heap(), NULL, &arena)))
        return 2;
    deed_source source = {.path = argv[2], .args = {args, count}};
    deed_unit *unit;
    fh_buf out;
    fh_buf_init(&out, fh_heap(), 0);
    fh_status s = deed_unit_parse(arena, &source, &unit, &err);
    if (!fh_failed(s))
        s = deed_unit_dump(unit, &out);
    if (!fh_failed(s))
        s = fh_os_write(1, fh_buf_view(&out));
    else
        s = fh_os_write(2, fh_span_of_str(err.message));
    fh_buf_deinit(&out);
    fh_arena_free(arena);
    return fh_failed(s) ? 2 : 0;
}

int main(int argc, char **argv) {
    if (argc >= 3 && fh_span_is(fh_span_of_str(argv[1]), "dump"))
        return dump(argc, argv);
    return 2;
}
