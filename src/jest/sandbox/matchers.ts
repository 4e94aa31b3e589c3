import { expect } from '@jest/globals';

import { outside } from './outside.js';

type Names = keyof ReturnType<typeof outside.matchers>;

/** All that there are: each is loaded with its first use. */
const names: Readonly<Record<Names, true>> = {
  toBeReady: true,
  toHaveCondition: true,
  toHaveEvent: true,
  toMatchResource: true,
};

type Matcher = (this: unknown, ...parameters: unknown[]) => Promise<{ pass: boolean; message: () => string }>;

export function extendExpect(): void {
  const extension = (name: Names): Matcher =>
    function (this: unknown, ...parameters) {
      return (outside.matchers()[name] as Matcher).apply(this, parameters);
    };
  expect.extend(Object.fromEntries((Object.keys(names) as Names[]).map((name) => [name, extension(name)])));
}
