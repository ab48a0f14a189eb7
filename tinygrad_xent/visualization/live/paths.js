// The paths along which a gradient reaches a tensor, and what each of them brings.
"use strict";

const MOST_PATHS = 64; // are followed ...
const MOST_TOLD = 6; // ... and told

/**
 * Return { count, paths }: how many paths lead from the output to a tensor, and those that were
 * followed, the one that brings most first. A path has its `events`, from the output on, what
 * `brought` holds after each of them, and for numbers the `slopes` that are multiplied.
 */
function pathsTo(live, page, target) {
  const arriving = new Map();
  for (const event of page.program.events) arriving.set(event[2], [event, ...(arriving.get(event[2]) ?? [])]);
  const count = countPaths(arriving, page.output, target);
  const found = [];
  const waiting = [[target, []]];
  while (waiting.length && found.length < MOST_PATHS) {
    const [at, events] = waiting.pop();
    if (at === page.output) found.push(events);
    else for (const event of arriving.get(at) ?? []) waiting.push([event[0], [event, ...events]]);
  }
  const paths = found.map((events) => followed(live, page, events)).filter(Boolean);
  return { count, paths: paths.sort((a, b) => sizeAt(b) - sizeAt(a)) };
}

function countPaths(arriving, output, target) {
  const known = new Map([[output, 1]]);
  const waiting = [target];
  while (waiting.length) {
    const at = waiting.at(-1);
    const senders = (arriving.get(at) ?? []).map(([from]) => from);
    const unknown = senders.filter((from) => !known.has(from));
    if (!known.has(at) && unknown.length) waiting.push(...unknown);
    else {
      waiting.pop();
      if (!known.has(at)) known.set(at, senders.reduce((sum, from) => sum + known.get(from), 0));
    }
  }
  return known.get(target);
}

/** Send the seed along one path only. */
function followed(live, page, events) {
  const tensors = page.program.tensors;
  const start = live.values[tensors.find(({ number }) => number === page.output).gradient];
  const areNumbers = events.every(([from, , to]) => [from, to].every((k) => live.values[k]?.data.length === 1));
  const brought = [start];
  const slopes = [];
  for (const event of events) {
    const next = live.through(event, brought.at(-1));
    if (!next) return null;
    brought.push(next);
    if (areNumbers) slopes.push(live.through(event, { ...brought.at(-2), data: Float64Array.of(1) }).data[0]);
  }
  return { events, brought, slopes: areNumbers ? slopes : null };
}

const norm = (array) => Math.sqrt(array.data.reduce((sum, x) => sum + x * x, 0));
const sizeAt = ({ brought }) => norm(brought.at(-1));
