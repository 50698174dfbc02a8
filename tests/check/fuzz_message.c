/* fuzz_message.c: any bytes as what an editor sends to deed lsp: first frames, then the JSON inside them.
 *
 * Properties: a message lies in the bytes, in order, and what is put out comes in again; a message that is cut is none yet; a
 * request's texts are no longer than its body, and its id is JSON. */
#include "check/message.h"
#include "freehold/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
void fh_fuzz_seeds(void (*emit)(void *ctx, fh_span seed), void *ctx);

#define CHECK(condition)      \
    do {                      \
        if (!(condition))     \
            __builtin_trap(); \
    } while (0)

static void check_body(fh_span body) {
    fh_arena *arena;
    deed_request r;
    fh_err err = {0};
    CHECK(fh_arena_new(fh_heap(), NULL, &arena).code == FH_OK);
    fh_status s = deed_request_parse(arena, body, &r, &err);
    CHECK(s.code == FH_OK || (err.code == s.code && err.message[0] != 0));
    if (r.id.size != 0) {
        fh_json j;
        fh_json_token t;
        fh_json_init(&j, r.id);
        CHECK(fh_json_next(&j, &t, NULL).code == FH_OK && (t.kind == FH_JSON_STRING || t.kind == FH_JSON_NUMBER));
        CHECK(fh_json_next(&j, &t, NULL).code == FH_OK && t.kind == FH_JSON_END);
    }
    CHECK(r.text.size <= body.size && r.method.size <= body.size && r.uri.size <= body.size);
    fh_arena_free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fh_span bytes = {data, size}, body, again;
    fh_buf out;
    fh_buf_init(&out, fh_heap(), 0);
    check_body(bytes);
    size_t at = 0, used = 0, used_again = 0;
    fh_err err = {0};
    fh_status s;
    while ((s = deed_message_next(fh_span_from(bytes, at), &body, &used, &err)).code == FH_OK) {
        CHECK(used >= body.size && used <= size - at && used > 0);
        CHECK(body.size == 0 || body.at + body.size == data + at + used);
        for (size_t cut = 0; cut < used && cut < 64; cut++)
            CHECK(deed_message_next(fh_span_sub(bytes, at, cut), &again, &used_again, NULL).code == FH_AGAIN);
        fh_buf_truncate(&out, 0);
        CHECK(deed_message_put(body, &out).code == FH_OK);
        CHECK(deed_message_next(fh_buf_view(&out), &again, &used_again, NULL).code == FH_OK && used_again == out.size &&
              fh_span_equal(again, body));
        check_body(body);
        at += used;
    }
    CHECK(s.code == FH_AGAIN || ((s.code == FH_CORRUPT || s.code == FH_LIMIT) && err.code == s.code));
    fh_buf_deinit(&out);
    return 0;
}

void fh_fuzz_seeds(void (*emit)(void *ctx, fh_span seed), void *ctx) {
    static const char *const seeds[] = {
        "Content-Length: 51\r\n\r\n{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\"}",
        "Content-Type: application/vscode-jsonrpc; charset=utf-8\r\nContent-Length: 2\r\n\r\n{}content-length:2\r\n\r\n[]",
        "{\"id\":\"a\",\"method\":\"textDocument/didOpen\",\"params\":{\"textDocument\":{\"uri\":\"file:///a%20b.c\","
        "\"version\":1,\"text\":\"int a;\\n\"}}}",
        "{\"method\":\"textDocument/didChange\",\"params\":{\"textDocument\":{\"uri\":\"u\",\"version\":null},"
        "\"contentChanges\":[{\"text\":\"a\"},{\"range\":{\"start\":{\"line\":0}},\"text\":\"\\ud83d\\ude00\"}]}}",
        "{\"id\":1e9,\"method\":\"textDocument/codeAction\",\"params\":{\"range\":{\"start\":{\"line\":1,\"character\":2},"
        "\"end\":{\"line\":3,\"character\":4}},\"position\":{\"line\":-5,\"character\":9223372036854775807}}}",
        "Content-Length: 67108865\r\n\r\n", "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx", "\r\n\r\n", "[[[[[[[[",
    };
    for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++)
        emit(ctx, fh_span_of_str(seeds[i]));
}
