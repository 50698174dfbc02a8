/* roads.c: which pipelines take a road of their own, that gives the same tokens in less time. The general road stays the
 * specification (tests/text/test_roads.c compares them):
 *
 *   spaces   all that happens to a text is U+2581 for each space, and perhaps one before it (Llama 2, Mistral, Gemma): it stays
 *            as it is, the model has the mark's token at spaces, and cuts the text where nothing joins
 *   leads    words are split at white space, and each gets U+2581 before it (T5, ALBERT, XLNet): the model does the latter
 *   Chinese  characters get spaces around them, at which the text is cut next (BERT): they are set apart there
 *
 * None of them is for pipelines that look for added tokens in normalized text, which would be another one; a text that has
 * U+2581 itself may come by any of them. Threading: before anybody encodes. */
#include "text/pipe/pipeline.h"

/* True if all that happens to a text before the model is U+2581 for its spaces, and *lead. */
static bool marks_spaces(const fh_pipeline *p, fh_out fh_lead *lead) {
    bool prepends = false;
    if (p->normalizer == NULL)
        return fh_pretokenizer_marks_spaces(p->pretokenizer, lead);
    bool marks = fh_normalizer_marks_spaces(p->normalizer, &prepends) && fh_pretokenizer_wants_spaces(p->pretokenizer);
    *lead = prepends ? FH_LEAD_ALWAYS : FH_LEAD_NEVER;
    return marks;
}

void fh_pipeline_choose_roads(fh_pipeline *p) {
    fh_lead lead = FH_LEAD_NEVER;
    if (p->added.normal.any)
        return;
    p->spaces = marks_spaces(p, &lead) && fh_token_model_use_spaces(p->model);
    p->lead = lead;
    p->leads = fh_pretokenizer_marks_words(p->pretokenizer) && fh_token_model_use_lead(p->model);
    if (p->pretokenizer != NULL && fh_pretokenizer_is_bert(p->pretokenizer) && fh_normalizer_leave_chinese(p->normalizer))
        fh_pretokenizer_part_chinese(p->pretokenizer);
}
