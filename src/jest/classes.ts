/**
 * A module that is loaded once per worker is shared by its test files: what one file replaces in a class
 * (`jest.spyOn(CoreV1Api.prototype, …)`) must not reach the next.
 */
const originals = new Map<object, Map<PropertyKey, PropertyDescriptor>>();

function describeProperties(target: object): Map<PropertyKey, PropertyDescriptor> {
  return new Map(
    Reflect.ownKeys(target).map((key) => [
      key,
      Reflect.getOwnPropertyDescriptor(target, key) as PropertyDescriptor,
    ]),
  );
}

/** Notes the classes of a module as they are; once is enough. */
export function rememberClasses(exported: Readonly<Record<string, unknown>>): void {
  for (const value of Object.values(exported)) {
    if (typeof value !== 'function' || originals.has(value)) continue;
    originals.set(value, describeProperties(value));
    const prototype: unknown = value.prototype;
    if (typeof prototype === 'object' && prototype !== null)
      originals.set(prototype, describeProperties(prototype));
  }
}

/** Gives every class that was noted its own methods back. */
export function restoreClasses(): void {
  for (const [target, properties] of originals) {
    for (const key of Reflect.ownKeys(target)) if (!properties.has(key)) Reflect.deleteProperty(target, key);
    for (const [key, original] of properties) {
      const now = Reflect.getOwnPropertyDescriptor(target, key);
      if (now?.value !== original.value || now?.get !== original.get)
        Reflect.defineProperty(target, key, original);
    }
  }
}
