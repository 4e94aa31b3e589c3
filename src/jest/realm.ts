/**
 * Two realms meet in a test: Jest's sandbox has an `Error`, `Date`, `Object` … of its own, and what is made natively
 * (every response of `@kubernetes/client-node`) has those of Node. What is here lets a test not notice.
 */

type Constructor = abstract new (...parameters: never[]) => object;

/** The language's constructors, of the realm that this file is loaded in. */
export const intrinsics = {
  Object,
  Function,
  Array,
  Promise,
  Date,
  RegExp,
  Map,
  Set,
  WeakMap,
  WeakSet,
  Error,
  AggregateError,
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
} as const satisfies Record<string, Constructor>;

export type Intrinsics = typeof intrinsics;

const names = Object.keys(intrinsics) as (keyof Intrinsics)[];

const isInstance = (constructor: unknown, value: unknown): boolean =>
  Function.prototype[Symbol.hasInstance].call(constructor as () => void, value);

/** Makes `value instanceof Error` (and the others) true for a native error too; subclasses are as they were. */
export function recogniseInstances(own: Intrinsics, native: Intrinsics): void {
  for (const name of names) {
    const constructor: unknown = own[name];
    const counterpart: unknown = native[name];
    if (constructor === counterpart) continue;
    Object.defineProperty(constructor, Symbol.hasInstance, {
      configurable: true,
      writable: true,
      value(this: unknown, value: unknown): boolean {
        return isInstance(this, value) || (this === constructor && isInstance(counterpart, value));
      },
    });
  }
}

type Tester = (...parameters: never[]) => unknown;

interface TesterContext {
  equals(a: unknown, b: unknown, testers?: Tester[], strict?: boolean): boolean;
}

/** A tester for `expect.addEqualityTesters`. */
export type EqualityTester = (
  this: TesterContext,
  a: unknown,
  b: unknown,
  testers: Tester[],
) => boolean | undefined;

/** How a native object of each class is seen as one of this realm; a class that is not here stays as it is. */
function views(own: Intrinsics): Partial<Record<keyof Intrinsics, (value: object) => object>> {
  const withPrototype = (prototype: object) => (value: object) =>
    Object.create(prototype, Object.getOwnPropertyDescriptors(value)) as object;
  return {
    Object: withPrototype(own.Object.prototype),
    Date: (value) => new own.Date(Number(value)),
    RegExp: (value) => new own.RegExp((value as RegExp).source, (value as RegExp).flags),
    Map: (value) => new own.Map(value as Map<unknown, unknown>),
    Set: (value) => new own.Set(value as Set<unknown>),
    ...Object.fromEntries(
      names
        .filter((name) => name.endsWith('Error'))
        .map((name) => [name, withPrototype(own[name].prototype as object)]),
    ),
  };
}

/** `toStrictEqual` alone asks for the same type: it is known by Jest's tester of that name. */
const asksForType = (testers: readonly Tester[]): boolean =>
  testers.some((tester) => tester.name === 'typeEquality');

/** Lets `toStrictEqual` compare a native object with one of this realm, by the object's view in this realm. */
export function equalityAcrossRealms(own: Intrinsics, native: Intrinsics): EqualityTester {
  const viewOf = new Map<unknown, (value: object) => object>();
  const views_ = views(own);
  for (const name of names) {
    const view = views_[name];
    if (view !== undefined && own[name] !== native[name]) viewOf.set(native[name].prototype, view);
  }
  const here = (value: unknown): unknown => {
    if (typeof value !== 'object' || value === null) return value;
    return viewOf.get(Object.getPrototypeOf(value))?.(value) ?? value;
  };
  const comparing: [unknown, unknown][] = [];

  return function equalAcrossRealms(a, b, testers) {
    if (!asksForType(testers)) return undefined;
    const [left, right] = [here(a), here(b)];
    // nothing to translate where both are of one realm
    if ((left === a) === (right === b)) return undefined;
    // views have no identity that Jest could find a circle by
    if (comparing.some(([x, y]) => x === a && y === b)) return true;
    comparing.push([a, b]);
    try {
      return this.equals(left, right, testers, true);
    } finally {
      comparing.pop();
    }
  };
}

/** `Object.prototype` of any realm: nothing is above it, and no class has these methods of its own. */
const isPlain = (value: object): boolean => {
  const prototype = Object.getPrototypeOf(value) as object | null;
  return (
    prototype === null ||
    (Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'isPrototypeOf'))
  );
};

/** The same value with plain objects and arrays of the realm that this file is loaded in; what has a class stays. */
export function asNative(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(asNative);
  if (Object.prototype.toString.call(value) === '[object Date]') return new Date(Number(value));
  if (typeof value !== 'object' || value === null || !isPlain(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, asNative(entry)]));
}
