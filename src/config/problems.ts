import type * as z from 'zod';

import { nearest } from '../support/nearest.js';

/** Every key that a configuration may have, by the path of the object that holds it (list positions as `0`). */
export type KnownKeys = ReadonlyMap<string, readonly string[]>;

/** One line for each thing that is wrong: the key, what it was and what is allowed. */
export function describeProblems(error: z.ZodError, value: unknown, known: KnownKeys): string[] {
  return error.issues.flatMap((issue) => describeIssue(issue, value, known));
}

function describeIssue(issue: z.core.$ZodIssue, value: unknown, known: KnownKeys): string[] {
  const place = issue.path.map(String);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => describeUnknown([...place, key].join('.'), key, place, known));
  }
  if (issue.code === 'invalid_union') {
    // the branch that came furthest is the one that was meant
    const meant = issue.errors
      .filter((branch) => branch.some((inner) => inner.path.length > 0 || inner.code === 'unrecognized_keys'))
      .sort((a, b) => a.length - b.length)[0];
    if (meant !== undefined) {
      return meant.flatMap((inner) =>
        describeIssue({ ...inner, path: [...issue.path, ...inner.path] }, value, known),
      );
    }
  }
  const found = issue.path.reduce<unknown>(
    (holder, key) => (holder as Record<PropertyKey, unknown> | undefined)?.[key],
    value,
  );
  return [`${place.join('.') || 'the configuration'}: ${show(found)}, but allowed is ${issue.message}`];
}

function describeUnknown(full: string, key: string, place: readonly string[], known: KnownKeys): string {
  const here = known.get(place.map((part) => (/^\d+$/.test(part) ? '0' : part)).join('.')) ?? [];
  const meant = nearest(key, here);
  if (meant !== undefined) return `${full}: not a known key; did you mean ${meant}?`;
  const elsewhere = [...known].find(([holder, keys]) => holder !== place.join('.') && keys.includes(key));
  if (elsewhere !== undefined) {
    return `${full}: not a key of ${place.join('.') || 'the configuration'}; it belongs to ${elsewhere[0] || 'the top level'}`;
  }
  return `${full}: not a known key; known are ${here.join(', ')}`;
}

function show(value: unknown): string {
  if (value === undefined) return 'it is missing';
  if (typeof value === 'function') return 'it is a function';
  return `it is ${JSON.stringify(value).slice(0, 100)}`;
}
