'use strict';
// Any Node.js can read this file and the one that it loads first.
require('./dist/support/node-version.js').refuseOldNode();
module.exports = require('./dist/jest/preset.js').preset;
