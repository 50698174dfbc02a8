/* pretok.c: which expression a vocabulary of GGUF means by its name; scan.c cuts by it. Threading: pure functions. */
#include "text/pipe/scan.h"
#include "text/tokenizer_impl.h"

size_t fh_pretok_end(fh_pretok kind, fh_span text, size_t at) {
    static const fh_scan scans[FH_PRETOK_COUNT] = {
        [FH_PRETOK_GPT2] = FH_SCAN_GPT2, [FH_PRETOK_LLAMA3] = FH_SCAN_LLAMA3, [FH_PRETOK_QWEN2] = FH_SCAN_QWEN2};
    FH_ASSERT(kind < FH_PRETOK_COUNT);
    return fh_scan_end(scans[kind], text, at);
}

bool fh_pretok_of_name(fh_span name, fh_pretok *out) {
    /* Only names whose expression is one of the three, character for character. */
    static const struct {
        const char *name;
        fh_pretok pretok;
    } known[] = {{"gpt-2", FH_PRETOK_GPT2},     {"phi-2", FH_PRETOK_GPT2},       {"olmo", FH_PRETOK_GPT2},
                 {"mpt", FH_PRETOK_GPT2},       {"llama-bpe", FH_PRETOK_LLAMA3}, {"llama3", FH_PRETOK_LLAMA3},
                 {"llama-v3", FH_PRETOK_LLAMA3}, {"qwen2", FH_PRETOK_QWEN2},     {"deepseek-r1-qwen", FH_PRETOK_QWEN2}};
    *out = FH_PRETOK_GPT2;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (fh_span_is(name, known[i].name)) {
            *out = known[i].pretok;
            return true;
        }
    }
    return false;
}
