/* json_take.c: see json_take.h. One walk over the bytes, without the turns that a reader takes between tokens; where it meets
 * anything else than it looks for it has changed nothing. Threading: as json.h. */
#include "text/json_take.h"

#include "freehold/utf8.h"
#include "text/json_scan.h"

enum { DIGITS_MAX = 18 };

/* Passes white space and a sign. */
static inline bool pass(fh_span text, fh_mut size_t *at, uint8_t sign) {
    *at = fh_json_space_end(text, *at);
    return *at < text.size && fh_span_at(text, (*at)++) == sign;
}

/* Passes white space and a string without escapes. */
static inline bool pass_string(const fh_json *j, fh_mut size_t *at, fh_json_kind kind, fh_out fh_view(*1) fh_json_token *out) {
    fh_span text = j->text;
    *out = (fh_json_token){.kind = FH_JSON_END};
    if (!pass(text, at, '"'))
        return false;
    bool ascii = false;
    size_t from = *at, end = fh_json_run_end(text, from, &ascii);
    fh_span raw = fh_span_sub(text, from, end - from);
    *at = end + 1;
    *out = (fh_json_token){kind, raw, j->base + from - 1, false};
    return end < text.size && fh_span_at(text, end) == '"' && (ascii || fh_utf8_valid(raw));
}

/* True if the reader stands where a comma or the first element of the level may come; passes the comma. */
static inline bool pass_comma(const fh_json *j, uint8_t first, fh_mut size_t *at) {
    return j->state == first || (j->state == FH_WANT_COMMA_OR_END && pass(j->text, at, ','));
}

bool fh_json_take_pair(fh_json *j, fh_json_token *left, fh_json_token *right) {
    size_t at = j->at;
    fh_span text = j->text;
    bool all = j->depth < FH_JSON_DEPTH_MAX && !fh_json_in_object(j) && pass_comma(j, FH_WANT_VALUE_OR_END, &at) &&
               pass(text, &at, '[') && pass_string(j, &at, FH_JSON_STRING, left) && pass(text, &at, ',') &&
               pass_string(j, &at, FH_JSON_STRING, right) && pass(text, &at, ']');
    if (all) {
        j->at = at;
        j->state = FH_WANT_COMMA_OR_END;
    }
    return all;
}

/* Passes white space and a whole number, behind which something else than a number goes on. */
static inline bool pass_number(fh_span text, fh_mut size_t *at, fh_out uint64_t *out) {
    size_t from = fh_json_space_end(text, *at), end = from;
    uint64_t v = 0;
    for (; end < text.size && end - from <= DIGITS_MAX && (uint8_t)(fh_span_at(text, end) - '0') < 10; end++)
        v = 10 * v + (uint64_t)(fh_span_at(text, end) - '0');
    *at = end;
    *out = v;
    if (end == from || end - from > DIGITS_MAX || end == text.size || (fh_span_at(text, from) == '0' && end - from > 1))
        return false;
    uint8_t behind = fh_span_at(text, end);
    return behind == ',' || behind == '}' || behind == '\n' || behind == ' ';
}

bool fh_json_take_entry(fh_json *j, fh_json_token *key, uint64_t *value) {
    size_t at = j->at;
    *value = 0;
    bool all = fh_json_in_object(j) && pass_comma(j, FH_WANT_KEY_OR_END, &at) && pass_string(j, &at, FH_JSON_KEY, key) &&
               pass(j->text, &at, ':') && pass_number(j->text, &at, value);
    if (all) {
        j->at = at;
        j->state = FH_WANT_COMMA_OR_END;
    }
    return all;
}
