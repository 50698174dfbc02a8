#!/usr/bin/env python3
"""deed lsp, driven as an editor would: findings, hover, fixes, UTF-16, settings from above, and input that is no protocol."""
import json
import os
import pathlib
import select
import subprocess
import unittest
import urllib.parse

from cases import BAD, GOOD, PROGRAM, DeedCase

WORDS = "".join(f'#define fh_{w} __attribute__((annotate("fh:{w}")))\n'
                for w in ("owned", "owned_or_null", "or_null", "move", "drop", "ref", "mut", "out"))
WORDS += '#define fh_view(...) __attribute__((annotate("fh:view:" #__VA_ARGS__)))\n'
WORDS += '#define fh_guarded(m) __attribute__((annotate("fh:guarded:" #m)))\n'
THINGS = WORDS + """typedef struct thing {
    int count;
    int lock;
    fh_guarded(lock) int kept;
} thing;
fh_owned thing *thing_new(int size);
void thing_free(fh_drop thing *t);
int thing_size(fh_ref const thing *t);
void thing_send(fh_move thing *t, fh_mut thing *to);
fh_ref const thing *thing_look(fh_ref const thing *t) fh_view(1);
"""
MOVED = THINGS + """/* caf\u00e9 \U0001f600 */ void twice(fh_mut thing *to) {
    /* \U0001f600 */ thing *\u00e9t\u00e9 = thing_new(1); /* \U0001f600 */ thing_send(\u00e9t\u00e9, to);
    thing_send(\u00e9t\u00e9, to);
}
"""


