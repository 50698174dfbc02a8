/* zap.c: questions to a handler, and its replies (zap.h). Threading: zap.h. */
#include "sock/zap.h"

enum { AT_DELIMITER, AT_VERSION, AT_REQUEST, AT_STATUS, AT_TEXT, AT_USER, AT_METADATA, REPLY_PARTS };
#define VERSION FH_LIT("1.0")
#define REQUEST FH_LIT("1") /* each link has one question, so its number says nothing */

/* --- questions ------------------------------------------------------------------------------------------------------------ */

/* "It SHALL be an IPv4 dotted string, or an IPv6 canonical string representation": without brackets, too. */
fh_span fh_zap_host(const fh_address *address, fh_mspan room) {
    if (address->kind != FH_ADDRESS_IP4 && address->kind != FH_ADDRESS_IP6)
        return fh_span_sub(fh_span_of_mut(room), 0, 0);
    fh_span all = fh_span_sub(fh_span_of_mut(room), 0, fh_address_print(address, room));
    size_t end = all.size;
    while (end != 0 && fh_span_at(all, end - 1) != ':')
        end--;
    FH_ASSERT(end > 2);
    return address->kind == FH_ADDRESS_IP6 ? fh_span_sub(all, 1, end - 3) : fh_span_sub(all, 0, end - 1);
}

static fh_status push(fh_mut fh_message *m, fh_ref fh_allocator *a, fh_bytes bytes) {
    fh_bytes part = fh_bytes_share(bytes);
    fh_status s = fh_message_push(m, a, &part);
    fh_bytes_drop(&part);
    return s;
}

static fh_status write_question(fh_ref fh_allocator *a, fh_ref const fh_zap_question *q, fh_mut fh_message *m) {
    FH_TRY(fh_message_push_copy(m, a, FH_LIT("")));
    FH_TRY(fh_message_push_copy(m, a, VERSION));
    FH_TRY(fh_message_push_copy(m, a, REQUEST));
    FH_TRY(fh_message_push_copy(m, a, q->domain));
    uint8_t text[FH_ADDRESS_TEXT_BYTES] = {0};
    FH_TRY(fh_message_push_copy(m, a, fh_zap_host(q->address, (fh_mspan){text, sizeof text})));
    FH_TRY(fh_message_push_copy(m, a, q->identity));
    if (q->mechanism == FH_ZMTP_NULL)
        return fh_message_push_copy(m, a, FH_LIT("NULL"));
    bool plain = q->mechanism == FH_ZMTP_PLAIN;
    FH_TRY(fh_message_push_copy(m, a, plain ? FH_LIT("PLAIN") : FH_LIT("CURVE")));
    FH_TRY(push(m, a, q->first));
    return plain ? push(m, a, q->second) : FH_DONE;
}

fh_status fh_zap_ask(fh_allocator *a, const fh_zap_question *question, fh_message *out) {
    fh_message m = {0};
    *out = (fh_message){0};
    fh_status s = write_question(a, question, &m);
    if (fh_failed(s)) {
        fh_message_drop(&m, a);
        return s;
    }
    *out = m;
    return FH_DONE;
}

/* --- replies -------------------------------------------------------------------------------------------------------------- */

uint32_t fh_zap_status(fh_span text) {
    bool right = text.size == 3 && fh_span_at(text, 0) >= '2' && fh_span_at(text, 0) <= '5' && fh_span_at(text, 1) == '0' &&
                 fh_span_at(text, 2) == '0';
    return right ? 100u * (fh_span_at(text, 0) - '0') : 0;
}

static bool are_properties(fh_span metadata) {
    fh_zmtp_property p;
    fh_status s = FH_DONE;
    for (size_t at = 0; !fh_failed(s);)
        s = fh_zmtp_property_next(metadata, &at, &p);
    return s.code == FH_END;
}

static fh_sock_zap_fault fault_of(fh_ref const fh_message *m) {
    if (fh_message_count(m) != REPLY_PARTS)
        return FH_SOCK_ZAP_MALFORMED;
    if (fh_message_view(m, AT_DELIMITER).size != 0)
        return FH_SOCK_ZAP_UNSPECIFIED;
    if (!fh_span_equal(fh_message_view(m, AT_VERSION), VERSION))
        return FH_SOCK_ZAP_VERSION;
    if (!fh_span_equal(fh_message_view(m, AT_REQUEST), REQUEST))
        return FH_SOCK_ZAP_REQUEST_ID;
    if (fh_zap_status(fh_message_view(m, AT_STATUS)) == 0)
        return FH_SOCK_ZAP_STATUS;
    return are_properties(fh_message_view(m, AT_METADATA)) ? FH_SOCK_ZAP_FINE : FH_SOCK_ZAP_METADATA;
}

void fh_zap_read(const fh_message *m, fh_zap_reply *out) {
    *out = (fh_zap_reply){.fault = fault_of(m)};
    if (out->fault != FH_SOCK_ZAP_FINE)
        return;
    out->status = fh_zap_status(fh_message_view(m, AT_STATUS));
    if (out->status != FH_SOCK_ZAP_LET_IN)
        return;
    out->user = fh_message_part(m, AT_USER);
    out->metadata = fh_message_part(m, AT_METADATA);
}

void fh_zap_reply_drop(fh_zap_reply *reply) {
    fh_bytes_drop(&reply->user);
    fh_bytes_drop(&reply->metadata);
}
