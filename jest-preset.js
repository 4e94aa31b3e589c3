'use strict';
// Any Node.js can read this file and the two that it loads first.
const { isSwitchedOff } = require('./dist/support/switched-off.js');
const { refuseUnsupported } = require('./dist/support/supported.js');

if (!isSwitchedOff()) refuseUnsupported();
module.exports = require('./dist/jest/preset.js').preset;
