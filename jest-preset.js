'use strict';
// The first file of ours that a run loads: any Node.js can read it.
var needed = '22.22';
var found = process.versions.node.split('.').map(Number);
if (found[0] < 22 || (found[0] === 22 && found[1] < 22)) {
  process.stderr.write(
    'jest-kubernetes needs Node.js ' +
      needed +
      ' or newer, and this is ' +
      process.version +
      ' (NODE_TOO_OLD).\n',
  );
  process.exit(1);
}
module.exports = require('./dist/jest/preset.js').preset;
