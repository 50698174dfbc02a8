/* test_normalizer.c: each normalizer's text and origins are the reference's; JSON is read, refused and written back; no
 * memory. */
#include "text/pipe/normalizer.h"

#include "freehold/utf8.h"
#include "support/fh_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* JSON with ' for ", as the tables below have it. Valid until: the next call. */
static fh_span json_of(const char *text) {
    static char room[4096];
    size_t size = strlen(text);
    assert_true(size < sizeof room);
    for (size_t i = 0; i <= size; i++)
        room[i] = text[i] == '\'' ? '"' : text[i];
    return fh_span_of_str(room);
}

static fh_normalizer *made(fh_allocator *a, const char *json) {
    fh_normalizer *nz = NULL;
    fh_err err = {0};
    if (fh_failed(fh_normalizer_read(a, json_of(json), 0, &nz, &err)))
        fail_msg("%s: %s", json, err.message);
    return nz;
}

/* The reference's text, and the origin of each character of it. Made with tokenizers 0.23.3. */
static const struct {
    const char *json, *text, *expected, *origins;
} cases[] = {
    {"{'type': 'BertNormalizer', 'clean_text': true, 'handle_chinese_chars': true, 'strip_acce"
     "nts': null, 'lowercase': true}",
     "H\303\251llo\011W\303\266rld \344\270\255\346\226\207\002!\342\200\213",
     "hello world  \344\270\255  \346\226\207 !",
     "0-1 1-3 3-4 4-5 5-6 6-7 7-8 8-10 10-11 11-12 12-13 13-14 14-17 14-17 14-17 17-20 17-20 1"
     "7-20 21-22"},
    {"{'type': 'BertNormalizer', 'clean_text': true, 'handle_chinese_chars': true, 'strip_acce"
     "nts': false, 'lowercase': true}",
     "\304\260\303\211e\314\201\302\240\343\200\200x",
     "i\314\207\303\251e\314\201  x",
     "0-2 0-2 2-4 4-5 5-7 7-9 9-12 12-13"},
    {"{'type': 'BertNormalizer', 'clean_text': false, 'handle_chinese_chars': false, 'strip_ac"
     "cents': true, 'lowercase': false}",
     "\303\211\314\226\314\201z\341\272\233\314\243",
     "Ez\305\277",
     "0-2 6-7 7-10"},
    {"{'type': 'BertNormalizer', 'clean_text': true, 'handle_chinese_chars': false, 'strip_acc"
     "ents': null, 'lowercase': false}",
     "\001\002a\015\012b\357\277\275\302\255",
     "a  b",
     "2-3 3-4 4-5 5-6"},
    {"{'type': 'BertNormalizer', 'clean_text': true, 'handle_chinese_chars': true, 'strip_acce"
     "nts': null, 'lowercase': true}",
     "ABCDEFGHIJ klmnop\314\201 QRSTUVWXYZ\305\275",
     "abcdefghij klmnop qrstuvwxyzz",
     "0-1 1-2 2-3 3-4 4-5 5-6 6-7 7-8 8-9 9-10 10-11 11-12 12-13 13-14 14-15 15-16 16-17 19-20"
     " 20-21 21-22 22-23 23-24 24-25 25-26 26-27 27-28 28-29 29-30 30-32"},
    {"{'type': 'Strip', 'strip_left': true, 'strip_right': true}",
     "\302\240 \011a b\343\200\200 ",
     "a b",
     "4-5 5-6 6-7"},
    {"{'type': 'Strip', 'strip_left': false, 'strip_right': true}",
     " ab  ",
     " ab",
     "0-1 1-2 2-3"},
    {"{'type': 'Strip', 'strip_left': true, 'strip_right': false}",
     " \342\200\203ab ",
     "ab ",
     "4-5 5-6 6-7"},
    {"{'type': 'Strip', 'strip_left': true, 'strip_right': true}",
     " \342\200\203\011",
     "",
     ""},
    {"{'type': 'StripAccents'}",
     "e\314\201\314\226x\314\201\340\244\203",
     "ex",
     "0-1 5-6"},
    {"{'type': 'NFC'}",
     "cafe\314\201 \342\204\253\341\204\200\341\205\241\341\206\250",
     "caf\303\251 \303\205\352\260\201",
     "0-1 1-2 2-3 3-4 6-7 7-10 10-13"},
    {"{'type': 'NFD'}",
     "\303\251\314\226\352\260\201x",
     "e\314\226\314\201\341\204\200\341\205\241\341\206\250x",
     "0-2 2-4 2-4 4-7 4-7 4-7 7-8"},
    {"{'type': 'NFD'}",
     "q\314\201\314\226\314\264",
     "q\314\264\314\226\314\201",
     "0-1 1-3 3-5 5-7"},
    {"{'type': 'NFKC'}",
     "\357\254\201\314\201\342\221\240\357\275\266\357\276\236",
     "f\303\2551\343\202\254",
     "0-3 3-5 5-8 8-11"},
    {"{'type': 'NFKD'}",
     "\357\267\272\302\275",
     "\330\265\331\204\331\211 \330\247\331\204\331\204\331\207 \330\271\331\204\331\212\331\207 \331\210\330\263\331"
     "\204\331\2051\342\201\2042",
     "0-3 0-3 0-3 0-3 0-3 0-3 0-3 0-3 0-3 0-3 0-3 0-3 0-3 0-3 0-3 0-3 0-3 0-3 3-5 3-5 3-5"},
    {"{'type': 'Lowercase'}",
     "\316\243\304\260A\341\272\236\352\237\234Z",
     "\317\203i\314\207a\303\237\306\233z",
     "0-2 2-4 2-4 4-5 5-8 8-11 11-12"},
    {"{'type': 'Nmt'}",
     "a\001\011b\342\200\213\302\217\342\226\201\357\273\277c",
     "a b   c",
     "0-1 2-3 3-4 4-7 9-12 12-15 15-16"},
    {"{'type': 'ByteLevel'}",
     "a \303\251\012\360\237\230\200~",
     "a\304\240\303\203\302\251\304\212\303\260\305\201\304\272\304\242~",
     "0-1 1-2 2-4 2-4 4-5 5-9 5-9 5-9 5-9 9-10"},
    {"{'type': 'Replace', 'pattern': {'String': ' '}, 'content': '\342\226\201'}",
     "a  b c",
     "a\342\226\201\342\226\201b\342\226\201c",
     "0-1 1-2 2-3 3-4 4-5 5-6"},
    {"{'type': 'Replace', 'pattern': {'String': 'aa'}, 'content': ''}",
     "aaabaaaa",
     "ab",
     "2-3 3-4"},
    {"{'type': 'Replace', 'pattern': {'String': 'b'}, 'content': 'xyz'}",
     "b\303\251bb",
     "xyz\303\251xyzxyz",
     "0-1 0-1 0-1 1-3 3-4 3-4 3-4 4-5 4-5 4-5"},
    {"{'type': 'Replace', 'pattern': {'Regex': '\134\134s+'}, 'content': ' '}",
     "a \011\302\240b\012",
     "a b ",
     "0-1 3-5 5-6 6-7"},
    {"{'type': 'Replace', 'pattern': {'Regex': 'x*'}, 'content': '-'}",
     "a\303\251xb",
     "-a-\303\251-b-",
     "0-0 0-1 0-1 1-3 3-4 4-5 4-5"},
    {"{'type': 'Prepend', 'prepend': '\342\226\201'}",
     "\303\251a",
     "\342\226\201\303\251a",
     "0-2 0-2 2-3"},
    {"{'type': 'Prepend', 'prepend': '\342\226\201x'}",
     "ab",
     "\342\226\201xab",
     "0-1 0-1 0-1 1-2"},
    {"{'type': 'Prepend', 'prepend': '\342\226\201'}",
     "",
     "",
     ""},
    {"{'type': 'Sequence', 'normalizers': [{'type': 'Prepend', 'prepend': '\342\226\201'}, {'type': 'Re"
     "place', 'pattern': {'String': ' '}, 'content': '\342\226\201'}]}",
     "a b",
     "\342\226\201a\342\226\201b",
     "0-1 0-1 1-2 2-3"},
    {"{'type': 'Sequence', 'normalizers': [{'type': 'NFD'}, {'type': 'StripAccents'}, {'type':"
     " 'Lowercase'}]}",
     "\303\211\303\200 \341\271\251",
     "ea s",
     "0-2 2-4 4-5 5-8"},
    {"{'type': 'Sequence', 'normalizers': [{'type': 'NFKC'}, {'type': 'Sequence', 'normalizers"
     "': []}, {'type': 'Replace', 'pattern': {'String': 'fi'}, 'content': '\357\254\201'}, {'type': 'NF"
     "KD'}]}",
     "x\357\254\201\357\254\201",
     "xfifi",
     "0-1 1-4 1-4 4-7 4-7"},
    {"{'type': 'Sequence', 'normalizers': []}",
     "\303\211",
     "\303\211",
     "0-2"},
};

