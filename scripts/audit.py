"""Looks up every locked package among the known vulnerabilities: `python scripts/audit.py locks/*.txt`.

Exit code 0 only if each package of each lock was looked up and none is known to be vulnerable. A package that could not
be looked up is no good news, and is told as what it is.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any


def audited(lock: Path) -> list[dict[str, Any]]:
    """A dependency each, as pip-audit tells it. Raises RuntimeError if its database cannot be reached at all."""
    command = [sys.executable, "-m", "pip_audit", "--requirement", lock, "--require-hashes", "--disable-pip"]
    done = subprocess.run([*command, "--format", "json", "--progress-spinner", "off"], capture_output=True, text=True)
    try:
        return list(json.loads(done.stdout)["dependencies"])
    except (ValueError, KeyError) as error:
        last = done.stderr.strip().splitlines()[-1:] or ["nothing"]
        raise RuntimeError(f"{lock}: pip-audit says: {last[0]}") from error


def main(locks: list[Path]) -> int:
    clean = True
    for lock in locks:
        try:
            packages = audited(lock)
        except RuntimeError as error:
            print(error)
            clean = False
            continue
        unknown = [each["name"] for each in packages if "skip_reason" in each]
        known = [(each, vulnerability) for each in packages for vulnerability in each.get("vulns", [])]
        looked_up = len(packages) - len(unknown)
        print(f"{lock}: {len(packages)} packages, {looked_up} looked up, {len(known)} vulnerabilities")
        for each, vulnerability in known:
            fixed = ", ".join(vulnerability["fix_versions"]) or "no version yet"
            print(f"  {each['name']} {each['version']}: {vulnerability['id']}, mended in {fixed}")
        if unknown:
            which = "all of them" if len(unknown) == len(packages) else ", ".join(unknown)
            print(f"  not looked up, so nothing is known of them: {which}")
            print("  Mirrors of the index seldom have its database: run this where the index is reached.")
        clean = clean and not known and not unknown
    return 0 if clean else 1


if __name__ == "__main__":
    sys.exit(main([Path(each) for each in sys.argv[1:]]))
