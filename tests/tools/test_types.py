#!/usr/bin/env python3
"""test_types: what must not compile does not: handles, pools and owned handles of one type where another's are wanted, and
results that nobody looks at. Arguments: the C compiler, the C++ compiler."""
import os
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
COMPILERS = []

HEAD = """
#include "freehold/pool.h"
struct conn { int fd; };
struct user { int id; };
FH_POOL_DEFINE(conn, struct conn);
FH_POOL_DEFINE(user, struct user);
fh_status f(conn_pool conns, conn_handle c, user_pool users, user_handle u, fh_handle raw, fh_pool *any);
fh_status f(conn_pool conns, conn_handle c, user_pool users, user_handle u, fh_handle raw, fh_pool *any) {
    struct conn *at; const struct conn *view; struct user *user; void *nothing;
    (void)conns; (void)c; (void)users; (void)u; (void)raw; (void)any; (void)at; (void)view; (void)user; (void)nothing;
    %s
}
"""
GOOD = [
    "return conn_get(conns, c, &at);",
    "return conn_view(conns, c, &view);",
    "return conn_alloc(conns, &c, &at);",
    "return conn_alloc(conns, &c, NULL);",
    "return fh_pool_get(any, raw, &nothing);",
    "fh_auto(conn_owned_drop) conn_owned o = conn_own(conns, c); return conn_get(o.pool, o.handle, &at);",
]
BAD = [
    "return conn_get(conns, u, &at);",            # the handle of another type
    "return conn_get(users, c, &at);",            # the pool of another type
    "return conn_get(conns, c, &user);",          # the object of another type
    "return conn_get(conns, raw, &at);",          # a handle without a type
    "return conn_get(conns, c.value, &at);",      # a number
    "return conn_release(conns, u);",
    "return conn_drop(users, c);",
    "return conn_view(conns, c, &at);",           # a view cannot be written
    "return conn_alloc(conns, &u, &at);",
    "return fh_pool_get(any, c, &nothing);",      # a typed handle in an untyped call
    "conn_owned o = conn_own(conns, u); return conn_get(o.pool, o.handle, &at);",
    "conn_release(conns, c); return FH_DONE;",    # nobody looks at the result
    "conn_get(conns, c, &at); return FH_DONE;",
]


def compiles(compiler, language, standard, body):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "snippet." + language)
        with open(path, "w", encoding="utf-8") as f:
            f.write(HEAD % body)
        command = [compiler, "-std=" + standard, "-Werror", "-I", os.path.join(ROOT, "include"), "-S", "-o", os.devnull, path]
        if language == "c":
            command.insert(1, "-Wincompatible-pointer-types")
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.returncode == 0, done.stderr


class Types(unittest.TestCase):
    def test_good_and_bad(self):
        for compiler, language, standard in zip(COMPILERS, ("c", "cpp"), ("c11", "c++17")):
            for body in GOOD:
                ok, said = compiles(compiler, language, standard, body)
                self.assertTrue(ok, f"{language}: {body}\n{said}")
            for body in BAD:
                ok, _ = compiles(compiler, language, standard, body)
                self.assertFalse(ok, f"{language}: compiles: {body}")


if __name__ == "__main__":
    COMPILERS = sys.argv[1:3]
    unittest.main(argv=sys.argv[:1])