static void check_case(fh_allocator *a, size_t i, fh_normalized *n) {
    fh_normalizer *nz = made(a, cases[i].json);
    fh_assert_ok(fh_normalized_reset(n, fh_span_of_str(cases[i].text), true));
    fh_assert_ok(fh_normalizer_run(nz, n));
    fh_assert_span(fh_normalized_view(n), cases[i].expected);
    const char *origins = cases[i].origins;
    fh_span text = fh_normalized_view(n);
    for (size_t at = 0; at < text.size;) {
        size_t size = fh_utf8_next(text, at).size;
        char *end = NULL;
        unsigned long begin = strtoul(origins, &end, 10), last = strtoul(end + 1, &end, 10);
        for (size_t k = 0; k < size; k++) {
            fh_origin o = fh_normalized_origin(n, at + k, at + k + 1);
            if (o.begin != begin || o.end != last)
                fail_msg("case %zu: byte %zu comes from %u to %u, expected %lu to %lu", i, at + k, o.begin, o.end, begin, last);
        }
        at += size;
        origins = end;
    }
    assert_int_equal(*origins, 0);
    /* Without origins the text is the same. */
    fh_assert_ok(fh_normalized_reset(n, fh_span_of_str(cases[i].text), false));
    fh_assert_ok(fh_normalizer_run(nz, n));
    fh_assert_span(fh_normalized_view(n), cases[i].expected);
    fh_normalizer_free(nz);
}

