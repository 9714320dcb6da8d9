"""How many messages a second are accepted, each on disk when it is answered: by `wrk`."""

import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Target", "measure_posts"]

_SCRIPT = """
wrk.method = "POST"
wrk.body = "message=hello"
wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"
wrk.headers["Authorization"] = "Bearer {token}"
done = function(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format("failed: %d\\n", errors.status + errors.connect + errors.read + errors.write))
end
"""


@dataclass(frozen=True, slots=True)
class Target:
    """Where to post, and as whom."""

    url: str
    token: str


def measure_posts(server: Target, actor_id: str, seconds: int, connections: int = 32) -> float:
    """Accepted posts a second. Raises RuntimeError if any request failed."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(_SCRIPT.replace("{token}", server.token))
        script.flush()
        url = f"{server.url}/actors/v2/{actor_id}/messages"
        command = ["wrk", "--threads", "1", "--connections", str(connections), "--duration", f"{seconds}s"]
        output = subprocess.run(
            [*command, "--script", str(Path(script.name)), url], capture_output=True, text=True, check=True
        ).stdout
    failed = re.search(r"^failed: (\d+)$", output, re.MULTILINE)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", output)
    if failed is None or rate is None or int(failed[1]):
        raise RuntimeError(f"wrk did not get an answer to every post:\n{output}")
    return float(rate[1])
