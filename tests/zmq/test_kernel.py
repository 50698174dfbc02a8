#!/usr/bin/env python3
"""Runs a cell in a Jupyter kernel, both sides with our libzmq.so.5: Debian's packages python3-ipykernel and
python3-jupyter-client with LD_LIBRARY_PATH changed, and nothing else. Skipped where they are not installed.

    tests/zmq/test_kernel.py build/release/zmq"""

import os
import subprocess
import sys

PYTHON = "/usr/bin/python3"  # Debian's, which has the packages
CELL = """
import jupyter_client.manager
manager, client = jupyter_client.manager.start_new_kernel(kernel_name="python3", startup_timeout=60)
said = []
client.execute_interactive("print(6 * 7)", timeout=60, output_hook=lambda m: said.append(m["content"].get("text", "")))
print("cell:", "".join(said).strip())
client.stop_channels()
manager.shutdown_kernel(now=True)
"""


def main():
    library = os.path.abspath(sys.argv[1])
    has = "import ipykernel, jupyter_client, zmq"
    if not os.access(PYTHON, os.X_OK) or subprocess.run([PYTHON, "-c", has], capture_output=True, check=False).returncode != 0:
        print("skipped: python3-ipykernel or python3-jupyter-client is not installed")
        return 77
    env = dict(os.environ, LD_LIBRARY_PATH=library)
    done = subprocess.run([PYTHON, "-c", CELL], env=env, capture_output=True, text=True, timeout=200, check=False)
    if "cell: 42" in done.stdout.splitlines():
        print("a cell was run")
        return 0
    print(done.stdout[-2000:], done.stderr[-2000:])
    return 1


if __name__ == "__main__":
    sys.exit(main())
