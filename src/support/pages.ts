/** Where the project's pages are read; package.json names the same repository. */
const docs = 'https://github.com/jest-kubernetes/jest-kubernetes/blob/main/docs';

/** The address of what docs/errors.md says of an error. */
export const errorPage = (code: string): string => `${docs}/errors.md#${code.toLowerCase()}`;

const seen = 'everything that was seen: ';

/** Where a reader finds the bundle, as a line. */
export const bundleLine = (path: string): string => `${seen}${path}`;

/** Whether that is all that was said. */
export const isBundleLine = (words: string): boolean => words.startsWith(seen);
