/**
 * Loads a package outside Jest's sandbox: ESM-only packages cannot be loaded in it.
 * Each package that needs it has a one-line file beside this one, to which jest.config.js maps its name.
 */
module.exports = globalThis.nativeRequire;
