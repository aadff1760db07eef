"""Prints answers that depend on integer, floating-point, string, hashing and threading code."""

import fractions
import hashlib
import json
import math
import os
import re
import struct
import threading
import zlib


def collatz(number):
    steps = 0
    while number != 1:
        number = number // 2 if number % 2 == 0 else 3 * number + 1
        steps += 1
    return steps


print("factorial", math.factorial(200))
print("collatz", max(range(1, 3000), key=collatz))
print("power", pow(3, 10**6, 10**9 + 7))
print("floats", repr(math.fsum(1 / n for n in range(1, 5000))), round(math.gamma(7.5), 9), 1e308 * 10, repr(0.1 + 0.2))
print("fraction", sum(fractions.Fraction(1, n) for n in range(1, 60)))
# Rounded: a libm may take another path on another CPU, and the last bit with it.
print("sine", round(math.sin(1e22), 12), struct.pack("<d", math.pi).hex(), float.hex(math.sqrt(2)))
print("sha256", hashlib.sha256(bytes(range(256)) * 500).hexdigest())
print("blake2b", hashlib.blake2b(b"bulkhead" * 1000).hexdigest())
print("crc32", zlib.crc32(b"x" * 100000), len(zlib.compress(bytes(range(256)) * 200)))
print("json", json.dumps(json.loads('{"b": [1, 2.5e-3, "\\u00e9"], "a": null}'), sort_keys=True))
print("regular", re.sub(r"(\w+) (\w+)", r"\2 \1", "one two three four"))

totals = []
threads = [threading.Thread(target=lambda n=n: totals.append(sum(range(n)))) for n in (1000, 2000, 3000)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print("threads", sorted(totals))

child = os.fork()
if child == 0:
    os._exit(5)
print("child", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
