import type { KubernetesObject } from '../../../src/kubernetes/index.js';

/* Whose the fields of a fake API server's objects are, by paths such as `.data.colour`. */

interface Owned {
  /** Who has set it first, of those who still hold it. */
  readonly by: Map<string, string>;
  /** By manager: the fields that it applied last. */
  readonly applied: Map<string, ReadonlySet<string>>;
}

export class FieldOwners {
  readonly #objects = new Map<string, Owned>();

  #of(path: string): Owned {
    const known = this.#objects.get(path) ?? { by: new Map(), applied: new Map() };
    this.#objects.set(path, known);
    return known;
  }

  /** Who has set a field; nobody is ''. */
  managerOf(path: string, field: string): string {
    return this.#of(path).by.get(field) ?? '';
  }

  /** All that have set something. */
  managers(path: string): string[] {
    const { by, applied } = this.#of(path);
    const holders = [...applied].filter(([, fields]) => fields.size > 0).map(([manager]) => manager);
    return [...new Set([...by.values(), ...holders])];
  }

  /** What nobody has set before is the manager's. */
  write(path: string, object: KubernetesObject, manager: string): void {
    const { by } = this.#of(path);
    for (const field of leaves(object).keys()) if (!by.has(field)) by.set(field, manager);
  }

  /** What an application takes back: of what this manager alone had applied, what is not in it. */
  givenUp(path: string, object: KubernetesObject, manager: string): Set<string> {
    const { by, applied } = this.#of(path);
    const wanted = leaves(object);
    const others = [...applied].filter(([other]) => other !== manager);
    return new Set(
      [...(applied.get(manager) ?? [])].filter(
        (field) =>
          !wanted.has(field) && by.get(field) === manager && !others.some(([, fields]) => fields.has(field)),
      ),
    );
  }

  /** @param givenUp - what is taken back by that */
  apply(path: string, object: KubernetesObject, manager: string, givenUp: ReadonlySet<string>): void {
    const { by, applied } = this.#of(path);
    const wanted = new Set(leaves(object).keys());
    for (const field of givenUp) by.delete(field);
    applied.set(manager, wanted);
    for (const [field, who] of by) {
      const heir = [...applied].find(([, fields]) => fields.has(field))?.[0];
      if (who === manager && !wanted.has(field) && heir !== undefined) by.set(field, heir);
    }
  }

  forget(path: string): void {
    this.#objects.delete(path);
  }
}

/** The fields that an object sets, as `.data.colour`, but what says which object it is. */
export function leaves(object: KubernetesObject): Map<string, unknown> {
  const found = new Map<string, unknown>();
  const visit = (value: unknown, path: string): void => {
    if (typeof value === 'object' && value !== null)
      for (const [key, inner] of Object.entries(value)) visit(inner, `${path}.${key}`);
    else found.set(path, value);
  };
  const { metadata, apiVersion: _version, kind: _kind, ...rest } = object;
  visit({ ...rest, metadata: { labels: metadata.labels ?? {} } }, '');
  return found;
}

/** An object without some of those fields. */
export function without(value: object, fields: ReadonlySet<string>, path = ''): object {
  const left = Object.entries(value)
    .filter(([key]) => !fields.has(`${path}.${key}`))
    .map(([key, inner]: [string, unknown]) => {
      const isInner = typeof inner === 'object' && inner !== null && !Array.isArray(inner);
      return [key, isInner ? without(inner, fields, `${path}.${key}`) : inner];
    });
  return Object.fromEntries(left) as object;
}

export function merge(one: object, other: object): object {
  const merged: Record<string, unknown> = { ...one };
  for (const [key, value] of Object.entries(other)) {
    const before = merged[key];
    const both = [before, value].every((each) => typeof each === 'object' && each !== null);
    merged[key] = both && !Array.isArray(value) ? merge(before as object, value as object) : value;
  }
  return merged;
}
