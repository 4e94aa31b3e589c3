import { closest, distance } from 'fastest-levenshtein';

/** The known word that a misspelt one was most likely meant to be; undefined where none is near. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const lower = new Map(known.map((each) => [each.toLowerCase(), each]));
  if (lower.size === 0) return undefined;
  const candidate = closest(word.toLowerCase(), [...lower.keys()]);
  const allowed = Math.max(2, Math.floor(word.length / 3));
  // a word as short as the allowed distance would be near anything
  const near = distance(word.toLowerCase(), candidate) <= Math.min(allowed, candidate.length - 1);
  return near ? lower.get(candidate) : undefined;
}