static void test_cases(void **state) {
    fh_normalized n;
    fh_normalized_init(&n, fh_test_allocator(state));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_case(fh_test_allocator(state), i, &n);
    fh_normalized_deinit(&n);
}

/* The numbers are the reference's: tests/golden/make_normalizer_hashes.py prints them. */
static void test_every_code_point(void **state) {
    if (fh_test_ops() < 1000000)
        fh_test_skip("all code points take a sanitizer a minute; the other builds look at them");
    static const struct {
        const char *json;
        uint64_t hash;
    } rules[] = {
        {"{'type': 'Lowercase'}", UINT64_C(0xea4dda61f58715a9)},
        {"{'type': 'StripAccents'}", UINT64_C(0x66b647cecdc3e5ff)},
        {"{'type': 'Nmt'}", UINT64_C(0x4f4dba4214bd150d)},
        {"{'type': 'ByteLevel'}", UINT64_C(0x68b5cc7b916ba623)},
        {"{'type': 'BertNormalizer', 'clean_text': true, "
         "'handle_chinese_chars': true, 'strip_accents': null, 'lowercase': true}", UINT64_C(0xd1f05eb716c28377)},
        {"{'type': 'BertNormalizer', 'clean_text': true, "
         "'handle_chinese_chars': false, 'strip_accents': false, 'lowercase': false}", UINT64_C(0xea5d64da0096456b)},
    };
    fh_allocator *a = fh_test_allocator(state);
    fh_buf text;
    fh_buf_init(&text, a, 0);
    for (uint32_t code = 0; code < 0x110000; code++) {
        if (code >= 0xd800 && code < 0xe000)
            continue;
        const uint32_t codes[] = {code, 0x301, 0x316, 0x334, 'a', code};
        for (size_t i = 0; i < 6; i++) {
            uint8_t bytes[4];
            size_t size = fh_utf8_put(codes[i], bytes);
            fh_assert_ok(fh_buf_put(&text, (fh_span){bytes, size}));
        }
    }
    fh_normalized n;
    fh_normalized_init(&n, a);
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        fh_normalizer *nz = made(a, rules[i].json);
        fh_assert_ok(fh_normalized_reset(&n, fh_buf_view(&text), false));
        fh_assert_ok(fh_normalizer_run(nz, &n));
        fh_span out = fh_normalized_view(&n);
        uint64_t h = UINT64_C(0xcbf29ce484222325);
        for (size_t k = 0; k < out.size; k++)
            h = (h ^ fh_span_at(out, k)) * UINT64_C(0x100000001b3);
        if (h != rules[i].hash)
            fail_msg("%s: hash 0x%016llx", rules[i].json, (unsigned long long)h);
        fh_normalizer_free(nz);
    }
    fh_normalized_deinit(&n);
    fh_buf_deinit(&text);
}

