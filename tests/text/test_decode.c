/* test_decode.c: every decoder on lists of tokens, as the reference decodes them (tokenizers 0.23.3); single tokens; and what
 * is refused. */
#include "text/made_pipeline.h"

#define BYTELEVEL \
    "{\"type\":\"ByteLevel\",\"add_prefix_space\":true,\"trim_offsets\":true,\"use_regex\":true}"
#define WORDPIECE \
    "{\"type\":\"WordPiece\",\"prefix\":\"##\",\"cleanup\":true}"
#define WORDPIECE_2 \
    "{\"type\":\"WordPiece\",\"prefix\":\"##\",\"cleanup\":false}"
#define BPEDECODER \
    "{\"type\":\"BPEDecoder\",\"suffix\":\"</w>\"}"
#define METASPACE \
    "{\"type\":\"Metaspace\",\"replacement\":\"\xe2\x96\x81\",\"prepend_scheme\":\"first\",\"split\":true}"
#define METASPACE_2 \
    "{\"type\":\"Metaspace\",\"replacement\":\"\xe2\x96\x81\",\"prepend_scheme\":\"never\",\"split\":true}"
#define CTC \
    "{\"type\":\"CTC\",\"pad_token\":\"<pad>\",\"word_delimiter_token\":\"|\",\"cleanup\":true}"
#define CTC_2 \
    "{\"type\":\"CTC\",\"pad_token\":\"<pad>\",\"word_delimiter_token\":\"|\",\"cleanup\":false}"
#define REPLACE \
    "{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"[a-c]+\"},\"content\":\"-\"}"
#define REPLACE_2 \
    "{\"type\":\"Replace\",\"pattern\":{\"String\":\"\"},\"content\":\"-\"}"
#define FUSE \
    "{\"type\":\"Fuse\"}"
#define STRIP \
    "{\"type\":\"Strip\",\"content\":\"a\",\"start\":1,\"stop\":1}"
#define BYTEFALLBACK \
    "{\"type\":\"ByteFallback\"}"
#define SEQUENCE \
    "{\"type\":\"Sequence\",\"decoders\":[{\"type\":\"Replace\",\"pattern\":{\"String\":\"\xe2\x96\x81\"},\"content\":" \
    "\" \"},{\"type\":\"ByteFallback\"},{\"type\":\"Fuse\"},{\"type\":\"Strip\",\"content\":\" \",\"start\":1,\"stop" \
    "\":0}]}"

#define WORDS                                                                                                                \
    "{\"type\":\"WordLevel\",\"unk_token\":\"a\",\"vocab\":{\"a\":0,\"b</w>\":1,\"##c\":2,\".\":3,\"\xc4\xa0x\":4,"          \
    "\"\xc3\x83\":5,\"\xc2\xa9\":6,\"<0xC3>\":7,\"<0xA9>\":8,\"<0x41>\":9,\"\xe2\x96\x81y\":10,\"y\":11,\"|\":12,"       \
    "\"<pad>\":13,\"do\":14,\"not\":15,\" \":16,\"<s>\":17,\"\xc4\x82\":18,\"\xc3\xb0\xc5\x81\":19,\"aa\":20,"              \
    "\"\xc3\xa9\":21,\"n't\":22}}"
#define SPECIAL "[{\"id\":17,\"content\":\"<s>\",\"special\":true}]"

