/* app.c: what the verbs share: their command line, and standard input.
 *
 * Threading: the main thread. */
#include "apps/app.h"

#include "freehold/os.h"

enum { STDIN_STEP_BYTES = 64 * 1024 };

fh_status fh_app_parse(fh_app *app, fh_cli *cli, fh_views args, bool *done, fh_err *err) {
    app->usage = true;
    FH_TRY(fh_cli_parse(cli, args, err));
    app->usage = false;
    *done = cli->help;
    if (cli->help)
        fh_cli_help(cli, &app->out);
    return FH_DONE;
}

fh_isa fh_app_isa(uint64_t choice) {
    return choice == 0 ? fh_isa_best() : (fh_isa)(choice - 1);
}

fh_status fh_app_stdin(fh_buf *out, size_t limit, fh_err *err) {
    struct {
        uint8_t bytes[STDIN_STEP_BYTES];
    } step;
    for (;;) {
        size_t got = 0;
        fh_status s = fh_os_read(0, (fh_mspan){step.bytes, sizeof step.bytes}, &got);
        if (fh_failed(s))
            return fh_fail(err, s.code, FH_NO_OFFSET, "standard input: %s", fh_code_text(s.code));
        if (got == 0)
            return FH_DONE;
        if (got > limit - out->size)
            return fh_fail(err, FH_LIMIT, FH_NO_OFFSET, "standard input: expected at most %zu bytes", limit);
        FH_TRY(fh_buf_put(out, fh_span_sub((fh_span){step.bytes, sizeof step.bytes}, 0, got)));
    }
}