/* What was read is written as the reference writes it, and reads back as the same. */
static void test_round_trip(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fh_normalizer *nz = made(a, cases[i].json);
        fh_buf once;
        fh_json_writer w;
        fh_buf_init(&once, a, 0);
        fh_json_writer_init(&w, &once, false);
        fh_assert_ok(fh_normalizer_write(nz, &w));
        fh_span expected = json_of(cases[i].json);
        size_t k = 0; /* but for blanks between the tokens */
        bool quoted = false;
        for (size_t at = 0; at < expected.size; at++) {
            uint8_t c = fh_span_at(expected, at);
            quoted ^= c == '"';
            if (c == ' ' && !quoted)
                continue;
            if (k >= once.size || fh_span_at(fh_buf_view(&once), k++) != c)
                fail_msg("%s came out as %.*s", cases[i].json, FH_SPAN_FMT(fh_buf_view(&once)));
        }
        assert_int_equal(k, once.size);
        fh_buf_deinit(&once);
        fh_normalizer_free(nz);
    }
    fh_buf none;
    fh_json_writer w;
    fh_buf_init(&none, a, 0);
    fh_json_writer_init(&w, &none, false);
    fh_assert_ok(fh_normalizer_write(NULL, &w));
    fh_assert_span(fh_buf_view(&none), "null");
    fh_buf_deinit(&none);
}