static const struct {
    const char *decoder;
    uint32_t ids[6];
    size_t count;
    bool skip;
    const char *expected;
} cases[] = {
    {NULL, {0, 1, 2, 3}, 4, true, "a b</w> ##c ."},
    {NULL, {4, 5, 6, 18}, 4, true, "\xc4\xa0x \xc3\x83 \xc2\xa9 \xc4\x82"},
    {NULL, {5, 4}, 2, true, "\xc3\x83 \xc4\xa0x"},
    {NULL, {7, 8, 9}, 3, true, "<0xC3> <0xA9> <0x41>"},
    {NULL, {7, 9, 7, 8}, 4, true, "<0xC3> <0x41> <0xC3> <0xA9>"},
    {NULL, {10, 10, 11, 17}, 4, true, "\xe2\x96\x81y \xe2\x96\x81y y"},
    {NULL, {10, 10, 11, 17}, 4, false, "\xe2\x96\x81y \xe2\x96\x81y y <s>"},
    {NULL, {13, 0, 0, 13, 12, 0}, 6, true, "<pad> a a <pad> | a"},
    {NULL, {14, 15, 3, 22}, 4, true, "do not . n't"},
    {NULL, {20, 0, 21, 16}, 4, true, "aa a \xc3\xa9  "},
    {NULL, {19, 4}, 2, true, "\xc3\xb0\xc5\x81 \xc4\xa0x"},
    {BYTELEVEL, {0, 1, 2, 3}, 4, true, "ab</w>##c."},
    {BYTELEVEL, {4, 5, 6, 18}, 4, true, " x\xc3\xa9\x02"},
    {BYTELEVEL, {5, 4}, 2, true, "\xef\xbf\xbd x"},
    {BYTELEVEL, {7, 8, 9}, 3, true, "<0xC3><0xA9><0x41>"},
    {BYTELEVEL, {7, 9, 7, 8}, 4, true, "<0xC3><0x41><0xC3><0xA9>"},
    {BYTELEVEL, {10, 10, 11, 17}, 4, true, "\xe2\x96\x81y\xe2\x96\x81yy"},
    {BYTELEVEL, {10, 10, 11, 17}, 4, false, "\xe2\x96\x81y\xe2\x96\x81yy<s>"},
    {BYTELEVEL, {13, 0, 0, 13, 12, 0}, 6, true, "<pad>aa<pad>|a"},
    {BYTELEVEL, {14, 15, 3, 22}, 4, true, "donot.n't"},
    {BYTELEVEL, {20, 0, 21, 16}, 4, true, "aaa\xef\xbf\xbd "},
    {BYTELEVEL, {19, 4}, 2, true, "\xef\xbf\xbd x"},
    {WORDPIECE, {0, 1, 2, 3}, 4, true, "a b</w>c."},
    {WORDPIECE, {4, 5, 6, 18}, 4, true, "\xc4\xa0x \xc3\x83 \xc2\xa9 \xc4\x82"},
    {WORDPIECE, {5, 4}, 2, true, "\xc3\x83 \xc4\xa0x"},
    {WORDPIECE, {7, 8, 9}, 3, true, "<0xC3> <0xA9> <0x41>"},
    {WORDPIECE, {7, 9, 7, 8}, 4, true, "<0xC3> <0x41> <0xC3> <0xA9>"},
    {WORDPIECE, {10, 10, 11, 17}, 4, true, "\xe2\x96\x81y \xe2\x96\x81y y"},
    {WORDPIECE, {10, 10, 11, 17}, 4, false, "\xe2\x96\x81y \xe2\x96\x81y y <s>"},
    {WORDPIECE, {13, 0, 0, 13, 12, 0}, 6, true, "<pad> a a <pad> | a"},
    {WORDPIECE, {14, 15, 3, 22}, 4, true, "do not.n't"},
    {WORDPIECE, {20, 0, 21, 16}, 4, true, "aa a \xc3\xa9  "},
    {WORDPIECE, {19, 4}, 2, true, "\xc3\xb0\xc5\x81 \xc4\xa0x"},
    {WORDPIECE_2, {0, 1, 2, 3}, 4, true, "a b</w>c ."},
    {WORDPIECE_2, {4, 5, 6, 18}, 4, true, "\xc4\xa0x \xc3\x83 \xc2\xa9 \xc4\x82"},
    {WORDPIECE_2, {5, 4}, 2, true, "\xc3\x83 \xc4\xa0x"},
    {WORDPIECE_2, {7, 8, 9}, 3, true, "<0xC3> <0xA9> <0x41>"},
    {WORDPIECE_2, {7, 9, 7, 8}, 4, true, "<0xC3> <0x41> <0xC3> <0xA9>"},
    {WORDPIECE_2, {10, 10, 11, 17}, 4, true, "\xe2\x96\x81y \xe2\x96\x81y y"},
    {WORDPIECE_2, {10, 10, 11, 17}, 4, false, "\xe2\x96\x81y \xe2\x96\x81y y <s>"},
    {WORDPIECE_2, {13, 0, 0, 13, 12, 0}, 6, true, "<pad> a a <pad> | a"},
    {WORDPIECE_2, {14, 15, 3, 22}, 4, true, "do not . n't"},
    {WORDPIECE_2, {20, 0, 21, 16}, 4, true, "aa a \xc3\xa9  "},
    {WORDPIECE_2, {19, 4}, 2, true, "\xc3\xb0\xc5\x81 \xc4\xa0x"},
    {BPEDECODER, {0, 1, 2, 3}, 4, true, "ab ##c."},
    {BPEDECODER, {4, 5, 6, 18}, 4, true, "\xc4\xa0x\xc3\x83\xc2\xa9\xc4\x82"},
    {BPEDECODER, {5, 4}, 2, true, "\xc3\x83\xc4\xa0x"},
    {BPEDECODER, {7, 8, 9}, 3, true, "<0xC3><0xA9><0x41>"},
    {BPEDECODER, {7, 9, 7, 8}, 4, true, "<0xC3><0x41><0xC3><0xA9>"},
    {BPEDECODER, {10, 10, 11, 17}, 4, true, "\xe2\x96\x81y\xe2\x96\x81yy"},
    {BPEDECODER, {10, 10, 11, 17}, 4, false, "\xe2\x96\x81y\xe2\x96\x81yy<s>"},
    {BPEDECODER, {13, 0, 0, 13, 12, 0}, 6, true, "<pad>aa<pad>|a"},
    {BPEDECODER, {14, 15, 3, 22}, 4, true, "donot.n't"},
    {BPEDECODER, {20, 0, 21, 16}, 4, true, "aaa\xc3\xa9 "},
    {BPEDECODER, {19, 4}, 2, true, "\xc3\xb0\xc5\x81\xc4\xa0x"},
    {METASPACE, {0, 1, 2, 3}, 4, true, "ab</w>##c."},
    {METASPACE, {4, 5, 6, 18}, 4, true, "\xc4\xa0x\xc3\x83\xc2\xa9\xc4\x82"},
    {METASPACE, {5, 4}, 2, true, "\xc3\x83\xc4\xa0x"},
    {METASPACE, {7, 8, 9}, 3, true, "<0xC3><0xA9><0x41>"},
    {METASPACE, {7, 9, 7, 8}, 4, true, "<0xC3><0x41><0xC3><0xA9>"},
    {METASPACE, {10, 10, 11, 17}, 4, true, "y yy"},
    {METASPACE, {10, 10, 11, 17}, 4, false, "y yy<s>"},
    {METASPACE, {13, 0, 0, 13, 12, 0}, 6, true, "<pad>aa<pad>|a"},
    {METASPACE, {14, 15, 3, 22}, 4, true, "donot.n't"},
    {METASPACE, {20, 0, 21, 16}, 4, true, "aaa\xc3\xa9 "},
    {METASPACE, {19, 4}, 2, true, "\xc3\xb0\xc5\x81\xc4\xa0x"},
    {METASPACE_2, {0, 1, 2, 3}, 4, true, "ab</w>##c."},
    {METASPACE_2, {4, 5, 6, 18}, 4, true, "\xc4\xa0x\xc3\x83\xc2\xa9\xc4\x82"},
    {METASPACE_2, {5, 4}, 2, true, "\xc3\x83\xc4\xa0x"},
    {METASPACE_2, {7, 8, 9}, 3, true, "<0xC3><0xA9><0x41>"},
    {METASPACE_2, {7, 9, 7, 8}, 4, true, "<0xC3><0x41><0xC3><0xA9>"},
    {METASPACE_2, {10, 10, 11, 17}, 4, true, " y yy"},
    {METASPACE_2, {10, 10, 11, 17}, 4, false, " y yy<s>"},
    {METASPACE_2, {13, 0, 0, 13, 12, 0}, 6, true, "<pad>aa<pad>|a"},
    {METASPACE_2, {14, 15, 3, 22}, 4, true, "donot.n't"},
    {METASPACE_2, {20, 0, 21, 16}, 4, true, "aaa\xc3\xa9 "},
    {METASPACE_2, {19, 4}, 2, true, "\xc3\xb0\xc5\x81\xc4\xa0x"},
    {CTC, {0, 1, 2, 3}, 4, true, "ab</w>##c."},
    {CTC, {4, 5, 6, 18}, 4, true, "\xc4\xa0x\xc3\x83\xc2\xa9\xc4\x82"},
    {CTC, {5, 4}, 2, true, "\xc3\x83\xc4\xa0x"},
    {CTC, {7, 8, 9}, 3, true, "<0xC3><0xA9><0x41>"},
    {CTC, {7, 9, 7, 8}, 4, true, "<0xC3><0x41><0xC3><0xA9>"},
    {CTC, {10, 10, 11, 17}, 4, true, "\xe2\x96\x81yy"},
    {CTC, {10, 10, 11, 17}, 4, false, "\xe2\x96\x81yy<s>"},
    {CTC, {13, 0, 0, 13, 12, 0}, 6, true, "a a"},
    {CTC, {14, 15, 3, 22}, 4, true, "donot.n't"},
    {CTC, {20, 0, 21, 16}, 4, true, "aaa\xc3\xa9 "},
    {CTC, {19, 4}, 2, true, "\xc3\xb0\xc5\x81\xc4\xa0x"},
    {CTC_2, {0, 1, 2, 3}, 4, true, "ab</w>##c."},
    {CTC_2, {4, 5, 6, 18}, 4, true, "\xc4\xa0x\xc3\x83\xc2\xa9\xc4\x82"},
    {CTC_2, {5, 4}, 2, true, "\xc3\x83\xc4\xa0x"},
    {CTC_2, {7, 8, 9}, 3, true, "<0xC3><0xA9><0x41>"},
    {CTC_2, {7, 9, 7, 8}, 4, true, "<0xC3><0x41><0xC3><0xA9>"},
    {CTC_2, {10, 10, 11, 17}, 4, true, "\xe2\x96\x81yy"},
    {CTC_2, {10, 10, 11, 17}, 4, false, "\xe2\x96\x81yy<s>"},
    {CTC_2, {13, 0, 0, 13, 12, 0}, 6, true, "a|a"},
    {CTC_2, {14, 15, 3, 22}, 4, true, "donot.n't"},
    {CTC_2, {20, 0, 21, 16}, 4, true, "aaa\xc3\xa9 "},
    {CTC_2, {19, 4}, 2, true, "\xc3\xb0\xc5\x81\xc4\xa0x"},
    {REPLACE, {0, 1, 2, 3}, 4, true, "--</w>##-."},
    {REPLACE, {4, 5, 6, 18}, 4, true, "\xc4\xa0x\xc3\x83\xc2\xa9\xc4\x82"},
    {REPLACE, {5, 4}, 2, true, "\xc3\x83\xc4\xa0x"},
    {REPLACE, {7, 8, 9}, 3, true, "<0xC3><0xA9><0x41>"},
    {REPLACE, {7, 9, 7, 8}, 4, true, "<0xC3><0x41><0xC3><0xA9>"},
    {REPLACE, {10, 10, 11, 17}, 4, true, "\xe2\x96\x81y\xe2\x96\x81yy"},
    {REPLACE, {10, 10, 11, 17}, 4, false, "\xe2\x96\x81y\xe2\x96\x81yy<s>"},
    {REPLACE, {13, 0, 0, 13, 12, 0}, 6, true, "<p-d>--<p-d>|-"},
    {REPLACE, {14, 15, 3, 22}, 4, true, "donot.n't"},
    {REPLACE, {20, 0, 21, 16}, 4, true, "--\xc3\xa9 "},
    {REPLACE, {19, 4}, 2, true, "\xc3\xb0\xc5\x81\xc4\xa0x"},
    {REPLACE_2, {0, 1, 2, 3}, 4, true, "-a--b-<-/-w->--#-#-c--.-"},
    {REPLACE_2, {4, 5, 6, 18}, 4, true, "-\xc4\xa0-x--\xc3\x83--\xc2\xa9--\xc4\x82-"},
    {REPLACE_2, {5, 4}, 2, true, "-\xc3\x83--\xc4\xa0-x-"},
    {REPLACE_2, {7, 8, 9}, 3, true, "-<-0-x-C-3->--<-0-x-A-9->--<-0-x-4-1->-"},
    {REPLACE_2, {7, 9, 7, 8}, 4, true, "-<-0-x-C-3->--<-0-x-4-1->--<-0-x-C-3->--<-0-x-A-9->-"},
    {REPLACE_2, {10, 10, 11, 17}, 4, true, "-\xe2\x96\x81-y--\xe2\x96\x81-y--y-"},
    {REPLACE_2, {10, 10, 11, 17}, 4, false, "-\xe2\x96\x81-y--\xe2\x96\x81-y--y--<-s->-"},
    {REPLACE_2, {13, 0, 0, 13, 12, 0}, 6, true, "-<-p-a-d->--a--a--<-p-a-d->--|--a-"},
    {REPLACE_2, {14, 15, 3, 22}, 4, true, "-d-o--n-o-t--.--n-'-t-"},
    {REPLACE_2, {20, 0, 21, 16}, 4, true, "-a-a--a--\xc3\xa9-- -"},
    {REPLACE_2, {19, 4}, 2, true, "-\xc3\xb0-\xc5\x81--\xc4\xa0-x-"},
    {FUSE, {0, 1, 2, 3}, 4, true, "ab</w>##c."},
    {FUSE, {4, 5, 6, 18}, 4, true, "\xc4\xa0x\xc3\x83\xc2\xa9\xc4\x82"},
    {FUSE, {5, 4}, 2, true, "\xc3\x83\xc4\xa0x"},
    {FUSE, {7, 8, 9}, 3, true, "<0xC3><0xA9><0x41>"},
    {FUSE, {7, 9, 7, 8}, 4, true, "<0xC3><0x41><0xC3><0xA9>"},
    {FUSE, {10, 10, 11, 17}, 4, true, "\xe2\x96\x81y\xe2\x96\x81yy"},
    {FUSE, {10, 10, 11, 17}, 4, false, "\xe2\x96\x81y\xe2\x96\x81yy<s>"},
    {FUSE, {13, 0, 0, 13, 12, 0}, 6, true, "<pad>aa<pad>|a"},
    {FUSE, {14, 15, 3, 22}, 4, true, "donot.n't"},
    {FUSE, {20, 0, 21, 16}, 4, true, "aaa\xc3\xa9 "},
    {FUSE, {19, 4}, 2, true, "\xc3\xb0\xc5\x81\xc4\xa0x"},
    {STRIP, {4, 5, 6, 18}, 4, true, "\xc4\xa0x\xc3\x83\xc2\xa9\xc4\x82"},
    {STRIP, {5, 4}, 2, true, "\xc3\x83\xc4\xa0x"},
    {STRIP, {7, 8, 9}, 3, true, "<0xC3><0xA9><0x41>"},
    {STRIP, {7, 9, 7, 8}, 4, true, "<0xC3><0x41><0xC3><0xA9>"},
    {STRIP, {10, 10, 11, 17}, 4, true, "\xe2\x96\x81y\xe2\x96\x81yy"},
    {STRIP, {10, 10, 11, 17}, 4, false, "\xe2\x96\x81y\xe2\x96\x81yy<s>"},
    {STRIP, {14, 15, 3, 22}, 4, true, "donot.n't"},
    {STRIP, {19, 4}, 2, true, "\xc3\xb0\xc5\x81\xc4\xa0x"},
    {BYTEFALLBACK, {0, 1, 2, 3}, 4, true, "ab</w>##c."},
    {BYTEFALLBACK, {4, 5, 6, 18}, 4, true, "\xc4\xa0x\xc3\x83\xc2\xa9\xc4\x82"},
    {BYTEFALLBACK, {5, 4}, 2, true, "\xc3\x83\xc4\xa0x"},
    {BYTEFALLBACK, {7, 8, 9}, 3, true, "\xc3\xa9""A"},
    {BYTEFALLBACK, {7, 9, 7, 8}, 4, true, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
    {BYTEFALLBACK, {10, 10, 11, 17}, 4, true, "\xe2\x96\x81y\xe2\x96\x81yy"},
    {BYTEFALLBACK, {10, 10, 11, 17}, 4, false, "\xe2\x96\x81y\xe2\x96\x81yy<s>"},
    {BYTEFALLBACK, {13, 0, 0, 13, 12, 0}, 6, true, "<pad>aa<pad>|a"},
    {BYTEFALLBACK, {14, 15, 3, 22}, 4, true, "donot.n't"},
    {BYTEFALLBACK, {20, 0, 21, 16}, 4, true, "aaa\xc3\xa9 "},
    {BYTEFALLBACK, {19, 4}, 2, true, "\xc3\xb0\xc5\x81\xc4\xa0x"},
    {SEQUENCE, {0, 1, 2, 3}, 4, true, "ab</w>##c."},
    {SEQUENCE, {4, 5, 6, 18}, 4, true, "\xc4\xa0x\xc3\x83\xc2\xa9\xc4\x82"},
    {SEQUENCE, {5, 4}, 2, true, "\xc3\x83\xc4\xa0x"},
    {SEQUENCE, {7, 8, 9}, 3, true, "\xc3\xa9""A"},
    {SEQUENCE, {7, 9, 7, 8}, 4, true, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
    {SEQUENCE, {10, 10, 11, 17}, 4, true, "y yy"},
    {SEQUENCE, {10, 10, 11, 17}, 4, false, "y yy<s>"},
    {SEQUENCE, {13, 0, 0, 13, 12, 0}, 6, true, "<pad>aa<pad>|a"},
    {SEQUENCE, {14, 15, 3, 22}, 4, true, "donot.n't"},
    {SEQUENCE, {20, 0, 21, 16}, 4, true, "aaa\xc3\xa9 "},
    {SEQUENCE, {19, 4}, 2, true, "\xc3\xb0\xc5\x81\xc4\xa0x"},
};

static void test_cases(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_buf got;
    fh_buf_init(&got, a, 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fh_tokenizer *tok = made_load(a, &(made_parts){.added = SPECIAL, .decoder = cases[i].decoder, .model = WORDS});
        uint32_t ids[6];
        for (size_t k = 0; k < 6; k++)
            ids[k] = cases[i].ids[k];
        fh_buf_truncate(&got, 0);
        fh_assert_ok(fh_tokenizer_decode(tok, (fh_u32s){ids, cases[i].count}, cases[i].skip, &got));
        fh_assert_span(fh_buf_view(&got), cases[i].expected);
        fh_tokenizer_free(tok);
    }
    fh_buf_deinit(&got);
}

/* Ids that are no tokens are passed over. */
static void test_unknown_ids(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_tokenizer *tok = made_load(a, &(made_parts){.decoder = FUSE, .model = WORDS});
    fh_buf got;
    fh_buf_init(&got, a, 0);
    uint32_t ids[] = {0, 23, 9999999, UINT32_MAX, 11};
    fh_assert_ok(fh_tokenizer_decode(tok, (fh_u32s){ids, 5}, true, &got));
    fh_assert_span(fh_buf_view(&got), "ay");
    fh_buf_deinit(&got);
    fh_tokenizer_free(tok);
}

/* What one token stands for: bytes, where a character is split. */
static void test_pieces(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    static const struct {
        const char *decoder;
        uint32_t id;
        bool first, control;
        const char *expected;
    } pieces[] = {
        {BYTELEVEL, 5, false, false, "\xc3"}, {BYTELEVEL, 6, false, false, "\xa9"}, {BYTELEVEL, 4, false, false, " x"},
        {SEQUENCE, 7, false, false, "\xc3"},  {SEQUENCE, 10, false, false, " y"},   {SEQUENCE, 10, true, false, "y"},
        {METASPACE, 10, true, false, "y"},    {METASPACE, 10, false, false, " y"},  {NULL, 11, false, false, "y"},
        {BYTELEVEL, 17, false, false, ""},    {BYTELEVEL, 17, false, true, "<s>"},  {WORDPIECE, 2, false, false, "c"},
        {WORDPIECE, 11, false, false, " y"},  {WORDPIECE, 11, true, false, "y"},    {FUSE, 11, false, false, "y"}};
    fh_buf got;
    fh_buf_init(&got, a, 0);
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        fh_tokenizer *tok = made_load(a, &(made_parts){.added = SPECIAL, .decoder = pieces[i].decoder, .model = WORDS});
        fh_buf_truncate(&got, 0);
        fh_assert_ok(fh_tokenizer_piece(tok, pieces[i].id, pieces[i].first, pieces[i].control, &got));
        fh_assert_span(fh_buf_view(&got), pieces[i].expected);
        fh_assert_code(fh_tokenizer_piece(tok, 23, false, true, &got), FH_INVALID);
        fh_tokenizer_free(tok);
    }
    fh_buf_deinit(&got);
}

static void test_refused(void **state) {
    static const struct {
        const char *decoder;
        fh_code code;
        const char *part;
    } bad[] = {{"7", FH_CORRUPT, "not an object"},
               {"{}", FH_UNSUPPORTED, "\"none\" is not known"},
               {"{\"type\":\"Other\"}", FH_UNSUPPORTED, "\"Other\" is not known"},
               {"{\"type\":\"Strip\",\"content\":\"ab\"}", FH_CORRUPT, "\"content\" is not one character"},
               {"{\"type\":\"Metaspace\",\"replacement\":\"\"}", FH_CORRUPT, "\"replacement\" is not one character"},
               {"{\"type\":\"Replace\",\"content\":\"\"}", FH_CORRUPT, "lacks the key \"pattern\""},
               {"{\"type\":\"Replace\",\"content\":\"\",\"pattern\":{}}", FH_CORRUPT, "a String or a Regex"},
               {"{\"type\":\"Sequence\"}", FH_CORRUPT, "lacks the key \"decoders\""},
               {"{\"type\":\"Fuse\",\"type\":\"Fuse\"}", FH_CORRUPT, "a second time"},
               {"{\"type\":\"CTC\",\"cleanup\":1}", FH_CORRUPT, "true or false"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        fh_buf b;
        fh_tokenizer *tok;
        fh_err err = {0};
        fh_buf_init(&b, fh_test_allocator(state), 0);
        made_json(&b, &(made_parts){.decoder = bad[i].decoder});
        fh_assert_code(fh_tokenizer_from_json(fh_test_allocator(state), fh_buf_view(&b), &tok, &err), bad[i].code);
        fh_assert_err(&err, bad[i].code, bad[i].part);
        assert_null(tok);
        fh_buf_deinit(&b);
    }
}

/* Sequences in sequences, up to a depth. */
static void test_depth(void **state) {
    for (size_t depth = 15; depth <= 17; depth++) {
        fh_buf d, b;
        fh_tokenizer *tok;
        fh_buf_init(&d, fh_test_allocator(state), 0);
        fh_buf_init(&b, fh_test_allocator(state), 0);
        for (size_t i = 0; i < depth; i++)
            fh_assert_ok(fh_buf_put(&d, FH_LIT("{\"type\":\"Sequence\",\"decoders\":[")));
        for (size_t i = 0; i < depth; i++)
            fh_assert_ok(fh_buf_put(&d, FH_LIT("]}")));
        fh_assert_ok(fh_buf_put_u8(&d, 0));
        made_json(&b, &(made_parts){.decoder = (const char *)fh_buf_view(&d).at});
        fh_assert_code(fh_tokenizer_from_json(fh_test_allocator(state), fh_buf_view(&b), &tok, NULL),
                       depth > 16 ? FH_LIMIT : FH_OK);
        fh_tokenizer_free(tok);
        fh_buf_deinit(&b);
        fh_buf_deinit(&d);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {FH_TEST_ALLOC(test_cases), FH_TEST_ALLOC(test_unknown_ids), FH_TEST_ALLOC(test_pieces),
                                       FH_TEST_ALLOC(test_refused), FH_TEST_ALLOC(test_depth)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
