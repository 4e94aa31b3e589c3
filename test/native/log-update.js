module.exports = require('./require')('log-update');