/* Files of old have no types. */
static void test_untyped(void **state) {
    static const char *const pairs[][2] = {
        {"{'clean_text': true, 'handle_chinese_chars': true, 'lowercase': true}", "BertNormalizer"},
        {"{'type': 'Bert', 'clean_text': true, 'handle_chinese_chars': true, 'lowercase': true}", "BertNormalizer"},
        {"{'strip_left': true, 'strip_right': true}", "Strip"},
        {"{'normalizers': []}", "Sequence"},
        {"{'pattern': {'String': 'a'}, 'content': 'b'}", "Replace"},
        {"{'prepend': 'x'}", "Prepend"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        fh_allocator *a = fh_test_allocator(state);
        fh_normalizer *nz = made(a, pairs[i][0]);
        fh_buf out;
        fh_json_writer w;
        fh_buf_init(&out, a, 0);
        fh_json_writer_init(&w, &out, false);
        fh_assert_ok(fh_normalizer_write(nz, &w));
        char expected[64];
        snprintf(expected, sizeof expected, "{\"type\":\"%s\"", pairs[i][1]);
        assert_true(fh_span_starts(fh_buf_view(&out), fh_span_of_str(expected)));
        fh_buf_deinit(&out);
        fh_normalizer_free(nz);
    }
}

static void test_refused(void **state) {
    static const struct {
        const char *json;
        fh_code code;
        const char *says;
    } bad[] = {
        {"{'type': 'Magic'}", FH_UNSUPPORTED, "no normalizer of type"},
        {"{}", FH_CORRUPT, "no \"type\""},
        {"null", FH_CORRUPT, "not an object"},
        {"{'type': 'Strip', 'strip_left': true}", FH_CORRUPT, "strip_right"},
        {"{'type': 'Strip', 'strip_left': 1, 'strip_right': true}", FH_CORRUPT, "strip_left"},
        {"{'type': 'BertNormalizer', 'clean_text': true, 'handle_chinese_chars': true}", FH_CORRUPT, "lowercase"},
        {"{'type': 'Prepend'}", FH_CORRUPT, "prepend"},
        {"{'type': 'Replace', 'pattern': {'String': 'a'}}", FH_CORRUPT, "content"},
        {"{'type': 'Replace', 'pattern': {}, 'content': 'a'}", FH_CORRUPT, "pattern"},
        {"{'type': 'Replace', 'pattern': {'String': 'a', 'Regex': 'a'}, 'content': 'a'}", FH_CORRUPT, "2 members"},
        {"{'type': 'Replace', 'pattern': {'Glob': 'a'}, 'content': 'a'}", FH_CORRUPT, "Regex"},
        {"{'type': 'Replace', 'pattern': {'Regex': '('}, 'content': 'a'}", FH_INVALID, ""},
        {"{'type': 'Sequence'}", FH_CORRUPT, "normalizers"},
        {"{'type': 'Sequence', 'normalizers': [null]}", FH_CORRUPT, "not an object"},
        {"{'type': 'Sequence', 'normalizers': [{'type': 'NFC'}, {'type': 'NFX'}]}", FH_UNSUPPORTED, "NFX"},
        {"{'type': 'Precompiled', 'precompiled_charsmap': 'AAAA'}", FH_CORRUPT, "trie"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        fh_normalizer *nz = NULL;
        fh_err err = {0};
        fh_assert_code(fh_normalizer_read(fh_test_allocator(state), json_of(bad[i].json), 7, &nz, &err), bad[i].code);
        assert_null(nz);
        fh_assert_err(&err, bad[i].code, bad[i].says);
    }
}

/* Sixteen sequences in each other are read, seventeen are not; 256 normalizers are, 257 are not. */
static void test_limits(void **state) {
    for (size_t depth = 16; depth <= 17; depth++) {
        char json[1024] = "";
        for (size_t i = 0; i < depth; i++)
            strcat(json, "{\"normalizers\":[");
        for (size_t i = 0; i < depth; i++)
            strcat(json, "]}");
        fh_normalizer *nz = NULL;
        fh_status s = fh_normalizer_read(fh_test_allocator(state), fh_span_of_str(json), 0, &nz, NULL);
        fh_assert_code(s, depth == 16 ? FH_OK : FH_LIMIT);
        if (!fh_failed(s))
            fh_normalizer_free(nz);
    }
    for (size_t count = 255; count <= 256; count++) {
        char json[8192] = "{\"normalizers\":[{\"type\":\"NFC\"}";
        for (size_t i = 1; i < count; i++)
            strcat(json, ",{\"type\":\"NFC\"}");
        strcat(json, "]}");
        fh_normalizer *nz = NULL;
        fh_status s = fh_normalizer_read(fh_test_allocator(state), fh_span_of_str(json), 0, &nz, NULL);
        fh_assert_code(s, count == 255 ? FH_OK : FH_LIMIT);
        if (!fh_failed(s))
            fh_normalizer_free(nz);
    }
}

static void test_keeps_ascii(void **state) {
    static const struct {
        const char *json;
        bool keeps;
    } rows[] = {
        {"{'type': 'NFC'}", true},      {"{'type': 'NFKD'}", true},      {"{'type': 'StripAccents'}", true},
        {"{'type': 'Nmt'}", false},     {"{'type': 'Lowercase'}", false}, {"{'type': 'ByteLevel'}", false},
        {"{'type': 'Strip', 'strip_left': false, 'strip_right': true}", false},
        {"{'normalizers': [{'type': 'NFC'}, {'type': 'NFD'}]}", true},
        {"{'normalizers': [{'type': 'NFC'}, {'type': 'Lowercase'}]}", false},
        {"{'clean_text': false, 'handle_chinese_chars': true, 'lowercase': false}", true},
        {"{'clean_text': true, 'handle_chinese_chars': true, 'lowercase': false}", false},
    };
    assert_true(fh_normalizer_keeps_ascii(NULL));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fh_normalizer *nz = made(fh_test_allocator(state), rows[i].json);
        assert_int_equal(fh_normalizer_keeps_ascii(nz), rows[i].keeps);
        fh_normalizer_free(nz);
    }
}

/* Bytes that are not UTF-8: kept, but for what takes out or spells U+FFFD; before an expression they are refused. */
static void test_bad_bytes(void **state) {
    static const struct {
        const char *json, *expected;
    } rows[] = {
        {"{'type': 'NFC'}", "\xff\xc3x\x80"},
        {"{'type': 'Lowercase'}", "\xff\xc3x\x80"},
        {"{'type': 'Nmt'}", "  x "},
        {"{'clean_text': true, 'handle_chinese_chars': true, 'lowercase': true}", "x"},
        {"{'type': 'ByteLevel'}", "\u00ff\u00c3x\u0122"},
        {"{'type': 'Prepend', 'prepend': 'a'}", "a\xff\xc3x\x80"},
        {"{'type': 'Replace', 'pattern': {'String': 'x'}, 'content': 'y'}", "\xff\xc3y\x80"},
    };
    fh_normalized n;
    fh_normalized_init(&n, fh_test_allocator(state));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fh_normalizer *nz = made(fh_test_allocator(state), rows[i].json);
        fh_assert_ok(fh_normalized_reset(&n, FH_LIT("\xff\xc3x\x80"), true));
        fh_assert_ok(fh_normalizer_run(nz, &n));
        fh_assert_span(fh_normalized_view(&n), rows[i].expected);
        fh_normalizer_free(nz);
    }
    fh_normalizer *nz = made(fh_test_allocator(state), "{'pattern': {'Regex': 'x+y*'}, 'content': 'y'}");
    fh_assert_ok(fh_normalized_reset(&n, FH_LIT("\xffx"), true));
    fh_assert_code(fh_normalizer_run(nz, &n), FH_INVALID);
    fh_normalizer_free(nz);
    fh_normalized_deinit(&n);
}

