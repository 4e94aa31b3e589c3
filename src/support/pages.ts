/** Where the project's pages are read; package.json names the same repository. */
const docs = 'https://github.com/jest-kubernetes/jest-kubernetes/blob/main/docs';

/** The address of what docs/errors.md says of an error. */
export const errorPage = (code: string): string => `${docs}/errors.md#${code.toLowerCase()}`;
