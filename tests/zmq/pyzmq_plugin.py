"""A plugin for pytest: writes each test's name when it begins, and what became of it, to the file FREEHOLD_ZMQ_LOG, so that
whoever started pytest knows which test it was that hung, or ended the process. A test that takes longer than
FREEHOLD_ZMQ_LIMIT seconds fails."""

import os
import signal

import pytest


def note(word, name, why=""):
    with open(os.environ["FREEHOLD_ZMQ_LOG"], "a", encoding="utf-8") as log:
        log.write(f"{word}\t{name}\t{why}\n")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item):
    def out_of_time(_number, _frame):
        raise TimeoutError("the test took too long")

    note("begin", item.nodeid)
    before = signal.signal(signal.SIGALRM, out_of_time)
    signal.alarm(int(os.environ["FREEHOLD_ZMQ_LIMIT"]))
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def pytest_runtest_logreport(report):
    if report.when == "call" or report.outcome != "passed":
        why = "" if report.outcome == "passed" else str(report.longrepr).strip().split("\n")[-1]
        note(report.outcome, report.nodeid, why.replace("\t", " ")[:200])