class Client:
    """One server, and the messages to and from it."""

    def __init__(self, case, *args):
        self.case, self.id = case, 0
        self.server = subprocess.Popen([PROGRAM, "lsp", *args], cwd=case.folder, env=case.environment, stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        case.addCleanup(self.kill)

    def kill(self):
        self.server.kill()
        self.server.wait()
        for stream in (self.server.stdin, self.server.stdout, self.server.stderr):
            try:
                stream.close()
            except BrokenPipeError:  # what was written and never read goes to nobody
                pass

    def raw(self, data):
        self.server.stdin.write(data)
        self.server.stdin.flush()

    def send(self, **message):
        body = json.dumps({"jsonrpc": "2.0", **message}, ensure_ascii=message.get("id", 0) % 2 == 0).encode()
        self.raw(b"Content-Length: %d\r\n\r\n" % len(body) + body)

    def notify(self, method, **params):
        self.send(method=method, params=params)

    def take(self, seconds=60):
        """The next message from the server, or None at its end."""
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            ready, _, _ = select.select([self.server.stdout], [], [], seconds)
            self.case.assertTrue(ready, "the server says nothing")
            byte = os.read(self.server.stdout.fileno(), 1)
            if not byte:
                return None
            head += byte
        self.case.assertRegex(head, rb"^Content-Length: \d+\r\n\r\n$")
        left, body = int(head.split()[1]), b""
        while len(body) < left:
            body += os.read(self.server.stdout.fileno(), left - len(body))
        message = json.loads(body)
        self.case.assertEqual(message["jsonrpc"], "2.0")
        return message

    def ask(self, method, **params):
        self.id += 1
        self.send(id=self.id, method=method, params=params)
        while (answer := self.take()).get("id") != self.id:
            self.case.assertIn(answer.get("method"), ("textDocument/publishDiagnostics", "window/logMessage"))
        return answer

    def start(self):
        result = self.ask("initialize", processId=None, rootUri=None, capabilities={})["result"]
        self.case.assertEqual(result["capabilities"]["textDocumentSync"]["change"], 1)
        self.notify("initialized")
        return self

    def uri(self, name):
        return "file://" + urllib.parse.quote(str(self.case.folder / name))

    def findings(self, name):
        """Waits for what is published next, which must be about this file."""
        message = self.take()
        self.case.assertEqual(message["method"], "textDocument/publishDiagnostics")
        self.case.assertEqual(message["params"]["uri"], self.uri(name))
        return message["params"]["diagnostics"]

    def open(self, name, text):
        self.notify("textDocument/didOpen", textDocument={"uri": self.uri(name), "languageId": "c", "version": 1, "text": text})
        return self.findings(name)

    def change(self, name, text, version=2):
        self.notify("textDocument/didChange", textDocument={"uri": self.uri(name), "version": version},
                    contentChanges=[{"text": text}])
        return self.findings(name)

    def stop(self):
        self.case.assertEqual(self.ask("shutdown")["result"], None)
        self.notify("exit")
        self.case.assertEqual(self.server.wait(20), 0)


def slice16(text, span):
    """What a range of the protocol means, told by another implementation of UTF-16."""
    lines = text.split("\n")
    start, end = span["start"], span["end"]
    assert start["line"] == end["line"]
    units = lines[start["line"]].encode("utf-16-le")
    return units[2 * start["character"]:2 * end["character"]].decode("utf-16-le")


class Lsp(DeedCase):
    def client(self, *args):
        return Client(self, *args).start()

    def test_findings(self):
        """A finding has its code, the place of an explanation, notes with places, and help; a fixed text has none."""
        client = self.client()
        found = client.open("a.c", MOVED)
        self.assertEqual([f["code"] for f in found], ["FH0101"])
        self.assertEqual(slice16(MOVED, found[0]["range"]), "\u00e9t\u00e9")
        self.assertEqual((found[0]["severity"], found[0]["source"]), (1, "deed"))
        self.assertIn("help: ", found[0]["message"])
        note = found[0]["relatedInformation"][0]
        self.assertEqual(note["location"]["uri"], client.uri("a.c"))
        self.assertEqual(slice16(MOVED, note["location"]["range"]), "\u00e9t\u00e9")
        self.assertIn("moved", note["message"])
        href = urllib.parse.unquote(found[0]["codeDescription"]["href"])
        self.assertTrue(href.startswith("file:///"))
        explanation = pathlib.Path(href[7:]).read_text()
        self.assertTrue(explanation.startswith("# FH0101: "))
        self.assertIn(self.deed("explain", "FH0101")[0].split("\n\n", 1)[1], explanation)
        fixed = MOVED.replace("    thing_send(\u00e9t\u00e9, to);\n", "")
        self.assertEqual(client.change("a.c", fixed), [])
        self.assertEqual(len(client.change("a.c", MOVED, version=3)), 1)
        client.notify("textDocument/didClose", textDocument={"uri": client.uri("a.c")})
        self.assertEqual(client.findings("a.c"), [])
        client.stop()

    def test_same_as_check(self):
        """The findings are those of deed check."""
        source = MOVED + BAD
        self.write("a.c", source)
        out, _ = self.deed("check", "--format=json", "a.c", status=1)
        expected = [json.loads(line) for line in out.splitlines()]
        client = self.client()
        found = client.open("a.c", source)
        self.assertEqual([f["code"] for f in found], [f["code"] for f in expected])
        self.assertEqual([f["range"]["start"]["line"] + 1 for f in found], [f["line"] for f in expected])
        client.stop()

    def hover(self, client, text, word, nth=0):
        at = -1
        for _ in range(nth + 1):
            at = text.index(word, at + 1)
        line = text.count("\n", 0, at)
        column = len(text[text.rfind("\n", 0, at) + 1:at].encode("utf-16-le")) // 2
        answer = client.ask("textDocument/hover", textDocument={"uri": client.uri("a.c")},
                            position={"line": line, "character": column})["result"]
        if answer is not None:
            self.assertEqual(slice16(text, answer["range"]), word)
            answer = answer["contents"]["value"]
        return answer

    def test_hover(self):
        text = THINGS + ("int use(fh_mut thing *to, thing *plain) {\n    thing *t = thing_new(2);\n"
                         "    int \U0001f600n = 0;\n".replace("\U0001f600", "") +
                         "    /* \U0001f600 */ n = thing_size(t) + t->kept;\n    thing_send(t, to);\n    return n;\n}\n")
        client = self.client()
        client.open("a.c", text)
        told = self.hover(client, text, "thing_send", 1)
        self.assertIn("```c\nvoid thing_send(fh_move thing *t, fh_mut thing *to)\n```", told)
        self.assertIn("- `t`: taken over by the call", told)
        self.assertIn("- `to`: borrowed for the call, exclusively", told)
        self.assertIn("- result: owned: whoever gets it must end its life", self.hover(client, text, "thing_new", 1))
        self.assertIn("a view: valid while what it looks into lives and is not changed: `t`",
                      self.hover(client, text, "thing_look"))
        self.assertIn("used only with a lock held: `lock`", self.hover(client, text, "kept", 1))
        self.assertIn("- `t`: borrowed for the call, shared", self.hover(client, text, "thing_size", 1))
        self.assertIn("`to`: borrowed for the call, exclusively", self.hover(client, text, "to", text.count("to") - 1))
        self.assertIn("no contract is written", self.hover(client, text, "plain"))
        self.assertIsNone(self.hover(client, text, "return"))
        for line, character in ((0, 10**6), (10**9, 0), (10**6, 10**12), (-1, -1)):
            client.ask("textDocument/hover", textDocument={"uri": client.uri("a.c")},
                       position={"line": line, "character": character})
        self.assertIsNone(client.ask("textDocument/hover", textDocument={"uri": client.uri("none.c")},
                                     position={"line": 0, "character": 0})["result"])
        client.stop()

    def test_action(self):
        """The fix of a missing word: applied, the finding is gone."""
        text = THINGS + "const int *count_of(fh_ref const thing *t) {\n    return &t->count;\n}\n"
        client = self.client()
        found = client.open("a.c", text)
        self.assertEqual([f["code"] for f in found], ["FH0205"])
        actions = client.ask("textDocument/codeAction", textDocument={"uri": client.uri("a.c")}, range=found[0]["range"],
                             context={"diagnostics": found})["result"]
        self.assertEqual(len(actions), 1)
        self.assertEqual(actions[0]["kind"], "quickfix")
        self.assertIn("fh_view(1)", actions[0]["title"])
        edit = actions[0]["edit"]["changes"][client.uri("a.c")][0]
        self.assertEqual(edit["range"]["start"], edit["range"]["end"])
        lines = text.split("\n")
        at = edit["range"]["start"]
        line = lines[at["line"]]
        lines[at["line"]] = line[:at["character"]] + edit["newText"] + line[at["character"]:]
        self.assertEqual(client.change("a.c", "\n".join(lines)), [])
        nowhere = {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}}
        self.assertEqual(client.ask("textDocument/codeAction", textDocument={"uri": client.uri("a.c")}, range=nowhere,
                                    context={"diagnostics": []})["result"], [])
        client.stop()

    def test_settings_above(self):
        """compile_commands.json, also in build/, and deed.toml are found above the file; a header is compiled as others are."""
        self.write("project/inc/one.h", "#ifndef TWO\n#error compile as the project does\n#endif\n")
        self.write("project/build/compile_commands.json", json.dumps([
            {"directory": str(self.folder / "project/build"), "file": "../src/deep/a.c",
             "arguments": ["cc", "-DTWO=2", "-I../inc", "-Wall", "-c", "../src/deep/a.c"]}]))
        source = '#include "one.h"\n' + BAD
        self.write("project/src/deep/a.c", source)
        client = self.client()
        self.assertEqual([f["code"] for f in client.open("project/src/deep/a.c", source)], ["FH0901"])
        self.assertEqual(client.open("project/src/deep/h.h", '#include "one.h"\n' + GOOD), [])
        self.assertEqual(len(client.findings("project/src/deep/a.c")), 1)  # which might include it
        self.write("project/deed.toml", '[[audited]]\npath = "src/deep/"\nreason = "a test"\n')
        client.notify("textDocument/didSave", textDocument={"uri": client.uri("project/src/deep/a.c")})
        self.assertEqual(client.findings("project/src/deep/a.c"), [])
        self.write("project/deed.toml", 'nonsense = [\n')
        client.notify("textDocument/didSave", textDocument={"uri": client.uri("project/src/deep/a.c")})
        told = client.take()
        self.assertEqual(told["method"], "window/logMessage")
        self.assertIn("deed.toml", told["params"]["message"])
        client.findings("project/src/deep/a.c")
        client.stop()

    def test_unsaved_header(self):
        """The text of an open header counts, not that on the disk; and files that may include it are looked at again."""
        self.write("h.h", "#define OR(a) (a)\n")
        text = '#include "h.h"\nint f(int a) {\n    return OR(a);\n}\n'
        client = self.client()
        self.assertEqual(client.open("a.c", text), [])
        client.notify("textDocument/didOpen", textDocument={"uri": client.uri("h.h"), "languageId": "c", "version": 1,
                                                             "text": "#define OR(a) ((a) ?: 1)\n"})
        about = {}
        for _ in range(2):
            params = client.take()["params"]
            about[params["uri"]] = params["diagnostics"]
        self.assertEqual(about[client.uri("h.h")], [])
        self.assertEqual([f["code"] for f in about[client.uri("a.c")]], ["FH0901"])
        client.stop()

    def test_typing(self):
        """Changes that have come in together are checked once, as the last of them."""
        client = self.client()
        client.open("a.c", GOOD)
        messages = b""
        for version in range(2, 30):
            text = BAD if version == 29 else GOOD * (version % 3)
            body = json.dumps({"jsonrpc": "2.0", "method": "textDocument/didChange", "params": {
                "textDocument": {"uri": client.uri("a.c"), "version": version}, "contentChanges": [{"text": text}]}}).encode()
            messages += b"Content-Type: application/vscode-jsonrpc\r\ncontent-length:%d\r\n\r\n" % len(body) + body
        client.raw(messages)
        published = 0
        while True:
            params = client.take()["params"]
            published += 1
            if params["version"] == 29:
                break
        self.assertLess(published, 28)
        self.assertEqual([f["code"] for f in params["diagnostics"]], ["FH0901"])
        client.stop()

    def test_odd_names(self):
        """URIs with escapes; other schemes and bad escapes are no files, and no harm."""
        client = self.client()
        self.assertEqual([f["code"] for f in client.open("caf\u00e9 100%/a b.c", BAD)], ["FH0901"])
        for uri in ("untitled:one", "file://host/a.c", "file:///a%zz.c", "file:///a%00.c", "file:///a%", ""):
            client.notify("textDocument/didOpen", textDocument={"uri": uri, "languageId": "c", "version": 1, "text": BAD})
        client.stop()

    def test_order_of_life(self):
        client = Client(self)
        self.assertEqual(client.ask("textDocument/hover")["error"]["code"], -32002)
        client.start()
        self.assertEqual(client.ask("nothing/known")["error"]["code"], -32601)
        client.notify("$/unknown", deep=[[[{"a": [1, {"b": None}]}]]])
        client.notify("textDocument/didChange", textDocument={"uri": client.uri("none.c"), "version": 1}, contentChanges=[])
        client.ask("shutdown")
        self.assertEqual(client.ask("textDocument/hover")["error"]["code"], -32600)
        client.notify("exit")
        self.assertEqual(client.server.wait(20), 0)
        client = self.client()
        client.notify("exit")
        self.assertEqual(client.server.wait(20), 1)
        client = self.client()
        client.server.stdin.close()
        self.assertEqual(client.server.wait(20), 1)

    def test_bad_bodies(self):
        """A body that is no request is answered with an error, and the next one is read."""
        client = self.client()
        for body, code in ((b"", -32700), (b"{", -32700), (b"[]", -32700), (b"\xff\xfe", -32700), (b"{} {}", -32700),
                           (b"[" * 5000, -32700), (b"{}", -32600), (b'{"id":{},"method":"x"}', -32602),
                           (b'{"method":7}', -32602), (b'{"method":"x","params":{"position":{"line":1.5}}}', -32602),
                           (b'{"method":"x","params":{"textDocument":{"uri":[]}}}', -32601),
                           (b'{"id":1e999,"method":"x"}', -32601), (b'{"id":"\\ud800","method":"x"}', -32700)):
            client.raw(b"Content-Length: %d\r\n\r\n" % len(body) + body)
            if body == b'{"method":"x","params":{"textDocument":{"uri":[]}}}':
                continue  # a notification with a list where a text is due: no text, and no answer
            self.assertEqual(client.take()["error"]["code"], code, body)
        client.open("a.c", GOOD)
        client.stop()

    def test_bad_frames(self):
        """A head that is none ends the server with an error and status 2, and never later than that."""
        for data in (b"\r\n\r\n", b"Content-Length: x\r\n\r\n", b"Content-Length: -1\r\n\r\n{}", b"Content-Length:\r\n\r\n",
                     b"Content-Length: 99999999999999999999999\r\n\r\n", b"Content-Length: 67108865\r\n\r\n",
                     b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}", b"Hello: 1\r\n\r\n", b"x" * 5000,
                     b"Content-Length: 2\n\n{}" + b" " * 5000):
            client = self.client()
            client.raw(data)
            answer = client.take()
            self.assertEqual((answer["error"]["code"], answer["id"]), (-32700, None), data)
            self.assertEqual(client.server.wait(20), 2)
            self.assertIn(b"deed: ", client.server.stderr.read())
        for data in (b"Content-Length: 10\r\n\r\n{}", b"Content-Len"):
            client = self.client()
            client.raw(data)
            client.server.stdin.close()
            self.assertEqual(client.server.wait(20), 2)

    def test_client_is_gone(self):
        """Nobody reads the answers any more: the server ends."""
        client = self.client()
        client.server.stdout.close()
        try:
            for i in range(50):
                client.send(id=i, method="nothing")
        except BrokenPipeError:
            pass
        self.assertEqual(client.server.wait(20), 2)

    def test_parts(self):
        """A change of a part of a text, which was not offered, changes nothing and is told."""
        client = self.client()
        client.open("a.c", GOOD)
        client.notify("textDocument/didChange", textDocument={"uri": client.uri("a.c"), "version": 2}, contentChanges=[
            {"range": {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 1}}, "text": "x"}])
        self.assertEqual(client.take()["method"], "window/logMessage")
        client.stop()


if __name__ == "__main__":
    unittest.main()
