const { types } = require('node:util');
const { TestEnvironment } = require('jest-environment-node');

/** Node's environment, with the way out of Jest's sandbox that require.js needs: Jest 30.5 closed every other. */
module.exports = class extends TestEnvironment {
  constructor(...args) {
    super(...args);
    this.global.nativeRequire = require;
    // an error that crosses the sandbox's border stays an Error for `instanceof`, in both directions
    for (const realm of [globalThis, this.global]) recogniseErrors(realm.Error);
  }
};

function recogniseErrors(anyError) {
  const inherits = Function.prototype[Symbol.hasInstance];
  Object.defineProperty(anyError, Symbol.hasInstance, {
    configurable: true,
    value(thing) {
      return (this === anyError && types.isNativeError(thing)) || inherits.call(this, thing);
    },
  });
}
