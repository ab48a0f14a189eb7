"""`python -m tests.benchmarks`: see the package."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from tests.benchmarks import peers, table
from tests.benchmarks.child import ChildError
from tests.benchmarks.record import grow, host_line, machine, measure
from tests.benchmarks.workloads import WORKLOADS, Workload
from tinygrad_xent.visualization.files import check_writable, write_whole


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
    options = parser.parse_args(arguments)
    default = "" if options.short else ",".join(peers.OTHERS)
    names = (default if options.peers is None else options.peers).split(",")
    options.peers = [name for name in map(str.strip, names) if name and name not in peers.ALWAYS]
    unknown = [name for name in options.peers if name not in peers.OTHERS]
    if unknown:
        parser.error(f"no such peer: {', '.join(unknown)}; there are {', '.join(peers.OTHERS)}")
    if options.growth and options.only:
        parser.error("--only has no effect with --growth; leave it out")
    options.workloads = chosen(options)
    if not options.workloads:
        parser.error("--only leaves no workload; --list names them, those of --short with it")
    for path in filter(None, (options.json, options.plot)):
        try:
            check_writable(path)  # now, and not when everything has been measured
        except OSError as error:
            parser.error(f"{path} cannot be written ({error.strerror})")
    if options.plot:
        try:
            from tests.benchmarks import plot
        except ImportError:
            parser.error("--plot needs matplotlib: pip install matplotlib")
        if options.plot.suffix[1:] not in plot.FORMATS:
            parser.error(f"--plot: {options.plot} does not end in .svg, .png or .pdf")
    return options


def chosen(options: argparse.Namespace) -> list[Workload]:
    return [
        workload
        for workload in WORKLOADS
        if not (options.short and workload.long)
        and (not options.only or any(part in workload.name for part in options.only))
    ]


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    if options.list:
        print("\n".join(workload.name for workload in options.workloads))
        return 0
    there = peers.installed(options.peers)
    names = [*peers.ALWAYS, *there]
    facts = machine(names) | {"short": options.short}
    versions = ", ".join(f"{name} {number}" for name, number in facts["versions"].items())
    absent = [name for name in options.peers if name not in there]
    print(host_line(facts))
    print(f"taking part: {versions}")
    if absent:
        print(f"not taking part: {', '.join(absent)}")
    found: list[dict[str, Any]] = []
    status = 0
    try:
        if options.growth:
            found.extend(grow(names, short=options.short))
        else:
            fill(found, options, names)
    except KeyboardInterrupt:
        print("stopped; what has been measured is kept")
        status = 130
    if not options.growth:
        print(table.closing(found))
        status = status or int(any("wrong" in row for row in found))
    if found:
        save({"machine": facts, "growth" if options.growth else "rows": found}, options)
    return status


def fill(rows: list[dict[str, Any]], options: argparse.Namespace, names: list[str]) -> None:
    """Measure one workload after the other, and print each as soon as it is there."""
    print(table.header(names), flush=True)
    for workload in options.workloads:
        try:
            rows.append(measure(workload, names, short=options.short))
        except ChildError as error:
            print(f"{workload.name:49}{error}")
            continue
        print(table.text(rows[-1], names), flush=True)


def save(result: dict[str, Any], options: argparse.Namespace) -> None:
    if options.json:
        write_whole(options.json, (json.dumps(result, indent=1) + "\n").encode())
    if options.plot:
        from tests.benchmarks import plot

        plot.save(result, options.plot)


if __name__ == "__main__":
    sys.exit(main())