static fh_status body(fh_allocator *a, void *arg) {
    (void)arg;
    fh_normalizer *nz = NULL;
    FH_TRY(fh_normalizer_read(a,
                              json_of("{'normalizers': [{'prepend': 'x'}, {'pattern': {'String': ' '}, 'content': '__'}, "
                                      "{'type': 'NFKD'}, {'pattern': {'Regex': '[aeiou]+z?'}, 'content': ''}]}"),
                              0, &nz, NULL));
    fh_normalized n;
    fh_normalized_init(&n, a);
    fh_status s = fh_normalized_reset(&n, FH_LIT("a b \u00e9\ufb01 c"), true);
    if (!fh_failed(s))
        s = fh_normalizer_run(nz, &n);
    if (!fh_failed(s))
        fh_assert_span(fh_normalized_view(&n), "x__b__\u0301f__c");
    fh_normalized_deinit(&n);
    fh_normalizer_free(nz);
    return s;
}

static void test_no_memory(void **state) {
    assert_true(FH_FAIL_EACH_ALLOC(fh_test_trace(state), body, NULL) >= 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_cases),   FH_TEST_ALLOC(test_every_code_point), FH_TEST_ALLOC(test_round_trip),
        FH_TEST_ALLOC(test_untyped), FH_TEST_ALLOC(test_refused),          FH_TEST_ALLOC(test_limits),
        FH_TEST_ALLOC(test_keeps_ascii), FH_TEST_ALLOC(test_bad_bytes),    FH_TEST_ALLOC(test_no_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
