import { createRequire } from 'node:module';
import { sep } from 'node:path';

/** From package to package, each a dependency of the one before: strict package managers allow no other way. */
function resolveAlong(from: string, packages: readonly string[]): string | undefined {
  try {
    return packages.reduce((place, name, index) => {
      const isLast = index === packages.length - 1;
      return createRequire(place).resolve(isLast ? name : `${name}/package.json`);
    }, from);
  } catch {
    return undefined;
  }
}

/**
 * A package of the Jest that runs here, 29 or 30, by its path; by its name alone where that cannot be found out.
 *
 * @param along - the packages from `jest` to it, each a dependency of the one before
 */
export function resolveOfJest(along: readonly [...string[], parent: string, name: string]): string {
  const [parent, name] = along.slice(-2) as [string, string];
  const loaded = Object.keys(require.cache).find((path) => path.includes(`${sep}${parent}${sep}build${sep}`));
  return (
    (loaded === undefined ? undefined : resolveAlong(loaded, [name])) ??
    resolveAlong(`${process.cwd()}${sep}`, along) ??
    resolveAlong(__filename, along) ??
    name
  );
}
