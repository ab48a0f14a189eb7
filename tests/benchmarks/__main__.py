"""`python -m tests.benchmarks`: see the package."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from tests.benchmarks import peers, table
from tests.benchmarks.child import ChildError
from tests.benchmarks.record import grow, host_line, machine, measure
from tests.benchmarks.workloads import WORKLOADS


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    add = parser.add_argument
    add("--peers", help=f"comma-separated, of {', '.join(peers.OTHERS)}; default: all there are")
    add("--only", action="append", help="workloads with this in their name (may be repeated)")
    add("--short", action="store_true", help="less than a minute; peers only those asked for")
    add("--growth", action="store_true", help="how time and memory grow, instead of the table")
    add("--json", type=Path, help="write the figures to this file")
    add("--plot", type=Path, help="draw the figures into this file (needs matplotlib)")
    add("--list", action="store_true", help="only name the workloads")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    if options.list:
        print("\n".join(w.name for w in WORKLOADS))
        return 0
    default = "" if options.short else ",".join(peers.OTHERS)
    wanted = (default if options.peers is None else options.peers).split(",")
    unknown = [name for name in wanted if name and name not in peers.OTHERS]
    if unknown:
        print(f"no such peer: {', '.join(unknown)}; there are {', '.join(peers.OTHERS)}")
        return 2
    there = peers.installed(filter(None, wanted))
    names = [*peers.ALWAYS, *there]
    facts = machine(names) | {"short": options.short}
    versions = ", ".join(f"{name} {number}" for name, number in facts["versions"].items())
    absent = [name for name in wanted if name and name not in there]
    print(host_line(facts))
    print(f"taking part: {versions}")
    if absent:
        print(f"not taking part: {', '.join(absent)}")
    if options.growth:
        result = {"machine": facts, "growth": grow(names, short=options.short)}
        wrong = False
    else:
        print(table.header(names), flush=True)
        rows = []
        for workload in WORKLOADS:
            if options.only and not any(part in workload.name for part in options.only):
                continue
            if options.short and workload.long:
                continue
            try:
                rows.append(measure(workload, names, short=options.short))
            except ChildError as error:
                print(f"{workload.name:49}{error}")
                continue
            print(table.text(rows[-1], names), flush=True)
        print(table.closing(rows))
        result = {"machine": facts, "rows": rows}
        wrong = any("wrong" in row for row in rows)
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n")
    if options.plot:
        from tests.benchmarks import plot

        plot.save(result, options.plot)
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main())
