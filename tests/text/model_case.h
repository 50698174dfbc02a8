/* model_case.h: token models from JSON text in tests, and what they make of pieces.
 *
 *     check_cases(a, BPE_JSON, cases, count);
 *
 * Threading: none. */
#ifndef FH_TEST_MODEL_CASE_H
#define FH_TEST_MODEL_CASE_H

#include <string.h>

#include "support/fh_test.h"
#include "text/pipe/token_model.h"

/* A piece and its tokens as "id:begin-end id:begin-end …", or NULL where it needs an unknown token that is missing. */
typedef struct model_case {
    const char *piece, *tokens;
} model_case;

static inline fh_token_model *read_model(fh_allocator *a, const char *json) {
    fh_token_model *m = NULL;
    fh_err err;
    fh_err_clear(&err);
    fh_status s = fh_token_model_read(a, fh_span_of_str(json), 0, &m, &err);
    if (fh_failed(s))
        fail_msg("%s", err.message);
    return m;
}

/* Checks the tokens of a piece, with and without offsets. */
static inline void check_piece(fh_allocator *a, const fh_token_model *m, fh_model_scratch *room, fh_span piece,
                               const char *expected) {
    fh_token_list l, ids;
    fh_token_list_init(&l, a, false);
    fh_token_list_init(&ids, a, true);
    fh_status s = fh_token_model_encode(m, room, piece, &l);
    fh_assert_code(fh_token_model_encode(m, room, piece, &ids), s.code);
    if (expected == NULL) {
        fh_assert_code(s, FH_NOT_FOUND);
        assert_int_equal(l.count, 0);
    } else {
        fh_assert_ok(s);
        fh_buf b;
        fh_buf_init(&b, a, 0);
        assert_int_equal(ids.count, l.count);
        for (size_t i = 0; i < l.count; i++) {
            assert_int_equal(fh_u32s_get(ids.ids, i), fh_u32s_get(l.ids, i));
            fh_assert_ok(fh_buf_format(&b, "%s%u:%u-%u", i == 0 ? "" : " ", fh_u32s_get(l.ids, i), fh_u32s_get(l.begins, i),
                                       fh_u32s_get(l.ends, i)));
        }
        fh_assert_span(fh_buf_view(&b), expected);
        fh_buf_deinit(&b);
    }
    assert_int_equal(ids.begins.count, 0);
    fh_token_list_deinit(&l);
    fh_token_list_deinit(&ids);
}

/* Encodes so much that pieces are remembered from here on. */
static inline void warm_up(fh_allocator *a, const fh_token_model *m, fh_model_scratch *room) {
    static uint8_t text[8192];
    memset(text, 'a', sizeof text);
    fh_token_list l;
    fh_token_list_init(&l, a, false);
    fh_code code = fh_token_model_encode(m, room, (fh_span){text, sizeof text}, &l).code;
    assert_true(code == FH_OK || code == FH_NOT_FOUND);
    fh_token_list_deinit(&l);
}

/* Checks each case twice, since a piece that was met goes another way; and once more with the model as it is written. */
static inline void check_cases(fh_allocator *a, const char *json, const model_case *cases, size_t count) {
    fh_model_scratch *room;
    fh_assert_ok(fh_model_scratch_new(a, &room));
    fh_token_model *m = read_model(a, json);
    warm_up(a, m, room);
    for (size_t i = 0; i < 2 * count; i++)
        check_piece(a, m, room, fh_span_of_str(cases[i % count].piece), cases[i % count].tokens);
    fh_buf written;
    fh_json_writer w;
    fh_buf_init(&written, a, 0);
    fh_json_writer_init(&w, &written, true);
    fh_assert_ok(fh_token_model_write(m, &w));
    fh_token_model_free(m);
    fh_err err;
    fh_err_clear(&err);
    fh_assert_ok(fh_token_model_read(a, fh_buf_view(&written), 0, &m, &err));
    for (size_t i = 0; i < count; i++)
        check_piece(a, m, room, fh_span_of_str(cases[i].piece), cases[i].tokens);
    fh_buf_deinit(&written);
    fh_token_model_free(m);
    fh_model_scratch_free(room);
}

#define CHECK_CASES(a, json, cases) check_cases(a, json, cases, sizeof(cases) / sizeof *(cases))

#endif
