/* good_status.c: accepted without a finding: ownership that depends on a status. */
#include "../ui.h"

fh_status one(int n, fh_owned tensor **out) {
    tensor *t;
    FH_TRY(tensor_make(n, &t));
    fh_status s = tensor_check(t);
    if (fh_failed(s)) {
        tensor_free(t);
        return s;
    }
    *out = t;
    return FH_DONE;
}

fh_status passed(int n, fh_owned tensor **out) {
    return tensor_make(n, out);
}

fh_status chain(int n) {
    tensor *a = NULL, *b = NULL;
    fh_status s = tensor_make(n, &a);
    if (!fh_failed(s))
        s = tensor_make(n, &b);
    if (!fh_failed(s))
        tensor_add(a, b);
    tensor_free(a);
    tensor_free(b);
    return s;
}

fh_status handed(int n, fh_owned tensor **out) {
    tensor *t = NULL;
    fh_status s = tensor_make(n, &t);
    if (!fh_failed(s))
        s = tensor_check(t);
    if (fh_failed(s)) {
        tensor_free(t);
        return s;
    }
    *out = t;
    return s;
}

fh_status compared(int n) {
    tensor *t;
    fh_status s = tensor_make(n, &t);
    if (s.code == FH_OK) {
        tensor_grow(t, n);
        tensor_free(t);
    }
    return s;
}

fh_status boxes(int n) {
    box b;
    FH_TRY(box_init(&b, n));
    int sum = box_sum(&b);
    box_deinit(&b);
    return sum > 3 ? FH_DONE : FH_STATUS(FH_INVALID);
}
