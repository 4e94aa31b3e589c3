module.exports = require('./require')('p-retry');
