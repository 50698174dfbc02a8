#!/usr/bin/env python3
"""`freehold zmq`: a proxy, a monitor and measurements, as separate processes that talk to each other."""
import json
import re
import signal
import socket
import subprocess
import time
import unittest

from program import Case, start


class Asker:
    """A REQ of ZMTP 3.0 without security (RFC 23), for one question at a time."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.socket.sendall(b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32))
        self.take(64)
        properties = b"\x0bSocket-Type\0\0\0\x03REQ"
        self.socket.sendall(bytes([4, 6 + len(properties)]) + b"\x05READY" + properties)
        self.frame()

    def close(self):
        self.socket.close()

    def take(self, size):
        data = b""
        while len(data) < size:
            more = self.socket.recv(size - len(data))
            assert more, "the peer is gone"
            data += more
        return data

    def frame(self):
        flags, size = self.take(2)
        return flags, self.take(size)

    def ask(self, text):
        """The parts of the answer."""
        self.socket.sendall(b"\x01\x00" + bytes([0, len(text)]) + text)
        parts, more = [], 1
        while more:
            more, part = self.frame()
            parts.append(part)
        assert parts[0] == b""
        return parts[1:]


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Zmq(Case):
    def begin(self, *args):
        """A part as a process of its own, which is ended with the test."""
        process = start("zmq", *args, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def asker(self, port):
        """Of a process that may not have bound yet."""
        for _ in range(1200):
            try:
                asker = Asker(port)
            except ConnectionRefusedError:
                time.sleep(0.05)
            else:
                self.addCleanup(asker.close)
                return asker
        raise AssertionError("nobody listens")

    def end(self, process, code=0):
        out, err = process.communicate(timeout=120)
        self.assertEqual(process.returncode, code, err)
        return out.decode()

    def test_perf(self):
        done = self.succeeds("zmq", "perf", "-n", 2000)
        self.assertRegex(done.text, r"\Athroughput  64 bytes, 2,000 messages: [\d.]+ ?[KMB]? messages/s, [\d.]+ Mbit/s\n"
                                    r"latency     64 bytes, 2,000 round trips: [\d.]+ us one way\n\Z")
        for endpoint in ("tcp://127.0.0.1:*", f"ipc://{self.folder}/perf"):
            done = self.succeeds("zmq", "perf", "-n", 500, "-s", 100000, "-e", endpoint, "--json")
            first, second = map(json.loads, done.text.splitlines())
            self.assertEqual((first["test"], first["message_bytes"], first["messages"]), ("throughput", 100000, 500))
            self.assertEqual((second["test"], second["message_bytes"], second["round_trips"]), ("latency", 100000, 500))
            self.assertGreater(first["messages_per_second"], 0)
            self.assertAlmostEqual(second["latency_us"], second["seconds"] / 500 / 2 * 1e6, places=3)
        self.succeeds("zmq", "perf", "-n", 1)
        self.refused("zmq", "perf", "--side", "local", message="needs --what")
        self.refused("zmq", "perf", "-e", "udp://x", "-n", 1, message="no transport")

    def test_two_sides(self):
        """A side in each process; the one that measures tells, the other says nothing."""
        for what, teller in (("throughput", "local"), ("latency", "remote")):
            common = ("perf", "--what", what, "-n", 1000, "-e", f"tcp://127.0.0.1:{free_port()}", "--json")
            sides = {side: self.begin(*common, "--side", side) for side in ("local", "remote")}
            texts = {side: self.end(process) for side, process in sides.items()}
            self.assertEqual(json.loads(texts.pop(teller))["test"], what)
            self.assertEqual(list(texts.values()), [""])

    def test_proxy(self):
        """Messages of a remote side go through to a local one; commands are answered; Ctrl-C ends it."""
        front, back, control, capture = (free_port() for _ in range(4))
        proxy = self.begin("proxy", "--kind", "streamer", "-f", f"tcp://127.0.0.1:{front}", "-b", f">tcp://127.0.0.1:{back}",
                           "--control", f"tcp://127.0.0.1:{control}", "--capture", f"tcp://127.0.0.1:{capture}", "--json")
        common = ("perf", "--what", "throughput", "-n", 3000)
        local = self.begin(*common, "--side", "local", "-e", f"tcp://127.0.0.1:{back}")
        remote = self.begin(*common, "--side", "remote", "-e", f"tcp://127.0.0.1:{front}")
        self.end(remote)
        self.assertRegex(self.end(local), "3,000 messages")
        asker = self.asker(control)
        counts = [int.from_bytes(part, "little") for part in asker.ask(b"STATISTICS")]
        self.assertEqual(counts, [3000, 192000, 0, 0, 0, 0, 3000, 192000])
        self.assertEqual(asker.ask(b"PAUSE"), [b""])
        stranger = self.asker(control)
        stranger.socket.sendall(b"\x00\x05PAUSE")  # as a DEALER does: nothing says where the request begins
        time.sleep(0.3)
        self.assertEqual(asker.ask(b"RESUME"), [b""])
        self.assertIsNone(proxy.poll())
        self.assertEqual(asker.ask(b"TERMINATE"), [b""])
        self.assertEqual(json.loads(self.end(proxy)), {"to_back": {"messages": 3000, "bytes": 192000},
                                                       "to_front": {"messages": 0, "bytes": 0}})
        proxy = self.begin("proxy", "-f", f"tcp://127.0.0.1:{front}", "-b", "tcp://127.0.0.1:*",
                           "--control", f"tcp://127.0.0.1:{control}")
        self.assertEqual(self.asker(control).ask(b"PAUSE"), [b""])
        proxy.send_signal(signal.SIGINT)
        self.assertRegex(self.end(proxy), r"\Ato the back   0 messages, 0 bytes\nto the front  0 messages, 0 bytes\n\Z")
        self.refused("zmq", "proxy", "-f", "tcp://127.0.0.1:*", message="expected --front ENDPOINT and --back ENDPOINT")
        self.refused("zmq", "proxy", "-f", "tcp://127.0.0.1:*", "-b", "what", message="no endpoint")

    def test_monitor(self):
        """Both sides of a connection, as a table and as JSON."""
        port = free_port()
        watcher = self.begin("monitor", "--type", "pull", "--bind", f"tcp://127.0.0.1:{port}", "--events", 4, "--json")
        done = self.succeeds("zmq", "perf", "--what", "throughput", "--side", "remote", "-n", 10, "-e",
                             f"tcp://127.0.0.1:{port}")
        self.assertEqual(done.text, "")
        events = [json.loads(line) for line in self.end(watcher).splitlines()]
        self.assertEqual([e["event"] for e in events], ["LISTENING", "ACCEPTED", "HANDSHAKE_SUCCEEDED", "DISCONNECTED"])
        self.refused("zmq", "monitor", *["inproc://a"] * 17, message="found 17 endpoints, expected at most 16")
        self.assertEqual({e["endpoint"] for e in events}, {f"tcp://127.0.0.1:{port}"})
        text = self.succeeds("zmq", "monitor", "--events", 3, f"tcp://127.0.0.1:{free_port()}").text
        self.assertRegex(text, re.compile(r"\A +[\d.]+ s  CONNECT_DELAYED +tcp.*\n +[\d.]+ s  CLOSED +tcp.*  errno \d+\n"
                                          r" +[\d.]+ s  CONNECT_RETRIED +tcp.*  in \d+ ms\n(?:.*\n)*"
                                          r"\d+ events, 0 messages\n\Z"))
        self.refused("zmq", "monitor", message="ENDPOINT")
        self.refused("zmq", "monitor", "inproc://", message="no endpoint")

    def test_help(self):
        for part in ("proxy", "monitor", "perf"):
            self.assertIn(f"freehold zmq {part}", self.succeeds("zmq", part, "--help").text)
            self.assertIn(part, self.succeeds("help", "zmq").text)
        self.refused("zmq", message="expected proxy, monitor or perf")
        self.refused("zmq", "prox", message="found 'prox', expected proxy, monitor or perf")


if __name__ == "__main__":
    unittest.main()
