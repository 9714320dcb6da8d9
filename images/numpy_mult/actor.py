"""Multiplies two random matrices with numpy: a load for the CPU.

Message: JSON ``{"size": number, "std_dev": number}``; both may be left out. The matrices have `size` rows and columns
of normally distributed numbers.
"""

import json
import time

import numpy as np

from abaco.actors import get_context, send_bytes_result


def main() -> None:
    message = get_context().message_dict
    size = int(message.get("size", 1024))
    std_dev = float(message.get("std_dev", 100))
    generator = np.random.default_rng()
    a, b = (generator.normal(0, std_dev, (size, size)) for _ in range(2))
    started = time.perf_counter()
    product = a @ b
    seconds = time.perf_counter() - started
    print(f"Multiplied two matrices of {size} x {size} numbers in {seconds:.3f} seconds.")
    # About std_dev * std_dev * sqrt(size), so one sees that it was done.
    send_bytes_result(json.dumps({"size": size, "seconds": seconds, "std_dev": float(product.std())}).encode())


if __name__ == "__main__":
    main()
