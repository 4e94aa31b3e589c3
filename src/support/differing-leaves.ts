import { isDeepStrictEqual } from 'node:util';

/** `{ nodes: [{ role: 'worker' }] }` as `nodes.0.role = "worker"`: so that a difference is shown where it is. */
function leaves(value: unknown, path = ''): [path: string, value: unknown][] {
  const entries = typeof value === 'object' && value !== null ? Object.entries(value) : [];
  if (entries.length === 0) return [[path, value]];
  return entries.flatMap(([key, inner]) => leaves(inner, path === '' ? key : `${path}.${key}`));
}

/** The paths at which two values differ, each with what either has there; undefined where it has nothing. */
export function differingLeaves(
  one: unknown,
  other: unknown,
): { path: string; one: unknown; other: unknown }[] {
  const [left, right] = [new Map(leaves(one)), new Map(leaves(other))];
  return [...new Set([...left.keys(), ...right.keys()])]
    .map((path) => ({ path, one: left.get(path), other: right.get(path) }))
    .filter((each) => !isDeepStrictEqual(each.one, each.other));
}
